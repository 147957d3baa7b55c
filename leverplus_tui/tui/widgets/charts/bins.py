"""Histograms as lines of coloured parts: for each bin, or each value, the share of what a run counted, in the run's colour."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from engine.statistics.histogram import MOST, Histogram
from leverplus_tui.text.scale import ticks
from leverplus_tui.tui.widgets.charts.axes import PLAIN, Axes, Look, Parts, axes, framed
from leverplus_tui.tui.widgets.charts.curves import Series

FULL = 0.7
"""Part of the room between two values that their bars fill."""
Bars = list[tuple[float, float, list[int]]]
"""From, to, and how many each histogram has there."""


def bars_of(series: Sequence[Series]) -> Bars:
    """The bars of some histograms, each with the counts of all: bins of one width where one of them has bins."""
    found = aligned([one.histogram or Histogram() for one in series])
    counts: dict[tuple[float, float], list[int]] = {}
    for place, one in enumerate(found):
        for low, high, n in one.bars():
            counts.setdefault((low, high), [0] * len(found))[place] = n
    return [(low, high, counts[low, high]) for low, high in sorted(counts)]


def aligned(found: Sequence[Histogram]) -> list[Histogram]:
    """The same histograms in at most `MOST` bins of one width; untouched where all count by value."""
    width = max((one.width for one in found), default=0.0)
    made = list(found)
    while width:
        made = [one.wider(width) for one in found]
        full = [one for one in made if one.counts]
        if max(one.first + len(one.counts) for one in full) - min(one.first for one in full) <= MOST:
            break
        width *= 2
    return made


def plot_bars(series: Sequence[Series], width: int, height: int, look: Look) -> list[Parts]:
    """Histograms on one axis, of width 12 or more and height 3 or more, axes included; nothing where nothing was counted."""
    bars = bars_of(series)
    if not bars:
        return []
    totals = [sum(counts) or 1 for counts in zip(*(counts for *_, counts in bars), strict=True)]
    shares = [[100 * n / total for n, total in zip(counts, totals, strict=True)] for *_, counts in bars]
    high = max(map(max, shares))
    low = min(share for one in shares for share in one if share) / 2 if look.log else 0.0
    drawn = axes(width, height, _ends(bars), low, high, log=look.log, unit=" %")
    for place, one in enumerate(series):
        _draw(drawn, bars, [one[place] for one in shares], place, len(series), one.look or 0)
    if look.numbers:
        _number(drawn, bars, shares, [one.look or 0 for one in series])
    if look.bar is not None and look.bar < len(bars):
        for y in range(0, drawn.canvas.size[1], 2):
            drawn.canvas.dot(_middle(drawn, bars[look.bar]), y, PLAIN)
    most = max(2, drawn.canvas.width // 12)
    by_value = bars[0][0] == bars[0][1] and len(bars) <= most
    return framed(drawn, [low for low, *_ in bars] if by_value else ticks(*_ends(bars), most))


def _ends(bars: Bars) -> tuple[float, float]:
    """Ends of the axis: of the bins, or half the room between two values beside the outermost."""
    low, high = bars[0][0], bars[-1][1]
    room = 0.0 if bars[0][0] < bars[0][1] else (_gap(bars) or abs(low) or 1.0) / 2
    return low - room, high + room


def _gap(bars: Bars) -> float:
    """The least room between two values; 0 for one."""
    return min((after[0] - before[0] for before, after in pairwise(bars)), default=0.0)


def _middle(drawn: Axes, bar: tuple[float, float, list[int]]) -> int:
    return drawn.across.nearest((bar[0] + bar[1]) / 2)


def _draw(drawn: Axes, bars: Bars, shares: Sequence[float], place: int, of: int, colour: int) -> None:
    """Bars of one run: filled where it is alone, outlines of bins over each other, values beside each other."""
    if bars[0][0] == bars[0][1]:
        gap = drawn.across(_gap(bars)) - drawn.across(0.0) if len(bars) > 1 else drawn.canvas.size[0] / 3
        each = max(1, int(gap * FULL) // of)
        for bar, share in zip(bars, shares, strict=True):
            left = _middle(drawn, bar) - each * of // 2 + place * each
            _fill(drawn, left, left + each - 1, share, colour)
        return
    before = drawn.canvas.size[1] - 1
    for (low, high, _), share in zip(bars, shares, strict=True):
        left, right = drawn.across.nearest(low), drawn.across.nearest(high)
        if of == 1:
            _fill(drawn, left, max(left, right - 1), share, colour)
            continue
        row = drawn.row(max(share, drawn.up.low))
        drawn.canvas.line(left, before, left, row, colour)
        drawn.canvas.line(left, row, right, row, colour)
        before = row
    if of > 1:
        drawn.canvas.line(right, before, right, drawn.canvas.size[1] - 1, colour)


def _fill(drawn: Axes, left: int, right: int, share: float, colour: int) -> None:
    if share:
        for x in range(left, right + 1):
            drawn.canvas.line(x, drawn.row(share), x, drawn.canvas.size[1] - 1, colour)


def _number(drawn: Axes, bars: Bars, shares: Sequence[Sequence[float]], looks: Sequence[int]) -> None:
    """The number of each run on its highest bar."""
    canvas = drawn.canvas
    for place, look in enumerate(looks):
        values = [one[place] for one in shares]
        at = values.index(max(values))
        column = min(canvas.width - 1, _middle(drawn, bars[at]) // canvas.across)
        canvas.sign(column, drawn.row(max(values[at], drawn.up.low)) // canvas.down, str(look + 1), look)
