"""What screens show that is put together from several rows of the store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from db.store import PredictionRow, ProcessRow, RunRow


@dataclass(frozen=True)
class Listing:
    """A filtered and sorted list of runs: ids only, and the shots that figures exist for."""

    ids: tuple[int, ...]
    total: int
    shots: tuple[int, ...]
    largest: int
    """Greatest number of questions behind a figure."""
    queued: int
    running: int


@dataclass(frozen=True)
class Answered:
    """One question of a subset under one or two runs."""

    first: PredictionRow | None
    second: PredictionRow | None = None

    @property
    def row(self) -> PredictionRow:
        """Whichever there is."""
        found = self.first or self.second
        assert found is not None, "one of the two runs answered"
        return found

    @property
    def change(self) -> float:
        """Score of the first run less that of the one beside it; 0 where one is missing."""
        return self.first.score - self.second.score if self.first and self.second else 0.0


@dataclass(frozen=True)
class Job:
    """A process of a run, with the run's row."""

    run: RunRow
    process: ProcessRow | None
