"""Jobs: the processes behind runs, how far each is, and the end of its log."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.content import Content
from textual.geometry import Size
from textual.widgets import Static

from db.run_states import ACTIVE
from leverplus_tui.jobs.away import collects
from leverplus_tui.text.language import shown
from leverplus_tui.text.numbers import plural
from leverplus_tui.text.states import short_word, shown_state
from leverplus_tui.text.times import age, duration, since
from leverplus_tui.text.words import clean
from leverplus_tui.tui.library import Library
from leverplus_tui.tui.messages import OpenRun
from leverplus_tui.tui.reading.rows import Job
from leverplus_tui.tui.screens.launch.opening import LaunchPage
from leverplus_tui.tui.screens.run.actions import RUN_KEYS
from leverplus_tui.tui.screens.run.info import Part, standing
from leverplus_tui.tui.screens.run.log_page import EMPTY, LogPage
from leverplus_tui.tui.ways import in_app
from leverplus_tui.tui.widgets.empty import Empty
from leverplus_tui.tui.widgets.log import LogView
from leverplus_tui.tui.widgets.run_view import state_cell
from leverplus_tui.tui.widgets.table import Cell, Column, LineTable
from leverplus_tui.tui.widgets.text import bar

if TYPE_CHECKING:
    from db.store import RunRow

MOST = 200
BAR = 12
COLUMNS = (
    Column("id", "id", 5),
    Column("name", "name", 20, flex=30),
    Column("kind", "kind", 4, priority=4),
    Column("state", "state", 9),
    Column("bar", "progress", BAR, priority=2),
    Column("eta", "left", 6, align="right", priority=1),
    Column("took", "took", 6, align="right", priority=5),
    Column("ended", "when", 11, align="right", priority=3),
)
RUNNING_ONLY = ("bar", "eta")
"""Columns that say nothing when no job runs."""


class JobsScreen(LogPage, LaunchPage):
    """What runs, what waits, what ended."""

    MODE = "jobs"
    PANE = "#job"
    BINDINGS: ClassVar[list[BindingType]] = [
        *RUN_KEYS,
        Binding("f", "follow", "follow", tooltip="follow the end of the log, or stop following", id="jobs.follow"),
        Binding("slash", "find", "find", tooltip="find a text in the log", id="jobs.find"),
        Binding("n", "match(1)", "next match", show=False, id="jobs.next-match"),
        Binding("N", "match(-1)", "previous match", show=False, id="jobs.previous-match"),
        Binding("E", "first_error", "first error", tooltip="jump to the first error in the log", id="jobs.first-error"),
        Binding("o", "pager", "pager", tooltip="read the whole log in $PAGER", id="jobs.pager"),
        Binding("e", "launch('eval')", "evaluate", id="jobs.evaluate"),
        Binding("tab", "app.focus_next", "log", tooltip="to the log and back", id="jobs.log"),
    ]

    def __init__(self, library: Library) -> None:
        super().__init__(library)
        self._jobs: dict[int, Job] = {}
        self._shown: int | None = None
        self._launched: int | None = None

    def body(self) -> ComposeResult:
        """Jobs, and the one under the cursor."""
        yield Empty("No jobs yet", ["A job keeps running when this program is closed"],
                    [("e", "evaluate a model"), ("W", "sweeps"),
                     ("1", "the runs, where d starts a demonstration")], id="empty")  # fmt: skip
        yield Static("", id="summary", markup=False)
        with Container(id="jobs-body"):
            yield LineTable(COLUMNS, id="jobs")
            with Vertical(id="job"):
                yield Static("", id="job-head")
                yield LogView(id="log", empty=EMPTY)

    def on_mount(self) -> None:
        """Nothing is read yet."""
        self.query_one("#jobs-body").display = False
        self.query_one("#summary").display = False

    def fit(self, size: Size) -> None:
        """Below 100 columns the log stands under the list."""
        self.query_one("#jobs-body").set_class(size.width < 120, "-stacked")

    @property
    def table(self) -> LineTable:
        """The jobs."""
        return self.query_one("#jobs", LineTable)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys that need a job are not offered before there is one."""
        needs = ("stop", "resume", "follow", "find", "match", "first_error", "pager", "copy", "app.focus_next")
        if action == "launch":
            return self.library.is_open
        return bool(self._jobs) or action not in needs

    async def reload(self) -> None:
        """Read the newest jobs."""
        jobs = await asyncio.to_thread(self.library.database.jobs, MOST)
        first = not self._jobs
        self._jobs = {job.run.id: job for job in jobs}
        self.refresh_bindings()
        self.query_one("#empty").display = not jobs
        self.query_one("#jobs-body").display = bool(jobs)
        running = sum(1 for job in jobs if job.run.state == "running")
        self.table.set_columns([column for column in COLUMNS if running or column.key not in RUNNING_ONLY])
        self.table.put_rows({job.run.id: _row(job) for job in jobs}, fresh=True)
        self.table.set_keys(list(self._jobs))
        if self.library.launched != self._launched and self.library.launched in self._jobs:
            self._launched = self.library.launched
            self.table.move_to(self._launched)
        most = shown(f"the newest {MOST} jobs") if len(jobs) == MOST else plural(len(jobs), "job")
        self.query_one("#summary", Static).update(
            shown(f"{most}: running, then waiting, then the last to end first   Q queue   W sweeps")
        )
        self.query_one("#summary").display = bool(jobs)
        self.bar.status = shown(f"{running} running, goes on after q") if running else shown("nothing is running")
        self._show()
        if first and jobs:
            self.table.focus()

    @on(LineTable.Moved)
    def moved(self, event: LineTable.Moved) -> None:
        """The log follows the cursor."""
        event.stop()
        self._show()

    def run_here(self) -> RunRow | None:
        """The run under the cursor."""
        job = self._jobs.get(self.here() or 0)
        return job.run if job is not None else None

    def _show(self) -> None:
        self.follow_state()
        key = self.table.cursor_key
        job = self._jobs.get(key) if key is not None else None
        if job is None:
            return
        self.query_one("#job-head", Static).update(Content.assemble(*_head(job)))
        if key != self._shown:
            self._shown = key
            self.watch_log(key)
        self.log_view.expect(more=job.run.state in ACTIVE)

    @property
    def log_run(self) -> int | None:
        """The run under the cursor."""
        return self._shown

    def show_ages(self) -> None:
        """Write the rows and the head of the log again."""
        self.table.put_rows({run_id: _row(job) for run_id, job in self._jobs.items()})
        if (job := self._jobs.get(self._shown or 0)) is not None:
            self.query_one("#job-head", Static).update(Content.assemble(*_head(job)))

    # Keys

    def here(self) -> int | None:
        """The run under the cursor."""
        return self.table.cursor_key

    @on(LineTable.Chosen)
    def chosen(self, event: LineTable.Chosen) -> None:
        """Enter opens the run."""
        event.stop()
        self.post_message(OpenRun(event.key))


def _row(job: Job) -> dict[str, Cell | str]:
    run = job.run
    progress = run.progress
    drawn = (
        Cell(bar(progress.done / progress.total, BAR), "accent" if run.state == "running" else "faint")
        if progress and progress.total and run.state != "done"
        else ""
    )
    eta = duration(progress.eta_s) if progress and progress.eta_s is not None else ""
    return {
        "id": Cell(run.ref, "accent"),
        "name": clean(run.name),
        "kind": Cell(short_word(run.kind), "faint"),
        "state": state_cell(run),
        "bar": drawn,
        "eta": eta,
        "took": Cell(duration(run.duration_s), "faint"),
        "ended": Cell(age(run.ended or run.started or run.created), "faint"),
    }


def _head(job: Job) -> list[Part]:
    run, process = job.run, job.process
    parts: list[Part] = [(f"{run.ref} ", "bold $accent"), (clean(run.name), "bold")]
    if process is not None:
        who = "  collected by pid" if collects(process) else "  pid"
        parts += [(shown(f"{who} {process.pid} on {clean(process.host)}"), "$faint"), (_beat(run), "$faint")]
        if process.exit_code is not None:
            parts.append((shown(f"  exit {process.exit_code}"), "$faint" if process.exit_code == 0 else "$error"))
        if process.reason:
            parts += ["\n", (clean(in_app(process.reason)), "$warning")]
    far = standing(run)
    return [*parts, "\n", *far] if far else parts


def _beat(run: RunRow) -> str:
    """When the job was last heard of; silence beyond its promise is said in words."""
    if run.heartbeat is None or run.state != "running":
        return ""
    words = shown(f"  heard of {duration(since(run.heartbeat))} ago")
    return words + (shown(", longer than it promised") if shown_state(run) == "stalled" else "")
