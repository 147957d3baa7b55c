"""Small charts side by side, one for each metric, or one of them alone; drawn again only when something changed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip

from leverplus_tui.text.language import shown
from leverplus_tui.text.numbers import count, number, share
from leverplus_tui.tui.widgets.charts.axes import FAINT, Look
from leverplus_tui.tui.widgets.charts.bins import Bars, bars_of
from leverplus_tui.tui.widgets.charts.chart import Coloured, legend_sign, read_value
from leverplus_tui.tui.widgets.charts.curves import Series
from leverplus_tui.tui.widgets.charts.plot import plot
from leverplus_tui.tui.widgets.text import pad, shorten, wrapped

NARROWEST, LOWEST = 38, 9
CURSOR_STEPS = 60
SHORTEST = 12
"""Cells of a title that are the metric's name, whatever the values take."""


@dataclass(frozen=True)
class Panel:
    """A metric of all runs that have it."""

    metric: str
    series: tuple[Series, ...]
    empty: str = ""
    """Why there is nothing to draw."""


class CurveGrid(Coloured, can_focus=True):
    """Panels; arrows choose one, enter makes it large, the cursor reads all of them at one step."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "go(-1,0)", "chart at the left; in a large one the cursor", show=False, id="curves.left"),
        Binding("right,l", "go(1,0)", "chart at the right; in a large one the cursor", show=False, id="curves.right"),
        Binding("up,k", "go(0,-1)", "chart above", show=False, id="curves.up"),
        Binding("down,j", "go(0,1)", "chart below", show=False, id="curves.down"),
        Binding("home,g", "end(-1)", "first chart", show=False, id="curves.first"),
        Binding("end,G", "end(1)", "last chart", show=False, id="curves.last"),
        Binding("enter", "large", "large", tooltip="one chart alone, or all again", id="curves.large"),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {"curve-grid--title", "curve-grid--here"}
    DEFAULT_CSS = """
    CurveGrid {
        height: 1fr;
        background: $background;
        & > .curve-grid--title { text-style: bold; }
        & > .curve-grid--here { color: $background; background: $secondary; text-style: bold; }
    }
    """

    @dataclass
    class Changed(Message):
        """Another chart, size or step is looked at."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002  # Textual's name
        super().__init__(id=id)
        self.panels: tuple[Panel, ...] = ()
        self.place = 0
        self.large = False
        self.bars = False
        """Whether values are counted instead of drawn by step."""
        self.look = Look()
        self.empty = shown("Reading the curves")
        self._lines: list[Strip] = []
        self._drawn: tuple[object, ...] = ()
        self._kept: dict[tuple[object, ...], list[Strip]] = {}

    def show(self, panels: Sequence[Panel], empty: str) -> None:
        """Draw these; the one looked at stays by its name."""
        here = self.here
        self.panels, self.empty = tuple(panels), empty
        names = [panel.metric for panel in panels]
        self.place = names.index(here.metric) if here is not None and here.metric in names else 0
        self._again()

    @property
    def here(self) -> Panel | None:
        """The chart that is looked at."""
        return self.panels[self.place] if self.place < len(self.panels) else None

    def look_again(self, look: Look, *, bars: bool | None = None) -> None:
        """Draw otherwise."""
        self.look = look
        self.bars = self.bars if bars is None else bars
        self._again()

    def _again(self) -> None:
        self._drawn = ()
        self.refresh()
        self.post_message(self.Changed())

    # Keys

    def action_go(self, across: int, down: int) -> None:
        """Look at another chart; in a large one the cursor goes left and right."""
        if self.large and across:
            self.move_cursor(across)
            return
        self._look_at(self.place + across + down * (1 if self.large else self._layout()[0]))

    def action_end(self, direction: int) -> None:
        """Look at the first or last chart."""
        self._look_at(0 if direction < 0 else len(self.panels) - 1)

    def _look_at(self, place: int) -> None:
        if 0 <= place < len(self.panels):
            self.place, self.look = place, replace(self.look, bar=None)
            self._again()

    def action_large(self) -> None:
        """One chart alone, or all again."""
        if self.panels:
            self.large = not self.large
            self._again()

    def enlarge(self, metric: str) -> None:
        """Show this metric alone, where it is there."""
        names = [panel.metric for panel in self.panels]
        if metric in names:
            self.large = True
            self._look_at(names.index(metric))

    def move_cursor(self, direction: int) -> None:
        """Read all curves at an earlier or later step, where one of the chart that is looked at has a value; of a histogram
        another bar."""
        if bars := self.read_bars():
            bar = len(bars) - 1 if self.look.bar is None else self.look.bar + direction
            self.look_again(replace(self.look, bar=max(0, min(len(bars) - 1, bar))))
            return
        ends = self.ends()
        if ends is None or self.here is None:
            return
        first, last = self.look.zoom or ends
        if self.look.cursor is None:
            self.look_again(replace(self.look, cursor=last))
            return
        aim = self.look.cursor + direction * (last - first) / CURSOR_STEPS
        found = [x for one in self.here.series if (x := one.beside(aim, direction)) is not None]
        at = (min(found) if direction > 0 else max(found)) if found else aim
        self.look_again(replace(self.look, cursor=max(first, min(last, at))))

    def read_bars(self) -> Bars:
        """The bars of the chart that is looked at, with the counts of all runs; none where it shows curves."""
        series = self.counted(self.here).series if self.here is not None else ()
        return bars_of(series) if any(one.histogram for one in series) else []

    def read_off(self) -> tuple[str, list[str]]:
        """Where the chart that is looked at is read, and what each run has there."""
        series = self.here.series if self.here is not None else ()
        bars, at = self.read_bars(), self.look.cursor
        if self.look.bar is not None and self.look.bar < len(bars):
            low, high, counts = bars[self.look.bar]
            totals = [sum(column) or 1 for column in zip(*(each for *_, each in bars), strict=True)]
            values = [f"{count(n)} ({share(n / total)})" for n, total in zip(counts, totals, strict=True)]
            return number(low) if low == high else f"[{number(low)}, {number(high)})", values
        if bars:
            counted = self.counted(self.here).series if self.here is not None else ()
            return shown("mean"), [read_value(one, self.look) for one in counted]
        where = shown("last value") if at is None else shown(f"step {number(round(at))}")
        return where, [read_value(one, self.look) for one in series]

    def ends(self) -> tuple[float, float] | None:
        """First and last step of the chart that is looked at."""
        if self.here is None:
            return None
        steps = [one.points[end][0] for one in self.here.series if one.points for end in (0, -1)]
        return (min(steps), max(steps)) if steps else None

    # Drawing

    def _layout(self) -> tuple[int, int]:
        """Charts beside each other, and lines of each."""
        across = max(1, min(len(self.panels), self.size.width // NARROWEST))
        rows = math.ceil(len(self.panels) / across)
        return across, max(LOWEST, min(16, self.size.height // max(1, rows)))

    def render_line(self, y: int) -> Strip:
        """A line of the cached drawing."""
        state = (self.size, self.place, self.large, self.has_focus, tuple(self.colours()))
        if self._drawn != state:
            self._drawn = state
            self._redraw()
        return self._lines[y] if y < len(self._lines) else Strip.blank(self.size.width, self.rich_style)

    def _redraw(self) -> None:
        width, height = self.size
        if not self.panels:
            self._lines = [self.strip([(pad(self.empty, width), FAINT)], width)]
        elif self.large and self.here is not None:
            self._lines = self._panel(self.here, width, height, here=True)
        else:
            across, tall = self._layout()
            top = max(0, self.place // across - max(1, height // tall) + 1)
            self._lines = []
            for row in range(top, math.ceil(len(self.panels) / across)):
                if len(self._lines) >= height:
                    break
                self._lines += self._row(row, across, tall, width)

    def _row(self, row: int, across: int, tall: int, width: int) -> list[Strip]:
        each = width // across
        drawn = [
            self._panel(self.panels[place], each - 1, tall - 1, here=place == self.place)
            for place in range(row * across, min((row + 1) * across, len(self.panels)))
        ]
        blank = Strip.blank(1, self.rich_style)
        lines = [Strip.join([part for strips in drawn for part in (strips[line], blank)]) for line in range(tall - 1)]
        return [
            *(line.adjust_cell_length(width, self.rich_style) for line in lines),
            Strip.blank(width, self.rich_style),
        ]

    def _panel(self, panel: Panel, width: int, height: int, *, here: bool) -> list[Strip]:
        key = (panel, width, height, here and self.has_focus, self.look, self.bars, tuple(self.colours()))
        if key not in self._kept:
            if len(self._kept) > 200:
                self._kept.clear()
            self._kept[key] = self._drawn_panel(panel, width, height, here=here and self.has_focus)
        return self._kept[key]

    def _drawn_panel(self, panel: Panel, width: int, height: int, *, here: bool) -> list[Strip]:
        counted = self.counted(panel)
        look = self.look if panel is self.here else replace(self.look, bar=None)
        body = plot(counted.series, width, height - 1, look)
        body = body or [
            [(line, FAINT)] for line in wrapped(shown(panel.empty or "nothing to draw on this scale"), width)
        ]
        lines = [self._title(counted, width, here=here), *(self.strip(part, width) for part in body[: height - 1])]
        return lines + [Strip.blank(width, self.rich_style)] * (height - len(lines))

    def _title(self, panel: Panel, width: int, *, here: bool) -> Strip:
        """The metric and the value of each run: the name is shortened first, then the last runs are only counted."""
        style = self.rich_style + self.get_component_rich_style(
            "curve-grid--here" if here else "curve-grid--title", partial=True
        )
        values = [
            (f"{legend_sign(one.look or 0, numbers=self.look.numbers)}{read_value(one, self.look)} ", one.look or 0)
            for one in panel.series
        ]
        room = width - SHORTEST
        fitting = [total <= room for total in accumulate(cell_len(text) for text, _ in values)].count(True)
        if fitting < len(values):
            room -= len(f"+{len(values)}")
            fitting = [total <= room for total in accumulate(cell_len(text) for text, _ in values)].count(True)
            values[fitting:] = [(f"+{len(values) - fitting}", FAINT)]
        name = f"{shown(panel.metric)}{shown(' (log)') if self.look.log else ''}"
        left = width - sum(cell_len(text) for text, _ in values) - 3
        parts = [Segment(f" {shorten(name, left)} ", style), Segment(" ", self.rich_style)]
        parts += [Segment(text, self.part_style(colour)) for text, colour in values]
        return Strip(parts).adjust_cell_length(width, self.rich_style)

    def counted(self, panel: Panel) -> Panel:
        """The panel as it is drawn: how often each value came over all steps, where that is asked for."""
        if not self.bars or any(one.histogram for one in panel.series):
            return panel
        from engine.statistics.histogram import counted  # with it comes numpy

        return replace(
            panel,
            series=tuple(replace(one, histogram=counted(y for _, y in one.points)) for one in panel.series),
        )
