"""What stands beside a verdict: power, confounders, unlike recipes, the winner's curse, seeds, published figures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from db import store
from db.rows import Checkpoint
from db.session import reading, writing
from db.specs import Finding, TrainSpec
from engine.figures.reading import Figure, Matrix, Reading
from leverplus_tui.results.comparison import Asked, Comparison, compare
from leverplus_tui.results.comparison_text import plain_text
from leverplus_tui.results.imports.importing import store_readings
from leverplus_tui.results.pairs.copying import listed_ids
from leverplus_tui.text.numbers import plural
from tests.helpers_cli import Desk, store_eval


def right(first: int, of: int = 100, shift: int = 0) -> dict[int, float]:
    """Scores of `of` questions, so many of them right, beginning at `shift`."""
    return {q: float((q - shift) % of < first) for q in range(of)}


def compared(desk: Desk, *run_ids: int, **asked: Any) -> Comparison:
    with reading(desk.database) as session:
        return compare(session, run_ids, judged=False, asked=Asked(**asked))


def beside(found: Comparison, code: str) -> list[Finding]:
    return [finding for findings in found.findings.values() for finding in findings if finding.code == code]


def evaluated(desk: Desk, scores: dict[int, float], retriever: str = "t2t", **fields: Any) -> int:
    facts = {"retriever": retriever} | fields.pop("facts", {})
    return store_eval(desk, scores, retriever=retriever, facts=facts, **fields)


def trained(desk: Desk, name: str, **fields: Any) -> str:
    """A training that wrote a checkpoint of this name; its path."""
    path = f"/runs/{name}.safetensors"
    spec = TrainSpec.model_validate({"kind": "rce", "rl_data": "d", "embeddings": "e", "variant": "v3"} | fields)
    with writing(desk.database) as session:
        run = store.create_run(session, spec=spec, name=name, environment={})
        written = Checkpoint(path, "rce", 1, f"sha-{name}", 10, True, {"val_loss": 1.0})
        store.add_rows(session, run_id=run.id or 0, process_id=None, rows=[written])
    return path


def chosen(desk: Desk, scores: dict[int, float], selector: str, **fields: Any) -> int:
    return evaluated(desk, scores, "selector", selector=selector, facts={"selector": selector}, **fields)


def test_two_retrievers_under_two_prompts_are_confounded(desk: Desk) -> None:
    evaluated(desk, right(20))
    evaluated(desk, right(60), "i2i", prompt={"system": "Be brief."})
    found = compared(desk, 1, 2)
    [pair] = found.cells[0].pairs
    assert (pair.verdict, pair.beside) == ("better", ("confounded",))
    [finding] = beside(found, "confounded")
    assert "r2 and r1 differ in 2 things" in finding.message
    assert "prompt.system" in finding.message
    assert "retriever t2t, i2i" in finding.message
    assert "better, confounded" in plain_text(found)
    document = found.as_json()
    assert document["findings"]["r2"][0]["code"] == "confounded"
    assert document["cells"][0]["pairs"][0]["findings"] == ["confounded"]


@pytest.mark.parametrize(
    "fields",
    [
        {"retriever": "i2i"},
        {"prompt": {"system": "Be brief."}},
        {"decode": {"num_beams": 1, "length_penalty": 1.0}},
        {"pool": "rand-sampler", "pool_size": 32},
        {"seed": 7, "batch_size": 2},
    ],
)
def test_one_thing_that_differs_is_what_the_comparison_is_about(desk: Desk, fields: dict[str, Any]) -> None:
    evaluated(desk, right(20))
    evaluated(desk, right(60), **fields)
    found = compared(desk, 1, 2)
    assert beside(found, "confounded") == []
    assert found.cells[0].pairs[0].beside == ()


def test_what_chooses_demonstrations_does_not_matter_where_none_are_shown(desk: Desk) -> None:
    evaluated(desk, right(20), "zero-shot", shot=0)
    evaluated(desk, right(60), "random", shot=0, pool="first", pool_size=4)
    assert beside(compared(desk, 1, 2), "confounded") == []


def test_a_row_without_demonstrations_is_not_confounded_by_those_of_another(desk: Desk) -> None:
    for shot in (0, 2):
        evaluated(desk, right(20), "random", shot=shot)
        evaluated(desk, right(60), "t2t", shot=shot, pool="first", pool_size=4)
    for_none, for_two = compared(desk, 1, 2, 3, 4).cells
    assert (for_none.shot, [pair.beside for pair in for_none.pairs]) == (0, [()])
    assert [pair.beside for pair in for_two.pairs] == [("confounded",)]


def test_recipes_that_drifted_are_named_behind_two_selectors(desk: Desk) -> None:
    base, drifted = trained(desk, "base"), trained(desk, "drifted", variant="v2", rce_lr=5e-4, rce_epochs=9)
    chosen(desk, right(20), base)
    chosen(desk, right(60), drifted)
    found = compared(desk, 3, 4)
    [recipes] = beside(found, "recipes-differ")
    assert "differ in 3 settings" in recipes.message
    assert "rce_epochs 20, 9" in recipes.message or "rce_epochs" in recipes.message
    [finding] = beside(found, "confounded")
    assert "training of the selector (variant)" in finding.message


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"seed": 5},
        {"variant": "v2"},
        {"rl_data": "d2", "embeddings": "e2"},
        {"kind": "grpo", "grpo_epochs": 10},
    ],
)
def test_recipes_that_differ_in_one_thing_are_silent(desk: Desk, fields: dict[str, Any]) -> None:
    base, other = trained(desk, "base"), trained(desk, "other", **fields)
    chosen(desk, right(20), base)
    chosen(desk, right(60), other)
    found = compared(desk, 3, 4)
    assert beside(found, "recipes-differ") == []
    assert beside(found, "confounded") == []


def test_another_precision_is_another_engine(desk: Desk) -> None:
    evaluated(desk, right(50), facts={"vlm_dtype": "float32"})
    evaluated(desk, right(52), facts={"vlm_dtype": "bfloat16"})
    evaluated(desk, right(52), facts={"vlm_dtype": "bfloat16"})
    assert [finding.severity for finding in beside(compared(desk, 1, 2), "engine-differs")] == ["info"]
    assert beside(compared(desk, 2, 3), "engine-differs") == []


def test_prompts_read_in_fp8_are_another_engine_and_the_one_thing_that_differs(desk: Desk) -> None:
    evaluated(desk, right(50))
    evaluated(desk, right(52), prefill="fp8")
    found = compared(desk, 1, 2)
    [finding] = beside(found, "engine-differs")
    assert "prefill dtype, fp8" in finding.message
    assert beside(found, "confounded") == []


def test_a_run_that_is_older_than_a_field_had_its_default(desk: Desk) -> None:
    old = evaluated(desk, right(50))
    evaluated(desk, right(52), "i2i")
    with writing(desk.database) as session:
        session.run(f"UPDATE run SET spec = json_remove(spec, '$.prefill', '$.order') WHERE id = {old}")
    found = compared(desk, 1, 2)
    assert beside(found, "engine-differs") == []
    assert beside(found, "confounded") == []


def test_engines_that_answer_alike_are_not_told_apart(desk: Desk) -> None:
    for engine, dtype in (("plain", "float32"), ("packed", "float32"), ("plain", "bfloat16"), ("packed", "bfloat16")):
        evaluated(desk, right(50), facts={"vlm_engine": engine, "vlm_dtype": dtype})
    assert beside(compared(desk, 1, 2), "engine-differs") == []
    [finding] = beside(compared(desk, 3, 4), "engine-differs")
    assert "vlm_engine plain, packed" in finding.message


def test_the_best_of_several_on_its_own_questions_is_chosen_on_them(desk: Desk) -> None:
    evaluated(desk, right(10, 200), "random")
    for number in range(4):
        chosen(desk, right(100 + number, 200, shift=7 * number), f"/s{number}.pt")
    found = compared(desk, 1, 2, 3, 4, 5)
    [finding] = beside(found, "chosen-on-test")
    assert finding.subject == "r5"
    assert "best of 4 selectors" in finding.message
    assert "--best-of" in finding.fix
    assert beside(compared(desk, 1, 2, 3), "chosen-on-test") == []


def test_selectors_that_beat_nothing_were_not_chosen(desk: Desk) -> None:
    for number in range(3):
        chosen(desk, right(100 + number, 200, shift=7 * number), f"/s{number}.pt")
    assert beside(compared(desk, 1, 2, 3), "chosen-on-test") == []


def test_nothing_is_better_than_the_best_of_the_others_within_noise(desk: Desk) -> None:
    for number in range(3):
        evaluated(desk, right(100 + number, 200, shift=7 * number), name=f"m{number}")
    [best] = compared(desk, 1, 2, 3, best_of=True).best
    assert (best.leader, best.runner_up, best.better, best.chosen_from) == ("r3", "r2", (), 3)
    assert best.sentence().startswith(
        "2 shots on all (n=200): no, r3 is not better beyond noise than the best of the others, r2: "
    )
    assert set(best.ranks.values()) == {1}
    assert best.inflation is not None
    assert best.inflation > 0
    assert best.halves is not None
    assert best.halves.n == 100


def test_of_one_question_no_error_is_known_and_none_is_told(desk: Desk) -> None:
    for first in (0, 1):
        evaluated(desk, right(first, 1))
    [best] = compared(desk, 1, 2, best_of=True).best
    assert best.inflation is None
    assert "by choice alone" not in "\n".join(best.remarks())


def test_a_leader_beyond_noise_is_named_as_such(desk: Desk) -> None:
    for first in (20, 25, 80):
        evaluated(desk, right(first))
    [best] = compared(desk, 1, 2, 3, best_of=True).best
    assert best.sentence().startswith(
        "2 shots on all (n=100): yes, r3 is better than the best of the others, r2: +55.00"
    )
    assert best.ranks == {"r3": 1, "r2": 2, "r1": 2}
    assert "by choice alone" in "\n".join(best.remarks())


def test_a_relabelled_run_is_no_rival_of_itself(desk: Desk) -> None:
    for first in (20, 80, 80):
        evaluated(desk, right(first))
    [best] = compared(desk, 1, 2, 3, best_of=True).best
    assert (best.leader, best.runner_up, best.repeats) == ("r2", "r1", (("r2", "r3"),))
    assert list(best.relabelled()) == ["r3 shows the same as r2: counted once"]
    assert desk.call("compare", "r1", "r2", "r3", "--best-of").stdout.count("counted once") == 1


def test_of_runs_that_are_all_the_same_none_is_the_best(desk: Desk) -> None:
    for _ in range(3):
        evaluated(desk, right(80))
    found = compared(desk, 1, 2, 3, best_of=True)
    [best] = found.best
    assert (
        best.sentence()
        == "2 shots on all (n=100): no, r1, r2, r3 show the same, and there is no other to be better than"
    )
    assert set(best.ranks.values()) == {1}
    assert found.cells[0].best is None


def test_named_runs_are_the_others(desk: Desk) -> None:
    for first in (60, 62, 20, 95):
        evaluated(desk, right(first))
    [best] = compared(desk, 1, 2, 3, 4, best_of=True, reference=(1, 2)).best
    assert (best.leader, best.runner_up, best.better) == ("r4", "r2", ("r4",))
    words = desk.call("compare", "r1", "r2", "--where", "kind:eval", "--best-of").stdout
    assert "yes, r4 is better than the best of the others, r2" in words
    document = desk.json("compare", "--where", "kind:eval", "--best-of")
    assert document["best_of"][0]["best_of_the_others"] == "r2"
    assert document["best_of"][0]["answer"].startswith("2 shots on all (n=100): yes, r4")


def test_two_dates_of_a_report_are_not_distinguishable(desk: Desk) -> None:
    def matrix(date: str, gain: float) -> Matrix:
        figures = tuple(Figure(n, shot, 48.0 + shot + gain) for n in (100, 200, 400, 800) for shot in (1, 2, 3, 4))
        return Matrix("report.md", "v3", "OKVQA", figures=figures, date=date)

    store_readings(
        desk.database,
        [Reading(Path("x"), matrices=(matrix("12-12", 0.0), matrix("12-13", 0.6), matrix("12-14", 40.0)))],
        [],
    )
    pairs = [pair for cell in compared(desk, 1, 2).cells for pair in cell.pairs]
    assert {(pair.verdict, pair.reason) for pair in pairs} == {
        ("not distinguishable", "unpaired, at most this precise")
    }
    assert len(pairs) == 16
    assert all(pair.ci_low is not None and pair.ci_low < 0.6 for pair in pairs)
    assert {pair.verdict for cell in compared(desk, 1, 3).cells for pair in cell.pairs} == {"better"}
    document = desk.json("compare", "r1", "r2", "--best-of")
    assert document["best_of"][0]["better"] == []
    assert document["best_of"][0]["inflation"] is None


def test_published_figures_that_are_the_same_everywhere_are_one_result(desk: Desk) -> None:
    figures = (Figure(100, 2, 48.0), Figure(200, 2, 47.0))
    more, other = (*figures, Figure(400, 2, 46.0)), (Figure(100, 2, 48.0), Figure(200, 2, 47.4))
    matrices = [
        Matrix("a.md", label, "OKVQA", figures=shown, section=label)
        for label, shown in (("v2", figures), ("v3", more), ("v4", other))
    ]
    store_readings(desk.database, [Reading(Path("x"), matrices=tuple(matrices))], [])
    assert compared(desk, 1, 2, 3, best_of=True).best[0].repeats == (("r1", "r2"),)


def test_published_figures_of_two_methods_with_two_models_are_confounded(desk: Desk) -> None:
    figures = (Figure(400, 2, 20.0),)
    matrices = [
        Matrix("a.md", "v2", "OKVQA", vlm="small", figures=figures),
        Matrix("a.md", "v3", "OKVQA", vlm="large", figures=(Figure(400, 2, 60.0),)),
        Matrix("b.md", "v3", "OKVQA", vlm="small", figures=(Figure(400, 2, 60.0),)),
    ]
    store_readings(desk.database, [Reading(Path("x"), matrices=tuple(matrices))], [])
    assert "model (vlm small, large)" in beside(compared(desk, 1, 2), "confounded")[0].message
    assert beside(compared(desk, 1, 3), "confounded") == []
    assert beside(compared(desk, 2, 3), "confounded") == []


def test_figures_over_unlike_questions_have_no_best(desk: Desk) -> None:
    matrices = [
        Matrix("a.md", f"v{number}", "OKVQA", figures=(Figure(n, 2, 48.0 + number),))
        for number, n in enumerate((100, 200, 400))
    ]
    store_readings(desk.database, [Reading(Path("x"), matrices=tuple(matrices))], [])
    assert compared(desk, 1, 2, 3, best_of=True).best == ()


def test_published_figures_of_other_questions_stay_apart(desk: Desk) -> None:
    matrices = [
        Matrix("a.md", "v2", "OKVQA", figures=(Figure(100, 2, 48.0),)),
        Matrix("b.md", "v3", "VQAv2", figures=(Figure(100, 2, 47.0),)),
    ]
    store_readings(desk.database, [Reading(Path("x"), matrices=tuple(matrices))], [])
    assert {pair.verdict for cell in compared(desk, 1, 2).cells for pair in cell.pairs} == {"not comparable"}


def test_seeds_of_one_recipe_are_combined(desk: Desk) -> None:
    for seed in (1, 2, 3):
        evaluated(desk, right(40 + seed, shift=seed), "random", seed=seed)
    for seed in (1, 2):
        evaluated(desk, right(80 + seed), "t2t", seed=seed)
    [cell] = compared(desk, 1, 2, 3, 4, 5, by_seed=True).groups
    assert list(cell.accuracy) == ["r1+r2+r3", "r4+r5"]
    assert cell.accuracy["r1+r2+r3"].mean == pytest.approx(42)
    assert cell.accuracy["r1+r2+r3"].run_se >= 0
    [pair] = cell.pairs
    assert (pair.a, pair.b) == ("r1+r2+r3", "r4+r5")
    assert pair.found.mean == pytest.approx(39.5)
    words = desk.call("compare", "r1", "r2", "r3", "r4", "r5", "--group-by", "seed").stdout
    assert "runs that differ by their seed alone" in words
    document = desk.json("compare", "r1", "r2", "r3", "--group-by", "seed")
    assert document["by_seed"][0]["groups"][0]["runs"] == ["r1", "r2", "r3"]


def test_seeds_that_drew_their_own_questions_are_not_combined(desk: Desk) -> None:
    for seed in (1, 2):
        drawn = {q: one for q, one in right(50, 200, shift=seed).items() if q % 3 != seed}
        evaluated(desk, drawn, "random", seed=seed, limit=len(drawn))
    found = compared(desk, 1, 2, by_seed=True)
    assert found.groups == ()
    assert "r1+r2: each seed drew its own questions" in found.notes[-1]
    said = desk.call("compare", "r1", "r2", "--group-by", "seed", code=2).stderr
    assert "or --first N in place of --limit" in " ".join(said.split())


def test_seeds_on_one_drawn_sample_are_combined(desk: Desk) -> None:
    for seed in (1, 2):
        evaluated(desk, right(50, shift=seed), "random", seed=seed, limit=100)
    assert [list(cell.accuracy) for cell in compared(desk, 1, 2, by_seed=True).groups] == [["r1+r2"]]


def test_selectors_of_one_recipe_are_one_group(desk: Desk) -> None:
    paths = [trained(desk, f"s{seed}", seed=seed) for seed in (1, 2)] + [trained(desk, "other", rce_epochs=3)]
    for path in paths:
        chosen(desk, right(50), path)
    [cell] = compared(desk, 4, 5, 6, by_seed=True).groups
    assert list(cell.accuracy) == ["r4+r5"]


def test_runs_without_seeds_to_combine_are_said_to_be_so(desk: Desk) -> None:
    evaluated(desk, right(50))
    evaluated(desk, right(50), "i2i")
    assert "differ by their seed alone" in desk.call("compare", "r1", "r2", "--group-by", "seed", code=2).stderr


def test_benjamini_and_hochberg_is_less_strict_on_request(desk: Desk) -> None:
    """Two small differences among three pairs, that Holm's rule does not let pass."""
    for first in (50, 57, 50):
        evaluated(desk, right(first))
    verdicts = [pair.verdict for pair in compared(desk, 1, 2, 3).cells[0].pairs]
    assert verdicts == ["better", "not distinguishable", "worse"]
    for first in (50, 56, 50):
        evaluated(desk, right(first), name="again")
    assert {pair.verdict for pair in compared(desk, 4, 5, 6).cells[0].pairs} == {"not distinguishable"}
    found = compared(desk, 4, 5, 6, bh=True)
    assert [pair.verdict for pair in found.cells[0].pairs] == ["better", "not distinguishable", "worse"]
    assert "p (BH)" in plain_text(found)


def test_a_comparison_says_what_it_could_have_shown(desk: Desk) -> None:
    evaluated(desk, right(50))
    evaluated(desk, right(52))
    [pair] = compared(desk, 1, 2).cells[0].pairs
    assert pair.visible_from is not None
    assert pair.visible_from > 2
    assert pair.questions_needed is not None
    assert pair.questions_needed > 100
    assert f"{plural(pair.questions_needed, 'question')} would show it" in plain_text(compared(desk, 1, 2))


def test_a_filter_that_picks_too_few_is_said(desk: Desk) -> None:
    evaluated(desk, right(50))
    assert "picks 1 run" in desk.call("compare", "--where", "kind:eval", code=2).stderr


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[[1,2],[3,4]]", [[1, 2], [3, 4]]),
        ("[[1],[],[281474976710655, 4]]", [[1, -1], [-1, -1], [281474976710655, 4]]),
        ("[[]]", [[-1]]),
        ("[]", []),
    ],
)
def test_lists_of_demonstrations_are_read_as_one_text(text: str, expected: list[list[int]]) -> None:
    assert listed_ids(text).tolist() == expected
