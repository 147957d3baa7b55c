"""Learning or copying: what the stored answers of a run tell, for `show`, `compare`, the report and the question view."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

import msgspec
import numpy as np

from db import store
from db.session import Session
from db.store import CellRow, RunDetail
from engine.doctor.copying import Coded, Codes, Copying, Ints, filled, measure_coded, rectangle
from engine.statistics.clusters import Clusters
from engine.statistics.intervals import Interval
from leverplus_tui.results.pairs.paired_rows import is_imported
from leverplus_tui.results.stored_scores import Answered, StoredScores
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
    """Measures the copying of runs; questions are read once for all of them, `scores` perhaps by others already."""

    def __init__(self, session: Session, scores: StoredScores | None = None) -> None:
        self._session = session
        self._scores = scores or StoredScores(session)
        self._codes = Codes()
        self._labelled: dict[str, tuple[Ints, Ints]] = {}
        self._asked: dict[tuple[str, str, str, str], _Asked] = {}

    def of(self, detail: RunDetail) -> Iterator[CopyingRow]:
        """One row for each number of shots with demonstrations whose answers are stored."""
        support = str(detail.facts.get("support_sha") or "")
        for cell in _largest(detail.cells):
            found = self._measured(cell, support or cell.dataset_sha)
            if found is not None:
                yield CopyingRow(detail.row.ref, cell.subset, cell.shot, found.copied.n, found)

    def _measured(self, cell: CellRow, support: str) -> Copying | None:
        ids, answers, shown = store.shown(self._session, run_id=cell.run_id, shot=cell.shot)
        scores = self._scores.of(cell)
        asked = self._asked_of(cell, ids, scores)
        if not len(asked.rows):
            return None
        texts = msgspec.json.decode(answers, type=list[str])
        return measure_coded(
            Coded(
                answer=self._coded(texts)[asked.rows],
                score=np.array([scores[question][0] for question in asked.questions], dtype=np.float64),
                clusters=asked.clusters,
                references=asked.references,
                labels=self._labels(listed_ids(shown)[asked.rows], support),
            )
        )

    def _asked_of(self, cell: CellRow, ids: str, scores: Answered) -> _Asked:
        """The same for all runs that answered the same questions, so it is kept."""
        key = (cell.dataset_sha, cell.split, cell.subset_sha, ids)
        if key not in self._asked:
            every = msgspec.json.decode(ids, type=list[int])
            known = {
                question: list(dict.fromkeys(self._coded(msgspec.json.decode(references, type=list[str])).tolist()))
                for question, _, references, _ in self._stored(cell.dataset_sha, cell.split, every)
            }
            rows = [row for row, question in enumerate(every) if question in scores and known.get(question)]
            questions = [every[row] for row in rows]
            images = np.array([scores[question][1] for question in questions], dtype=np.int64)
            self._asked[key] = _Asked(
                np.array(rows, dtype=np.intp),
                questions,
                Clusters.of(images, len(rows)),
                rectangle([known[q] for q in questions]),
            )
        return self._asked[key]

    def _labels(self, shown: Ints, support: str) -> Ints:
        """What the demonstrations (n, most of them) answer."""
        ids, codes = self._labelled.get(support, NO_LABELS)
        at = np.searchsorted(ids[:-1], shown)
        unknown = np.unique(shown[ids[at] != shown])
        if len(unknown):
            labels = {
                question: self._codes[label]
                for question, _, _, label in self._stored(support, "train", unknown.tolist())
            }
            every = np.append(ids, unknown)
            codes = np.append(codes, [labels.get(question, -1) for question in unknown.tolist()])
            order = np.argsort(every)
            ids, codes = self._labelled[support] = every[order], codes[order]
            at = np.searchsorted(ids, shown)
        found: Ints = codes[at]
        return found

    def _coded(self, texts: Sequence[str]) -> Ints:
        return np.fromiter(map(self._codes.__getitem__, texts), dtype=np.int64, count=len(texts))

    def _stored(self, dataset: str, split: str, ids: Sequence[int]) -> list[tuple[Any, ...]]:
        return store.answers_to(self._session, dataset_sha=dataset, split=split, question_ids=ids)


NO_LABELS = (np.array([-1]), np.array([-1]))
"""Ids of questions, ascending, and the numbers of their labels: -1 where there is no demonstration, or none that is known."""


def listed_ids(text: str) -> Ints:
    """Lists of question ids, all in one list in JSON, side by side (n, longest, at least 1), short ones filled up with -1.

    As one text of numbers: hundreds of thousands of lists cost ten times as much.
    """
    joined = text[1:-1]
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
    """Questions with references, of those that a run answered."""

    rows: Ints
    """Their places among these (n,)."""
    questions: Sequence[int]
    clusters: Clusters
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
