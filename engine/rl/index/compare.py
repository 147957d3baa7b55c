"""Two RL files side by side: the queries that both have, how their groups differ, and what their makers say of prompt and model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.rl.index.browse import Browse
from engine.rl.index.query_rows import QueryDetail, QueryRow

RATES = ("queries", "candidates", "positive_rate", "query_positive_rate", "signal_rate", "predicted_advantage_std")
SORTS = ("id", "difference", "class")


@dataclass(frozen=True, slots=True)
class Pair:
    """One query in both files; `same_question` is None where one of them does not say what it asks."""

    first: QueryRow
    second: QueryRow
    same_question: bool | None

    @property
    def difference(self) -> float:
        """Mean score of the first less that of the second."""
        return self.first.mean - self.second.mean


@dataclass(frozen=True, slots=True)
class Overlap:
    """How many queries the files share."""

    both: int
    first_only: int
    second_only: int
    unlike_questions: int
    """Shared ids of which, among the first thousand, the questions differ: then the files speak of different data sets."""


class SideBySide:
    """Two browsed files."""

    def __init__(self, first: Browse, second: Browse) -> None:
        self.first, self.second = first, second
        self._shared = np.intersect1d(first.query_ids, second.query_ids, assume_unique=True)

    def overlap(self) -> Overlap:
        """Counts of shared and unshared queries."""
        both = len(self._shared)
        pairs = self.pairs(self._shared[:1000].tolist())
        unlike = sum(1 for pair in pairs.values() if pair.same_question is False)
        return Overlap(both, len(self.first) - both, len(self.second) - both, unlike)

    def select(self, sort: str = "id") -> list[int]:
        """Shared query ids: by id, by how much the mean scores differ, or those whose group class differs first."""
        ids = self._shared
        if sort != "id" and len(ids):
            a, b = (np.searchsorted(side.query_ids, ids) for side in (self.first, self.second))
            if sort == "difference":
                gap = self.first.number("mean")[a].astype(float) - self.second.number("mean")[b].astype(float)
                ids = ids[np.argsort(-np.abs(gap), kind="stable")]
            else:
                unlike = self.first.number("group_class")[a] != self.second.number("group_class")[b]
                ids = ids[np.argsort(~unlike, kind="stable")]
        found: list[int] = ids.tolist()
        return found

    def pairs(self, query_ids: list[int]) -> dict[int, Pair]:
        """Both rows of some shared queries."""
        first, second = self.first.rows(query_ids), self.second.rows(query_ids)
        return {key: Pair(first[key], second[key], _same(first[key], second[key])) for key in first if key in second}

    def rates(self) -> list[tuple[str, float, float]]:
        """(measure, first, second), rates in 0..1."""
        return [(name, float(self.first.health[name]), float(self.second.health[name])) for name in RATES]

    def makers(self) -> list[tuple[str, str, str]]:
        """(field, first, second) of `_meta` where the files differ, and the variant; `-` where a file does not say."""
        a, b = flat(self.first.meta), flat(self.second.meta)
        a, b = {"variant": self.first.variant} | a, {"variant": self.second.variant} | b
        return [(key, a.get(key, "-"), b.get(key, "-")) for key in dict.fromkeys([*a, *b]) if a.get(key) != b.get(key)]


def shared_pointers(first: QueryDetail, second: QueryDetail) -> tuple[int, int]:
    """(pointers that both groups hold, those of them that scored differently)."""
    scores = {candidate.rows: candidate.accuracy for candidate in first.candidates}
    both = {candidate.rows: candidate.accuracy for candidate in second.candidates if candidate.rows in scores}
    unlike = sum(
        1
        for rows, score in both.items()
        if score != scores[rows] and not (score != score and scores[rows] != scores[rows])
    )
    return len(both), unlike


def flat(meta: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Nested objects as `outer.inner`."""
    found: dict[str, str] = {}
    for key, value in meta.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = str(value)
    return found


def _same(first: QueryRow, second: QueryRow) -> bool | None:
    if first.question and second.question:
        return first.question == second.question
    if first.question_id is not None and second.question_id is not None:
        return first.question_id == second.question_id
    return None
