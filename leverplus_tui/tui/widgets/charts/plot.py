"""Curves with their axes as lines of coloured parts: levels, bands, the cursor, the end of each curve by its number."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from leverplus_tui.text.scale import ticks
from leverplus_tui.tui.widgets.charts.axes import FAINT, PLAIN, Axes, Look, Parts, axes, framed
from leverplus_tui.tui.widgets.charts.bins import plot_bars
from leverplus_tui.tui.widgets.charts.curves import Point, Series, reduce, smoothed, within

UNCHANGED = Look()
ROUNDING = 1e-6
"""Figures of single precision that are nearer, relative to their size, are the same: what parts them is no curve."""


def plot(series: Sequence[Series], width: int, height: int, look: Look = UNCHANGED) -> list[Parts]:
    """Curves, or histograms, of one unit in `width` x `height` cells, axes included; nothing where nothing can be drawn."""
    if width < 12 or height < 3:
        return []
    if any(one.histogram for one in series):
        return plot_bars(series, width, height, look)
    shown = [within(one, *look.zoom) if look.zoom else one for one in series]
    points = [
        point for one in shown for point in one.points if math.isfinite(point[1]) and (point[1] > 0 or not look.log)
    ]
    if not points:
        return []
    steps = [x for x, _ in points]
    if math.isclose(min(y for _, y in points), max(y for _, y in points), rel_tol=ROUNDING):
        shown, points = [_level(one, points[0][1]) for one in shown], points[:1]
    first, last = look.zoom or (min(steps), max(steps))
    drawn = axes(width, height, (first, last), *_range(shown, points, look), log=look.log)
    _draw(drawn, shown, look)
    return framed(drawn, ticks(first, last, max(2, drawn.canvas.width // 12), whole=True))


def _level(one: Series, value: float) -> Series:
    """A curve without the rounding around its value."""
    near = partial(math.isclose, value, rel_tol=2 * ROUNDING)
    return replace(one, points=tuple((x, value if near(y) else y) for x, y in one.points))


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


def _draw(drawn: Axes, shown: Sequence[Series], look: Look) -> None:
    canvas, across, up = drawn.canvas, drawn.across, drawn.up
    rules = {rule for one in shown for rule in one.rules if up.low <= rule.value <= up.high}
    for rule in rules:
        canvas.dashes(drawn.row(rule.value), FAINT)
    for place, one in enumerate(shown):
        for x, low, high in one.band:
            colour = place if one.look is None else one.look
            canvas.shade(across.nearest(x), drawn.row(max(low, up.low)), drawn.row(min(high, up.high)), colour)
    for place, one in enumerate(shown):
        _curve(drawn, one, place if one.look is None else one.look, look)
    for rule in rules:
        canvas.sign(1, drawn.row(rule.value) // canvas.down, rule.name, FAINT)
    if look.cursor is not None and across.low <= look.cursor <= across.high:
        for y in range(0, canvas.size[1], 2):
            canvas.dot(across.nearest(look.cursor), y, PLAIN)


def _curve(drawn: Axes, one: Series, colour: int, look: Look) -> None:
    canvas = drawn.canvas
    usable = [point for point in smoothed(one.points, look.smooth) if point[1] > 0 or not look.log]
    places = [(drawn.across.nearest(x), drawn.row(y)) for x, y in reduce(usable, canvas.size[0] // 2)]
    for (x0, y0), (x1, y1) in zip(places, places[1:] or places, strict=False):
        canvas.line(x0, y0, x1, y1, colour)
    if look.numbers and places:
        x, y = places[-1]
        canvas.sign(min(canvas.width - 1, x // canvas.across), y // canvas.down, str(colour + 1), colour)


def numbered(series: Sequence[Series]) -> list[Series]:
    """Curves that keep the colours of their places when some are drawn apart."""
    return [replace(one, look=place if one.look is None else one.look) for place, one in enumerate(series)]
