"""A table that holds only its keys: rows are asked for as they come into view and drawn line by line.

Columns that do not fit are left out by declared priority; a number is never cut.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import eq
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from leverplus_tui.text.glyphs import glyph
from leverplus_tui.text.language import shown
from leverplus_tui.tui.theme import ROLES
from leverplus_tui.tui.widgets.columns import Cell, Column, Row, fit
from leverplus_tui.tui.widgets.text import pad

__all__ = ["GUTTER", "Cell", "Column", "LineTable", "Row"]

GUTTER = 3
LEAP = 3
"""A step over the edge scrolls by this part of the view: every scrolling paints all lines again, which over SSH is seen."""
NO_STYLE = Style()
PAGE = 200
"""Rows asked for at once."""


class LineTable(ScrollView, can_focus=True, inherit_bindings=False):
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
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "line-table--header",
        "line-table--cursor",
        "line-table--marked",
        *(f"line-table--{role}" for role in ROLES),
    }
    DEFAULT_CSS = """
    LineTable {
        height: 1fr;
        overflow-x: hidden;
        background: $background;
        scrollbar-size-vertical: 1;
        & > .line-table--header { color: $faint; text-style: bold; }
        & > .line-table--cursor { background: $row-cursor-blurred; text-style: $row-cursor-blurred-style; }
        &:focus > .line-table--cursor { background: $row-cursor; text-style: $row-cursor-style; }
        & > .line-table--marked { color: $accent; text-style: bold; }
        & > .line-table--faint { color: $faint; }
        & > .line-table--strong { text-style: bold; }
        & > .line-table--good { color: $success; }
        & > .line-table--bad { color: $error; }
        & > .line-table--warn { color: $warning; }
        & > .line-table--accent { color: $accent; }
        & > .line-table--info { color: $secondary; }
        & > .line-table--heat-0 { background: $heat-0; }
        & > .line-table--heat-1 { background: $heat-1; }
        & > .line-table--heat-2 { background: $heat-2; }
        & > .line-table--heat-3 { background: $heat-3; }
        & > .line-table--heat-4 { background: $heat-4; }
        & > .line-table--heat-5 { background: $heat-5; }
        & > .line-table--heat-6 { background: $heat-6; }
    }
    """

    cursor: reactive[int] = reactive(0, repaint=False)

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
    class Fitted(Message):
        """Other columns are in view than before."""

        table: LineTable

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
        super().__init__(id=id)
        self.choosable = choosable
        self.lasting_marks = lasting_marks
        self.columns: tuple[Column, ...] = tuple(columns)
        self.keys: Sequence[int] = ()
        self.marked: list[int] = []
        self._rows: dict[int, Row] = {}
        self._asked: tuple[int, ...] = ()
        self._fitted: list[tuple[Column, int]] = []
        self._fitted_to = -1
        self._pinned: frozenset[int] = frozenset()
        self._anchor: int | None = None
        self._styles_now: dict[str, Style] = {}

    # State from outside

    def set_columns(self, columns: Sequence[Column]) -> None:
        """Show these columns from now on."""
        if tuple(columns) != self.columns:
            self.columns = tuple(columns)
            self._refit()

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
        self._rows.update(rows)
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
    def pinned(self) -> frozenset[int]:
        """Keys with a sign of their own."""
        return self._pinned

    @pinned.setter
    def pinned(self, keys: frozenset[int]) -> None:
        if keys != self._pinned:
            self._pinned = keys
            self.refresh()

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

    # Drawing

    def on_resize(self, _: events.Resize) -> None:
        """Choose columns again and keep the cursor in view."""
        self._refit()
        self.call_after_refresh(self.watch_cursor, self.cursor, self.cursor)

    def _refit(self) -> None:
        self._fit_columns(self.scrollable_content_region.width)
        self.refresh()

    def _fit_columns(self, width: int) -> None:
        before = self.shown_columns
        self._fitted_to = width
        self._fitted = fit(self.columns, width - GUTTER)
        if self.shown_columns != before:
            self.post_message(self.Fitted(self))

    @property
    def shown_columns(self) -> list[str]:
        """Keys of the columns that fit now."""
        return [column.key for column, _ in self._fitted]

    @property
    def hidden_columns(self) -> list[Column]:
        """Columns that there is no room for."""
        shown = set(self.shown_columns)
        return [column for column in self.columns if column.key not in shown]

    def role_style(self, role: str) -> Style:
        """The style of a role in this table, to be laid over its own."""
        if not role:
            return NO_STYLE
        if role not in self._styles_now:
            self._styles_now[role] = self.get_component_rich_style(f"line-table--{role}", partial=True)
        return self._styles_now[role]

    @property
    def own_style(self) -> Style:
        """The style below all roles."""
        if "" not in self._styles_now:
            self._styles_now[""] = self.rich_style
        return self._styles_now[""]

    def render_lines(self, crop: Region) -> list[Strip]:
        """Lines of one painting share their styles: to look each up for every cell took half of the time."""
        self._styles_now.clear()
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """The header, or the row at this line."""
        width = self.scrollable_content_region.width
        if width != self._fitted_to:
            self._fit_columns(width)  # a scrollbar came or went
        if y == 0:
            return self._header(width)
        index = self.scroll_offset.y + y - 1
        if index >= len(self.keys):
            return Strip.blank(self.size.width, self.own_style)
        return self._line(index, width)

    def _header(self, width: int) -> Strip:
        style = self.own_style + self.role_style("header")
        text = " " * GUTTER + " ".join(pad(shown(column.title), room, column.align) for column, room in self._fitted)
        return Strip([Segment(pad(text, width), style)], width)

    def _line(self, index: int, width: int) -> Strip:
        key = self.keys[index]
        here = index == self.cursor
        base = self.own_style + self.role_style("cursor" if here else "")
        lead = (glyph("cursor") if here else " ") + (glyph("mark") if key in self.marked else " ")
        lead += glyph("pin") if key in self.pinned else " "
        segments = [Segment(lead, base + (self.role_style("marked")))]
        row = self._rows.get(key)
        if row is None:
            self._ask()
            segments.append(Segment(glyph("ellipsis"), base + self.role_style("faint")))
        else:
            for column, room in self._fitted:
                segments += self._cell(row.get(column.key, ""), column, room, base)
        return Strip(segments).simplify().adjust_cell_length(width, base)

    def _cell(self, cell: Cell | str, column: Column, room: int, base: Style) -> list[Segment]:
        text, role = (cell, "") if isinstance(cell, str) else (cell.text, cell.role)
        return [Segment(pad(text, room, column.align), base + self.role_style(role)), Segment(" ", base)]

    def _ask(self) -> None:
        wanted = tuple(key for key in self.visible_keys() if key not in self._rows)
        if wanted and wanted != self._asked:
            self._asked = wanted
            self.post_message(self.Wanted(self, wanted))
