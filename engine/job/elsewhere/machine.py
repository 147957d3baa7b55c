"""Where runs are sent, as the collector sees it: what is asked of a queue, what it says of a job, and what that means for a run."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

from db.specs import UserError
from engine.job.elsewhere.row_files import Ended

AGAIN = ("PREEMPTED", "NODE_FAIL", "BOOT_FAIL", "REVOKED", "LAUNCH_FAILED", "RECONFIG_FAIL")
"""Ends that are the machine's doing and say nothing of the run: it is handed in again."""


@dataclass(frozen=True)
class Resources:
    """What a job asks for, by the names of the command line."""

    partition: str = ""
    gpus: int | None = None
    cpus: int | None = None
    memory_mb: int = 0
    time_limit_s: int | None = None
    account: str = ""
    sbatch: Mapping[str, str] = field(default_factory=dict)
    """More options, by submitit's or sbatch's own names."""


@dataclass(frozen=True)
class Status:
    """What a queue says of a job."""

    kind: Literal["waiting", "running", "gone"]
    word: str = ""
    """In the queue's own word: `PENDING`, `OUT_OF_MEMORY`."""
    reason: str = ""
    """What it waits for, or why it ended."""


class Handed(NamedTuple):
    """A job that a queue has taken."""

    job: str
    log: str
    """File in which the queue keeps what was said before a node could speak for itself; empty without one."""


class Machine(Protocol):
    """A place that runs nodes."""

    name: str
    """How it is called in front of people: `Slurm`."""
    lasting: bool
    """Whether its jobs go on without whoever handed them in, so that another collector finds them again."""

    def submit(self, folders: Sequence[Path], wanted: Resources, name: str) -> list[Handed]:
        """Hand in one job for each folder, together. Raises UserError."""

    def statuses(self, jobs: Sequence[str]) -> Mapping[str, Status]:
        """What is said of these jobs; a job is left out while nothing can be learned. Raises Unreachable."""

    def ask_to_stop(self, jobs: Sequence[str]) -> None:
        """Hasten what the file `stop` asks for; nothing where no signal reaches a node."""

    def kill(self, jobs: Sequence[str]) -> None:
        """End jobs now, and take waiting ones out of the queue."""


class Unreachable(Exception):
    """The queue does not answer; what was handed in goes on."""


@dataclass
class Nowhere:
    """A machine that could not be reached when a collector began: what is handed in ends, and says why."""

    why: UserError
    name: str = "the cluster"
    lasting: bool = True

    def submit(self, folders: Sequence[Path], wanted: Resources, name: str) -> list[Handed]:
        """See `Machine`."""
        raise self.why

    def statuses(self, jobs: Sequence[str]) -> Mapping[str, Status]:
        """See `Machine`."""
        return {}

    def ask_to_stop(self, jobs: Sequence[str]) -> None:
        """See `Machine`."""

    def kill(self, jobs: Sequence[str]) -> None:
        """See `Machine`."""


FORGOTTEN = "UNKNOWN"
"""The queue has no such job any more."""
OUT_OF_MEMORY = re.compile(rb"oom.?kill|out of memory", re.IGNORECASE)


def with_its_log(status: Status | None, log: bytes) -> Status | None:
    """What a queue says of a job, and what its log says: Slurm calls a job failed whose step ran out of memory."""
    failed = status is not None and status.kind == "gone" and status.word == "FAILED"
    return Status("gone", "OUT_OF_MEMORY") if failed and OUT_OF_MEMORY.search(log) else status


@dataclass(frozen=True)
class Verdict:
    """What becomes of a run: it goes on (state `queued` or `running`), is handed in `again`, or ends."""

    state: str
    reason: str = ""
    exit_code: int | None = None
    again: bool = False


def judged(status: Status | None, ended: Ended | None, *, begun: bool, asked: bool, place: str) -> Verdict | None:
    """From what the queue says, what the newest attempt said at its end, whether one has begun, and whether home asked for a
    stop. None while nothing can be told. `{run}` stands for the run's name in reasons."""
    if ended is not None and (ended.state != "stopped" or asked):
        return Verdict(ended.state, ended.reason, ended.exit_code)
    if status is None:
        return None
    if status.kind != "gone":
        return _standing(status, place, begun=begun, left=ended is not None)
    if asked:
        return Verdict("stopped", "killed on request", None)
    if status.word == FORGOTTEN and not begun:  # what Slurm does with a waiting member of an array that is cancelled
        return Verdict("stopped", f"its job left {place} before it began, cancelled perhaps; {_left()}", 0)
    return _at_its_end(status, ended, place)


def _standing(status: Status, place: str, *, begun: bool, left: bool) -> Verdict:
    """Of a job that the queue still has."""
    said = status.reason or status.word
    if status.kind == "waiting":
        return Verdict("queued", f"{place}: waits: {said}")
    if left:
        return Verdict("queued", f"{place}: left {said}, goes on where there is room")
    return Verdict("running") if begun else Verdict("queued", f"{place}: starts on {said}")


def _left(more: str = "") -> str:
    return f"`leverplus resume {{run}}{more}` goes on from here"


def _at_its_end(status: Status, ended: Ended | None, place: str) -> Verdict:
    if status.word in AGAIN:
        return Verdict("queued", f"{place} took its node away ({status.word}); handed in again", again=True)
    if status.word in ("TIMEOUT", "DEADLINE") or (ended is not None and ended.signal == "SIGUSR2"):
        return Verdict("stopped", f"its time limit on {place} was reached; {_left(' --time-limit TIME')}", 0)
    if status.word.startswith("CANCELLED"):
        return Verdict("stopped", f"cancelled in {place}; {_left()}", 0)
    if status.word == "OUT_OF_MEMORY":
        return Verdict("lost", f"{place} ended it: it needed more memory than it had; {_left(' --memory GB')}")
    if ended is not None:
        return Verdict("stopped", f"stopped on its node by {ended.signal or 'a signal'}; {_left()}", ended.exit_code)
    words = (status.word if status.word != FORGOTTEN or not status.reason else "", status.reason)
    said = ", ".join(word for word in words if word)
    return Verdict("lost", f"its job on {place} ended without a word ({said}); {_left()}")
