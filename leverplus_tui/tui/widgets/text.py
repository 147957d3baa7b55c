"""Text as wide as its place on the screen: shortened, filled, drawn as a bar."""

from __future__ import annotations

from itertools import accumulate

from rich.cells import cell_len, chop_cells, set_cell_size

from leverplus_tui.text.glyphs import glyph


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
    whole = cell_len(path)
    room = max(0, width - cell_len(head))
    place = next(
        (place for place, gone in enumerate(accumulate(map(cell_len, path)), 1) if whole - gone <= room), len(path)
    )
    return head + path[place:] if width > 0 else ""


def pad(text: str, width: int, align: str = "left") -> str:
    """`text` shortened, a path in front, or filled to exactly `width` terminal cells."""
    text = (shorten_path if text.startswith(("/", "~/")) else shorten)(text, width)
    blank = " " * (width - cell_len(text))
    if align == "right":
        return blank + text
    if align == "center":
        half = len(blank) // 2
        return blank[:half] + text + blank[half:]
    return text + blank


def bar(share: float, width: int) -> str:
    """A progress bar of `width` cells."""
    full = round(max(0.0, min(1.0, share)) * width)
    return glyph("bar-full") * full + glyph("bar-empty") * (width - full)


def wrapped(line: str, width: int) -> list[str]:
    """A line in parts of at most `width` cells, parted at blanks where one is near enough; together they are the line."""
    parts = []
    while cell_len(line) > width:
        head = chop_cells(line, width)[0]
        blank = head.rfind(" ") + 1
        parts.append(head[:blank] if blank > len(head) // 2 else head)
        line = line[len(parts[-1]) :]
    return [*parts, line] if line or not parts else parts
