"""Small drawings as SVG: colours come from the page's style, so that one drawing serves light and dark.

Series differ by colour, by the shape of their points and by dashes, so that no colour need be told from another.
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from leverplus_tui.text.scale import Scale

WIDTH, HEIGHT = 360, 230
LEFT, RIGHT, TOP, BOTTOM = 46, 10, 10, 36
COLOURS = 7
SHAPES = ("circle", "square", "triangle", "diamond")
DASHES = ("", "6 3", "2 3", "9 3 2 3")
BAR_FILLS = 0.7
"""Part of the room between two values that their bars fill."""
BAR_WIDTH, BAR_HEIGHT = 170, 22


@dataclass(frozen=True)
class Point:
    """A figure of a drawing, with the ends of its interval where it has one."""

    x: float
    y: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Line:
    """Points that belong together; `style` is the same number wherever the same thing is drawn."""

    points: Sequence[Point]
    style: int
    marked: bool = True


def chart(
    lines: Sequence[Line],
    *,
    x_title: str,
    x_ticks: Sequence[float],
    name: str,
    x_ends: tuple[float, float] | None = None,
    rules: Sequence[float] = (),
    bounds: tuple[float, float] | None = None,
) -> str:
    """Lines over an axis from `x_ends`, else from the first tick to the last. `rules` are upright lines; the upright axis
    stays inside `bounds`."""
    values = [v for line in lines for p in line.points for v in (p.y, p.low, p.high) if v is not None]
    marks = ticks(*_padded(min(values), max(values), bounds))
    first, last = x_ends or (min(x_ticks), max(x_ticks))
    x = (
        Scale(first, last, LEFT + 8, WIDTH - RIGHT - 8)
        if last > first
        else Scale(first - 1, first + 1, LEFT, WIDTH - RIGHT)
    )
    y = Scale(marks[0], marks[-1], HEIGHT - BOTTOM, TOP)
    parts = [*_frame(marks, y, x_ticks, x, x_title), *(_rule(x(at)) for at in rules)]
    room = 20 if last > first else x.end - x.start - 40  # what stands at one place is spread over all of it
    apart = min(5.0 if last > first else 30.0, room / len(lines))
    for place, line in enumerate(lines):
        parts += _line(line, x, y, shift=(place - (len(lines) - 1) / 2) * apart if line.marked else 0)
    return _svg(WIDTH, HEIGHT, name, parts)


def bars(found: Sequence[tuple[float, float, float]], *, x_title: str, name: str) -> str:
    """Upright bars of a histogram: from, to (the same for a value) and the height of each."""
    gaps = [after[0] - before[0] for before, after in pairwise(found)]
    thick = 0.0 if found[0][0] < found[0][1] else BAR_FILLS * min(gaps, default=abs(found[0][0]) or 1.0)
    first, last = found[0][0] - thick, found[-1][1] + thick
    marks = ticks(0.0, max(height for *_, height in found))
    x = Scale(first, last, LEFT, WIDTH - RIGHT)
    y = Scale(0.0, marks[-1], HEIGHT - BOTTOM, TOP)
    parts = [*_frame(marks, y, [mark for mark in ticks(first, last) if first <= mark <= last], x, x_title)]
    for low, high, height in found:
        left, right = x(low - thick / 2), x(high + thick / 2)
        place = f'x="{_n(left)}" y="{_n(y(height))}" width="{_n(max(1.0, right - left - 0.5))}"'
        parts.append(f'<rect class="mark s0" {place} height="{_n(y(0.0) - y(height))}"/>')
    return _svg(WIDTH, HEIGHT, name, parts)


def sample(style: int, *, marked: bool = True) -> str:
    """A piece of a line for the legend."""
    line = Line((Point(0, 0), Point(1, 0)), style, marked=False)
    parts = _line(line, Scale(0, 1, 2, 32), Scale(-1, 1, 14, 0), shift=0)
    return _svg(34, 14, "", [*parts, *([_marker(style, 17, 7)] if marked else [])])


def interval_bar(value: float, low: float, high: float, scale: Scale, tone: str) -> str:
    """One row of a forest plot: an interval with its middle, and where nothing differs."""
    at = {name: _n(scale(one)) for name, one in (("v", value), ("l", low), ("h", high), ("z", 0.0))}
    middle = BAR_HEIGHT / 2
    parts = [
        f'<line class="zero" x1="{at["z"]}" x2="{at["z"]}" y1="0" y2="{BAR_HEIGHT}"/>',
        f'<line class="bar {tone}" x1="{at["l"]}" x2="{at["h"]}" y1="{_n(middle)}" y2="{_n(middle)}"/>',
        *(
            f'<line class="bar {tone}" x1="{at[e]}" x2="{at[e]}" y1="{_n(middle - 4)}" y2="{_n(middle + 4)}"/>'
            for e in "lh"
        ),
        f'<rect class="dot {tone}" x="{_n(scale(value) - 3.5)}" y="{_n(middle - 3.5)}" width="7" height="7"/>',
    ]
    return _svg(BAR_WIDTH, BAR_HEIGHT, "", parts)


def bar_axis(scale: Scale) -> str:
    """The scale of a forest plot, for the head of its column."""
    marks = [mark for mark in ticks(scale.low, scale.high, 4) if scale.low <= mark <= scale.high]
    labels = [
        f'<text x="{_n(scale(mark))}" y="11" text-anchor="middle">{_signed(mark)}</text>'
        for mark in marks
        if 14 < scale(mark) < BAR_WIDTH - 14
    ]
    lines = [f'<line class="grid" x1="{_n(scale(m))}" x2="{_n(scale(m))}" y1="14" y2="18"/>' for m in marks]
    return _svg(BAR_WIDTH, 18, "", [*labels, *lines])


def bar_scale(values: Sequence[float]) -> Scale:
    """A scale that holds all ends of intervals, and 0."""
    low, high = min([*values, 0.0]), max([*values, 0.0])
    room = (high - low or 1.0) * 0.04
    return Scale(low - room, high + room, 4, BAR_WIDTH - 4)


def ticks(low: float, high: float, wanted: int = 5) -> list[float]:
    """Round numbers that enclose both ends, about as many as wanted."""
    span = high - low or abs(high) or 1.0
    raw = span / max(1, wanted - 1)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [step * number for number in range(first, max(last, first + 1) + 1)]


def whole_ticks(low: float, high: float) -> list[float]:
    """Round whole numbers between both ends; both ends where there are too few."""
    found = [mark for mark in ticks(low, high) if low <= mark <= high and mark == int(mark)]
    return found if len(found) > 1 else sorted({low, high})


def _padded(low: float, high: float, bounds: tuple[float, float] | None) -> tuple[float, float]:
    room = (high - low) * 0.05
    least, most = bounds if bounds is not None else (-math.inf, math.inf)
    return max(least, low - room), min(most, high + room)


def _frame(marks: Sequence[float], y: Scale, x_ticks: Sequence[float], x: Scale, title: str) -> Iterator[str]:
    for mark in marks:
        at = _n(y(mark))
        yield f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at}" y2="{at}"/>'
        yield f'<text x="{LEFT - 6}" y="{_n(y(mark) + 4)}" text-anchor="end">{_number(mark)}</text>'
    for mark in x_ticks:
        yield f'<text x="{_n(x(mark))}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{_number(mark)}</text>'
    middle = (LEFT + WIDTH - RIGHT) / 2
    yield f'<text x="{_n(middle)}" y="{HEIGHT - 4}" text-anchor="middle">{html.escape(title)}</text>'


def _rule(at: float) -> str:
    return f'<line class="zero" x1="{_n(at)}" x2="{_n(at)}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>'


def _line(line: Line, x: Scale, y: Scale, *, shift: float) -> Iterator[str]:
    colour = f"s{line.style % COLOURS}"
    dash = DASHES[(line.style // COLOURS + line.style) % len(DASHES)]
    places = [(x(point.x) + shift, y(point.y)) for point in line.points]
    if len(places) > 1:
        path = " ".join(f"{_n(a)},{_n(b)}" for a, b in places)
        dashed = f' stroke-dasharray="{dash}"' if dash else ""
        yield f'<polyline class="line {colour}" points="{path}"{dashed}/>'
    for point, (a, b) in zip(line.points, places, strict=True):
        if point.low is not None and point.high is not None:
            low, high = _n(y(point.low)), _n(y(point.high))
            yield f'<path class="line thin {colour}" d="M{_n(a)} {low}V{high}M{_n(a - 3)} {low}h6M{_n(a - 3)} {high}h6"/>'
        if line.marked:
            yield _marker(line.style, a, b)


def _marker(style: int, x: float, y: float) -> str:
    colour = f'class="mark s{style % COLOURS}"'
    match SHAPES[style % len(SHAPES)]:
        case "circle":
            return f'<circle {colour} cx="{_n(x)}" cy="{_n(y)}" r="3.5"/>'
        case "square":
            return f'<rect {colour} x="{_n(x - 3)}" y="{_n(y - 3)}" width="6" height="6"/>'
        case "triangle":
            return f'<path {colour} d="M{_n(x)} {_n(y - 4)}l4 7h-8z"/>'
        case _:
            return f'<path {colour} d="M{_n(x)} {_n(y - 4.5)}l4.5 4.5l-4.5 4.5l-4.5 -4.5z"/>'


def _svg(width: float, height: float, name: str, parts: Sequence[str]) -> str:
    """A drawing; without a name it only repeats what stands beside it as text."""
    told = f'role="img" aria-label="{html.escape(name)}"' if name else 'aria-hidden="true"'
    return f'<svg viewBox="0 0 {_n(width)} {_n(height)}" {told}>{"".join(parts)}</svg>'


def _n(value: float) -> str:
    """A place to a tenth, so that bytes do not hang on the last bit of a number."""
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def _number(value: float) -> str:
    if value and not 1e-3 <= abs(value) < 1e5:
        return f"{value:.0e}"
    return f"{value:.6g}".replace("-", "−")


def _signed(value: float) -> str:
    text = f"{value:+.6g}".replace("-", "−")
    return "0" if value == 0 else text
