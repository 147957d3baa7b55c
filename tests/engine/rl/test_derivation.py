"""Derived RL data: each filter and repair by hand-made groups, lineage, summary, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from db.specs import UserError
from engine.common.accuracy import METRIC
from engine.common.models.fingerprint import file_sha
from engine.rl.health.findings import rl_findings
from engine.rl.reading.file import RLFile, read_rl_file
from engine.rl.writing.derivation import derive
from engine.rl.writing.derive import main
from engine.rl.writing.groups import Group, Pointed
from engine.rl.writing.steps import STEPS, parse_steps
from tests import helpers_rl
from tests.helpers_rl import VARIANTS, Document, write


def candidate(rows: tuple[int, ...] = (1, 2), accuracy: float = 0.0, **fields: Any) -> Pointed:
    return Pointed(rows, {"vqa_correct": int(accuracy > 0), "vqa_acc_score": accuracy, **fields})


def group(*candidates: Pointed, query: int = 7, pool: tuple[int, ...] = (), **about: Any) -> Group:
    return Group(query, about or None, pool, candidates)


def scored(positives: int, negatives: int) -> Group:
    return group(*(candidate((n, n + 50), 0.6 if n < positives else 0.0) for n in range(positives + negatives)))


def applied(step: str, before: Group, *assignments: str) -> Group:
    ((_, made),) = parse_steps([step], assignments)
    return made.apply(before)


def derived(
    tmp_path: Path, document: Document, *steps: str, sets: tuple[str, ...] = ()
) -> tuple[RLFile, dict[str, Any]]:
    source, out = write(tmp_path / "source.json", document), tmp_path / "out.json"
    before = source.read_bytes()
    summary = derive(source, out, parse_steps(steps, sets), overwrite=True)
    assert source.read_bytes() == before, "the original stays as it is"
    return read_rl_file(out), summary


@pytest.mark.parametrize(
    ("step", "sets", "kept", "dropped"),
    [
        ("balanced", (), (1, 1), (0, 5)),
        ("balanced", (), (1, 1), (5, 0)),
        ("balanced", ("balanced.min_positive=2",), (2, 1), (1, 1)),
        ("strict", (), (3, 3), (2, 2)),
        ("strict", (), (6, 4), (7, 3)),
        ("strict", (), (2, 3), (1, 8)),
        ("strict", ("strict.max_pos_ratio=0.45", "strict.min_pos_count=1"), (1, 3), (5, 5)),
        ("strict", ("strict.min_pos_ratio=0.4",), (8, 12), (7, 13)),
    ],
)
def test_groups_are_kept_by_right_and_wrong(
    step: str, sets: tuple[str, ...], kept: tuple[int, int], dropped: tuple[int, int]
) -> None:
    assert applied(step, scored(*kept), *sets) == scored(*kept)
    assert applied(step, scored(*dropped), *sets).candidates == ()


def test_an_absent_correctness_is_told_by_the_accuracy() -> None:
    bare = group(Pointed((1, 2), {"vqa_acc_score": 0.6}), Pointed((1, 3), {"vqa_acc_score": 0.0}), Pointed((1, 4), {}))
    assert [one.correct for one in bare.candidates] == [True, False, False]
    assert applied("balanced", bare) is bare


def test_transfers_and_fallbacks_go() -> None:
    own = candidate(gen_method="beam", vqa_eval_mode="vqaEval")
    others = [
        candidate(gen_method="global_positive_transfer"),
        candidate(gen_method="global_positive_injection"),
        candidate(vqa_eval_mode="fallback"),
        candidate(vqa_eval_mode="error"),
        candidate(eval_failed=True),
    ]
    assert applied("drop-transfers", group(own, *others)).candidates == (own, *others[2:])
    assert applied("drop-fallback", group(own, *others)).candidates == (own, *others[:2])


def test_of_equal_sets_the_better_method_stays() -> None:
    random, beam, again = (
        candidate((1, 2), gen_method="random"),
        candidate((2, 1), gen_method="beam", beam_rank=3),
        candidate((2, 1), gen_method="sft_beam_0"),
    )
    other = candidate((1, 3), gen_method="mined_from_old")
    assert applied("deduplicate", group(random, beam, again, other)).candidates == (beam, other)
    assert applied("deduplicate", group(random, beam, again), "deduplicate.ordered=true").candidates == (random, beam)


@pytest.mark.parametrize(
    "mark",
    [{"eval_failed": True}, {"vqa_eval_mode": "error"}, {"vqa_eval_mode": "fallback"},
     {"gen_method": "global_positive_transfer"}],
)  # fmt: skip
def test_of_equal_sets_a_scored_one_stays(mark: dict[str, Any]) -> None:
    placeholder = candidate((1, 2), 0.0, **{"gen_method": "beam", **mark})
    real = candidate((2, 1), 1.0, gen_method="random", vqa_eval_mode="vqaEval")
    before = group(placeholder, real)
    ((_, step),) = parse_steps(["deduplicate"], [])
    assert step.apply(before).candidates == (real,)
    assert step.conflicts(before) == 0, "a placeholder contradicts nothing"


def test_contradicting_scores_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = helpers_rl.strict(queries=2, candidates=3)
    for record in document.values():
        for one in record.get("pointer_candidates", ()):
            one |= {"pointer": [60, 70], "pointer_pos": [60, 70], "vqa_correct": 1, "vqa_acc_score": 1.0}
    document["1"]["pointer_candidates"][0] |= {"gen_method": "beam", "vqa_correct": 0, "vqa_acc_score": 0.0}
    file, summary = derived(tmp_path, document, "deduplicate")
    assert [step["conflicts"] for step in summary["steps"]] == [1]
    assert len(file.candidates.lengths) == 2
    main([str(tmp_path / "source.json"), "--out", str(tmp_path / "again.json"), "--step", "deduplicate"])
    assert "equal demonstrations with different scores in 1 cases" in capsys.readouterr().out


def test_the_query_itself_and_repeats_go() -> None:
    good, itself, twice = candidate((1, 2)), candidate((7, 2)), candidate((3, 3))
    assert applied("drop-self", group(good, itself, twice)).candidates == (good, twice)
    assert applied("drop-repeats", group(good, itself, twice)).candidates == (good, itself)


def test_pools_are_repaired() -> None:
    inside, outside, itself = candidate((5, 9)), candidate((5, 30)), candidate((7, 5))
    torn = Pointed((5, 9), {}, contradicts=True)
    mended = applied("pool-repair", group(inside, outside, itself, torn, pool=(9, 7, 5, 9)))
    assert (mended.pool, mended.candidates) == ((9, 5), (inside,))
    without = group(inside, torn)
    assert applied("pool-repair", without).candidates == (inside,)


def test_stored_answers_are_scored_again() -> None:
    lenient = candidate(accuracy=0.5, vqa_pred_answer="", vqa_eval_mode="fallback", eval_split_used="fallback")
    right = candidate(accuracy=0.0, vqa_pred_answer="The Red!", vqa_rel_score=0.1)
    raw = candidate(accuracy=0.0, vqa_raw_generation="grey Question: what")
    silent = candidate(accuracy=1.0)
    copied = candidate(accuracy=1.0, vqa_pred_answer="red", gen_method="global_positive_transfer")
    answers = [{"answer": "red"}] * 7 + ["grey"] * 3
    before = group(lenient, right, raw, silent, copied, gt_answers_raw=answers)
    after = applied("rescore", before)
    assert [one.fields["vqa_acc_score"] for one in after.candidates] == [0.0, 1.0, 0.9]
    assert [one.fields["vqa_correct"] for one in after.candidates] == [0, 1, 1]
    assert [one.fields["vqa_eval_mode"] for one in after.candidates] == ["vqaEval"] * 3
    assert [one.fields["vqa_rel_score"] for one in after.candidates][1:] == [1.0, 1.0]
    assert after.candidates[0].fields["eval_split_used"] is None
    assert after.candidates[2].fields["vqa_pred_answer"] == "grey "
    assert applied("rescore", after).candidates == after.candidates, "scored again, nothing changes"
    assert applied("rescore", group(right)).candidates == (), "nothing to score by"


@pytest.mark.parametrize("variant", sorted(set(VARIANTS) - {"legacy"}))
def test_every_variant_is_derived_from(tmp_path: Path, variant: str) -> None:
    file, summary = derived(tmp_path, VARIANTS[variant](), "pool-repair", "balanced", "deduplicate")
    source = read_rl_file(tmp_path / "source.json")
    assert summary["queries"] == [len(source.query_ids), len(file.query_ids)]
    assert summary["candidates"] == [len(source.candidates.lengths), len(file.candidates.lengths)]
    assert not file.mixed_groups().any()
    assert not {"index-space-mixed", "pointer-out-of-pool"} & {finding.code for finding in rl_findings(file)[1]}
    for at in range(len(file.query_ids)):
        right = file.candidates.correct[file.offsets[at] : file.offsets[at + 1]]
        assert np.isnan(right).all() or 0 < right.sum() < len(right)


def test_a_failed_candidate_is_scored_by_its_own_words_or_not_at_all() -> None:
    empty = candidate(vqa_pred_answer="", eval_failed=True, vqa_eval_mode="error")
    filled = candidate(vqa_pred_answer="red", eval_failed=True)
    spoken = candidate(vqa_pred_answer="", vqa_raw_generation="red", eval_failed=True, vqa_eval_mode="error")
    after = applied("rescore", group(empty, filled, spoken, gt_answers_raw=["red"] * 10)).candidates
    assert after[:2] == (empty, filled)
    assert (after[2].fields["vqa_acc_score"], after[2].fields["eval_failed"]) == (1.0, False)


def test_lineage_and_summary_tell_what_was_done(tmp_path: Path) -> None:
    document = helpers_rl.pooled()
    document["4"]["pointer_candidates"] = []
    document["5"]["candidate_pool_ids"][1] = 5
    file, summary = derived(tmp_path, document, "pool-repair", "strict", sets=("strict.min_pos_count=1",))
    lineage = file.meta["lineage"]
    assert lineage["source"] == str(tmp_path / "source.json")
    assert lineage["sha256"] == file_sha(tmp_path / "source.json")
    assert lineage["steps"] == summary["steps"]
    assert file.meta["vqa_model"] == document["_meta"]["vqa_model"]
    repair, strict = summary["steps"]
    assert (repair["step"], repair["parameters"]) == ("pool-repair", {})
    assert (repair["queries_before"], repair["pools_changed"]) == (9, 1)
    assert strict["parameters"]["min_pos_count"] == 1
    assert strict["candidates_before"] == repair["candidates_after"]
    assert summary["empty_queries"] == 1
    assert summary["queries"] == [10, strict["queries_after"]]
    before, after = summary["health"]["signal_rate"]
    assert 0 < before <= after == 1


def test_lineage_grows_with_each_derivation(tmp_path: Path) -> None:
    first, _ = derived(tmp_path, helpers_rl.strict(), "deduplicate")
    second = tmp_path / "second.json"
    derive(first.path, second, parse_steps(["rescore"], ()))
    meta = read_rl_file(second).meta
    assert [step["step"] for step in meta["lineage"]["steps"]] == ["rescore"]
    assert [step["step"] for step in meta["lineage"]["before"]["steps"]] == ["deduplicate"]
    assert meta["metric"] == METRIC


def test_repaired_pools_count_positions_anew(tmp_path: Path) -> None:
    document = helpers_rl.pooled(queries=2, candidates=4, pool_size=6)
    pool = document["0"]["candidate_pool_ids"]
    pool[0], pool[3] = 0, pool[2]  # the query itself, and a repeat
    for one, places in zip(document["0"]["pointer_candidates"], ([1, 2], [4, 5], [0, 1], [3, 4]), strict=True):
        one |= {"pointer": places, "pointer_global": [pool[at] for at in places]}
    file, _ = derived(tmp_path, document, "pool-repair")
    assert file.pools.ids[: file.pools.offsets[1]].tolist() == [pool[1], pool[2], pool[4], pool[5]]
    assert file.candidates.positions[: file.offsets[1]].tolist() == [[0, 1], [2, 3], [1, 2]]
    stored = json.loads((tmp_path / "out.json").read_text())["0"]["pointer_candidates"]
    assert [one["pointer"] for one in stored] == [[0, 1], [2, 3], [1, 2]]


def test_a_failed_repair_keeps_its_rows_until_its_pool_is_repaired(tmp_path: Path) -> None:
    document = helpers_rl.fixed(queries=3)
    document["2"]["pointer_candidates"][0]["pointer"] = [150, 160]
    document["2"]["candidate_pool_ids"] = [one for one in document["2"]["candidate_pool_ids"] if one not in (150, 160)]
    kept, _ = derived(tmp_path, document, "deduplicate")
    assert kept.queries[2].fix_failed
    assert [150, 160] in kept.candidates.rows.tolist()
    mended, _ = derived(tmp_path, document, "pool-repair")
    assert not mended.queries[2].fix_failed
    assert [150, 160] not in mended.candidates.rows.tolist()
    assert not mended.mixed_groups().any()


def test_contradictions_are_dropped_or_refused_never_hidden(tmp_path: Path) -> None:
    document = helpers_rl.pooled(queries=3)
    document["1"]["pointer_candidates"][2] |= {"pointer": [0, 1], "pointer_global": [198, 199]}
    with pytest.raises(UserError, match=r"query 1, candidate 2: .* contradict"):
        derived(tmp_path, document, "deduplicate")
    assert not (tmp_path / "out.json").exists()
    file, _ = derived(tmp_path, document, "pool-repair")
    assert len(file.candidates.lengths) == 23


@pytest.mark.parametrize(
    ("steps", "sets", "sentence"),
    [
        ((), (), "no step was given; choose from balanced"),
        (("nonsense",), (), "no step 'nonsense'; choose from"),
        (("balanced",), ("strict.max_pos_ratio=1",), "write STEP.FIELD=VALUE for one of the steps balanced"),
        (("balanced",), ("balanced.min_positive",), "write STEP.FIELD=VALUE"),
        (("balanced",), ("balanced.most=1",), r"balanced.most=1: .*\(min_positive, min_negative\)"),
        (("strict",), ("strict.max_pos_ratio=2",), "strict.max_pos_ratio=2: input should be less"),
        (("drop-self",), ("drop-self.x=1",), "it has no fields"),
    ],
)
def test_unknown_steps_and_parameters_are_named(steps: tuple[str, ...], sets: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        parse_steps(steps, sets)


def test_nothing_left_names_the_step(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"source.json: nothing is left after step rescore"):
        derived(tmp_path, helpers_rl.plain(), "deduplicate", "rescore")
    with pytest.raises(UserError, match=r"nothing is left because no query has a candidate"):
        derived(tmp_path, {"1": {"pointer_candidates": []}}, "deduplicate")
    with pytest.raises(UserError, match="legacy beam data"):
        derived(tmp_path, helpers_rl.legacy(), "deduplicate")


def test_every_step_says_what_it_does() -> None:
    for name, step in STEPS.items():
        assert step.__doc__, name
        assert all(info.description for info in step.model_fields.values()), name


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, out = write(tmp_path / "source.json", helpers_rl.mixed()), tmp_path / "out.json"
    words = [str(source), "--out", str(out), "--step", "drop-transfers", "--step", "pool-repair", "--step", "balanced"]
    assert main([*words, "--set", "balanced.min_positive=2"]) == 0
    told = capsys.readouterr().out
    assert "drop-transfers: 10 candidates dropped" in told
    assert "balanced min_positive=2 min_negative=1:" in told
    assert "signal rate" in told
    assert main([*words, "--json"]) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert main([*words, "--json", "--overwrite"]) == 0
    assert json.loads(capsys.readouterr().out)["steps"][0]["step"] == "drop-transfers"
    assert main([str(source), "--out", str(tmp_path / "x"), "--step", "nonsense"]) == 2
    assert "choose from" in capsys.readouterr().err
