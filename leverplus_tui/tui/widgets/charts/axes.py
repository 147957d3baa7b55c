"""What curves and histograms are drawn on: a canvas between two axes, their ticks, and how it is looked at."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from leverplus_tui.text.glyphs import ascii_only
from leverplus_tui.text.numbers import number
from leverplus_tui.text.scale import Scale, ticks
from leverplus_tui.tui.widgets.charts.canvas import Canvas

FAINT, PLAIN = -2, -1
"""Colours beside those of the curves."""
ONE_DECADE = 10.0
"""Below this ratio of their ends round values tell a logarithmic axis better than round powers of ten."""
Parts = list[tuple[str, int]]


@dataclass(frozen=True)
class Look:
    """How curves are drawn."""

    log: bool = False
    smooth: float = 0.0
    zoom: tuple[float, float] | None = None
    cursor: float | None = None
    bar: int | None = None
    """Number of the bar that is read in a histogram."""
    numbers: bool = False
    """Number the ends of the curves: for terminals without colours."""


@dataclass(frozen=True)
class Axes:
    """A canvas with its scales; of `up` 0 is at the bottom."""

    canvas: Canvas
    across: Scale
    up: Scale
    names: dict[int, str]
    """Labels of the upright axis by their rows."""
    room: int
    """Cells at the left of it."""

    def row(self, value: float) -> int:
        """The dot, from the top, at which a value is drawn."""
        return self.canvas.size[1] - 1 - self.up.nearest(value)


def axes(
    width: int, height: int, ends: tuple[float, float], low: float, high: float, *, log: bool, unit: str = ""
) -> Axes:
    """Axes in `width` x `height` cells: steps or values between `ends`, upright from `low` to `high`, labelled in `unit`."""
    marks = _levels(low, high, max(2, height // 3), log=log)
    texts = [text + unit for text in texts_of(marks)]
    room = max([*map(cell_len, texts), 3])
    canvas = Canvas(width - room - 1, height - 2)
    across = Scale(*ends, 0, canvas.size[0] - 1)
    up = Scale(low, high, 0, canvas.size[1] - 1, log)
    rows = [(canvas.size[1] - 1 - up.nearest(mark)) // canvas.down for mark in marks]
    return Axes(canvas, across, up, dict(zip(rows, texts, strict=True)), room)


def _levels(low: float, high: float, most: int, *, log: bool) -> list[float]:
    if not log or high < low * ONE_DECADE:
        return ticks(low, high, most)
    return [10**power for power in ticks(math.log10(low), math.log10(high), most)]


def texts_of(marks: Sequence[float]) -> list[str]:
    """Labels with as many digits as it takes to tell them apart."""
    texts = [number(_whole(mark)) for mark in marks]
    digits = 5
    while len(set(texts)) < len(texts) and digits < 16:
        texts = [f"{mark:.{digits}g}" for mark in marks]
        digits += 1
    return texts


def _whole(value: float) -> float | int:
    return int(value) if value == int(value) and abs(value) < 1e12 else round(value, 10)


def framed(drawn: Axes, marks: Sequence[float]) -> list[Parts]:
    """The canvas with its axes, `marks` below it."""
    canvas, room = drawn.canvas, drawn.room
    wall, corner, floor, tee = ("|", "+", "-", "|") if ascii_only() else ("│", "└", "─", "┤")
    lines: list[Parts] = []
    for row in range(canvas.height):
        label = drawn.names.get(row, "")
        lines.append([(label.rjust(room) + (tee if label else wall), FAINT), *canvas.row(row)])
    lines.append([(" " * room + corner + floor * canvas.width, FAINT)])
    axis = [" "] * (canvas.width + room + 1)
    for mark, text in zip(marks, texts_of(marks), strict=True):
        middle = room + 1 + drawn.across.nearest(mark) // canvas.across
        start = max(0, min(len(axis) - len(text), middle - len(text) // 2))
        if not "".join(axis[max(0, start - 1) : start + len(text) + 1]).strip():
            axis[start : start + len(text)] = text
    return [*lines, [("".join(axis), FAINT)]]
