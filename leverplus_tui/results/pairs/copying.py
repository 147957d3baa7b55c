"""Learning or copying: what the stored answers of a run tell, for `show`, `compare`, the report and the question view."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from db import store
from db.session import Session
from db.store import CellRow, PredictionRow, RunDetail
from engine.doctor.copying import Copying, Shown, measure
from engine.statistics.intervals import Interval
from leverplus_tui.results.pairs.paired_rows import is_imported
from leverplus_tui.text.numbers import accuracy, count

LABELS = {
    "copied": "copied",
    "right_copied": "of right ones",
    "accuracy_shown": "accuracy, answer shown",
    "accuracy_not_shown": "accuracy, not shown",
    "majority": "majority's answer",
}
"""Measure -> head of its column."""


@dataclass(frozen=True)
class CopyingRow:
    """What was copied at one number of shots, over the run's largest set of questions."""

    run: str
    subset: str
    shot: int
    n: int
    found: Copying

    def as_json(self) -> dict[str, Any]:
        """As `show --json` prints it; shares and accuracies in percent."""
        named = {one.name: getattr(self.found, one.name) for one in fields(self.found)}
        return {"subset": self.subset, "shot": self.shot, "n": self.n} | {
            name: {"n": one.n, "value": one.mean if one.n else None, "ci_low": one.low, "ci_high": one.high}
            for name, one in named.items()
        }

    def cells(self) -> list[str]:
        """The measures for a table."""
        return [_text(getattr(self.found, name)) for name in LABELS]


HEADERS = ("questions", "shots", "n", *LABELS.values())


def copying(session: Session, detail: RunDetail) -> list[CopyingRow]:
    """One row for each number of shots with demonstrations whose answers are stored."""
    return list(_rows(session, detail))


def line(row: CopyingRow) -> list[str]:
    """A row of a table with HEADERS."""
    return [row.subset, str(row.shot), count(row.n), *row.cells()]


def _labels(session: Session, rows: Sequence[PredictionRow]) -> dict[int, str]:
    """The answers of the questions that were shown before these, by id."""
    wanted = {question for row in rows for question in row.demonstrations}
    sha = rows[0].support_sha if rows else ""
    found = store.questions(session, dataset_sha=sha, split="train", question_ids=sorted(wanted))
    return {question: one.label for question, one in found.items()}


def _rows(session: Session, detail: RunDetail) -> Iterator[CopyingRow]:
    for cell in _largest(detail.cells):
        answered = store.predictions(session, run_id=detail.row.id, shot=cell.shot, subset_sha=cell.subset_sha)
        labels = _labels(session, answered)
        found = measure(_shown(row, labels) for row in answered if not row.error and row.answers)
        if found is not None:
            yield CopyingRow(detail.row.ref, cell.subset, cell.shot, found.copied.n, found)


def _largest(cells: Sequence[CellRow]) -> list[CellRow]:
    """The figure over most questions at each number of shots that shows something."""
    found: dict[int, CellRow] = {}
    for cell in sorted(cells, key=lambda cell: (cell.shot, -cell.n)):
        if cell.shot and not is_imported(cell):
            found.setdefault(cell.shot, cell)
    return list(found.values())


def _shown(row: PredictionRow, labels: Mapping[int, str]) -> Shown:
    known = [labels[question] for question in row.demonstrations if question in labels]
    image = -1 - row.question_id if row.image_id is None else row.image_id
    return Shown(row.answer, row.score, image, row.answers, known)


def _text(found: Interval) -> str:
    """With the number of answers it is over where that is few."""
    if not found.n:
        return "-"
    return f"{accuracy(found.mean, found.low, found.high)} ({count(found.n)})"
