"""Comparing runs: verdicts, corrections, unlike question sets, and what must never be subtracted."""

from __future__ import annotations

from pathlib import Path

import pytest

from db import store
from db.rows import Metric, Row
from db.session import reading, writing
from engine.figures.reading import Figure, Matrix, Reading
from leverplus_tui.results.comparison import Comparison, Pair, compare, spec_diff
from leverplus_tui.results.comparison_text import csv_text, markdown, plain_text
from leverplus_tui.results.imports.importing import store_readings
from tests.helpers_cli import Desk, store_eval

WRONG = dict.fromkeys(range(1, 101), 0.0)


def right(*, of: int = 100, first: int = 0) -> dict[int, float]:
    """Scores of `of` questions, the first so many right."""
    return {q: float(q <= first) for q in range(1, of + 1)}


def compared(desk: Desk, *run_ids: int) -> Comparison:
    with reading(desk.database) as session:
        return compare(session, run_ids)


def only_pair(found: Comparison) -> Pair:
    [pair] = [pair for cell in found.cells for pair in cell.pairs]
    return pair


def test_a_clear_difference_is_better(desk: Desk) -> None:
    a, b = store_eval(desk, right(first=20)), store_eval(desk, right(first=60))
    found = compared(desk, a, b)
    pair = only_pair(found)
    assert (pair.a, pair.b, pair.verdict) == ("r1", "r2", "better")
    assert pair.difference == pytest.approx(40)
    assert (pair.n_paired, pair.improved, pair.worsened) == (100, 40, 0)
    assert pair.ci_low is not None
    assert pair.ci_low > 25
    assert pair.p is not None
    assert pair.p < 0.001
    assert found.cells[0].best == "r2"


def test_the_same_difference_the_other_way_round_is_worse(desk: Desk) -> None:
    a, b = store_eval(desk, right(first=60)), store_eval(desk, right(first=20))
    assert only_pair(compared(desk, a, b)).verdict == "worse"


def test_a_small_difference_is_not_distinguishable(desk: Desk) -> None:
    a, b = store_eval(desk, right(first=50)), store_eval(desk, right(first=52))
    found = compared(desk, a, b)
    assert only_pair(found).verdict == "not distinguishable"
    assert found.cells[0].best is None


def test_equal_answers_are_not_distinguishable(desk: Desk) -> None:
    a, b = store_eval(desk, right(first=50)), store_eval(desk, right(first=50))
    pair = only_pair(compared(desk, a, b))
    assert (pair.verdict, pair.difference, pair.p) == ("not distinguishable", 0.0, 1.0)


def test_many_pairs_are_corrected(desk: Desk) -> None:
    """Six questions changed one way: p is about 0.03 alone, and not below 0.05 among three pairs."""
    a, b, c = (store_eval(desk, right(first=first)) for first in (50, 56, 50))
    alone = only_pair(compared(desk, a, b))
    assert alone.verdict == "better"
    among = next(pair for pair in compared(desk, a, b, c).cells[0].pairs if (pair.a, pair.b) == ("r1", "r2"))
    assert among.p == alone.p
    assert among.p_holm is not None
    assert alone.p is not None
    assert among.p_holm > alone.p
    assert among.verdict == "not distinguishable"


def test_unlike_question_sets_are_compared_on_the_shared_ones(desk: Desk) -> None:
    a = store_eval(desk, right(first=50), label="all")
    b = store_eval(desk, {q: 1.0 for q in range(41, 141)}, label="random 100 (seed 1)")
    found = compared(desk, a, b)
    pair = only_pair(found)
    assert pair.n_paired == 60
    assert pair.difference == pytest.approx(100 * 50 / 60)
    shared = found.cells[0]
    assert (shared.n, shared.subset) == (60, "60 shared questions")
    assert shared.accuracy == {"r1": pytest.approx(100 * 10 / 60), "r2": 100.0}
    assert [(cell.subset, list(cell.accuracy), cell.pairs) for cell in found.cells[1:]] == [
        ("all", ["r1"], ()),
        ("random 100 (seed 1)", ["r2"], ()),
    ]


def test_sets_without_a_shared_question_are_not_comparable(desk: Desk) -> None:
    a, b = store_eval(desk, {1: 1.0, 2: 0.0}), store_eval(desk, {3: 1.0, 4: 0.0})
    pair = only_pair(compared(desk, a, b))
    assert (pair.verdict, pair.reason, pair.difference) == ("not comparable", "no question in common", None)


def test_other_data_and_other_metrics_are_not_comparable(desk: Desk) -> None:
    a = store_eval(desk, WRONG, dataset_sha="world", facts={"metric": "official"})
    b = store_eval(desk, WRONG, dataset_sha="other", facts={"metric": "official"})
    c = store_eval(desk, WRONG, dataset_sha="world", facts={"metric": "simple"})
    assert only_pair(compared(desk, a, b)).reason == "different data sets"
    assert only_pair(compared(desk, a, c)).reason == "different metrics (official, simple)"


def test_imported_figures_are_shown_and_never_subtracted(desk: Desk) -> None:
    store_eval(desk, right(first=50), label="first 100")
    published = Matrix("README.md", "v1", "OKVQA", figures=(Figure(100, 2, 64.8),))
    store_readings(desk.database, [Reading(Path("x"), matrices=(published,))], [])
    found = compared(desk, 1, 2)
    [cell] = found.cells
    assert cell.accuracy == {"r1": 50.0, "r2": 64.8}
    assert only_pair(found).verdict == "not comparable"
    assert "no per-question answers in r2" in only_pair(found).reason


def test_shots_are_rows_of_their_own(desk: Desk) -> None:
    a, b = store_eval(desk, WRONG, shot=2), store_eval(desk, WRONG, shot=4)
    found = compared(desk, a, b)
    assert [(cell.shot, cell.pairs) for cell in found.cells] == [(2, ()), (4, ())]


def test_training_runs_are_compared_by_their_last_values(desk: Desk) -> None:
    for number, values in enumerate(([0.5, 0.4], [0.3]), start=1):
        store_eval(desk, {}, name=f"train {number}")
        metrics: list[Row] = [Metric("rce", 1, step, "rce_loss", value) for step, value in enumerate(values)]
        with writing(desk.database) as session:
            store.add_rows(session, run_id=number, process_id=None, rows=metrics)
    found = compared(desk, 1, 2)
    assert [(row.field, dict(row.values)) for row in found.metrics] == [("rce/rce_loss", {"r1": 0.4, "r2": 0.3})]
    assert "rce/rce_loss" in plain_text(found)
    assert "rce/rce_loss" in markdown(found)


def test_the_spec_diff_names_fields_and_lineage(desk: Desk) -> None:
    a = store_eval(desk, WRONG, seed=1, facts={"prompt_sha": "x", "questions": 3})
    b = store_eval(desk, WRONG, seed=2, facts={"prompt_sha": "y", "questions": 4})
    found = compared(desk, a, b)
    assert {row.field: dict(row.values) for row in found.spec_diff} == {
        "seed": {"r1": 1, "r2": 2},
        "lineage.prompt_sha": {"r1": "x", "r2": "y"},
    }


def test_a_field_that_one_run_lacks_is_a_difference() -> None:
    [row] = spec_diff({"r1": {"a": 1, "b": [1]}, "r2": {"b": [1]}})
    assert (row.field, dict(row.values)) == ("a", {"r1": 1, "r2": None})


def test_the_document_has_the_names_of_the_contract(desk: Desk) -> None:
    a, b = store_eval(desk, right(first=20)), store_eval(desk, right(first=60))
    document = compared(desk, a, b).as_json()
    assert {"runs", "cells", "spec_diff"} <= document.keys()
    assert document["runs"] == ["r1", "r2"]
    [cell] = document["cells"]
    assert {"n", "shot", "subset", "accuracy", "pairs"} <= cell.keys()
    names = {"a", "b", "difference", "ci_low", "ci_high", "p", "n_paired", "improved", "worsened", "verdict"}
    assert names <= cell["pairs"][0].keys()


def test_every_way_to_print_a_comparison_marks_a_forced_run(desk: Desk) -> None:
    store_eval(desk, right(first=20))
    store_eval(desk, right(first=60))
    with writing(desk.database) as session:
        session.run("UPDATE run SET forced = 1 WHERE id = 2")
    found = compared(desk, 1, 2)
    assert "FORCED" in plain_text(found)
    assert "r2 was forced" in markdown(found)
    header, line = csv_text(found).splitlines()
    assert (header.split(",")[-1], line.split(",")[-1]) == ("forced", "r2")


def test_text_markdown_and_csv_say_the_same(desk: Desk) -> None:
    a, b = store_eval(desk, right(first=20), name="plain"), store_eval(desk, right(first=60), name="a|b")
    found = compared(desk, a, b)
    assert "better" in plain_text(found)
    assert "+40.00" in plain_text(found)
    assert "a\\|b" in markdown(found)
    assert csv_text(found).splitlines()[1].startswith("all,100,2,r1,r2,20.00,60.00,40.0")


def test_every_pair_of_a_row_is_over_the_questions_of_the_row(desk: Desk) -> None:
    """Two runs over 100 questions, one over 500, one over 60: what is subtracted is what the row shows."""
    fewer, hundred, all_of_them = range(1, 61), range(1, 101), range(1, 501)
    store_eval(desk, {q: float(q % 4 == 0) for q in hundred}, label="random 100 (seed 1)")
    store_eval(desk, {q: float(q % 5 == 0) for q in hundred}, label="random 100 (seed 1)")
    store_eval(desk, {q: float(q % 3 > 0) for q in all_of_them})
    store_eval(desk, {q: float(q % 2) for q in fewer}, label="random 60 (seed 1)")
    found = compared(desk, 1, 2, 3, 4)
    shared = found.cells[0]
    assert (shared.n, shared.subset) == (60, "60 shared questions")
    assert [(pair.a, pair.b) for pair in shared.pairs] == [
        ("r1", "r2"), ("r1", "r3"), ("r1", "r4"), ("r2", "r3"), ("r2", "r4"), ("r3", "r4"),
    ]  # fmt: skip
    for pair in shared.pairs:
        assert pair.n_paired == shared.n
        assert pair.difference == pytest.approx(shared.accuracy[pair.b] - shared.accuracy[pair.a])
    assert [(cell.subset, [(p.a, p.b, p.n_paired) for p in cell.pairs]) for cell in found.cells[1:]] == [
        ("random 100 (seed 1)", [("r1", "r2", 100)]),
        ("all", []),
        ("random 60 (seed 1)", []),
    ]


def test_two_pairs_of_runs_on_two_sets_are_all_compared(desk: Desk) -> None:
    for ids in (range(1, 61), range(1, 61), range(31, 91), range(31, 91)):
        store_eval(desk, {q: float(q % 2) for q in ids}, label=f"from {ids.start}")
    shared = compared(desk, 1, 2, 3, 4).cells[0]
    assert (shared.n, len(shared.pairs)) == (30, 6)


def test_runs_that_share_questions_two_by_two_have_a_row_for_each_two(desk: Desk) -> None:
    for ids in (range(1, 41), range(31, 71), range(61, 101)):
        store_eval(desk, {q: float(q % 2) for q in ids}, label=f"from {ids.start}")
    rows = [cell for cell in compared(desk, 1, 2, 3).cells if cell.pairs]
    assert [(cell.subset, cell.n, [(p.a, p.b, p.reason) for p in cell.pairs]) for cell in rows] == [
        ("10 shared questions", 10, [("r1", "r2", "")]),
        ("10 shared questions", 10, [("r2", "r3", "")]),
        ("unlike questions", 40, [("r1", "r3", "no question in common")]),
    ]


def test_a_run_that_stopped_early_is_compared_on_what_it_answered(desk: Desk) -> None:
    store_eval(desk, right(first=20))
    store_eval(desk, right(first=60), unanswered=30)
    shared = compared(desk, 1, 2).cells[0]
    [pair] = shared.pairs
    assert (shared.n, pair.n_paired) == (70, 70)
    assert pair.difference == pytest.approx(shared.accuracy["r2"] - shared.accuracy["r1"])
