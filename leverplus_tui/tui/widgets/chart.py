"""Curves by plotext, one panel for each unit: points reduced to what the columns can show, redrawn at most once a second."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.strip import Strip
from textual.timer import Timer
from textual.widget import Widget

from leverplus_tui.text.glyphs import ascii_only
from leverplus_tui.text.numbers import number
from leverplus_tui.tui.widgets.text import pad

REDRAW_S = 1.0
PANEL = 9
"""Lines of the lowest panel that still shows a shape."""
SERIES_COLOURS = 6
_MARKERS = ("braille", "dot", "x", "+", "o", "*")
_PLAIN_MARKERS = ("*", ".", "x", "+", "o", "#")
_SIGNS = {"braille": "⠒", "dot": "•"}

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Series:
    """A named curve: (x, y) with ascending x; curves of one unit share an axis."""

    name: str
    points: tuple[Point, ...]
    unit: str = ""


def reduce(points: Sequence[Point], columns: int) -> list[Point]:
    """At most two points for each column, its least and its greatest, in their order; points that are not finite are left out."""
    finite = [point for point in points if math.isfinite(point[1])]
    if len(finite) <= 2 * columns:
        return finite
    first, last = finite[0][0], finite[-1][0]
    span = (last - first) or 1.0
    kept: list[Point] = []
    start = 0
    for column in range(columns):
        edge = first + span * (column + 1) / columns
        stop = start
        while stop < len(finite) and (finite[stop][0] < edge or column == columns - 1):
            stop += 1
        part = finite[start:stop]
        start = stop
        if part:
            pair = {min(part, key=lambda point: point[1]), max(part, key=lambda point: point[1])}
            kept += sorted(pair)
    return kept


def ticks(low: float, high: float, most: int) -> list[float]:
    """Round values from `low` to `high`, at most `most` of them."""
    span = high - low
    if span <= 0 or most < 2:
        return [low]
    raw = span / (most - 1)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw)
    start = math.ceil(low / step - 1e-9) * step
    return [start + step * index for index in range(int((high - start) / step + 1e-9) + 1)]


def draw(
    series: Sequence[Series], width: int, height: int, colours: Sequence[str], looks: Sequence[int] | None = None
) -> list[Text]:
    """The curves in `width` x `height` cells, one Text for each line; `looks` says which colour and sign each has.

    plotext keeps one global figure, so it is cleared, drawn and read in this one call.
    """
    import plotext as plt  # 24 ms that the first frame need not wait for

    plt.clear_figure()
    plt.plotsize(width, height)
    plt.frame(False)
    plt.canvas_color("default")
    plt.axes_color("default")
    plt.ticks_color(_triplet(colours[-1]))
    markers = _PLAIN_MARKERS if ascii_only() else _MARKERS
    shown = [reduce(one.points, max(2, width - 8)) for one in series]
    for index, points in zip(looks or range(len(shown)), shown, strict=False):
        if points:
            x, y = zip(*points, strict=True)
            plt.plot(list(x), list(y), marker=markers[index % len(markers)], color=_triplet(colours[index]))
    _label(plt, [point for points in shown for point in points], width, height)
    return [Text.from_ansi(line) for line in plt.build().splitlines()[:height]]


def _label(plt: object, points: Sequence[Point], width: int, height: int) -> None:
    if not points:
        return
    xs, ys = [x for x, _ in points], [y for _, y in points]
    for axis, values, most in (("xticks", xs, max(2, width // 12)), ("yticks", ys, max(2, height // 3))):
        places = ticks(min(values), max(values), most)
        getattr(plt, axis)(places, [number(int(place) if place == int(place) else place) for place in places])


def _triplet(colour: str) -> tuple[int, int, int] | str:
    if not colour.startswith("#"):
        return {"ansi_cyan": "cyan", "ansi_yellow": "orange", "ansi_blue": "blue", "ansi_red": "red"}.get(
            colour, "gray"
        )
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


class Chart(Widget):
    """One or several curves with a legend line that carries the last value, or a sentence why there is none."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"chart--faint"}
    DEFAULT_CSS = """
    Chart {
        height: 1fr;
        min-height: 4;
        background: $background;
        & > .chart--faint { color: $faint; }
    }
    """

    def __init__(self, *, empty: str = "No curve yet", id: str | None = None) -> None:  # noqa: A002  # Textual's name
        super().__init__(id=id)
        self.series: tuple[Series, ...] = ()
        self.empty = empty
        self.axis = "step"
        self._strips: list[Strip] = []
        self._drawn_at = -REDRAW_S
        self._drawn: tuple[object, ...] = ()
        self._timer: Timer | None = None

    def show(self, series: Sequence[Series], empty: str = "") -> None:
        """Draw these curves, at once or when a second has passed since the last time."""
        self.series = tuple(series[:SERIES_COLOURS])
        self.empty = empty or self.empty
        wait = self._drawn_at + REDRAW_S - time.monotonic()
        if wait <= 0:
            self.refresh()
        elif self._timer is None:
            self._timer = self.set_timer(wait, self._late)

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

    def _colours(self) -> list[str]:
        variables = self.app.theme_variables
        names = [f"series-{index + 1}" for index in range(SERIES_COLOURS)]
        return [variables[name] for name in (*names, "faint")]

    def _redraw(self) -> None:
        width, height, colours = self.size.width, self.size.height, self._colours()
        state = (self.series, self.empty, self.axis, width, height, tuple(colours))
        if self._drawn == state:
            return
        if self._timer is not None and self._drawn:
            return  # a newer drawing is already on its way
        self._drawn = state
        if not any(one.points for one in self.series) or height < 4 or width < 20:
            self._strips = [self._faint(self.empty, width)]
            return
        self._drawn_at = time.monotonic()  # a sentence is no drawing: the first curves come at once
        panels = self.panels()
        fitting = max(1, min(len(panels), height // PANEL))
        hidden = [unit for unit, _ in panels[fitting:]]
        if hidden:
            height -= 1
        self._strips = []
        for place, (unit, indices) in enumerate(panels[:fitting]):
            rows = height // fitting + (place < height % fitting)
            self._strips += self._panel(unit, indices, width, rows, colours)
        if hidden:
            words = f"no room for {', '.join(hidden)}: enlarge the window, or draw fewer with space"
            self._strips.append(self._faint(words, width))

    def panels(self) -> list[tuple[str, list[int]]]:
        """Units, in the order in which they come, with the places of their curves."""
        found: dict[str, list[int]] = {}
        for index, one in enumerate(self.series):
            found.setdefault(one.unit, []).append(index)
        return list(found.items())

    def _faint(self, text: str, width: int) -> Strip:
        style = self.rich_style + self.get_component_rich_style("chart--faint", partial=True)
        return Strip([Segment(pad(text, width), style)])

    def _panel(self, unit: str, indices: list[int], width: int, height: int, colours: Sequence[str]) -> list[Strip]:
        """Legend and curves of one unit."""
        base, console = self.rich_style, self.app.console
        strips = self._legend(unit, indices, width, colours)
        shown = [self.series[index] for index in indices]
        for line in draw(shown, width, height - len(strips), colours, indices):
            segments = [
                Segment(segment.text, base + (segment.style or Style())) for segment in line.render(console, end="")
            ]
            strips.append(Strip(segments).adjust_cell_length(width, base))
        return strips

    def _legend(self, unit: str, indices: list[int], width: int, colours: Sequence[str]) -> list[Strip]:
        """What the axes are; sign, name and last value of each curve, in as many lines as that needs."""
        base = self.rich_style
        faint = base + self.get_component_rich_style("chart--faint", partial=True)
        markers = _PLAIN_MARKERS if ascii_only() else _MARKERS
        axes = f"{unit} by {self.axis}   " if unit else ""
        lines: list[list[Segment]] = [[Segment(axes, faint)] if axes else []]
        room = width - len(axes)
        for index in indices:
            one = self.series[index]
            sign = markers[index % len(markers)]
            last = number(one.points[-1][1]) if one.points else "-"
            text = f"{_SIGNS.get(sign, sign)} {one.name} {last}   "
            if len(text) > room and lines[-1]:
                lines.append([])
                room = width
            room -= len(text)
            lines[-1].append(Segment(text, base + Style(color=colours[index].removeprefix("ansi_"))))
        return [Strip(segments).adjust_cell_length(width, base) for segments in lines]
