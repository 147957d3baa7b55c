"""The accuracy matrix: heat cells that carry the number, its half-width and n, so that colour is never alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from leverplus_tui.text.glyphs import glyph
from leverplus_tui.text.language import shown
from leverplus_tui.text.numbers import accuracy, count
from leverplus_tui.tui.theme import ROLES
from leverplus_tui.tui.widgets.text import pad

CELL_WIDTH = 13
"""Cells of a figure at least; a longer one gets what it needs and a blank on both sides."""
LINES = 3
"""Lines of one row: the figure, what it rests on, its badge or a blank."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One accuracy in percent with its 95 % interval and the questions behind it."""

    value: float
    low: float
    high: float
    n: int
    n_done: int
    badge: str = ""
    """A mark in a word or two, such as `same demos` or `forced`."""


Place = tuple[int, int]


def heat(figures: Sequence[Figure]) -> dict[Figure, int]:
    """A step 0..6 for each figure. One step is never less than the typical half-width, so noise gets no colour."""
    if not figures:
        return {}
    low, high = min(figure.value for figure in figures), max(figure.value for figure in figures)
    noise = sorted((figure.high - figure.low) / 2 for figure in figures)[len(figures) // 2]
    step = max((high - low) / 6, noise, 1e-9)
    return {figure: min(6, int((figure.value - low) / step + 1e-9)) for figure in figures}


def cell_width(figures: Iterable[Figure]) -> int:
    """Cells of a column that holds these figures."""
    return max([CELL_WIDTH, *(len(_line(figure, 0)[0]) + 2 for figure in figures)])


class Matrix(ScrollView, can_focus=True, inherit_bindings=False):
    """Rows by columns of figures; enter tells which cell is meant."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "go(1, 0)", "Down", show=False, id="matrix.down"),
        Binding("up,k", "go(-1, 0)", "Up", show=False, id="matrix.up"),
        Binding("right,l", "go(0, 1)", "Right", show=False, id="matrix.right"),
        Binding("left,h", "go(0, -1)", "Left", show=False, id="matrix.left"),
        Binding("enter", "choose", "answers", id="matrix.choose"),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "matrix--header",
        "matrix--cursor",
        *(f"matrix--{role}" for role in ROLES),
    }
    DEFAULT_CSS = """
    Matrix {
        height: auto;
        max-height: 14;
        background: $background;
        overflow-x: auto;
        scrollbar-size-vertical: 1;
        & > .matrix--header { color: $faint; text-style: bold; }
        & > .matrix--cursor { text-style: reverse; }
        & > .matrix--faint { color: $faint; }
        & > .matrix--warn { color: $warning; }
        & > .matrix--heat-0 { background: $heat-0; }
        & > .matrix--heat-1 { background: $heat-1; }
        & > .matrix--heat-2 { background: $heat-2; }
        & > .matrix--heat-3 { background: $heat-3; }
        & > .matrix--heat-4 { background: $heat-4; }
        & > .matrix--heat-5 { background: $heat-5; }
        & > .matrix--heat-6 { background: $heat-6; }
    }
    """

    place: reactive[Place] = reactive((0, 0))

    @dataclass
    class Chosen(Message):
        """Enter, or a double click, on a cell."""

        matrix: Matrix
        row: int
        column: int

        @property
        def control(self) -> Matrix:
            """The matrix that it happened in."""
            return self.matrix

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002  # Textual's name
        super().__init__(id=id)
        self.row_titles: tuple[str, ...] = ()
        self.column_titles: tuple[str, ...] = ()
        self.figures: dict[Place, Figure] = {}
        self.cell_width = CELL_WIDTH
        self._heat: dict[Figure, int] = {}

    def show(self, rows: Sequence[str], columns: Sequence[str], figures: Mapping[Place, Figure]) -> None:
        """Draw these figures; a place without one was never run."""
        self.row_titles, self.column_titles, self.figures = tuple(rows), tuple(columns), dict(figures)
        self._heat = heat(list(self.figures.values()))
        self.cell_width = cell_width(self.figures.values())
        self._clamp()
        width = self.title_width + len(columns) * (self.cell_width + 1)
        self.virtual_size = Size(width, self.get_content_height(Size(), Size(), width))
        self.refresh(layout=True)

    @property
    def title_width(self) -> int:
        """Width of the first column."""
        return max([cell_len(shown("questions")), *(cell_len(title) for title in self.row_titles)], default=9) + 2

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many lines as titles and rows need; the last row's third line only where it has a badge."""
        last = len(self.row_titles) - 1
        badges = any(figure.badge for (row, _), figure in self.figures.items() if row == last)
        return LINES * len(self.row_titles) + int(badges)

    def _clamp(self) -> None:
        row, column = self.place
        bounded = (
            max(0, min(row, len(self.row_titles) - 1)),
            max(0, min(column, len(self.column_titles) - 1)),
        )
        self.set_reactive(Matrix.place, bounded)

    def action_go(self, rows: int, columns: int) -> None:
        """Move the cursor; beyond the first or last row the page around it scrolls."""
        row, column = self.place
        if not 0 <= row + rows < len(self.row_titles) and isinstance(self.parent, Widget):
            self.parent.scroll_relative(y=2 * rows, animate=False)
        self.place = (
            max(0, min(row + rows, len(self.row_titles) - 1)),
            max(0, min(column + columns, len(self.column_titles) - 1)),
        )

    def action_choose(self) -> None:
        """Tell that the cell under the cursor is meant."""
        if self.place in self.figures:
            self.post_message(self.Chosen(self, *self.place))

    def on_click(self, event: events.Click) -> None:
        """A click moves the cursor, a second one chooses."""
        row = (event.y + self.scroll_offset.y - 1) // LINES
        column = (event.x + self.scroll_offset.x - self.title_width) // (self.cell_width + 1)
        if 0 <= row < len(self.row_titles) and 0 <= column < len(self.column_titles):
            self.place = (row, column)
            if event.chain == 2:
                self.action_choose()

    def _style(self, role: str) -> Style:
        return self.get_component_rich_style(f"matrix--{role}", partial=True) if role else Style()

    def render_line(self, y: int) -> Strip:
        """Titles, then three lines for each row."""
        y += self.scroll_offset.y
        base = self.rich_style
        if y == 0:
            segments = [Segment(pad(shown("questions"), self.title_width), base + self._style("header"))]
            for title in self.column_titles:
                segments.append(Segment(pad(title, self.cell_width, "center") + " ", base + self._style("header")))
        else:
            row, line = divmod(y - 1, LINES)
            if row >= len(self.row_titles):
                return Strip.blank(self.size.width, base)
            segments = [Segment(pad(self.row_titles[row] if line == 0 else "", self.title_width), base)]
            for column in range(len(self.column_titles)):
                segments += self._cell((row, column), line)
        strip = Strip(segments)
        return strip.crop_extend(self.scroll_offset.x, self.scroll_offset.x + self.size.width, base)

    def _cell(self, place: Place, line: int) -> list[Segment]:
        base = self.rich_style
        figure = self.figures.get(place)
        text, role = _line(figure, line)
        style = base + self._style(role)
        if figure is not None and line < LINES - 1:
            style = base + self._style(f"heat-{self._heat[figure]}") + self._style(role)
        if self.has_focus and place == self.place and line < LINES - 1:
            style += self._style("cursor")
        return [Segment(pad(text, self.cell_width, "center"), style), Segment(" ", base)]


def _line(figure: Figure | None, line: int) -> tuple[str, str]:
    """Text and role of one line of a cell: the figure, its n (`? 62/100` while partial), its badge."""
    if figure is None:
        return ("-" if line == 0 else ""), "faint"
    if line == 0:
        return accuracy(figure.value, figure.low, figure.high), ""
    if line == 2:
        return (f"{glyph('warning')} {figure.badge}" if figure.badge else ""), "warn"
    if figure.n_done < figure.n:
        return f"? {count(figure.n_done)}/{count(figure.n)}", "warn"
    return f"n={count(figure.n)}", "faint"
