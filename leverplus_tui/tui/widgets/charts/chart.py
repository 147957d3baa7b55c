"""Curves in panels, one for each unit: the same signs for all, one colour for each; redrawn at most once a second."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.strip import Strip
from textual.timer import Timer
from textual.widget import Widget

from leverplus_tui.text.glyphs import ascii_only
from leverplus_tui.text.language import shown
from leverplus_tui.text.numbers import number
from leverplus_tui.tui.widgets.charts.axes import FAINT, Look, Parts
from leverplus_tui.tui.widgets.charts.curves import Series
from leverplus_tui.tui.widgets.charts.plot import numbered, plot
from leverplus_tui.tui.widgets.text import pad

REDRAW_S = 1.0
PANEL = 9
"""Lines of the lowest panel that still shows a shape."""
BESIDE = 28
"""Cells of a histogram that stands beside another."""
SERIES_COLOURS = 8
"""Curves that are told apart by colour; more of them begin with the first colour again."""
MOST = 24
"""Curves in one chart."""


class Coloured(Widget):
    """A widget that draws in the colours of curves."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"coloured--faint"}
    DEFAULT_CSS = """
    Coloured > .coloured--faint { color: $faint; }
    """

    def colours(self) -> list[str]:
        """The theme's colours of curves."""
        variables = self.app.theme_variables
        return [variables[f"series-{index + 1}"] for index in range(SERIES_COLOURS)]

    def part_style(self, colour: int) -> Style:
        """The style of a drawn part."""
        if colour == FAINT:
            return self.rich_style + self.get_component_rich_style("coloured--faint", partial=True)
        if colour < 0:
            return self.rich_style
        return self.rich_style + Style(color=self.colours()[colour % SERIES_COLOURS].removeprefix("ansi_"))

    def strip(self, parts: Parts, width: int) -> Strip:
        """A drawn line in this widget's colours."""
        styles = {colour: self.part_style(colour) for _, colour in parts}
        segments = [Segment(text, styles[colour]) for text, colour in parts]
        return Strip(segments).adjust_cell_length(width, self.rich_style)


class Chart(Coloured):
    """One or several curves with a legend line that carries the last value, or a sentence why there is none."""

    DEFAULT_CSS = """
    Chart {
        height: 1fr;
        min-height: 4;
        background: $background;
    }
    """

    def __init__(self, *, empty: str = "No curve yet", id: str | None = None) -> None:  # noqa: A002  # Textual's name
        super().__init__(id=id)
        self.series: tuple[Series, ...] = ()
        self.empty = empty
        self.axis = "step"
        self.look = Look()
        self._strips: list[Strip] = []
        self._drawn_at = -REDRAW_S
        self._drawn: tuple[object, ...] = ()
        self._timer: Timer | None = None

    def show(self, series: Sequence[Series], empty: str = "") -> None:
        """Draw these curves, at once or when a second has passed since the last time."""
        self.series = tuple(numbered(series[:MOST]))
        self.empty = empty or self.empty
        wait = self._drawn_at + REDRAW_S - time.monotonic()
        if wait <= 0:
            self.refresh()
        elif self._timer is None:
            self._timer = self.set_timer(wait, self._late)

    def look_again(self, look: Look) -> None:
        """Draw otherwise, at once."""
        self.look = look
        self._drawn = ()
        self.refresh()

    def _late(self) -> None:
        self._timer = None
        self.refresh()

    def on_resize(self, _: events.Resize) -> None:
        """Draw for the new size at once."""
        self._drawn = ()

    def render_line(self, y: int) -> Strip:
        """A line of the cached drawing."""
        if y == 0:
            self._redraw()
        if y < len(self._strips):
            return self._strips[y]
        return Strip.blank(self.size.width, self.rich_style)

    def _redraw(self) -> None:
        width, height, colours = self.size.width, self.size.height, self.colours()
        state = (self.series, self.empty, self.axis, self.look, width, height, tuple(colours))
        if self._drawn == state:
            return
        if self._timer is not None and self._drawn:
            return  # a newer drawing is already on its way
        self._drawn = state
        if not any(one.points or one.histogram for one in self.series) or height < 4 or width < 20:
            self._strips = [self._faint(self.empty, width)]
            return
        self._drawn_at = time.monotonic()  # a sentence is no drawing: the first curves come at once
        lines = list(self._beside(width))
        fitting = max(1, min(len(lines), height // PANEL))
        hidden = [unit for line in lines[fitting:] for unit, _ in line]
        if hidden:
            height -= 1
        self._strips = []
        for place, line in enumerate(lines[:fitting]):
            self._strips += self._line(line, width, height // fitting + (place < height % fitting))
        if hidden:
            words = shown(f"no room for {', '.join(hidden)}: enlarge the window, or draw fewer with space")
            short = shown(f"no room for {', '.join(hidden)}")
            self._strips.append(self._faint(words if cell_len(words) <= width else short, width))

    def _beside(self, width: int) -> Iterator[list[tuple[str, list[int]]]]:
        """Panels line by line: two histograms are beside each other where they fit."""
        waiting: list[tuple[str, list[int]]] = []
        for panel in self.panels():
            counted = self.series[panel[1][0]].histogram is not None and width >= 2 * BESIDE
            if waiting and (not counted or len(waiting) == 2):
                yield waiting
                waiting = []
            if counted:
                waiting.append(panel)
            else:
                yield [panel]
        if waiting:
            yield waiting

    def _line(self, panels: list[tuple[str, list[int]]], width: int, height: int) -> list[Strip]:
        each = width // len(panels)
        drawn = [self._panel(unit, indices, each - (len(panels) > 1), height) for unit, indices in panels]
        if len(drawn) == 1:
            return drawn[0]
        blank = Strip.blank(1, self.rich_style)
        return [Strip.join([left, blank, right]) for left, right in zip(*drawn, strict=True)]

    def panels(self) -> list[tuple[str, list[int]]]:
        """Units, in the order in which they come, with the places of their curves."""
        found: dict[str, list[int]] = {}
        for index, one in enumerate(self.series):
            found.setdefault(one.unit, []).append(index)
        return list(found.items())

    def _faint(self, text: str, width: int) -> Strip:
        return self.strip([(pad(text, width), FAINT)], width)

    @property
    def _seen(self) -> Look:
        """The look, with numbers where there are no colours."""
        return replace(self.look, numbers=True) if self.app.no_color else self.look

    def _panel(self, unit: str, indices: list[int], width: int, height: int) -> list[Strip]:
        """Legend and curves of one unit."""
        legend = self._legend(unit, indices, width)
        drawn = plot([self.series[index] for index in indices], width, height - len(legend), self._seen)
        strips = [self.strip(parts, width) for parts in (*legend, *drawn)][:height]
        return strips + [Strip.blank(width, self.rich_style)] * (height - len(strips))

    def _legend(self, unit: str, indices: list[int], width: int) -> list[Parts]:
        """What the axes are; sign, name and last value of each curve, or that under the cursor, in as many lines as needed."""
        what = (
            shown("share of candidates") if self.series[indices[0]].histogram else f"{unit} {shown(f'by {self.axis}')}"
        )
        axes = f"{what}{shown(', log') if self.look.log else ''}   " if unit else ""
        lines: list[Parts] = [[(axes, FAINT)] if axes else []]
        room = width - cell_len(axes)
        for index in indices:
            one = self.series[index]
            text = (
                f"{legend_sign(one.look or 0, numbers=self._seen.numbers)} {one.name} {read_value(one, self.look)}   "
            )
            if cell_len(text.rstrip()) > room and lines[-1]:
                lines.append([])
                room = width
            room -= cell_len(text)
            lines[-1].append((text, one.look or 0))
        return lines


def legend_sign(look: int, *, numbers: bool = False) -> str:
    """What stands before the name of a curve: its number where there are no colours."""
    return str(look + 1) if numbers or ascii_only() else "━"


def read_value(series: Series, look: Look) -> str:
    """The value under the cursor, else the last one; of a histogram the mean."""
    if series.histogram is not None:
        return number(series.histogram.ends[1])
    if not series.points:
        return "-"
    value = series.points[-1][1] if look.cursor is None else series.at(look.cursor)
    return number(value)
