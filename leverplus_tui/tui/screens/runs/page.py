"""Runs, the first page: every run with its figures, filtered, sorted, marked, opened, launched and stopped from here."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.geometry import Size
from textual.widgets import Static

from leverplus_tui.text.language import shown
from leverplus_tui.text.numbers import plural
from leverplus_tui.tui.library import Library
from leverplus_tui.tui.messages import (
    CompareRuns,
    DatabaseRefused,
    LaunchDemo,
    OpenRun,
)
from leverplus_tui.tui.screens.choosing import Choose
from leverplus_tui.tui.screens.dialogs import Confirm
from leverplus_tui.tui.screens.launch.opening import LaunchPage
from leverplus_tui.tui.screens.run.actions import RUN_KEYS, RunActions
from leverplus_tui.tui.screens.run.info import RunInfo
from leverplus_tui.tui.screens.runs.listed import SHOTS_BEFORE_ANY, ListedRuns
from leverplus_tui.tui.widgets.empty import Empty
from leverplus_tui.tui.widgets.run_view import run_columns
from leverplus_tui.tui.widgets.table import LineTable

if TYPE_CHECKING:
    from db.store import RunRow

NEEDS_RUNS = ("mark", "mark_range", "compare", "sort", "reverse", "stop", "resume", "info", "copy", "columns", "tag",
              "rename", "note", "delete", "export", "group", "views", "pin", "curves", "repeat")  # fmt: skip
NEEDS_DATABASE = ("launch", "train", "demo", "add_data", "import_file", "filter")
MAKES = {"rce": "selector", "grpo": "selector", "generate": "rl_data", "embed": "embeddings"}
"""Kind of run -> the field that takes what it writes."""
TAKES = {"eval": ("selector",), "rce": ("rl_data", "embeddings"), "grpo": ("rl_data", "embeddings")}
HIDDEN_BELOW = 100
"""Columns below which the info pane starts hidden."""


class RunsScreen(RunActions, LaunchPage, ListedRuns):
    """The list of runs."""

    MODE = "runs"
    PANE = "#info"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "mark", "mark", id="runs.mark"),
        Binding("v", "compare", "compare", tooltip="compare the marked runs", id="runs.compare"),
        Binding("e", "launch('eval')", "evaluate", id="runs.evaluate"),
        Binding("n", "train", "train", tooltip="train a selector, make RL data or embeddings", id="runs.train"),
        Binding("slash", "filter", "filter", tooltip='filter: kind:eval acc@2>60 -tag:smoke "text"', id="runs.filter"),
        Binding("s", "sort", "sort", id="runs.sort"),
        Binding("i", "info", "info", tooltip="show or hide the pane below", id="runs.info"),
        Binding("x", "export", "export", tooltip="export these runs as CSV or JSON", id="runs.export"),
        Binding("c", "columns", "columns", tooltip="choose columns: any setting, any metric", id="runs.columns"),
        Binding("b", "group", "by", tooltip="group by settings, with means and spreads", id="runs.group"),
        Binding("w", "views", "views", tooltip="saved views: go to one, save this one", id="runs.views"),
        Binding("p", "pin", "pin", tooltip="keep the run on top as a reference, or no longer", id="runs.pin"),
        *RUN_KEYS,
        Binding("S", "reverse", "reverse the order", show=False, id="runs.reverse"),
        Binding("V", "mark_range", "mark from the last mark to here", show=False, id="runs.mark-range"),
        Binding("d", "demo", "start the demonstration: two small real runs", show=False, id="runs.demo"),
        Binding("o", "add_data", "add a data file or folder", show=False, id="runs.add-data"),
        Binding("I", "import_file", "import reports, results or another tracker's runs", show=False, id="runs.import"),
        Binding("escape", "back", "clear the filter, then the marks", show=False, id="back"),
    ]

    def __init__(self, library: Library) -> None:
        super().__init__(library)
        self._info_wanted: bool | None = None

    def body(self) -> ComposeResult:
        """Filter, table, info pane; instead of the table, what an empty list means."""
        yield Static("", id="summary", markup=False)
        yield from self.filter_line('kind:eval acc@2>60 -tag:smoke "text"')
        with Vertical(id="list"):
            yield Empty("Opening the database", id="empty")
            yield LineTable(run_columns(SHOTS_BEFORE_ANY), lasting_marks=True, id="runs")
        with Horizontal(id="info"):
            yield RunInfo(self.library)

    def on_mount(self) -> None:
        """Start as it was left."""
        self.table.marked = list(self.library.memory.now.marked)
        self.show_filter()
        self.query_one("#runs").display = False
        self.query_one("#info").display = False

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys that need a run are not offered before there is one."""
        if not self.library.is_open:
            return action not in (*NEEDS_RUNS, *NEEDS_DATABASE)
        return bool(self.listing.ids) or not (action in NEEDS_RUNS or (action == "filter" and not self.where))

    # Reading

    def on_database_refused(self, event: DatabaseRefused) -> None:
        """There is nothing to list, and why."""
        event.stop()
        self._has_read = True
        self.refresh_bindings()
        self.query_one("#empty", Empty).say("The database cannot be used", [event.sentence], [("q", "quit")])

    # Info pane

    def fit(self, size: Size) -> None:
        """The pane below needs room."""
        self._fit_info()

    def _fit_info(self) -> None:
        wanted = (
            self.size.width >= HIDDEN_BELOW and self.size.height >= 24
            if self._info_wanted is None
            else self._info_wanted
        )
        self.query_one("#info").display = bool(wanted and self.listing.ids)

    def listed(self) -> None:
        """The pane is for a run."""
        self._fit_info()

    def row_shown(self) -> None:
        """The pane follows."""
        self._inform()

    def action_info(self) -> None:
        """Show or hide the info pane."""
        self._info_wanted = not self.query_one("#info").display
        self._fit_info()
        self._inform()

    def run_here(self) -> RunRow | None:
        """The run under the cursor."""
        return self._rows.get(self.here() or 0)

    def _inform(self) -> None:
        self.follow_state()
        key = self.table.cursor_key
        if not self.query_one("#info").display:
            return
        if key is not None and key in self._rows:
            self.query_one(RunInfo).show(self._rows[key])
        elif (group := self._group()) is not None:
            self.query_one(RunInfo).show_group(group)

    @on(LineTable.Moved)
    def cursor_moved(self, event: LineTable.Moved) -> None:
        """The pane follows the cursor."""
        event.stop()
        self._inform()

    # Filter and sort

    def action_filter(self) -> None:
        """Open the filter line."""
        self.open_filter()

    def select_again(self) -> None:
        """Read the list again."""
        self.refresh_data()

    def action_back(self) -> None:
        """Escape clears the filter, then the marks."""
        if not self.leave_filter() and self.table.clear_marks():
            self._marked()

    # What is done with runs

    def action_mark(self) -> None:
        """Mark the run under the cursor, or all of the group."""
        if (group := self._group()) is None:
            self.table.toggle_mark()
        else:
            marked = self.table.marked
            others = [run for run in group.ids if run not in marked]
            self.table.marked = [*marked, *others] if others else [run for run in marked if run not in group.ids]
            self.table.action_move(1)
            self.table.refresh()
        self._marked()

    def action_mark_range(self) -> None:
        """Mark several."""
        self.table.mark_range()
        self.table.marked = [key for key in self.table.marked if key > 0]
        self._marked()

    def _marked(self) -> None:
        self.library.memory.keep(marked=list(self.table.marked))
        self._summarise()

    def action_pin(self) -> None:
        """Keep the run on top, or no longer."""
        if (run_id := self.here()) is not None:
            pinned = self.library.memory.now.pinned
            others = [run for run in pinned if run != run_id]
            self.library.memory.keep(pinned=others if run_id in pinned else [*pinned, run_id])
            self.select_again()

    def action_compare(self) -> None:
        """Compare the marked runs, in the order in which they were marked; the first is the baseline."""
        ids = tuple(self.table.marked)
        here = self.table.cursor_key
        if len(ids) == 1 and here is not None and here > 0 and here not in ids:
            ids = (*ids, here)  # one mark and the cursor elsewhere: these two are meant
        if len(ids) < 2:
            self.notify("Mark two or more runs with space, then press v")
            return
        self.post_message(CompareRuns(ids))

    @on(LineTable.Chosen)
    def run_chosen(self, event: LineTable.Chosen) -> None:
        """Enter opens a run, and opens or closes a group."""
        event.stop()
        if (group := self._group()) is None:
            self.post_message(OpenRun(event.key))
        else:
            self._open ^= {group.values}
            self._list()

    def template(self, kind: str) -> int | None:
        """The run under the cursor, when it is of this kind."""
        run = self._rows.get(self.here() or 0)
        return run.id if run is not None and run.kind == kind else None

    def given(self, kind: str) -> dict[str, str]:
        """A form takes the files that the marked runs, and the one under the cursor, wrote or will write."""
        near = dict.fromkeys((*self.table.marked, self.here() or 0))
        makers = {MAKES.get(run.kind, ""): run.ref for one in near if (run := self._rows.get(one)) is not None}
        return {field: makers[field] for field in TAKES.get(kind, ()) if field in makers}

    def here(self) -> int | None:
        """The run under the cursor."""
        key = self.table.cursor_key
        return key if key is not None and key > 0 else None

    def meant(self) -> tuple[int, ...]:
        """The marked runs, those of the group under the cursor, or the run there."""
        group = self._group()
        return tuple(self.table.marked) or (group.ids if group is not None else super().meant())

    def deleted(self) -> None:
        """Marks on runs that are gone mean nothing."""
        self.table.clear_marks()
        self._marked()

    @work(group="dialog", exclusive=True, exit_on_error=False)
    async def action_demo(self) -> None:
        """Start two small real runs; asked where there are runs, because the key is offered only where there are none."""
        detail = shown("Two evaluations of 100 questions on the built-in world; they stand beside your own runs.")
        if not self.listing.total or await self.app.push_screen_wait(Confirm("Start the demonstration?", detail)):
            self.post_message(LaunchDemo())

    @work(group="dialog", exclusive=True, exit_on_error=False)
    async def action_export(self) -> None:
        """Write the marked runs, or all that are listed, to a file."""
        run_ids = tuple(self.table.marked) or self.listing.ids
        choices = [("csv", shown("CSV, one line per figure")), ("json", shown("JSON, as `leverplus runs --json`"))]
        kind = await self.app.push_screen_wait(Choose(f"Export {plural(len(run_ids), 'run')} as", choices))
        if kind:
            from leverplus_tui.tui.screens.files.exports import exporting_runs  # numpy and the store: 500 ms

            self.post_message(exporting_runs(self, run_ids, kind))
