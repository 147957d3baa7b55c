"""Curves and what is done to them before they are drawn: reduced, smoothed, put on a scale."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.statistics.histogram import Histogram

Point = tuple[float, float]
Band = tuple[float, float, float]
"""x, lower end, upper end."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A level that tells what a curve means, such as the loss of the uniform policy."""

    name: str
    value: float


@dataclass(frozen=True, slots=True)
class Series:
    """A named curve: (x, y) with ascending x; curves of one unit share an axis."""

    name: str
    points: tuple[Point, ...]
    unit: str = ""
    look: int | None = None
    """Number of its colour where that is not its place."""
    band: tuple[Band, ...] = ()
    rules: tuple[Rule, ...] = ()
    histogram: Histogram | None = None
    """Counts that are drawn in place of a curve."""
    notes: tuple[str, ...] = ()
    """What is to be known of them."""

    def at(self, x: float) -> float | None:
        """The newest value at or before `x`."""
        place = bisect_right(self.points, (x, math.inf)) - 1
        return self.points[place][1] if place >= 0 else None

    def beside(self, x: float, direction: int) -> float | None:
        """The first step at or after `x`, or at or before it where the direction is negative."""
        if direction > 0:
            place = bisect_left(self.points, (x, -math.inf))
            return self.points[place][0] if place < len(self.points) else None
        place = bisect_right(self.points, (x, math.inf)) - 1
        return self.points[place][0] if place >= 0 else None


def continuous(points: Sequence[tuple[str, int, int, float]]) -> tuple[Point, ...]:
    """A phase that counts its steps from the start again is put behind the one before."""
    placed: list[tuple[float, float]] = []
    shift, phase, last = 0.0, None, 0.0
    for name, _, step, value in points:
        if name != phase:
            shift = last if phase is not None and step <= last - shift else shift
            phase = name
        x = step + shift
        placed.append((x, value))
        last = max(last, x)
    return tuple(placed)


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


def smoothed(points: Sequence[Point], weight: float) -> tuple[Point, ...]:
    """Exponential mean with its beginning corrected: each value counts `weight` of the one after it. 0 leaves all as it is."""
    if not weight:
        return tuple(points)
    mean, mass, made = 0.0, 0.0, []
    for x, y in points:
        if math.isfinite(y):
            mean, mass = weight * mean + (1 - weight) * y, weight * mass + (1 - weight)
            made.append((x, mean / mass))
    return tuple(made)


def within(series: Series, low: float, high: float) -> Series:
    """The part of a curve between two steps, with the points that lead in and out."""
    inside = [index for index, (x, _) in enumerate(series.points) if low <= x <= high]
    if not inside:
        return replace(series, points=(), band=())
    first, last = max(0, inside[0] - 1), inside[-1] + 2
    return replace(
        series, points=series.points[first:last], band=tuple(one for one in series.band if low <= one[0] <= high)
    )
