"""Failures that only a comparison of runs can tell, each with its twin."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from db import rows, store
from db.session import reading, writing
from db.specs import EvalSpec, TrainSpec
from engine.recipes.evaluate import evaluate
from engine.recipes.run_context import RunContext
from leverplus_tui.results.comparison import compare
from tests.helpers_cli import Desk, store_eval

Compared = Callable[[Desk, bool], list[int]]
"""(home, whether it is to be the failure) -> the runs to compare."""
SELECTOR = "selector"


def right(first: int, of: int = 100) -> dict[int, float]:
    """Scores of `of` questions, so many of them right."""
    return {question: float(question % of < first) for question in range(of)}


def evaluated(desk: Desk, scores: dict[int, float], retriever: str = "t2t", **fields: object) -> int:
    facts = {"retriever": retriever, "selector_sha": fields.get("selector", "")}
    return store_eval(desk, scores, retriever=retriever, facts=facts, **fields)  # type: ignore[arg-type]


def trained(desk: Desk, name: str, **fields: object) -> str:
    path = f"/runs/{name}.safetensors"
    spec = TrainSpec.model_validate({"kind": "rce", "rl_data": "d", "embeddings": "e", "variant": "v3"} | fields)
    with writing(desk.database) as session:
        run = store.create_run(session, spec=spec, name=name, environment={})
        made = rows.Checkpoint(path, "rce", 1, f"sha-{name}", 10, True, {"val_loss": 1.0})
        store.add_rows(session, run_id=run.id or 0, process_id=None, rows=[made])
    return path


def two_decoders_under_two_retrievers(desk: Desk, sick: bool) -> list[int]:
    """A better retriever was a better decoder."""
    decode = {"decode": {"num_beams": 1}} if sick else {}
    return [evaluated(desk, right(20)), evaluated(desk, right(60), "i2i", **decode)]


def recipes_that_drifted(desk: Desk, sick: bool) -> list[int]:
    """Two selectors were compared whose trainers had other defaults for the split, the schedule and the filters."""
    other = {"train_ratio": 0.9, "temperature_start": 1.0, "rce_lr": 3e-4} if sick else {"rce_lr": 3e-4}
    names = [trained(desk, "first"), trained(desk, "second", **other)]
    return [evaluated(desk, right(20 + 40 * at), SELECTOR, selector=name) for at, name in enumerate(names)]


def the_best_of_eleven(desk: Desk, sick: bool) -> list[int]:
    """A checkpoint chosen on the evaluated prefix, and reported on it."""
    control = evaluated(desk, right(20), "random")
    chosen = [
        evaluated(desk, right(50 + at), SELECTOR, selector=trained(desk, f"s{at}")) for at in range(5 if sick else 1)
    ]
    return [control, *chosen]


COMPARISONS: tuple[tuple[str, Compared], ...] = (
    ("confounded", two_decoders_under_two_retrievers),
    ("recipes-differ", recipes_that_drifted),
    ("chosen-on-test", the_best_of_eleven),
)


@pytest.mark.parametrize(("code", "runs"), COMPARISONS, ids=[runs.__name__ for _, runs in COMPARISONS])
@pytest.mark.parametrize("sick", [True, False], ids=["sick", "sound"])
def test_the_failure_is_named_and_its_twin_is_silent(code: str, runs: Compared, sick: bool, desk: Desk) -> None:
    ids = runs(desk, sick)
    with reading(desk.database) as session:
        found = compare(session, ids, judged=False)
    codes = {finding.code for findings in found.findings.values() for finding in findings}
    assert (code in codes) if sick else not codes


@pytest.mark.parametrize("gain", [1, 40])
def test_a_difference_inside_the_noise_is_called_that(gain: int, desk: Desk) -> None:
    """Differences of 0.3 points over 800 questions were read as progress."""
    ids = [evaluated(desk, right(40)), evaluated(desk, right(40 + gain), "i2i")]
    with reading(desk.database) as session:
        [pair] = compare(session, ids, judged=False).cells[0].pairs
    assert pair.verdict == ("better" if gain == 40 else "not distinguishable")


@pytest.mark.parametrize("first", [(4, 8), (8,)])
def test_growing_sets_are_one_piece_of_evidence(first: tuple[int, ...], desk: Desk) -> None:
    """100, 200 and 400 questions of one list stood in the reports as three pieces of evidence."""
    run = grown(desk, EvalSpec(vlm="majority", retriever="random", shots=(1,), first=first))
    said = {finding["code"]: finding["message"] for finding in desk.json("show", f"r{run}")["findings"]}
    told = "the 4 (first 4) are among the 8 (first 8)" in said.get("prefix-subset", "")
    assert told == ("prefix-subset" in said) == (len(first) == 2)


def grown(desk: Desk, spec: EvalSpec) -> int:
    """A real evaluation that needs no model, computed here and stored as its job would."""
    made = list(evaluate(spec, RunContext(desk.home.root / "run", desk.home.root / "cache")))
    with writing(desk.database) as session:
        run = store.create_run(session, spec=spec, name="grown", environment={})
        kept = [row for row in made if isinstance(row, rows.Subset | rows.Question | rows.Cell | rows.Prediction)]
        store.add_rows(session, run_id=run.id or 0, process_id=None, rows=kept)
        for state in ("running", "done"):
            store.set_state(session, run_id=run.id or 0, state=state)
        return run.id or 0
