"""Scores of stored answers, each read once for all that is computed from them: pairs, seeds, best-of, controls."""

from __future__ import annotations

from collections.abc import Mapping

from db import store
from db.session import Session
from db.store import CellRow

Answered = Mapping[int, tuple[float, int]]
"""question_id -> (score, image_id)"""


class StoredScores:
    """Reads them, and keeps them for as long as it lives."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._read: dict[tuple[int, int, str], Answered] = {}
        self._images: dict[tuple[str, str], dict[int, int]] = {}

    def of(self, cell: CellRow) -> Answered:
        """Of the questions of a figure that were answered."""
        key = (cell.run_id, cell.shot, cell.subset_sha)
        if key not in self._read:
            self._read[key] = store.scores(
                self._session, run_id=cell.run_id, shot=cell.shot, subset_sha=cell.subset_sha,
                images=self._images.setdefault((cell.dataset_sha, cell.split), {}),
            )  # fmt: skip
        return self._read[key]
