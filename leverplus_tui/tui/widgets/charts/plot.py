"""Curves with their axes as lines of coloured parts: levels, bands, the cursor, the end of each curve by its number."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rich.cells import cell_len

from leverplus_tui.text.glyphs import ascii_only
from leverplus_tui.text.numbers import number
from leverplus_tui.text.scale import Scale
from leverplus_tui.tui.widgets.charts.canvas import Canvas
from leverplus_tui.tui.widgets.charts.curves import Point, Series, reduce, smoothed, ticks, within

FAINT, PLAIN = -2, -1
"""Colours beside those of the curves."""
LOWEST_AXIS = 6
Parts = list[tuple[str, int]]


@dataclass(frozen=True)
class Look:
    """How curves are drawn."""

    log: bool = False
    smooth: float = 0.0
    zoom: tuple[float, float] | None = None
    cursor: float | None = None
    numbers: bool = False
    """Number the ends of the curves: for terminals without colours."""


def plot(series: Sequence[Series], width: int, height: int, look: Look = Look()) -> list[Parts]:
    """Curves of one unit in `width` x `height` cells, axes included."""
    shown = [within(one, *look.zoom) if look.zoom else one for one in series]
    points = [
        point for one in shown for point in one.points if math.isfinite(point[1]) and (point[1] > 0 or not look.log)
    ]
    if not points or width < 12 or height < 3:
        return []
    low, high = _range(shown, points, look)
    marks = _levels(low, high, height, look)
    room = max([cell_len(number(_whole(mark))) for mark in marks] + [3])
    canvas = Canvas(width - room - 1, height - 2)
    first, last = look.zoom or (min(x for x, _ in points), max(x for x, _ in points))
    across = Scale(first, last, 0, canvas.size[0] - 1)
    up = Scale(low, high, 0, canvas.size[1] - 1, look.log)
    _draw(canvas, shown, across, up, look)
    return _framed(canvas, marks, up, room, (first, last), across)


def _range(shown: Sequence[Series], points: Sequence[Point], look: Look) -> tuple[float, float]:
    values = [y for _, y in points]
    values += [end for one in shown for _, low, high in one.band for end in (low, high) if math.isfinite(end)]
    low, high = min(values), max(values)
    span = (high - low) or abs(high) or 1.0
    near = [rule.value for one in shown for rule in one.rules if low - 2 * span <= rule.value <= high + 2 * span]
    low, high = min([low, *near]), max([high, *near])
    if look.log:
        return max(low, 1e-300), max(high, low * 1.01, 1e-299)
    return (low, high) if high > low else (low - span / 2, high + span / 2)


def _levels(low: float, high: float, height: int, look: Look) -> list[float]:
    most = max(2, height // 3)
    if not look.log:
        return ticks(low, high, most)
    return [10**power for power in ticks(math.log10(low), math.log10(high), most)]


def _draw(canvas: Canvas, shown: Sequence[Series], across: Scale, up: Scale, look: Look) -> None:
    bottom = canvas.size[1] - 1
    for one in shown:
        for rule in one.rules:
            if up.low <= rule.value <= up.high:
                canvas.dashes(bottom - up.nearest(rule.value), FAINT)
    for place, one in enumerate(shown):
        colour = place if one.look is None else one.look
        for x, low, high in one.band:
            canvas.shade(
                across.nearest(x),
                bottom - up.nearest(max(low, up.low)),
                bottom - up.nearest(min(high, up.high)),
                colour,
            )
    for place, one in enumerate(shown):
        colour = place if one.look is None else one.look
        usable = [point for point in smoothed(one.points, look.smooth) if point[1] > 0 or not look.log]
        places = [(across.nearest(x), bottom - up.nearest(y)) for x, y in reduce(usable, canvas.size[0] // 2)]
        for (x0, y0), (x1, y1) in zip(places, places[1:] or places, strict=False):
            canvas.line(x0, y0, x1, y1, colour)
        if look.numbers and places:
            x, y = places[-1]
            canvas.sign(min(canvas.width - 1, x // canvas.across), y // canvas.down, str(colour + 1), colour)
    for rule in {rule for one in shown for rule in one.rules}:
        if up.low <= rule.value <= up.high:
            canvas.sign(1, (bottom - up.nearest(rule.value)) // canvas.down, rule.name, FAINT)
    if look.cursor is not None and across.low <= look.cursor <= across.high:
        for y in range(0, bottom + 1, 2):
            canvas.dot(across.nearest(look.cursor), y, PLAIN)


def _framed(
    canvas: Canvas, marks: Sequence[float], up: Scale, room: int, ends: tuple[float, float], across: Scale
) -> list[Parts]:
    bottom = canvas.size[1] - 1
    named = {(bottom - up.nearest(mark)) // canvas.down: number(_whole(mark)) for mark in marks}
    wall, corner, floor, tee = ("|", "+", "-", "|") if ascii_only() else ("│", "└", "─", "┤")
    lines: list[Parts] = []
    for row in range(canvas.height):
        label = named.get(row, "")
        lines.append([(label.rjust(room) + (tee if label else wall), FAINT), *canvas.row(row)])
    lines.append([(" " * room + corner + floor * canvas.width, FAINT)])
    axis = [" "] * (canvas.width + room + 1)
    for mark in ticks(*ends, max(2, canvas.width // 12)):
        text = number(_whole(mark))
        start = min(len(axis) - len(text), room + 1 + across.nearest(mark) // canvas.across - len(text) // 2)
        if start >= 0 and not "".join(axis[max(0, start - 1) : start + len(text) + 1]).strip():
            axis[start : start + len(text)] = text
    return [*lines, [("".join(axis), FAINT)]]


def _whole(value: float) -> float | int:
    return int(value) if value == int(value) and abs(value) < 1e12 else round(value, 10)


def numbered(series: Sequence[Series]) -> list[Series]:
    """Curves that keep the colours of their places when some are drawn apart."""
    return [replace(one, look=place if one.look is None else one.look) for place, one in enumerate(series)]
