"""An accuracy of a run in a list."""

from __future__ import annotations

from dataclasses import replace

from db.store import CellRow
from leverplus_tui.text.figures import figure_text

WHOLE = CellRow(
    run_id=1, subset_id=1, subset="all", subset_sha="s", dataset_sha="d", split="val", n=800, n_done=800, shot=2, accuracy=48.55,
    ci_low=45.25, ci_high=51.85, shots_used={2: 800}, distinct_sets=1,
)  # fmt: skip


def test_a_figure_is_marked_while_questions_are_missing() -> None:
    assert figure_text(None) == "-"
    assert figure_text(WHOLE) == "48.55 ±3.3"
    assert figure_text(replace(WHOLE, n_done=799)) == "?48.55 ±3.3"


def test_the_first_few_answers_have_their_number_instead_of_a_lopsided_interval() -> None:
    few = replace(WHOLE, accuracy=20.0, ci_low=8.07, ci_high=41.6, n_done=20)
    assert figure_text(few) == "?20.00 n=20"
    assert figure_text(replace(few, n_done=800)) == "20.00 [8.1, 41.6]"
    assert figure_text(replace(few, n_done=800), short=True) == "20.00 8–42"
    assert figure_text(WHOLE, short=True) == figure_text(WHOLE)
