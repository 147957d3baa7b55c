"""Kitty's graphics protocol with placeholders: a picture is sent once, and shown where letters of its number stand.

They are text, so that scrolling, covering and leaving need nothing more. https://sw.kovidgoyal.net/kitty/graphics-protocol/
"""

from __future__ import annotations

import base64
import io
import random
from itertools import count
from typing import TYPE_CHECKING

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

if TYPE_CHECKING:
    from PIL import Image

PLACE = "\U0010eeee"
MARKS = (
    "\u0305\u030d\u030e\u0310\u0312\u033d\u033e\u033f\u0346\u034a\u034b\u034c\u0350\u0351\u0352\u0357\u035b\u0363\u0364\u0365"
    "\u0366\u0367\u0368\u0369\u036a\u036b\u036c\u036d\u036e\u036f\u0483\u0484\u0485\u0486\u0487\u0592\u0593\u0594\u0595\u0597"
    "\u0598\u0599\u059c\u059d\u059e\u059f\u05a0\u05a1\u05a8\u05a9\u05ab\u05ac\u05af\u05c4\u0610\u0611\u0612\u0613\u0614\u0615"
)
"""Marks that number rows and columns from 0, the first sixty of the protocol's list."""
PART = 4096
"""Letters of one message at most."""
LARGEST = (1 << 24) - 1
"""A picture's number is written as a colour."""
_numbers = count(random.randrange(LARGEST))  # two programs in one terminal do not take each other's


def next_number() -> int:
    """A number that no other picture has."""
    return 1 + next(_numbers) % LARGEST


def placed(number: int, columns: int, rows: int) -> list[Strip]:
    """The letters that show a picture on `columns` x `rows` cells."""
    style = Style(color=f"#{number:06x}")
    return [
        Strip([Segment("".join(PLACE + MARKS[row] + MARKS[column] for column in range(columns)), style)], columns)
        for row in range(rows)
    ]


def sent(number: int, image: Image.Image, columns: int, rows: int) -> str:
    """What makes a terminal know the picture, and on how many cells it stands."""
    buffer = io.BytesIO()
    image.save(buffer, format="png", compress_level=2)
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    parts = [data[at : at + PART] for at in range(0, len(data), PART)]
    heads = [f"i={number},f=100,q=2,", *[""] * (len(parts) - 1)]
    more = [1] * (len(parts) - 1) + [0]
    messages = [f"{head}m={left};{part}" for head, left, part in zip(heads, more, parts, strict=True)]
    return "".join(map(_message, [*messages, f"a=p,U=1,i={number},c={columns},r={rows},q=2"]))


def forgotten(number: int) -> str:
    """What frees the terminal's memory of a picture."""
    return _message(f"a=d,d=I,i={number},q=2")


def _message(text: str) -> str:
    return f"\x1b_G{text}\x1b\\"


def through_tmux(text: str) -> str:
    """Messages as tmux lets them pass (`set -g allow-passthrough on`)."""
    return "".join(
        f"\x1bPtmux;{one.replace(chr(27), chr(27) * 2)}\x1b\\"
        for one in (f"{part}\x1b\\" for part in text.split("\x1b\\")[:-1])
    )
