"""What happens, as dataclasses: the watcher speaks to the app, screens ask the app. Progress may replace older progress.

They are neither compared nor printed: methods for that took 6 ms of every start.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.message import Message

if TYPE_CHECKING:
    from textual.screen import Screen


@dataclass(eq=False, repr=False)
class DatabaseReady(Message):
    """The database is open; screens may read."""


@dataclass(eq=False, repr=False)
class DatabaseRefused(Message):
    """The database cannot be used; the sentence says why and what to do."""

    sentence: str


@dataclass(eq=False, repr=False)
class DataChanged(Message):
    """Somebody committed to the database."""

    version: int

    def can_replace(self, message: Message) -> bool:
        """Only the newest state counts."""
        return isinstance(message, DataChanged)


@dataclass(eq=False, repr=False)
class LogGrew(Message):
    """A watched log has new lines; `restarted` when the file was begun anew, `skipped` when its start was not read."""

    path: Path
    lines: list[str]
    restarted: bool = False
    skipped: bool = False


@dataclass(frozen=True)
class View:
    """A view that can be come back to: a mode, or a run's page in it."""

    mode: str
    run_id: int | None = None
    tab: str = field(default="", compare=False)


@dataclass(eq=False, repr=False)
class Viewed(Message):
    """A view came into sight."""

    view: View


@dataclass(eq=False, repr=False)
class OpenRun(Message):
    """Show one run; with `shot`, the answers behind that figure, beside those of another run where one is given."""

    run_id: int
    tab: str = "overview"
    shot: int | None = None
    subset: str = ""
    beside: int | None = None


@dataclass(eq=False, repr=False)
class AskModel(Message):
    """Try things on a question of an evaluation, beside its answer at a number of shots."""

    run_id: int
    question_id: int
    shot: int


@dataclass(eq=False, repr=False)
class CompareRuns(Message):
    """Show these runs side by side; the first is the baseline."""

    run_ids: tuple[int, ...]


@dataclass(eq=False, repr=False)
class OpenCurves(Message):
    """Show the curves of these runs together; with `metric`, that one large."""

    run_ids: tuple[int, ...]
    metric: str = ""


@dataclass(eq=False, repr=False)
class EditLaunch(Message):
    """Open the launch form for a kind of job, filled from a run where there is one."""

    kind: str
    run_id: int | None = None
    values: dict[str, str] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    """Where each of these comes from, such as `r3`."""


@dataclass(eq=False, repr=False)
class LaunchDemo(Message):
    """Start the two small runs that show what this is."""


@dataclass(eq=False, repr=False)
class StopRuns(Message):
    """Ask, then stop runs: their processes, or their waiting."""

    run_ids: tuple[int, ...]


@dataclass(eq=False, repr=False)
class ResumeRun(Message):
    """Go on with a run that ended before it was done, at once or in the queue."""

    run_id: int
    queued: bool = False


@dataclass(eq=False, repr=False)
class RepeatRun(Message):
    """Ask whether now or in the queue, then start a run of the same specification."""

    run_id: int


@dataclass(eq=False, repr=False)
class Begin(Message):
    """Ask for what a task of the program needs, such as a report, and begin it."""

    task: str


@dataclass(eq=False, repr=False)
class AddData(Message):
    """Ask for a file or folder and register it."""


@dataclass(eq=False, repr=False)
class ImportFile(Message):
    """Ask for a file of another program, show what was read of it, and store it after a yes."""


@dataclass(eq=False, repr=False)
class CopyText(Message):
    """Put a text on the clipboard; `what` names it."""

    text: str
    what: str


@dataclass(eq=False, repr=False)
class GoingOn(Message):
    """Jobs that run and wait, and what the program itself is doing, in words, for the line above a page."""

    jobs: str
    errands: str


@dataclass(eq=False, repr=False)
class WatchLog(Message):
    """Tail this log from now on; None ends it."""

    path: Path | None


@dataclass(eq=False, repr=False)
class RunsLaunched(Message):
    """Runs were started, or put into the queue, alone or as a sweep."""

    run_ids: tuple[int, ...]
    sweep: str = ""
    """What the sweep is called, such as `s3`."""
    queued: bool = False
    following: tuple[int, ...] = ()
    """Runs that wait for the first of them."""
    repeats: bool = False
    """Each repeats its parent, so that its end tells what has changed since."""


@dataclass(frozen=True)
class Outcome:
    """How a piece of work ended."""

    text: str
    heading: str = ""
    failed: bool = False
    brief: bool = False
    """A message says it all, on the page that asked too."""
    show: Callable[[], Screen[Any]] | None = None
    """What is opened in place of the text, where the page that asked is still in view."""
    then: Message | None = None
    """What the program is told."""


@dataclass(eq=False, repr=False)
class Work(Message):
    """Do this in a thread of the program's own, so that leaving the page does not end it, and say how it ended."""

    words: str
    """What is being done, such as `Writing mine.json`."""
    do: Callable[[], Outcome]
    page: Screen[Any]
    """Where it was asked for: there the end is told at length."""
    noun: str
    """What stands in the line above meanwhile, such as `mine.json`."""


@dataclass(eq=False, repr=False)
class RestoreHome(Message):
    """Ask, then leave the pages, put a backup in the place of the home, and begin anew there."""

    path: Path
    words: str
    """What the backup says of itself."""


@dataclass(eq=False, repr=False)
class WorkFailed(Message):
    """A worker of a page failed."""

    error: BaseException
