"""What screens show that is put together from several rows of the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from db.store import CheckpointRow, PredictionRow, ProcessRow, RunRow, SweepRow, TicketRow
    from leverplus_tui.results.comparison import Comparison


ALL_BUT_SEED = "all but the seed"
"""In place of a setting: groups runs that differ by their seed alone."""


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
    pinned: tuple[int, ...] = ()
    """Of `ids`, those that stand on top whatever the filter says."""
    gone: frozenset[int] = frozenset()
    """Of the runs that were marked or pinned, those that are deleted."""
    groups: tuple[Group, ...] = ()


@dataclass(frozen=True)
class Mean:
    """Mean and standard deviation over the runs of a group; neither where their figures are over unlike questions."""

    mean: float | None
    spread: float | None
    n: int


@dataclass(frozen=True)
class Group:
    """Runs that agree in the settings that a list is grouped by."""

    key: int
    """Below 0, so that it is no run's."""
    values: tuple[tuple[str, str], ...]
    """Settings with what they are here."""
    ids: tuple[int, ...]
    means: Mapping[str, Mean]


@dataclass(frozen=True)
class SideBySide:
    """Runs to be compared; runs are called `r12`."""

    found: Comparison
    rows: Mapping[str, RunRow]
    agreeing: Mapping[str, Any]
    """Settings that are the same in all."""
    checkpoints: Mapping[str, Sequence[CheckpointRow]]


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
class Device:
    """A device on which queued jobs take turns."""

    name: str
    at_work: tuple[int, ...]
    waiting: int
    """Runs that wait for it, or would go there first."""


@dataclass(frozen=True)
class Queue:
    """What runs, what waits, and what left the queue before it was done."""

    rows: Mapping[int, RunRow]
    tickets: Mapping[int, TicketRow]
    """A run that was started at once has none."""
    running: tuple[int, ...]
    waiting: tuple[int, ...]
    """In the order in which they start."""
    ended: tuple[int, ...]
    on: Mapping[int, tuple[str, ...]]
    """Run at work -> its devices."""
    devices: tuple[Device, ...]


@dataclass(frozen=True)
class Sweep:
    """A sweep, and how far its runs are."""

    row: SweepRow
    states: Mapping[int, str]

    def count(self, *states: str) -> int:
        """How many of its runs are in one of these states."""
        return sum(state in states for state in self.states.values())


@dataclass(frozen=True)
class SweepRuns:
    """The runs of a sweep."""

    row: SweepRow
    rows: Mapping[int, RunRow]
    values: Mapping[int, str | float | None]
    """A metric at the best epoch of each."""
    metric: str
    metrics: tuple[str, ...]
    """What trainings can be ranked by; nothing for other kinds."""


@dataclass(frozen=True)
class Job:
    """A process of a run, with the run's row."""

    run: RunRow
    process: ProcessRow | None
