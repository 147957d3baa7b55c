"""RL data: its health, then its queries, filtered, sorted and opened; readable from the first moment, whatever its size."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.geometry import Size
from textual.widgets import Static

from db.specs.terms import BadFilter
from engine.rl.index.filters import SORTS
from engine.rl.index.query_rows import QueryRow
from leverplus_tui.text.numbers import count, plural, size
from leverplus_tui.text.words import clean
from leverplus_tui.tui.library import Library
from leverplus_tui.tui.messages import CopyText, EditLaunch
from leverplus_tui.tui.screens.choosing import Choose
from leverplus_tui.tui.screens.filtered import FilteredPage
from leverplus_tui.tui.screens.rl.compare import RLCompareScreen
from leverplus_tui.tui.screens.rl.health import brief, full
from leverplus_tui.tui.screens.rl.make import RLMakePage
from leverplus_tui.tui.screens.rl.preview import QueryPreview
from leverplus_tui.tui.screens.rl.query import RLQueryScreen
from leverplus_tui.tui.screens.rl.view import QUERY_COLUMNS, query_cells
from leverplus_tui.tui.widgets.empty import Empty
from leverplus_tui.tui.widgets.table import LineTable

if TYPE_CHECKING:
    from db.store import DataRow

PLACEHOLDER = 'positive:0 gen:beam n>10 best>=0.6 class:mixed mark:conflict "bird"'
WAITING = "Filter and sort work when the index is ready; these are the first queries of the file"


class RLDataScreen(FilteredPage, RLMakePage):
    """One RL file."""

    MODE = "data"
    ASCENDING = frozenset({"id", "question"})
    AUTO_FOCUS = "#queries"
    DEFAULT_CSS = """
    RLDataScreen #rl-title { height: 1; padding: 0 1; }
    RLDataScreen #rl-health { height: auto; padding: 0 1; border-bottom: solid $rule; }
    RLDataScreen #rl-full { height: 1fr; padding: 0 1; display: none; }
    RLDataScreen #rl-body { height: 1fr; }
    RLDataScreen #queries { width: 1fr; }
    RLDataScreen QueryPreview { width: 46; border-left: solid $rule; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "filter", tooltip=f"filter: {PLACEHOLDER}", id="rl.filter"),
        Binding("s", "sort", "sort", id="rl.sort"),
        Binding("i", "health", "health", tooltip="the whole health of the file, or its queries", id="rl.health"),
        Binding("p", "preview", "preview", tooltip="show or hide the query under the cursor", id="rl.preview"),
        Binding("v", "compare", "compare", tooltip="compare with another RL file", id="rl.compare"),
        Binding("n", "train", "train", tooltip="train a selector on this file", id="rl.train"),
        Binding("d", "derive", "derive", tooltip="filter or repair into a new file", id="rl.derive"),
        Binding("x", "export", "export", tooltip="write this file in another format", id="rl.export"),
        Binding("y", "copy", "copy", tooltip="copy id and question", id="rl.copy"),
        Binding("S", "reverse", "reverse the order", show=False, id="rl.reverse"),
        Binding("right_square_bracket", "step(1)", "next query", show=False, id="rl.next"),
        Binding("left_square_bracket", "step(-1)", "previous query", show=False, id="rl.previous"),
    ]

    def __init__(self, library: Library, row: DataRow) -> None:
        super().__init__(library, row)
        self.sort = "id asc"
        self.ids: list[int] = []
        self._rows: dict[int, QueryRow] = {}
        self._preview: bool | None = None
        self._query_screen: RLQueryScreen | None = None

    def body(self) -> ComposeResult:
        """Title, health, filter, queries with the one under the cursor; instead of them, why there are none."""
        yield Static("", id="rl-title")
        yield Static("", id="rl-health")
        with VerticalScroll(id="rl-full"):
            yield Static("", id="rl-full-text")
        yield Static("", id="summary", markup=False)
        yield from self.filter_line(PLACEHOLDER)
        yield Empty("Reading the first queries", id="empty")
        with Horizontal(id="rl-body"):
            yield LineTable(QUERY_COLUMNS, id="queries")
            yield QueryPreview(self.source)

    def on_mount(self) -> None:
        """Show the first queries, then the index."""
        for part in ("#rl-health", "#rl-body"):
            self.query_one(part).display = False
        self.show_title()

    @property
    def table(self) -> LineTable:
        """The queries."""
        return self.query_one("#queries", LineTable)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys that need queries, or an index being built, are not offered without."""
        if action == "cancel":
            return self.source.indexing.is_ours
        if action in ("health", "compare"):
            return self.source.browse is not None
        return bool(self.ids or self.where) or action not in ("filter", "sort", "reverse", "preview", "copy", "step")

    # What was opened

    def show_first(self) -> None:
        """The first queries are there; what the health was before is no longer known."""
        self._leave_full()
        self.query_one("#rl-health").display = False
        self._show_ids(self.source.select("", self.sort))
        self.table.focus()

    async def show_index(self) -> None:
        """Everything is known now."""
        self._show_health()
        await self._select()

    def refuse_file(self, sentence: str) -> None:
        """A file that cannot be read whole: its one sentence, above the queries that could be read."""
        self.problem = sentence
        self.show_title()
        self.query_one("#rl-health", Static).update(Content.assemble((clean(sentence), "$error")))
        self.query_one("#rl-health").display = bool(self.ids)
        if not self.ids:
            self._say_empty(sentence)
        self.refresh_bindings()

    def on_screen_resume(self) -> None:
        """Back from a query: the cursor stands where one was left."""
        if self._query_screen is not None:
            self.table.move_to(self._query_screen.query_id)
            self._query_screen = None

    # What is shown

    def show_title(self, building: str = "") -> None:
        """Name, size and kind of the file, its data set, and how far the index is."""
        source = self.source
        parts: list[str | tuple[str, str]] = [(f"{self.row.ref} ", "bold $accent"), (clean(self.row.name), "bold")]
        parts.append((f"  {size(self.row.size)}", "$faint"))
        if source.browse is not None:
            parts.append((f"  {source.browse.variant}  {plural(len(source.browse), 'query', 'queries')}", "$faint"))
        if source.dataset:
            parts.append((f"  questions of {clean(source.dataset)}", "$faint"))
        if building:
            parts.append((f"  {building}", "$accent"))
        self.query_one("#rl-title", Static).update(Content.assemble(*parts))

    def _show_health(self) -> None:
        browse = self.source.browse
        if browse is None:
            return
        width = max(20, self.size.width - 2)
        lines = 9 if self.size.height >= 34 else 7 if self.size.height >= 28 else 5
        place = self.query_one("#rl-health", Static)
        place.update(brief(browse.health, browse.findings, width=width, lines=lines))
        place.display = not self._is_full
        self.query_one("#rl-full-text", Static).update(
            full(browse.health, browse.findings, browse.meta, width=min(width, 110))
        )

    @property
    def _is_full(self) -> bool:
        return bool(self.query_one("#rl-full").display)

    def fit(self, size: Size) -> None:
        """The preview needs 120 columns; the health takes what height allows."""
        wanted = size.width >= 120 if self._preview is None else self._preview
        self.query_one(QueryPreview).display = wanted
        self.query_one(QueryPreview).styles.width = 46 if size.width < 160 else 64
        self._show_health()

    async def _select(self) -> None:
        """Filter and sort; the sentence of a bad term stands under the filter."""
        try:
            ids = await asyncio.to_thread(self.source.select, self.where, self.sort)
        except BadFilter as error:
            self.refuse_filter(str(error))
            return
        self.refuse_filter("")
        self._show_ids(ids)

    def _show_ids(self, ids: list[int]) -> None:
        self.ids = ids
        first = self.source.rows(ids[:60])
        self._rows = dict(first)
        self.table.put_rows({key: query_cells(row) for key, row in first.items()}, fresh=True)
        self.list_keys(ids)
        self.query_one("#empty").display = not ids
        self.query_one("#rl-body").display = bool(ids) and not self._is_full
        if not ids:
            self._say_empty(self.problem)
        self._summarise()
        self.show_preview()
        self.refresh_bindings()

    def _say_empty(self, problem: str) -> None:
        empty = self.query_one("#empty", Empty)
        empty.display = True
        if problem:
            empty.say(
                f"{clean(self.row.name)} cannot be shown", [clean(problem)], [("r", "read it again"), ("esc", "back")]
            )
        elif self.where:
            empty.say(f"No queries match {self.where}", (), [("esc", "clear the filter"), ("/", "change it")])
        else:
            empty.say("No query could be read yet", ["The index says more when it is ready"], [("esc", "back")])

    def _summarise(self) -> None:
        browse = self.source.browse
        if browse is None:
            text = f"first {plural(len(self.ids), 'query', 'queries')} of the file, in file order" if self.ids else ""
        else:
            total = count(len(browse))
            text = f"{count(len(self.ids))} of {total} queries" if self.where else f"{total} queries"
            text += f"   sort {self.sort}" + (f"   filter {self.where} (esc clears)" if self.where else "")
        self.query_one("#summary", Static).update(text)
        self.bar.status = clean(self.row.name)

    @on(LineTable.Wanted)
    async def rows_wanted(self, event: LineTable.Wanted) -> None:
        """Rows that came into view: a page is read in a few milliseconds."""
        event.stop()
        found = self.source.rows(event.keys)
        self._rows.update(found)
        self.table.put_rows({key: query_cells(row) for key, row in found.items()})

    @on(LineTable.Moved)
    def moved(self, event: LineTable.Moved) -> None:
        """The preview follows the cursor."""
        event.stop()
        self.show_preview()

    def show_preview(self) -> None:
        """The query under the cursor, beside the list."""
        preview = self.query_one(QueryPreview)
        if preview.display:
            preview.show(self._rows.get(self.table.cursor_key or 0) if self.table.cursor_key is not None else None)

    @on(LineTable.Chosen)
    def chosen(self, event: LineTable.Chosen) -> None:
        """Enter opens the query."""
        event.stop()
        self._query_screen = RLQueryScreen(self.library, self.source, self.ids, event.key)
        self.app.push_screen(self._query_screen)

    # Filter and sort

    def action_filter(self) -> None:
        """Open the filter line."""
        if self._is_indexed():
            self._leave_full()
            self.open_filter()

    def action_sort(self) -> None:  # type: ignore[override]  # not always a worker
        """Choose what to sort by, once there is an index."""
        if self._is_indexed():
            self._leave_full()
            super().action_sort()

    def action_reverse(self) -> None:
        """Turn the order round, once there is an index."""
        if self._is_indexed():
            super().action_reverse()

    def _is_indexed(self) -> bool:
        if self.source.browse is None:
            self.notify(WAITING)
        return self.source.browse is not None

    @work(exclusive=True, group="select", exit_on_error=False)
    async def select_again(self) -> None:  # type: ignore[override]  # a worker, for it reads
        """Choose the queries again."""
        await self._select()

    @property
    def sort_fields(self) -> tuple[str, ...]:
        """What the index can be sorted by."""
        return SORTS

    def action_back(self) -> None:
        """Escape leaves the whole health, clears the filter, then goes back."""
        if self._is_full:
            self._leave_full()
        elif not self.leave_filter():
            super().action_back()

    # Other keys

    def action_health(self) -> None:
        """The whole health, or the queries."""
        if self._is_full:
            self._leave_full()
            return
        self.query_one("#rl-full").display = True
        for part in ("#rl-health", "#rl-body", "#summary", "#filter"):
            self.query_one(part).display = False
        self.query_one("#rl-full").focus()

    def _leave_full(self) -> None:
        if self._is_full:
            self.query_one("#rl-full").display = False
            self.query_one("#rl-health").display = True
            self.query_one("#summary").display = True
            self.query_one("#filter").display = bool(self.where)
            self.query_one("#rl-body").display = bool(self.ids)
            self.table.focus()

    def action_preview(self) -> None:
        """Show or hide the query under the cursor."""
        self._preview = not self.query_one(QueryPreview).display
        self.fit(self.size)
        self.show_preview()

    def action_step(self, rows: int) -> None:
        """Next or previous query."""
        self.table.action_move(rows)

    def action_train(self) -> None:
        """Open the launch form for a training on this file."""
        self.post_message(EditLaunch("rce", values={"rl_data": self.row.path}))

    def action_copy(self) -> None:
        """Copy id and question."""
        key = self.table.cursor_key
        if key is not None and key in self._rows:
            self.post_message(CopyText(f"{key}\t{self._rows[key].question}", f"query {key}"))

    @work(group="dialog", exclusive=True, exit_on_error=False)
    async def action_compare(self) -> None:
        """Choose another RL file, and show both side by side."""
        rows = await asyncio.to_thread(self.library.database.data_files, "rl-data")
        others = [row for row in rows if row.id != self.row.id and not row.missing]
        if not others:
            self.notify("No other RL data is registered: o in Data adds a file")
            return
        choices = [(str(row.id), f"{row.ref}  {clean(row.name)}") for row in others]
        chosen = await self.app.push_screen_wait(Choose("Compare with", choices))
        if chosen:
            other = next(row for row in others if str(row.id) == chosen)
            await self.app.push_screen(RLCompareScreen(self.library, self.source, other))
