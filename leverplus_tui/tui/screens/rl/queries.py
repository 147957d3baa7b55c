"""The queries of one RL file as its page shows them: title, health, list, the one under the cursor beside it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.geometry import Size
from textual.widgets import Static

from db.specs.terms import BadFilter
from engine.rl.index.query_rows import QueryRow
from leverplus_tui.text.language import shown
from leverplus_tui.text.numbers import count, plural, size
from leverplus_tui.text.words import clean
from leverplus_tui.tui.library import Library
from leverplus_tui.tui.screens.filtered import FilteredPage
from leverplus_tui.tui.screens.rl.health import brief, full
from leverplus_tui.tui.screens.rl.opening import RLFilePage
from leverplus_tui.tui.screens.rl.preview import QueryPreview
from leverplus_tui.tui.screens.rl.view import QUERY_COLUMNS, query_cells
from leverplus_tui.tui.widgets.empty import Empty
from leverplus_tui.tui.widgets.table import LineTable

if TYPE_CHECKING:
    from db.store import DataRow

PLACEHOLDER = 'positive:0 gen:beam n>10 best>=0.6 class:mixed mark:conflict "bird"'


class ShownQueries(FilteredPage, RLFilePage):
    """Shows; what is done with the file and its queries is the page's."""

    AUTO_FOCUS = "#queries"
    DEFAULT_CSS = """
    ShownQueries #rl-title { height: 1; padding: 0 1; }
    ShownQueries #rl-health { height: auto; padding: 0 1; border-bottom: solid $rule; }
    ShownQueries #rl-full { height: 1fr; padding: 0 1; display: none; }
    ShownQueries #rl-body { height: 1fr; }
    ShownQueries #queries { width: 1fr; }
    ShownQueries QueryPreview { width: 46; border-left: solid $rule; }
    """

    def __init__(self, library: Library, row: DataRow) -> None:
        super().__init__(library, row)
        self.sort = "id asc"
        self.ids: list[int] = []
        self._rows: dict[int, QueryRow] = {}
        self._preview: bool | None = None

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

    # What is shown

    def show_title(self, building: str = "") -> None:
        """Name, size and kind of the file, its data set, and how far the index is."""
        source = self.source
        parts: list[str | tuple[str, str]] = [(f"{self.row.ref} ", "bold $accent"), (clean(self.row.name), "bold")]
        parts.append((f"  {size(self.row.size)}", "$faint"))
        if source.browse is not None:
            parts.append((f"  {source.browse.variant}  {plural(len(source.browse), 'query', 'queries')}", "$faint"))
        if source.dataset:
            parts.append((shown(f"  questions of {clean(source.dataset)}"), "$faint"))
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
        asked = self.asked
        try:
            ids = await asyncio.to_thread(self.source.select, self.where, self.sort)
        except BadFilter as error:
            self.answered(asked, str(error))
            return
        if self.answered(asked):
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
            text = (
                shown(f"first {plural(len(self.ids), 'query', 'queries')} of the file, in file order")
                if self.ids
                else ""
            )
        else:
            total = plural(len(browse), "query", "queries")
            text = shown(f"{count(len(self.ids))} of {total}") if self.where else total
            text += shown(f"   sort {self.sort}") + (
                shown(f"   filter {self.where} (esc clears)") if self.where else ""
            )
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

    def _leave_full(self) -> None:
        if self._is_full:
            self.query_one("#rl-full").display = False
            self.query_one("#rl-health").display = True
            self.query_one("#summary").display = True
            self.query_one("#filter").display = bool(self.where)
            self.query_one("#rl-body").display = bool(self.ids)
            self.table.focus()
