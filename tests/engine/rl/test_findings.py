"""RL-data health: the measures on small exact files, and each finding raised and narrowly not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.rl.health.findings import rl_findings
from engine.rl.reading.file import read_rl_file
from tests import helpers_rl as make

Change = Callable[[make.Document], None]


def judge(tmp_path: Path, document: make.Document) -> tuple[dict[str, Any], dict[str, str]]:
    measures, findings = rl_findings(read_rl_file(make.write(tmp_path / "rl.json", document)))
    return measures, {finding.code: finding.message for finding in reversed(findings)}


def graded(document: make.Document, accuracies: list[list[float]]) -> make.Document:
    """Give each candidate its accuracy."""
    for record, row in zip((r for k, r in document.items() if k != "_meta"), accuracies, strict=True):
        for candidate, accuracy in zip(record["pointer_candidates"], row, strict=True):
            candidate |= {"vqa_acc_score": accuracy, "vqa_correct": int(accuracy > 0)}
    return document


SOUND = [[1.0, 0.0, 0.6, 0.0]] * 8 + [[1.0, 1.0, 1.0, 1.0], [0.0, 0.0, 0.0, 0.0]]


def sound() -> make.Document:
    return graded(make.pooled(10, 4), SOUND)


@pytest.mark.parametrize("make_document", [make.strict, make.pooled])
def test_a_sound_file_gives_no_finding(make_document: Callable[..., make.Document], tmp_path: Path) -> None:
    measures, codes = judge(tmp_path, graded(make_document(10, 4), SOUND))
    assert codes == {}
    assert (measures["queries"], measures["candidates"]) == (10, 40)
    assert measures["positive_rate"] == pytest.approx(20 / 40)
    assert measures["query_positive_rate"] == pytest.approx(0.9)
    assert measures["signal_rate"] == measures["predicted_advantage_std"] == pytest.approx(0.8)
    assert measures["groups"] == {"all_zero": 1, "all_one": 1, "mixed": 8}
    assert measures["reward_histogram"] == [(0.0, 20), (1.6, 8), (2.0, 12)]


def test_tied_best_candidates_have_no_signal_at_the_top(tmp_path: Path) -> None:
    measures, _ = judge(tmp_path, graded(make.strict(2, 5), [[1.0, 1.0, 1.0, 0.0, 0.0], [1.0, 1.0, 0.0, 0.0, 0.0]]))
    assert measures["signal_rate"] == 1.0
    assert measures["top_3_signal_rate"] == 0.5


def test_the_published_broken_file_is_predicted(tmp_path: Path) -> None:
    """5 of 800 queries with a positive: 4 of the 640 training queries gave the famous advantage deviation 0.00625."""
    document = graded(make.strict(640, 2), [[1.0, 0.0]] * 4 + [[0.0, 0.0]] * 636)
    measures, codes = judge(tmp_path, document)
    assert measures["predicted_advantage_std"] == pytest.approx(0.00625)
    assert "suspect the prompt" in codes["positive-rate-low"]
    assert "0.62 %" in codes["signal-rate-low"]


def share(positives: int, of: int) -> make.Document:
    """One candidate in each of `positives` of `of` two-candidate groups is right."""
    return graded(make.strict(of, 2), [[1.0, 0.0]] * positives + [[0.0, 0.0]] * (of - positives))


@pytest.mark.parametrize(
    ("positives", "of", "found"),
    [
        (1, 60, {"positive-rate-low", "signal-rate-low"}), (6, 50, {"query-positive-rate-low", "mixed-groups-few"}),
        (5, 49, {"query-positive-rate-low", "mixed-groups-few"}), (10, 50, {"mixed-groups-few"}), (25, 50, set()),
    ],
)  # fmt: skip
def test_thresholds_of_rates(positives: int, of: int, found: set[str], tmp_path: Path) -> None:
    _, codes = judge(tmp_path, share(positives, of))
    assert set(codes) == found


def test_nearly_all_right_is_no_choice_either(tmp_path: Path) -> None:
    assert "positive-rate-high" in judge(tmp_path, graded(make.strict(2, 11), [[1.0] * 10 + [0.0]] * 2))[1]
    assert "positive-rate-high" not in judge(tmp_path, graded(make.strict(2, 10), [[1.0] * 9 + [0.0]] * 2))[1]


def _own_demonstration(document: make.Document) -> None:
    candidate, pool = document["3"]["pointer_candidates"][1], document["3"]["candidate_pool_ids"]
    pool[candidate["pointer"][0]] = candidate["pointer_global"][0] = 3


def _repeat(document: make.Document) -> None:
    candidate = document["4"]["pointer_candidates"][2]
    candidate["pointer"][1] = candidate["pointer"][0]
    candidate["pointer_global"][1] = candidate["pointer_global"][0]


def _out_of_pool(document: make.Document) -> None:
    pool = document["5"]["candidate_pool_ids"]
    outside = next(i for i in range(100, make.TRAIN_SIZE) if i not in pool)
    document["5"]["pointer_candidates"][0] |= {"pointer": [outside, pool[0]], "pointer_global": [outside, pool[0]]}


def _repeated_pool(document: make.Document) -> None:
    pool = document["6"]["candidate_pool_ids"]
    used = {i for c in document["6"]["pointer_candidates"] for i in c["pointer"]}
    first, second = [i for i in range(len(pool)) if i not in used][:2]
    pool[first] = pool[second]


def _uneven_pool(document: make.Document) -> None:
    pool = document["6"]["candidate_pool_ids"]
    pool.append(next(i for i in range(make.TRAIN_SIZE) if i not in pool and i != 6))


def _single(document: make.Document) -> None:
    del document["7"]["pointer_candidates"][1:]


def _empty(document: make.Document) -> None:
    document["7"]["pointer_candidates"] = []


def _fallback(document: make.Document) -> None:
    for query in ("0", "1"):
        for candidate in document[query]["pointer_candidates"][:3]:
            candidate["vqa_eval_mode"] = "fallback"


def _transfer(document: make.Document) -> None:
    document["0"]["pointer_candidates"][0]["gen_method"] = "global_positive_transfer"


def _no_correctness(document: make.Document) -> None:
    del document["0"]["pointer_candidates"][0]["vqa_correct"]


def _fix_failed(document: make.Document) -> None:
    document["8"]["_fix_failed"] = True
    for candidate in document["8"]["pointer_candidates"]:
        candidate["pointer"] = candidate["pointer_global"]


def _set(**fields: Any) -> Change:
    return lambda document: document["4"]["pointer_candidates"][1].update(fields)


def _strict_fallback(document: make.Document) -> None:
    document["_meta"]["strict_eval"] = True
    document["4"]["pointer_candidates"][1]["vqa_eval_mode"] = "fallback"


def _no_pool(document: make.Document) -> None:
    del document["7"]["candidate_pool_ids"]
    for candidate in document["7"]["pointer_candidates"]:
        del candidate["pointer"]


def _repeats(document: make.Document) -> None:
    for query in "0123":
        group = document[query]["pointer_candidates"]
        for field in ("pointer", "pointer_global"):
            group[1][field], group[2][field] = list(group[0][field]), group[0][field][::-1]


def _one_answer(document: make.Document) -> None:
    for query in "012345":
        for candidate in document[query]["pointer_candidates"]:
            candidate["vqa_pred_answer"] = "a Bird" if query < "3" else "bird"


def _no_meta(document: make.Document) -> None:
    del document["_meta"]


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        (_own_demonstration, "self-demonstration", "query 3, candidate 1"), (_repeat, "pointer-repeat", "query 4, candidate 2"),
        (_out_of_pool, "pointer-out-of-pool", "query 5, candidate 0"), (_repeated_pool, "pool-duplicate", "1 entries"),
        (_uneven_pool, "pool-size-uneven", "64 to 65"), (_single, "single-candidate-group", "1 groups"),
        (_empty, "empty-group", "1 queries"), (_fallback, "fallback-share", "15 %"),
            (_transfer, "unverified-transfer", "1 candidates"),
        (_no_correctness, "correctness-missing", "1 of 40"), (_no_meta, "meta-missing", "_meta"),
        (_fix_failed, "fix-failed", "query 8"), (_no_pool, "pool-size-uneven", "1 of 10 queries have no stored pool"),
        (_strict_fallback, "fallback-share", "query 4, candidate 1"), (_repeats, "duplicate-candidates", "8 candidates (20 %"),
        (_one_answer, "answers-alike", "60 %"),
    ],
)  # fmt: skip
def test_each_fault_is_found_where_it_is(change: Change, code: str, words: str, tmp_path: Path) -> None:
    document = sound()
    change(document)
    _, codes = judge(tmp_path, document)
    assert words in codes[code]


@pytest.mark.parametrize(
    ("fields", "code", "words"),
    [
        ({"vqa_acc_score": 7.5, "vqa_correct": 1}, "accuracy-impossible", "7.5"),
        ({"vqa_acc_score": 0.37, "vqa_correct": 1}, "accuracy-impossible", "0.37"),
        ({"vqa_acc_score": None}, "accuracy-missing", "1 candidate has no"),
        ({"vqa_acc_score": float("nan")}, "accuracy-missing", "1 candidate has no"),
        ({"vqa_acc_score": 1.0, "vqa_correct": 0}, "correctness-conflict", "vqa_correct 0 beside vqa_acc_score 1"),
        ({"vqa_acc_score": 0.0, "vqa_correct": 1}, "correctness-conflict", "vqa_correct 1 beside vqa_acc_score 0"),
        ({"pointer": [-5, 3], "pointer_global": [-5, 3]}, "pointer-impossible", "-5"),
        ({"pointer": [-1, 3], "pointer_global": [-1, 3]}, "pointer-impossible", "-1"),
    ],
)
def test_impossible_values_are_located(fields: make.Record, code: str, words: str, tmp_path: Path) -> None:
    document = sound()
    _set(**fields)(document)
    found = judge(tmp_path, document)[1]
    assert words in found[code]
    assert "query 4, candidate 1" in found[code]
    assert set(found) - {code} <= {"index-space-mixed", "pointer-out-of-pool"}


@pytest.mark.parametrize(
    "fields",
    [
        {"vqa_acc_score": 0.3, "vqa_correct": 1}, {"vqa_acc_score": 0.9, "vqa_correct": True},
        {"vqa_acc_score": 0.3, "vqa_correct": 0},
        {"vqa_acc_score": 0.5, "vqa_correct": 1, "vqa_eval_mode": "fallback"},
        {"vqa_acc_score": 9.0, "vqa_correct": 0, "eval_failed": True},
    ],
)  # fmt: skip
def test_possible_and_unscored_values_are_not_called_impossible(fields: make.Record, tmp_path: Path) -> None:
    document = sound()
    _set(**fields)(document)
    assert judge(tmp_path, document)[1] == {}


def test_narrow_repeats_and_answers_are_tolerated(tmp_path: Path) -> None:
    document = sound()
    group = document["0"]["pointer_candidates"]
    for field in ("pointer", "pointer_global"):
        group[1][field] = list(group[0][field])
    for query in "01234":
        for candidate in document[query]["pointer_candidates"]:
            candidate["vqa_pred_answer"] = "bird"
    assert judge(tmp_path, document)[1] == {}


def test_measures_of_variety(tmp_path: Path) -> None:
    document = graded(make.strict(4, 3), [[1.0, 0.6, 0.6], [0.6, 0.6, 0.6], [0.0, 0.0, 0.0], [0.3, 0.3, 0.3]])
    answers = [["a dog", "Dog", "cat"], ["x"] * 3, ["", "y", ""], ["p", "q", "r"]]
    for query, row in zip("0123", answers, strict=True):
        for i, (candidate, answer) in enumerate(zip(document[query]["pointer_candidates"], row, strict=True)):
            candidate |= {
                "vqa_pred_answer": answer,
                "vqa_gt_prob": i if query == "0" else None,
                "logprob_score": float(i),
            }
            candidate["pointer"] = candidate["pointer_pos"] = (
                [[50, 60], [60, 50], [50, 60]][i] if query == "3" else [i + 10, 99]
            )
    document["0"]["pointer_candidates"][1]["beam_rank"] = 0
    measures, _ = judge(tmp_path, document)
    assert measures["accuracy_groups"] == {"all0": 1, "all1": 0, "all06": 1, "other_single": 1, "diverse": 1}
    assert measures["unique_rewards"] == {"min": 1, "median": 1.0, "mean": 1.25, "max": 2}
    assert measures["reward_range"] == {"mean": pytest.approx(0.1), "zero_share": 0.75}
    assert measures["reward_variance"] == pytest.approx(0.16 / 3 / 4)
    assert measures["unique_answers"] == {"min": 1, "median": 2.0, "mean": 2.0, "max": 3}
    assert measures["one_answer_share"] == 0.25
    assert measures["duplicates"] == {"exact": 1, "any_order": 2, "ratio": pytest.approx(2 / 12)}
    assert measures["accuracy_gt_prob_spearman"] == pytest.approx(-0.8660254)
    assert measures["oracle_gap"] == pytest.approx(0.1)
    assert measures["oracle_gap_share"] == 0.25
    assert measures["top_5_signal_rate"] == measures["signal_rate"] == 0.25


def test_repeats_are_counted_alike_however_wide_the_ids(tmp_path: Path) -> None:
    document = make.strict(2, 4)
    for record in (document["0"], document["1"]):
        for candidate, pointer in zip(
            record["pointer_candidates"], ([1, 2**31 - 1], [2**31 - 1, 1], [7, 1], [7, 1]), strict=True
        ):
            candidate["pointer"] = candidate["pointer_pos"] = [*pointer, 5]
    assert judge(tmp_path, document)[0]["duplicates"] == {"exact": 2, "any_order": 4, "ratio": 0.5}


def test_what_was_not_stored_is_not_measured(tmp_path: Path) -> None:
    measures, _ = judge(tmp_path, make.legacy())
    assert (measures["unique_answers"], measures["one_answer_share"]) == ({}, None)
    document = make.strict(2, 2)
    for query in "01":
        for candidate in document[query]["pointer_candidates"]:
            candidate |= {"logprob_score": None, "vqa_gt_prob": None}
    measures, _ = judge(tmp_path, document)
    assert (measures["oracle_gap"], measures["oracle_gap_share"], measures["accuracy_gt_prob_spearman"]) == (
        None,
        None,
        None,
    )


def test_a_little_fallback_is_tolerated(tmp_path: Path) -> None:
    document = sound()
    for query in "0123":
        document[query]["pointer_candidates"][0]["vqa_eval_mode"] = "fallback"
    assert "fallback-share" not in judge(tmp_path, document)[1]


def test_mixed_index_spaces_are_located(tmp_path: Path) -> None:
    _, codes = judge(tmp_path, make.fixed())
    assert "index-space-mixed" not in codes
    document = sound()
    candidate = document["2"]["pointer_candidates"][3]
    del candidate["pointer_global"]
    candidate["pointer"] = [150, 160]
    assert "query 2, candidate 3" in judge(tmp_path, document)[1]["index-space-mixed"]


def test_the_odd_candidate_is_named_however_the_file_begins(tmp_path: Path) -> None:
    """The first record's repair failed, so the file begins with global pointers; the one odd pointer is elsewhere."""
    document = sound()
    document["0"] |= {"_fix_failed": True}
    for candidate in document["0"]["pointer_candidates"]:
        candidate["pointer"] = candidate.pop("pointer_global")
    odd = document["5"]["pointer_candidates"][2]
    odd["pointer"] = odd.pop("pointer_global")
    assert "query 5, candidate 2" in judge(tmp_path, document)[1]["index-space-mixed"]


def test_legacy_beams_are_not_called_wrong(tmp_path: Path) -> None:
    measures, codes = judge(tmp_path, make.legacy())
    assert measures["variant"] == "legacy"
    assert set(codes) <= {"meta-missing"}


def prompted(document: make.Document, prompt: Callable[[int], str]) -> make.Document:
    """With the prompt stored beside each candidate, by its number."""
    records = [record for key, record in document.items() if key != "_meta"]
    for number, candidate in enumerate(c for record in records for c in record["pointer_candidates"]):
        candidate["vqa_prompt_text"] = prompt(number)
    return document


@pytest.mark.parametrize("literal", ["Question:{question} Short answer:", "Question:<question>", "{ Answer }"])
def test_a_prompt_that_nothing_was_put_into_is_named(literal: str, tmp_path: Path) -> None:
    _, findings = rl_findings(read_rl_file(make.write(tmp_path / "rl.json", prompted(sound(), lambda _: literal))))
    [found] = [finding for finding in findings if finding.code == "placeholder-literal"]
    assert (found.severity, "40 of the first 40 stored prompts" in found.message) == ("error", True)
    some = prompted(sound(), lambda number: literal if number < 4 else "Question:what? Short answer:")
    assert "4 of the first 40" in judge(tmp_path, some)[1]["placeholder-literal"]


def test_prompts_with_what_was_asked_are_sound(tmp_path: Path) -> None:
    document = prompted(sound(), lambda number: f'Question:is it "{number}" {{really}}? Short answer:')
    document["_meta"]["template"] = "Question:{question} Short answer:{answer}"
    assert "placeholder-literal" not in judge(tmp_path, document)[1]


def likely(document: make.Document, spread: float) -> make.Document:
    records = [record for key, record in document.items() if key != "_meta"]
    for record in records:
        for place, candidate in enumerate(record["pointer_candidates"]):
            candidate["logprob_score"] = -8.3 - spread * place
    return document


def test_candidates_of_a_policy_that_prefers_none_are_named(tmp_path: Path) -> None:
    assert "In 100 % of the groups" in judge(tmp_path, likely(sound(), 0.004))[1]["policy-uniform"]
    assert "policy-uniform" not in judge(tmp_path, likely(sound(), 0.4))[1]
