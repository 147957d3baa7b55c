"""A table that holds only its keys: rows are asked for as they come into view."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import eq
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message

from leverplus_tui.tui.widgets.columns import Cell, Column, Row
from leverplus_tui.tui.widgets.kept import keep_lines
from leverplus_tui.tui.widgets.table_lines import GUTTER, TableLines

__all__ = ["GUTTER", "Cell", "Column", "LineTable", "Row"]

LEAP = 3
"""A step over the edge scrolls by this part of the view: every scrolling paints all lines again, which over SSH is seen."""
PAGE = 200
"""Rows asked for at once."""


class LineTable(TableLines, inherit_bindings=False):
    """Keys outside, rows on demand, one line each; the cursor stays on its key when the keys change."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", "Down", show=False, id="table.down"),
        Binding("up,k", "move(-1)", "Up", show=False, id="table.up"),
        Binding("pagedown,ctrl+d", "page(1)", "Page down", show=False, id="table.page-down"),
        Binding("pageup,ctrl+u", "page(-1)", "Page up", show=False, id="table.page-up"),
        Binding("home,g", "end(-1)", "First row", show=False, id="table.first"),
        Binding("end,G", "end(1)", "Last row", show=False, id="table.last"),
        Binding("enter", "choose", "open", id="table.choose"),
    ]

    @dataclass
    class Moved(Message):
        """The cursor is on another key."""

        table: LineTable
        key: int | None

        @property
        def control(self) -> LineTable:
            """The table that it happened in."""
            return self.table

        def can_replace(self, message: Message) -> bool:
            """Only the newest place counts."""
            return isinstance(message, LineTable.Moved) and message.table is self.table

    @dataclass
    class Chosen(Message):
        """Enter, or a double click, on a key."""

        table: LineTable
        key: int

        @property
        def control(self) -> LineTable:
            """The table that it happened in."""
            return self.table

    @dataclass
    class Wanted(Message):
        """Rows of these keys are needed."""

        table: LineTable
        keys: tuple[int, ...]

        @property
        def control(self) -> LineTable:
            """The table that it happened in."""
            return self.table

        def can_replace(self, message: Message) -> bool:
            """Rows that scrolled by need not be read any more."""
            return isinstance(message, LineTable.Wanted) and message.table is self.table

    def __init__(
        self,
        columns: Sequence[Column] = (),
        *,
        choosable: bool = True,
        lasting_marks: bool = False,
        id: str | None = None,  # noqa: A002  # Textual's name
    ) -> None:
        """`choosable`: enter means something for a line; `lasting_marks`: they outlive what is shown."""
        super().__init__(columns, id=id)
        self.choosable = choosable
        self.lasting_marks = lasting_marks
        self._asked: tuple[int, ...] = ()
        self._anchor: int | None = None

    def on_mount(self) -> None:
        """The bar at the side is walked over in each painting, and changes with scrolling alone."""
        keep_lines([self.vertical_scrollbar])

    # State from outside

    def set_keys(self, keys: Sequence[int]) -> None:
        """Show these keys; the cursor follows its key where it is still there."""
        if len(keys) == len(self.keys) and all(map(eq, keys, self.keys)):
            return
        before = self.cursor_key
        self.keys = keys
        known = set(keys)
        if not self.lasting_marks:
            self.marked = [key for key in self.marked if key in known]
        self.virtual_size = Size(0, len(keys) + 1)
        if before in known:
            self.cursor = keys.index(before)
        else:
            self.cursor = max(0, min(self.cursor, len(keys) - 1))
            self.post_message(self.Moved(self, self.cursor_key))
        self._asked = ()
        self.refresh()
        if bool(before is None) != bool(not keys):
            self.refresh_bindings()

    def put_rows(self, rows: Mapping[int, Row], *, fresh: bool = False) -> None:
        """Take rows by key, and paint the lines that became others; `fresh` forgets those held before."""
        before = dict(self._rows)
        if fresh:
            self._rows.clear()
            self._texts.clear()
        self._rows.update(rows)
        for key in rows:
            self._texts.pop(key, None)
        self._asked = ()
        top, width = self.scroll_offset.y, self.size.width
        for line, key in enumerate(self.keys[top : top + self.size.height], start=1):
            if self._rows.get(key) != before.get(key):
                self.refresh(Region(0, line, width, 1))

    def fill(self, rows: Sequence[Row]) -> None:
        """Show a short list whole; keys are positions."""
        self.put_rows(dict(enumerate(rows)), fresh=True)
        self.set_keys(range(len(rows)))

    @property
    def cursor_key(self) -> int | None:
        """Key under the cursor; None in an empty table."""
        return self.keys[self.cursor] if 0 <= self.cursor < len(self.keys) else None

    def move_to(self, key: int) -> None:
        """Put the cursor on a key, if it is there."""
        if key in self.keys:
            self.cursor = self.keys.index(key)

    def visible_keys(self) -> tuple[int, ...]:
        """Keys in view, with as many again below and above, up to a page."""
        top, height = self.scroll_offset.y, max(1, self.size.height)
        return tuple(self.keys[max(0, top - height) : top + max(2 * height, 1)][:PAGE])

    # Marks

    def toggle_mark(self) -> None:
        """Mark or unmark the row under the cursor, and go to the next."""
        key = self.cursor_key
        if key is None:
            return
        if key in self.marked:
            self.marked.remove(key)
        else:
            self.marked.append(key)
        self._anchor = self.cursor
        self.refresh()
        self.action_move(1)

    def mark_range(self) -> None:
        """Mark all rows between the one marked last and the cursor."""
        start = self.cursor if self._anchor is None else self._anchor
        first, last = sorted((start, self.cursor))
        self.marked += [key for key in self.keys[first : last + 1] if key not in self.marked]
        self.refresh()

    def clear_marks(self) -> bool:
        """Unmark all; True when there was a mark."""
        had = bool(self.marked)
        self.marked = []
        self._anchor = None
        self.refresh()
        return had

    # Keys and mouse

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """An empty table has nothing to choose."""
        return action != "choose" or (self.choosable and bool(self.keys))

    def action_move(self, rows: int) -> None:
        """Move the cursor by rows."""
        self.cursor = max(0, min(len(self.keys) - 1, self.cursor + rows))

    def action_page(self, direction: int) -> None:
        """Move the cursor by what is in view."""
        self.action_move(direction * max(1, self.size.height - 2))

    def action_end(self, direction: int) -> None:
        """Go to the first or last row."""
        self.cursor = 0 if direction < 0 else max(0, len(self.keys) - 1)

    def action_choose(self) -> None:
        """Tell that the row under the cursor is meant."""
        key = self.cursor_key
        if key is not None and self.choosable:
            self.post_message(self.Chosen(self, key))

    def on_click(self, event: events.Click) -> None:
        """A click moves the cursor, a second one chooses."""
        index = self.scroll_offset.y + event.y - 1
        if event.y < 1 or not 0 <= index < len(self.keys):
            return
        self.cursor = index
        if event.chain == 2:
            self.action_choose()

    def watch_cursor(self, before: int, after: int) -> None:
        """Keep the cursor in view, repaint two lines, tell."""
        height = max(1, self.size.height - 1)
        top = self.scroll_offset.y
        ahead = height // LEAP if abs(after - before) == 1 else 0
        if after < top:
            self.scroll_to(y=max(0, after - ahead), animate=False)
        elif after >= top + height:
            self.scroll_to(y=min(after - height + 1 + ahead, len(self.keys) - height), animate=False)
        for index in (before, after):
            self.refresh(Region(0, index + 1 - self.scroll_offset.y, self.size.width, 1))
        if before != after:
            self.post_message(self.Moved(self, self.cursor_key))

    def on_resize(self, _: events.Resize) -> None:
        """Choose columns again and keep the cursor in view."""
        self._refit()
        self.call_after_refresh(self.watch_cursor, self.cursor, self.cursor)

    def row_missing(self) -> None:
        """Ask for the rows in view that are not there."""
        wanted = tuple(key for key in self.visible_keys() if key not in self._rows)
        if wanted and wanted != self._asked:
            self._asked = wanted
            self.post_message(self.Wanted(self, wanted))
