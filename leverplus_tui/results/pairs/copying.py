"""Learning or copying: what the stored answers of a run tell, for `show`, `compare`, the report and the question view."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import compress
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from db import store
from db.session import Session
from db.store import CellRow, RunDetail
from engine.doctor.copying import Coded, Codes, Copying, Ints, filled, measure_coded, rectangle
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


class Copies:
    """Measures the copying of runs; questions are read once for all of them."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._codes = Codes()
        self._known: dict[tuple[str, str], dict[int, _Known]] = {}
        self._asked: dict[tuple[str, str, tuple[int, ...]], _Asked] = {}

    def of(self, detail: RunDetail) -> Iterator[CopyingRow]:
        """One row for each number of shots with demonstrations whose answers are stored."""
        support = str(detail.facts.get("support_sha") or "")
        for cell in _largest(detail.cells):
            found = self._measured(cell, support or cell.dataset_sha)
            if found is not None:
                yield CopyingRow(detail.row.ref, cell.subset, cell.shot, found.copied.n, found)

    def _measured(self, cell: CellRow, support: str) -> Copying | None:
        rows = store.shown(self._session, run_id=cell.run_id, shot=cell.shot, subset_sha=cell.subset_sha)
        asked = self._asked_of(cell, tuple([row[0] for row in rows]))
        if not asked.known.all():
            rows = list(compress(rows, asked.known))
        if not rows:
            return None
        shown = listed_ids([row[3] for row in rows])
        return measure_coded(
            Coded(
                answer=np.array([self._codes[row[1]] for row in rows], dtype=np.int64),
                score=np.array([row[2] for row in rows], dtype=np.float64),
                image_id=asked.image_id,
                references=asked.references,
                labels=self._labels(shown, support),
            )
        )

    def _asked_of(self, cell: CellRow, ids: tuple[int, ...]) -> _Asked:
        """The same for all runs that answered the same questions, so it is kept."""
        key = (cell.dataset_sha, cell.split, ids)
        if key not in self._asked:
            known = self._questions(cell.dataset_sha, cell.split, ids)
            there = [one if (one := known.get(question)) and one.references else None for question in ids]
            named = [one for one in there if one]
            images = np.array([one.image_id for one in named], dtype=np.int64)
            references = rectangle([one.references for one in named])
            self._asked[key] = _Asked(np.array([one is not None for one in there]), images, references)
        return self._asked[key]

    def _labels(self, shown: Ints, support: str) -> Ints:
        """What the demonstrations (n, most of them) answer."""
        distinct, at = np.unique(shown, return_inverse=True)
        ids = distinct.tolist()
        known = self._questions(support, "train", ids)
        codes = np.array([known[question].label if question in known else -1 for question in ids], dtype=np.int64)
        return codes[at].reshape(shown.shape)

    def _questions(self, dataset: str, split: str, ids: Sequence[int]) -> Mapping[int, _Known]:
        """What is stored of these questions, and perhaps of more."""
        known = self._known.setdefault((dataset, split), {})
        missing = [question for question in ids if question not in known]
        if missing:
            found = store.answers_to(self._session, dataset_sha=dataset, split=split, question_ids=missing)
            for question, image, references, label in found:
                texts = msgspec.json.decode(references, type=list[str])
                known[question] = _Known(
                    image, tuple(dict.fromkeys(map(self._codes.__getitem__, texts))), self._codes[label]
                )
        return known


@dataclass(frozen=True, slots=True)
class _Known:
    """A question in numbers of `Codes`."""

    image_id: int
    references: tuple[int, ...]
    label: int


def listed_ids(texts: Sequence[str]) -> Ints:
    """Lists of question ids in JSON side by side (n, longest, at least 1), short ones filled up with -1.

    As one text of numbers: hundreds of thousands of lists cost ten times as much.
    """
    joined = ",".join(texts)
    signs = np.frombuffer(joined.encode(), dtype=np.uint8)
    opened, closed, commas = (np.flatnonzero(signs == ord(sign)) for sign in "[],")
    within = np.searchsorted(commas, closed) - np.searchsorted(commas, opened)
    lengths = np.where(closed - opened > 1, within + 1, 0)
    while "[]" in joined:
        joined = joined.replace("[],", "").replace(",[]", "").replace("[]", "")
    numbers = joined.replace("[", "").replace("]", "")
    flat = np.fromstring(numbers, dtype=np.int64, sep=",") if numbers else np.empty(0, dtype=np.int64)
    return filled(lengths, flat)


@dataclass(frozen=True, slots=True)
class _Asked:
    """Some questions, of which those with references are `known` (n,); the rest is of these alone."""

    known: npt.NDArray[np.bool_]
    image_id: Ints
    references: Ints


def copying(session: Session, detail: RunDetail) -> list[CopyingRow]:
    """What the answers of one run copied."""
    return list(Copies(session).of(detail))


def line(row: CopyingRow) -> list[str]:
    """A row of a table with HEADERS."""
    return [row.subset, str(row.shot), count(row.n), *row.cells()]


def _largest(cells: Sequence[CellRow]) -> list[CellRow]:
    """The figure over most questions at each number of shots that shows something."""
    found: dict[int, CellRow] = {}
    for cell in sorted(cells, key=lambda cell: (cell.shot, -cell.n)):
        if cell.shot and not is_imported(cell):
            found.setdefault(cell.shot, cell)
    return list(found.values())


def _text(found: Interval) -> str:
    """With the number of answers it is over where that is few."""
    if not found.n:
        return "-"
    return f"{accuracy(found.mean, found.low, found.high)} ({count(found.n)})"
