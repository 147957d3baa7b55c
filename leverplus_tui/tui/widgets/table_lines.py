"""The lines of a table as they are drawn: a header, then rows that are known, each in the columns that fit.

Columns that do not fit are left out by declared priority; a number is never cut.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from leverplus_tui.text.glyphs import glyph
from leverplus_tui.text.language import shown
from leverplus_tui.tui.theme import ROLES
from leverplus_tui.tui.widgets.columns import Column, Row, fit
from leverplus_tui.tui.widgets.text import pad

GUTTER = 3
NO_STYLE = Style()


class TableLines(ScrollView, can_focus=True, inherit_bindings=False):
    """Draws; what is in view and where the cursor stands is the table's own."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "line-table--header",
        "line-table--cursor",
        "line-table--marked",
        *(f"line-table--{role}" for role in ROLES),
    }
    DEFAULT_CSS = """
    TableLines {
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
    class Fitted(Message):
        """Other columns are in view than before."""

        table: TableLines

        @property
        def control(self) -> TableLines:
            """The table that it happened in."""
            return self.table

    def __init__(self, columns: Sequence[Column], *, id: str | None) -> None:  # noqa: A002  # Textual's name
        super().__init__(id=id)
        self.columns: tuple[Column, ...] = tuple(columns)
        self.keys: Sequence[int] = ()
        self.marked: list[int] = []
        self._rows: dict[int, Row] = {}
        self._pinned: frozenset[int] = frozenset()
        self._fitted: list[tuple[Column, int]] = []
        self._fitted_to = -1
        self._styles_now: dict[str, Style] = {}
        self._texts: dict[int, list[tuple[str, str]]] = {}
        """Rows as they are drawn in the fitted columns: (text, role) from left to right."""

    def row_missing(self) -> None:
        """A line is drawn whose row is not there yet."""

    @property
    def pinned(self) -> frozenset[int]:
        """Keys with a sign of their own."""
        return self._pinned

    @pinned.setter
    def pinned(self, keys: frozenset[int]) -> None:
        if keys != self._pinned:
            self._pinned = keys
            self.refresh()

    # Columns

    def set_columns(self, columns: Sequence[Column]) -> None:
        """Show these columns from now on."""
        if tuple(columns) != self.columns:
            self.columns = tuple(columns)
            self._refit()

    def _refit(self) -> None:
        self._fit_columns(self.scrollable_content_region.width)
        self.refresh()

    def _fit_columns(self, width: int) -> None:
        before = self.shown_columns
        self._fitted_to = width
        self._fitted = fit(self.columns, width - GUTTER)
        self._texts.clear()
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

    # Drawing

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

    def notify_style_update(self) -> None:
        """Colours are others now."""
        self._styles_now.clear()
        super().notify_style_update()

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        """As Textual's, which forgets colours with every line that is painted again: to look them up took a fifth of a key."""
        if not regions:
            self._styles_now.clear()
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

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
        segments = [Segment(lead, base + self.role_style("marked"))]
        if key not in self._rows:
            self.row_missing()
            segments.append(Segment(glyph("ellipsis"), base + self.role_style("faint")))
            return Strip(segments).adjust_cell_length(width, base)
        if (texts := self._texts.get(key)) is None:
            texts = self._texts[key] = list(self._row_texts(self._rows[key]))
        segments += [Segment(text, base + self.role_style(role)) for text, role in texts]
        return Strip(segments).adjust_cell_length(width, base)

    def _row_texts(self, row: Row) -> Iterator[tuple[str, str]]:
        """(text, role) of a row, each text as wide as its columns; columns without a role are one text with the blanks between."""
        plain = ""
        for column, room in self._fitted:
            cell = row.get(column.key, "")
            text, role = (cell, "") if isinstance(cell, str) else (cell.text, cell.role)
            if role:
                if plain:
                    yield plain, ""
                yield pad(text, room, column.align), role
                plain = " "
            else:
                plain += pad(text, room, column.align) + " "
        yield plain, ""
