"""RL data: its health, then its queries, filtered, sorted and opened; readable from the first moment, whatever its size."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.worker import Worker

from engine.rl.index.filters import SORTS
from leverplus_tui.text.language import shown
from leverplus_tui.text.words import clean
from leverplus_tui.tui.library import Library
from leverplus_tui.tui.messages import CopyText, EditLaunch
from leverplus_tui.tui.screens.choosing import Choose
from leverplus_tui.tui.screens.rl.compare import RLCompareScreen
from leverplus_tui.tui.screens.rl.preview import QueryPreview
from leverplus_tui.tui.screens.rl.queries import PLACEHOLDER, ShownQueries
from leverplus_tui.tui.screens.rl.query import RLQueryScreen
from leverplus_tui.tui.widgets.table import LineTable

if TYPE_CHECKING:
    from db.store import DataRow

WAITING = "Filter and sort work when the index is ready; these are the first queries of the file"


class RLDataScreen(ShownQueries):
    """One RL file."""

    MODE = "data"
    ASCENDING = frozenset({"id", "question"})
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
        self._query_screen: RLQueryScreen | None = None
        self._chooser: Worker[None] | None = None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys that need queries, or an index being built, are not offered without."""
        if action == "cancel":
            return self.source.indexing.is_ours
        if action in ("health", "compare"):
            return self.source.browse is not None
        return bool(self.ids or self.where) or action not in ("filter", "sort", "reverse", "preview", "copy", "step")

    @on(LineTable.Chosen)
    def chosen(self, event: LineTable.Chosen) -> None:
        """Enter opens the query."""
        event.stop()
        self._query_screen = RLQueryScreen(self.library, self.source, self.ids, event.key)
        self.app.push_screen(self._query_screen)

    def on_screen_resume(self) -> None:
        """Back from a query: the cursor stands where one was left."""
        if self._query_screen is not None:
            self.table.move_to(self._query_screen.query_id)
            self._query_screen = None

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

    def select_again(self) -> None:
        """Choose the queries again."""
        self._chooser = self._choose_again()

    @work(exclusive=True, group="select", exit_on_error=False)
    async def _choose_again(self) -> None:
        await self._select()

    @property
    def is_reading(self) -> bool:
        """Whether queries are being chosen."""
        return self._chooser is not None and not self._chooser.is_finished

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
        self.post_message(EditLaunch("rce", values={"rl_data": self.row.path}, sources={"rl_data": self.row.ref}))

    def action_export(self) -> None:
        """Write the file in another format."""
        self.call_later(self.app.run_action, "app.derive('export')")

    def action_derive(self) -> None:
        """Filter, repair or merge the file into a new one."""
        self.call_later(self.app.run_action, "app.derive('derive')")

    def action_copy(self) -> None:
        """Copy id and question."""
        key = self.table.cursor_key
        if key is not None and key in self._rows:
            self.post_message(CopyText(f"{key}\t{self._rows[key].question}", shown(f"query {key}")))

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
