"""How numbers are written, on the command line and on every screen. JSON and CSV hold them as they are."""

from __future__ import annotations

import math
from collections.abc import Sequence

from leverplus_tui.text.counts import count
from leverplus_tui.text.glyphs import glyph
from leverplus_tui.text.language import shown

__all__ = ["accuracy", "count", "difference", "is_symmetric", "number", "percent", "plural", "score", "setting", "share", "signed",
           "signed_interval", "size"]  # fmt: skip

SYMMETRIC = 0.05
"""Points by which the arms of an interval may differ where `±` is written: half of the last digit of a half-width."""


def plural(value: int, noun: str, many: str = "") -> str:
    """`1 run`, `3 runs`, `1 200 queries`; `3 个运行` in the terminal program where it speaks Chinese."""
    return shown(f"{count(value)} {noun if value == 1 else many or noun + 's'}")


def number(value: float | None) -> str:
    """A metric or a count in a few characters, without losing its order of magnitude; `-` where there is none."""
    if value is None:
        return "-"
    if isinstance(value, int):
        return count(value)
    if not math.isfinite(value):
        return str(value)
    return f"{value:.2e}" if value and not 1e-3 <= abs(value) < 1e6 else f"{value:.4g}"


def setting(value: str | float | None) -> str:
    """A setting or metric that may be text; whole numbers without decimals."""
    if isinstance(value, str):
        return value or "-"
    return number(int(value) if value is not None and value == int(value) and abs(value) < 1e15 else value)


def accuracy(value: float | None, low: float | None = None, high: float | None = None) -> str:
    """An accuracy in percent, two decimals, with its 95 % interval where that is known.

    `48.55 ±3.3` where the interval is symmetric, else its ends, `1.67 [0.0, 4.9]`: a half-width would mislead there.
    """
    if value is None:
        return "-"
    return f"{value:.2f}" + _interval(value, low, high, decimals=1)


def difference(value: float, low: float | None = None, high: float | None = None) -> str:
    """Signed points, with their interval where there is one: `+2.31 [-0.44, +5.06]`."""
    return signed(value) if low is None or high is None else f"{signed(value)} {signed_interval(low, high)}"


def signed_interval(low: float | None, high: float | None) -> str:
    """The ends of the interval of a difference: `[-0.44, +5.06]`; `-` where there is none."""
    return "-" if low is None or high is None else f"[{signed(low)}, {signed(high)}]"


def signed(value: float | None) -> str:
    """Two decimals and a sign; what rounds to nothing has none. `-` where there is no number."""
    if value is None or math.isnan(value):
        return "-"
    text = f"{value:+.2f}"
    return "0.00" if text in ("+0.00", "-0.00") else text


def score(value: float) -> str:
    """A score in 0..1 in four cells or so; `-` where there is none."""
    if math.isnan(value):
        return "-"
    return f"{value:.2f}" if abs(value) >= 0.005 or value == 0 else f"{value:.0e}"


def share(value: float, interval: Sequence[float] | None = None) -> str:
    """A share (0..1) in percent, with its 95 % interval where that is known: `45.0 % ±20.1`, `100.0 % [56.6, 100.0]`.

    Below 10 % it has two decimals, so that a rare thing keeps two digits.
    """
    decimals = 1 if value >= 0.1 or value == 0 else 2
    low, high = (100 * interval[0], 100 * interval[1]) if interval else (None, None)
    return f"{100 * value:.{decimals}f} %" + _interval(100 * value, low, high, decimals=decimals)


def percent(part: float) -> str:
    """How far something is: `62 %`."""
    return f"{100 * part:.0f} %"


def size(octets: int) -> str:
    """File size with one decimal, in thousands: `3.3 MB`."""
    value = float(octets)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000 or unit == "GB":
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    raise AssertionError("the loop returns at GB")


def is_symmetric(value: float, low: float, high: float) -> bool:
    """Whether both arms of an interval are as long as far as a half-width shows."""
    return abs((high - value) - (value - low)) < SYMMETRIC


def _interval(value: float, low: float | None, high: float | None, *, decimals: int) -> str:
    if low is None or high is None or math.isnan(low) or math.isnan(high):
        return ""
    if is_symmetric(value, low, high):
        return f" {glyph('plus-minus')}{(high - low) / 2:.1f}"
    return f" [{low:.{decimals}f}, {high:.{decimals}f}]"
