"""Runs, the first page: every run with its figures, filtered, sorted, marked, opened, launched and stopped from here."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.geometry import Size
from textual.widgets import Static

from db.user_error import UserError
from leverplus_tui.text.figures import unlike_questions
from leverplus_tui.text.numbers import plural
from leverplus_tui.text.shots import shots_text
from leverplus_tui.tui.library import Library
from leverplus_tui.tui.messages import (
    CompareRuns,
    DatabaseRefused,
    LaunchDemo,
    OpenRun,
    RunsLaunched,
)
from leverplus_tui.tui.rows import Listing
from leverplus_tui.tui.screens.dialogs import Choose, ChooseMany, Confirm
from leverplus_tui.tui.screens.filtered import FilteredPage
from leverplus_tui.tui.screens.launch.opening import LaunchPage
from leverplus_tui.tui.screens.run.actions import RunActions
from leverplus_tui.tui.screens.run.info import RunInfo
from leverplus_tui.tui.widgets.empty import Empty
from leverplus_tui.tui.widgets.run_view import figure_widths, hidden_words, run_columns, run_row
from leverplus_tui.tui.widgets.table import Column, LineTable

if TYPE_CHECKING:
    from db.store import RunRow

NEWEST_FIRST = "created desc"
SORTED_BY = ("name", "state", "kind", "duration", "n", "dataset", "vlm", "retriever", "findings")
SHOTS_BEFORE_ANY = (0, 1, 2)
NEEDS_RUNS = ("mark", "mark_range", "compare", "sort", "reverse", "stop", "resume", "info", "copy", "columns", "tag",
              "rename", "note", "delete", "export")  # fmt: skip
NEEDS_DATABASE = ("launch", "train", "demo", "add_data", "filter")
HIDDEN_BELOW = 100
"""Columns below which the info pane starts hidden."""


class RunsScreen(RunActions, LaunchPage, FilteredPage):
    """The list of runs."""

    MODE = "runs"
    ASCENDING = frozenset({"name", "state", "kind", "dataset", "vlm", "retriever"})
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "mark", "mark", id="runs.mark"),
        Binding("v", "compare", "compare", tooltip="compare the marked runs", id="runs.compare"),
        Binding("e", "launch('eval')", "evaluate", id="runs.evaluate"),
        Binding("n", "train", "train", tooltip="train a selector, make RL data or embeddings", id="runs.train"),
        Binding("slash", "filter", "filter", tooltip='filter: kind:eval acc@2>60 -tag:smoke "text"', id="runs.filter"),
        Binding("s", "sort", "sort", id="runs.sort"),
        Binding("X", "stop", "stop", tooltip="stop the job (asks first)", id="runs.stop"),
        Binding("R", "resume", "resume", tooltip="go on with a stopped, failed or lost run", id="runs.resume"),
        Binding("i", "info", "info", tooltip="show or hide the pane below", id="runs.info"),
        Binding("y", "copy", "copy", tooltip="copy the command that makes this run", id="runs.copy"),
        Binding("x", "export", "export", tooltip="export these runs as CSV or JSON", id="runs.export"),
        Binding("c", "columns", "columns", tooltip="choose the columns", id="runs.columns"),
        Binding("t", "tag", "tag", tooltip="tag the run, or all that are marked", id="runs.tag"),
        Binding(
            "D", "delete", "delete", tooltip="delete the run, or all that are marked (asks first)", id="runs.delete"
        ),
        Binding("f2", "rename", "rename", tooltip="give the run another name", id="runs.rename"),
        Binding("a", "note", "note", tooltip="write a note about the run", id="runs.note"),
        Binding("S", "reverse", "reverse the order", show=False, id="runs.reverse"),
        Binding("V", "mark_range", "mark from the last mark to here", show=False, id="runs.mark-range"),
        Binding("d", "demo", "start the demonstration: two small real runs", show=False, id="runs.demo"),
        Binding("o", "add_data", "add a data file or folder", show=False, id="runs.add-data"),
        Binding("escape", "back", "clear the filter, then the marks", show=False, id="back"),
    ]

    def __init__(self, library: Library) -> None:
        super().__init__(library)
        self.sort = NEWEST_FIRST
        self.listing = Listing((), 0, (), 0, 0, 0)
        self._rows: dict[int, RunRow] = {}
        self._loaded = False
        self._launched = 0
        self._info_wanted: bool | None = None
        self._columns: frozenset[str] = frozenset()
        """Keys of the columns that were chosen; none are all."""
        self._names: frozenset[str] = frozenset()
        self._widths: dict[int, int] = {}

    def body(self) -> ComposeResult:
        """Filter, table, info pane; instead of the table, what an empty list means."""
        yield Static("", id="summary", markup=False)
        yield from self.filter_line('kind:eval acc@2>60 -tag:smoke "text"')
        with Vertical(id="list"):
            yield Empty("Opening the database", id="empty")
            yield LineTable(run_columns(SHOTS_BEFORE_ANY), id="runs")
        with Horizontal(id="info"):
            yield RunInfo(self.library)

    def on_mount(self) -> None:
        """Start with the list in focus."""
        self.query_one("#runs").display = False
        self.query_one("#info").display = False

    @property
    def table(self) -> LineTable:
        """The list."""
        return self.query_one("#runs", LineTable)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys that need a run are not offered before there is one."""
        if not self.library.is_open:
            return action not in (*NEEDS_RUNS, *NEEDS_DATABASE)
        return bool(self.listing.ids) or not (action in NEEDS_RUNS or (action == "filter" and not self.where))

    # Reading

    def on_runs_launched(self, event: RunsLaunched) -> None:
        """Put the cursor on the newest as soon as it is listed."""
        event.stop()
        self._launched = event.run_ids[-1]
        self.refresh_data()

    def on_database_refused(self, event: DatabaseRefused) -> None:
        """There is nothing to list, and why."""
        event.stop()
        self.refresh_bindings()
        self.query_one("#empty", Empty).say("The database cannot be used", [event.sentence], [("q", "quit")])

    async def reload(self) -> None:
        """Read ids, then the rows in view."""
        try:
            listing = await asyncio.to_thread(self.library.database.listing, self.where, self.sort)
        except UserError as error:
            if not self.where:
                raise
            self.refuse_filter(str(error))
            return
        self.refuse_filter("")
        first = not self._loaded
        self._show_listing(listing)
        visible = self.table.visible_keys() if not first else listing.ids[:60]
        rows = await asyncio.to_thread(self.library.database.run_rows, visible)
        self._take(rows, fresh=True)
        if first:
            self.table.focus()

    def _show_listing(self, listing: Listing) -> None:
        self._loaded, self.listing = True, listing
        self._set_columns()
        self.list_keys(listing.ids)
        if self._launched in listing.ids:
            self.table.move_to(self._launched)
            self._launched = 0
        empty = not listing.ids
        self.refresh_bindings()
        self.query_one("#empty").display = empty
        self.table.display = not empty
        if empty:
            self._say_why()
        self._summarise()
        self._fit_info()

    @property
    def _shots(self) -> tuple[int, ...]:
        return self.listing.shots or SHOTS_BEFORE_ANY

    def _set_columns(self) -> None:
        every = self._every_column()
        self.table.set_columns([column for column in every if not self._columns or column.key in self._columns])

    def _every_column(self) -> list[Column]:
        listing = self.listing
        return run_columns(self._shots, max(listing.ids, default=0), listing.largest, self._widths)

    @on(LineTable.Fitted)
    def columns_fitted(self, event: LineTable.Fitted) -> None:
        """The head line says what has no room."""
        event.stop()
        self._summarise()

    def _say_why(self) -> None:
        empty = self.query_one("#empty", Empty)
        if self.listing.total or self.where:
            empty.say(f"No runs match {self.where}", (), [("esc", "clear the filter"), ("/", "change it")])
            return
        empty.say(
            "No runs yet",
            [f"They are kept in {self.library.home.root}"],
            [("d", "demo: two small real runs on the built-in world"), ("e", "evaluate a model"),
             ("n", "train a selector"), ("o", "add a data folder or file"), ("?", "keys")],
        )  # fmt: skip

    def _summarise(self) -> None:
        parts = [
            f"{len(self.listing.ids)} of {self.listing.total}" if self.where else plural(self.listing.total, "run")
        ]
        if self.listing.ids and (hidden := hidden_words(self.table.hidden_columns)):
            parts.append(hidden)
        elif self._columns:
            parts.append("chosen columns (c)")
        parts.append(f"sort {self.sort}")
        if note := unlike_questions(self._rows.values(), self.sort):
            parts.append(note)
        if self.table.marked:
            parts.append(f"{len(self.table.marked)} marked (v compares)")
        if self.where:
            parts.append(f"filter {self.where} (esc clears)")
        self.query_one("#summary", Static).update("   ".join(parts))
        jobs = [f"{self.listing.running} running"] if self.listing.running else []
        jobs += [f"{self.listing.queued} waiting"] if self.listing.queued else []
        self.bar.status = ", ".join(jobs)

    @on(LineTable.Wanted)
    def rows_wanted(self, event: LineTable.Wanted) -> None:
        """Read rows that came into view."""
        event.stop()
        self._read_rows(event.keys)

    @work(exclusive=True, group="rows", exit_on_error=False)
    async def _read_rows(self, keys: tuple[int, ...]) -> None:
        self._take(await asyncio.to_thread(self.library.database.run_rows, keys))

    def _take(self, rows: list[RunRow], *, fresh: bool = False) -> None:
        if fresh:
            self._rows.clear()
        self._rows.update({row.id: row for row in rows})
        names = frozenset(name for row in self._rows.values() for name in (row.dataset, row.vlm))
        others = names != self._names
        self._names = names
        self._widths = figure_widths(self._rows.values(), self._shots)
        self._set_columns()
        self._put(self._rows.values() if others else rows, fresh=fresh)
        self._summarise()
        self._inform()

    def _put(self, rows: Iterable[RunRow], *, fresh: bool = False) -> None:
        self.table.put_rows({row.id: run_row(row, self._shots, self._names) for row in rows}, fresh=fresh)

    def show_ages(self) -> None:
        """Write the rows again."""
        self._put(self._rows.values())

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

    def action_info(self) -> None:
        """Show or hide the info pane."""
        self._info_wanted = not self.query_one("#info").display
        self._fit_info()
        self._inform()

    def _inform(self) -> None:
        key = self.table.cursor_key
        if self.query_one("#info").display and key is not None and key in self._rows:
            self.query_one(RunInfo).show(self._rows[key])

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
            self._summarise()

    @property
    def sort_fields(self) -> tuple[str, ...]:
        """As for `leverplus runs --sort`."""
        return ("created", *(f"acc@{shots_text(shot)}" for shot in self.listing.shots), *SORTED_BY)

    # What is done with runs

    def action_mark(self) -> None:
        """Mark the run under the cursor."""
        self.table.toggle_mark()
        self._summarise()

    def action_mark_range(self) -> None:
        """Mark several."""
        self.table.mark_range()
        self._summarise()

    def action_compare(self) -> None:
        """Compare the marked runs, in the order in which they were marked; the first is the baseline."""
        ids = tuple(self.table.marked)
        here = self.table.cursor_key
        if len(ids) == 1 and here is not None and here not in ids:
            ids = (*ids, here)  # one mark and the cursor elsewhere: these two are meant
        if len(ids) < 2:
            self.notify("Mark two or more runs with space, then press v")
            return
        self.post_message(CompareRuns(ids))

    @on(LineTable.Chosen)
    def run_chosen(self, event: LineTable.Chosen) -> None:
        """Enter opens."""
        event.stop()
        self.post_message(OpenRun(event.key))

    def template(self, kind: str) -> int | None:
        """The run under the cursor, when it is of this kind."""
        key = self.table.cursor_key
        run = self._rows.get(key) if key is not None else None
        return run.id if run is not None and run.kind == kind else None

    def here(self) -> int | None:
        """The run under the cursor."""
        return self.table.cursor_key

    def meant(self) -> tuple[int, ...]:
        """The marked runs, or the one under the cursor."""
        return tuple(self.table.marked) or super().meant()

    def deleted(self) -> None:
        """Marks on runs that are gone mean nothing."""
        self.table.clear_marks()

    @work(group="dialog", exclusive=True, exit_on_error=False)
    async def action_demo(self) -> None:
        """Start two small real runs; asked where there are runs, because the key is offered only where there are none."""
        detail = "Two evaluations of 100 questions on the built-in world; they stand beside your own runs."
        if not self.listing.total or await self.app.push_screen_wait(Confirm("Start the demonstration?", detail)):
            self.post_message(LaunchDemo())

    @work(group="dialog", exclusive=True, exit_on_error=False)
    async def action_columns(self) -> None:
        """Choose the columns."""
        choices = [(column.key, column.title) for column in self._every_column() if column.key != "id"]
        chosen = self._columns or set(self.table.shown_columns)
        found = await self.app.push_screen_wait(ChooseMany("Which columns?", choices, chosen))
        if found is not None:
            self._columns = found | {"id"}
            self._set_columns()

    @work(group="dialog", exclusive=True, exit_on_error=False)
    async def action_export(self) -> None:
        """Write the marked runs, or all that are listed, to a file."""
        run_ids = tuple(self.table.marked) or self.listing.ids
        choices = [("csv", "CSV, one line per figure"), ("json", "JSON, as `leverplus runs --json`")]
        kind = await self.app.push_screen_wait(Choose(f"Export {plural(len(run_ids), 'run')} as", choices))
        if kind:
            from leverplus_tui.tui.screens.exports import export_runs  # numpy and the store: 500 ms

            path = await asyncio.to_thread(export_runs, self.library, run_ids, kind)
            self.notify(str(path), title=f"Exported {plural(len(run_ids), 'run')}")
