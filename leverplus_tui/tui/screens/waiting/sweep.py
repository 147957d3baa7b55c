"""One sweep: its runs with settings and figures, and which settings are best, with what choosing them adds by chance."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from db.run_states import ACTIVE, UNFINISHED
from db.user_error import UserError
from leverplus_tui.text.language import shown
from leverplus_tui.text.numbers import accuracy, plural, setting
from leverplus_tui.text.times import duration
from leverplus_tui.text.words import clean
from leverplus_tui.tui.library import Library
from leverplus_tui.tui.messages import CompareRuns, OpenRun, Outcome, Work
from leverplus_tui.tui.screens.base import PageScreen
from leverplus_tui.tui.screens.choosing import Choose
from leverplus_tui.tui.screens.dialogs import Confirm
from leverplus_tui.tui.screens.run.actions import RUN_KEYS, RunActions
from leverplus_tui.tui.widgets.run_view import state_cell
from leverplus_tui.tui.widgets.table import Cell, Column, LineTable

if TYPE_CHECKING:
    from db.store import RunRow, SweepRow
    from leverplus_tui.tui.reading.rows import SweepRuns

SWEEP_KEYS: list[BindingType] = [
    Binding("K", "stop_all", "stop all", tooltip="stop all runs of the sweep (asks first)", id="sweep.stop"),
    Binding("L", "resume_missing", "go on", tooltip="queue again what the sweep lacks", id="sweep.resume"),
]
"""What can be done to a sweep as a whole."""


class SweepPage(PageScreen):
    """A page on which a sweep is meant."""

    def sweep_here(self) -> SweepRow | None:
        """The sweep that is meant."""
        return None

    @work(group="dialog", exclusive=True, exit_on_error=False)
    async def action_stop_all(self) -> None:
        """Ask, then stop what waits and what runs."""
        if (sweep := self.sweep_here()) is None:
            return
        detail = shown("Waiting runs and running ones; what is done stays stored, and L goes on with the rest.")
        if await self.app.push_screen_wait(Confirm(f"Stop all runs of {sweep.ref} {clean(sweep.name)}?", detail)):
            self.post_message(self._stopping(sweep))

    def _stopping(self, sweep: SweepRow) -> Work:
        home = self.library.home

        def stop() -> Outcome:
            from leverplus_tui.queue.sweep import counted  # as below
            from leverplus_tui.queue.sweep import stop as stop_sweep  # specifications: 200 ms

            return Outcome(f"{sweep.ref}: {counted(stop_sweep(home, sweep))}", brief=True)

        return Work(f"Stopping {sweep.ref}", stop, self, f"stopping {sweep.ref}")

    def action_resume_missing(self) -> None:
        """Queue again what ended before it was done."""
        if (sweep := self.sweep_here()) is None:
            return
        home = self.library.home

        def resume() -> Outcome:
            from leverplus_tui.queue.sweep import resume_missing  # as above

            lacking = resume_missing(home, sweep)
            words = shown(f"{plural(len(lacking), 'run')} queued again") if lacking else shown("nothing is missing")
            return Outcome(f"{sweep.ref}: {words}", brief=True)

        self.post_message(Work(f"Going on with {sweep.ref}", resume, self, f"queueing {sweep.ref}"))


class SweepScreen(RunActions, SweepPage):
    """The runs of a sweep; below them, what is best."""

    MODE = "jobs"
    PANE = "#best"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "mark", "mark", id="sweep.mark"),
        Binding("v", "compare", "compare", tooltip="compare the marked runs, or all that are done", id="sweep.compare"),
        Binding("b", "by", "best by", tooltip="say which settings are best by another metric", id="sweep.by"),
        *SWEEP_KEYS,
        *RUN_KEYS,
    ]

    def __init__(self, library: Library, sweep_id: int) -> None:
        super().__init__(library)
        self.sweep_id, self.metric = sweep_id, ""
        self.runs: SweepRuns | None = None
        self._judged: tuple[tuple[str, ...], str] | None = None
        """Which states, by which metric, the words below are about."""

    def body(self) -> ComposeResult:
        """Title, runs, best."""
        yield Static("", id="title")
        yield LineTable(id="members")
        with VerticalScroll(id="best", can_focus=False):
            yield Static("", id="best-said", markup=False)

    @property
    def table(self) -> LineTable:
        """The runs."""
        return self.query_one("#members", LineTable)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Evaluations are compared by their answers; trainings by the metric that is chosen."""
        return action != "by" or (self.runs is not None and bool(self.runs.metrics))

    # Reading

    async def reload(self) -> None:
        """Read the runs; what is best follows when one of them has ended."""
        first = self.runs is None
        runs = await asyncio.to_thread(self.library.database.sweep, self.sweep_id, self.metric)
        self.runs, self.metric = runs, runs.metric
        self.refresh_bindings()
        self.table.set_columns(_columns(runs))
        self.show_ages()
        self.table.set_keys(list(runs.rows))
        states = [row.state for row in runs.rows.values()]
        done = states.count("done")
        self.query_one("#title", Static).update(
            Content.assemble((f" {runs.row.ref} ", "bold $accent"), (clean(runs.row.name), "bold"),
                             (shown(f"  {runs.row.kind}  {done} of {len(states)} done"), "$faint"))
        )  # fmt: skip
        self.bar.status = shown(f"sweep {runs.row.ref}: {done} of {len(states)} done")
        if first:
            self.table.focus()
        self.follow_state()
        judged = (tuple(states), self.metric)
        if judged != self._judged:
            self._judged = judged
            self._judge(runs)

    def show_ages(self) -> None:
        """Write the rows again."""
        if self.runs is not None:
            self.table.put_rows({row.id: _row(self.runs, row) for row in self.runs.rows.values()}, fresh=True)

    @work(group="best", exclusive=True, exit_on_error=False)
    async def _judge(self, runs: SweepRuns) -> None:
        said = self.query_one("#best-said", Static)
        if not any(row.state == "done" for row in runs.rows.values()):
            said.update(_outlook(runs))
            return
        said.update(shown("Comparing what is done"))
        try:
            found = await asyncio.to_thread(self.library.database.best_of_sweep, runs.row, self.metric)
        except UserError as error:
            said.update(f"{_outlook(runs)}\n{error}".strip())
            return
        said.update("\n".join([*found.lines, _outlook(runs)]).strip())

    # Keys

    def sweep_here(self) -> SweepRow | None:
        """This one."""
        return self.runs.row if self.runs is not None else None

    def here(self) -> int | None:
        """The run under the cursor."""
        return self.table.cursor_key

    def run_here(self) -> RunRow | None:
        """The row under the cursor."""
        return self.runs.rows.get(key) if self.runs is not None and (key := self.here()) is not None else None

    @on(LineTable.Moved)
    def moved(self, event: LineTable.Moved) -> None:
        """Other keys fit another run."""
        event.stop()
        self.follow_state()

    def meant(self) -> tuple[int, ...]:
        """The marked runs, or the one under the cursor."""
        return tuple(self.table.marked) or super().meant()

    def action_mark(self) -> None:
        """Mark or unmark."""
        self.table.toggle_mark()

    def action_compare(self) -> None:
        """The marked runs side by side, or all that are done."""
        assert self.runs is not None, "keys come after reading"
        done = tuple(row.id for row in self.runs.rows.values() if row.state == "done")
        run_ids = tuple(self.table.marked) or done
        if len(run_ids) < 2:
            self.notify("A comparison needs two runs: mark them with space, or wait until two are done")
        else:
            self.post_message(CompareRuns(run_ids))

    @on(LineTable.Chosen)
    def chosen(self, event: LineTable.Chosen) -> None:
        """Enter opens the run."""
        event.stop()
        self.post_message(OpenRun(event.key))

    @work(group="dialog", exclusive=True, exit_on_error=False)
    async def action_by(self) -> None:
        """Choose the metric."""
        assert self.runs is not None, "offered after reading"
        choices = [(name, name) for name in self.runs.metrics]
        chosen = await self.app.push_screen_wait(Choose("Best by", choices, current=self.metric))
        if chosen:
            self.metric = chosen
            self.refresh_data()


def _columns(runs: SweepRuns) -> list[Column]:
    varied = [
        Column(f"={axis}", axis.rpartition(".")[2], max(6, len(axis.rpartition(".")[2])), flex=8)
        for axis in runs.row.axes
    ]
    shots = sorted({cell.shot for row in runs.rows.values() for cell in row.cells})
    figures = [Column(f"@{shot}", f"acc@{shot}", _width(runs, shot), align="right", priority=2) for shot in shots]
    measured = (
        [Column("metric", runs.metric, max(10, len(runs.metric)), align="right", priority=1)] if runs.metric else []
    )
    return [
        Column("id", "id", 5), *varied, *figures, *measured, Column("took", "took", 6, align="right", priority=3),
        Column("state", "state", 9, flex=40),
    ]  # fmt: skip


def _width(runs: SweepRuns, shot: int) -> int:
    """Room for the longest figure: a number is never cut."""
    figures = (_row(runs, row).get(f"@{shot}", "") for row in runs.rows.values())
    return max(8, *(len(str(figure)) for figure in figures))


def _row(runs: SweepRuns, row: RunRow) -> dict[str, Cell | str]:
    settings = runs.row.members[row.id]
    figures = {f"@{cell.shot}": row.headline(cell.shot) for cell in row.cells}
    return {
        "id": Cell(row.ref, "accent"),
        **{f"={axis}": clean(setting(_plain(settings.get(axis)))) for axis in runs.row.axes},
        **{key: accuracy(cell.accuracy, cell.ci_low, cell.ci_high) for key, cell in figures.items() if cell},
        "metric": setting(runs.values.get(row.id)),
        "took": Cell(duration(row.duration_s), "faint"),
        "state": state_cell(row),
    }


def _plain(value: object) -> str | float | None:
    return value if isinstance(value, str | int | float) and not isinstance(value, bool) else str(value)


def _outlook(runs: SweepRuns) -> str:
    """What is still to come, or missing."""
    states = [row.state for row in runs.rows.values()]
    active, missing = sum(s in ACTIVE for s in states), sum(s in UNFINISHED for s in states)
    told = [shown(f"{plural(active, 'run')} still to come")] if active else []
    told += [shown(f"{plural(missing, 'run')} ended too early: L queues again what is missing")] if missing else []
    return "; ".join(told)
