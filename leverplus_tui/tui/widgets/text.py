"""How numbers, times and shares are written; every screen writes them alike."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

from rich.cells import cell_len, set_cell_size

from leverplus_tui.tui.theme import ascii_only, glyph

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|[\x00-\x08\x0b-\x1f\x7f-\x9f]")

SHORT = 12
"""Cells of a hub id that stands whole, owner and all."""


def clean(text: str) -> str:
    """`text` without escape sequences and control characters, tabs and line ends as blanks."""
    return _CONTROL.sub("", text.replace("\t", "  ").replace("\n", " "))


def shorten(text: str, width: int) -> str:
    """`text` cut to `width` terminal cells, with a sign that it was cut."""
    if cell_len(text) <= width:
        return text
    tail = glyph("ellipsis")
    return set_cell_size(text, max(0, width - cell_len(tail))).rstrip() + tail if width > 0 else ""


def shorten_path(path: str, width: int) -> str:
    """`path` cut in front, because its end tells most."""
    if cell_len(path) <= width:
        return path
    head = glyph("ellipsis")
    return head + path[len(path) - max(0, width - cell_len(head)) :]


def pad(text: str, width: int, align: str = "left") -> str:
    """`text` shortened or filled to exactly `width` terminal cells."""
    text = shorten(text, width)
    blank = " " * (width - cell_len(text))
    if align == "right":
        return blank + text
    if align == "center":
        half = len(blank) // 2
        return blank[:half] + text + blank[half:]
    return text + blank


def accuracy(value: float, low: float, high: float) -> str:
    """Percent with the half-width of its interval: `48.5 ±3.3`."""
    return f"{value:.1f} {glyph('plus-minus')}{(high - low) / 2:.1f}"


def difference(value: float, low: float | None = None, high: float | None = None) -> str:
    """Signed points, with their interval where there is one: `+2.3 [-0.4, +5.1]`."""
    text = signed(value)
    return text if low is None or high is None else f"{text} [{signed(low)}, {signed(high)}]"


def signed(value: float) -> str:
    """One decimal and a sign; what rounds to nothing has none."""
    text = f"{value:+.1f}"
    return "0.0" if text in ("+0.0", "-0.0") else text


def spaced(name: str) -> str:
    """The name of a fact in words: `top share` for `top_share`, parts after a dot behind a blank."""
    return clean(name.replace("_", " ").replace(".", " "))


def said(value: object) -> str:
    """A stored fact in words: rounded numbers, hashes by their beginning, tables as `name value` with commas between."""
    if value is None or value in ("", [], {}):
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{spaced(str(name))} {_inner(inner)}" for name, inner in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_inner(inner) for inner in value)
    text = number(value)
    return text[:10] if len(text) == 64 and text.isalnum() else text


def _inner(value: object) -> str:
    return f"({said(value)})" if isinstance(value, Mapping | list | tuple) and value else said(value)


def number(value: object) -> str:
    """A metric or a count in a few characters, without losing its order of magnitude."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return clean(str(value))
    if isinstance(value, int):
        return count(value) if abs(value) >= 10_000 else str(value)
    if value != value or value in (float("inf"), float("-inf")):
        return str(value)
    size = abs(value)
    if size != 0 and (size < 1e-3 or size >= 1e6):
        return f"{value:.2e}"
    return f"{value:.4g}"


def count(value: int) -> str:
    """Thousands apart: `41 200`."""
    return f"{value:,}".replace(",", " ")


def plural(value: int, noun: str, many: str = "") -> str:
    """`1 run`, `3 runs`."""
    return f"{count(value)} {noun if value == 1 else many or noun + 's'}"


def duration(seconds: float | None) -> str:
    """`8s`, `4m12`, `2h11`, `3d04h`; `-` where unknown."""
    if seconds is None:
        return "-"
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole}s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes}m{rest:02d}"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours}h{minutes:02d}"
    return f"{hours // 24}d{hours % 24:02d}h"


def size(octets: int) -> str:
    """File size with one decimal: `3.3 MB`."""
    value = float(octets)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000 or unit == "GB":
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    raise AssertionError("the loop returns at GB")


def bar(share: float, width: int) -> str:
    """A progress bar of `width` cells."""
    full = round(max(0.0, min(1.0, share)) * width)
    return glyph("bar-full") * full + glyph("bar-empty") * (width - full)


def spark(values: Sequence[float], width: int) -> str:
    """A row of blocks, scaled from the least to the greatest value, averaged down to `width` cells."""
    if not values or width < 1:
        return ""
    signs = "_.-=^" if ascii_only() else "▁▂▃▄▅▆▇█"
    cells = min(width, len(values))
    means = []
    for cell in range(cells):
        part = values[cell * len(values) // cells : (cell + 1) * len(values) // cells]
        means.append(sum(part) / len(part))
    low, high = min(means), max(means)
    span = (high - low) or 1.0
    return "".join(signs[round((value - low) / span * (len(signs) - 1))] for value in means)


def short_name(name: str, among: Collection[str] = ()) -> str:
    """What a column has room for: host and port of an address, else the last part of a path or hub id.

    The part before it stays where another of `among` ends alike, and in a hub id that is short anyway.
    """
    scheme, separator, rest = name.partition("://")
    if separator and scheme.isalpha():
        return clean(rest.split("/", 1)[0])
    whole = name.rstrip("/")
    parts = whole.rsplit("/", 2)
    alike = any(other.rstrip("/") != whole and short_name(other) == parts[-1] for other in among)
    is_hub_id = len(parts) == 2 and parts[0] not in ("", ".", "..", "~")
    return clean("/".join(parts[-2:]) if alike or (is_hub_id and len(whole) <= SHORT) else parts[-1])
