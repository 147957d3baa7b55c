"""Finished pictures: an image file turned into what a terminal shows in one of the ways, for a number of cells."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from leverplus_tui.text.language import shown
from leverplus_tui.tui.graphics import kitty
from leverplus_tui.tui.graphics.way import Way, fitted

if TYPE_CHECKING:
    from PIL import Image

HALF_CELL = (1, 2)
"""Pixels of a cell that is drawn as two halves."""


@dataclass(frozen=True, slots=True)
class Unreadable(Exception):
    """Why an image is not shown."""

    reason: str


class Key(NamedTuple):
    """What is drawn: a file, on at most so many cells, in a way, with so many pixels for each cell."""

    path: str
    columns: int
    rows: int
    way: Way = "cells"
    cell: tuple[int, int] = HALF_CELL


@dataclass(frozen=True)
class Finished:
    """A picture as lines of text, and what else the terminal needs."""

    strips: list[Strip]
    sixel: str = ""
    """Pixels that cover these lines."""
    number: int = 0
    sent: str = field(default="", repr=False)
    """In kitty's protocol: the picture's number, and what tells the terminal of it before the lines are shown."""


def finished(key: Key) -> Finished:
    """The picture, its shape kept. Raises Unreadable with the reason."""
    # 36 ms (Pillow) that the first frame need not wait for
    from PIL import Image

    # Pillow again
    from engine.common.images import ImageProblem, as_rgb, open_image

    path, (wide, high) = Path(key.path), HALF_CELL if key.way == "cells" else key.cell
    try:
        with open_image(path) as image:
            image.draft("RGB", (key.columns * max(wide, 4), key.rows * max(high, 8)))
            columns, rows = fitted(image.width, image.height, key.columns, key.rows, (wide, high))
            whole = as_rgb(image)[0]
    except ImageProblem as error:
        found = path.exists()
        raise Unreadable(
            shown(f"{path.name} cannot be read: {error.reason}")
            if found
            else shown(f"{path.name} not found under {path.parent}")
        ) from None

    def of(width: int, height: int) -> Image.Image:
        way = Image.Resampling.NEAREST if width > whole.width else Image.Resampling.BOX
        return whole.resize((width, height), way)

    if key.way == "kitty":
        number, most = kitty.next_number(), (columns * wide, rows * high)
        small = of(*most) if whole.width > most[0] or whole.height > most[1] else whole
        return Finished(
            kitty.placed(number, columns, rows), number=number, sent=kitty.sent(number, small, columns, rows)
        )
    strips = half_cells(of(columns, 2 * rows))
    if key.way == "sixel":
        from leverplus_tui.tui.graphics import sixel  # numpy

        return Finished(strips, sixel=sixel.encoded(of(columns * wide, rows * high)))
    return Finished(strips)


def half_cells(image: Image.Image) -> list[Strip]:
    """An image of an even number of lines, two of them in one line of characters."""
    data, width = image.tobytes(), image.width
    return [_strip(data, 2 * row * width * 3, width) for row in range(image.height // 2)]


def _strip(data: bytes, offset: int, width: int) -> Strip:
    below = offset + width * 3
    segments: list[Segment] = []
    for x in range(0, width * 3, 3):
        top, bottom = data[offset + x : offset + x + 3], data[below + x : below + x + 3]
        style = Style(color=f"#{top.hex()}", bgcolor=f"#{bottom.hex()}")
        if segments and segments[-1].style == style:
            segments[-1] = Segment(segments[-1].text + "▀", style)
        else:
            segments.append(Segment("▀", style))
    return Strip(segments, width)
