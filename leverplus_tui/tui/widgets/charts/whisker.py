"""An interval as a line on an axis: where it lies says more than its two numbers."""

from __future__ import annotations

from leverplus_tui.text.glyphs import ascii_only


def whisker(low: float, value: float, high: float, axis: tuple[float, float], width: int, *, zero: bool = False) -> str:
    """`  ├──●──┤   ` in `width` cells between the ends of `axis`; with `zero`, a line where the axis is 0."""
    left, stem, point, right, line = "|-o|:" if ascii_only() else "├─●┤┊"

    def place(x: float) -> int:
        span = (axis[1] - axis[0]) or 1.0
        return max(0, min(width - 1, round((x - axis[0]) / span * (width - 1))))

    cells = [" "] * width
    if zero:
        cells[place(0.0)] = line
    for x in range(place(low), place(high) + 1):
        cells[x] = stem
    cells[place(low)], cells[place(high)] = left, right
    cells[place(value)] = point
    return "".join(cells)
