"""In which way pictures are drawn: what the terminal said of itself, what the user wants, and what follows from both."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from leverplus_tui.text.glyphs import ascii_only

Way = Literal["kitty", "sixel", "cells", "off"]
CHOICES = ("auto", "kitty", "sixel", "cells", "off")
ASSUMED_CELL = (10, 20)
"""Pixels of a cell where the terminal does not say it; only kitty's protocol can do without, for it scales by itself."""
FEW = (None, "standard")
"""Colour systems in which half cells show nothing that could be recognised."""
PRETENDERS = ("WarpTerminal", "Apple_Terminal")
"""Programs that answer kitty's question and draw nothing, or write the question on the screen."""


@dataclass
class Terminal:
    """What is known of the terminal. Nothing is before it answers, and then pictures are half cells."""

    is_ours: bool = False
    """Whether we talk to it ourselves: neither a browser nor a test."""
    colours: str | None = None
    """Rich's name of its colour system."""
    still: bool = False
    """Whether motion is unwanted."""
    kitty: bool = False
    sixel: bool = False
    cell: tuple[int, int] | None = None
    """Width and height of a cell in pixels."""
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)

    @property
    def is_far(self) -> bool:
        """Whether each byte crosses a network."""
        return bool(self.environment.get("SSH_CONNECTION") or self.environment.get("SSH_TTY"))

    @property
    def is_nested(self) -> bool:
        """Whether tmux or screen stands in between, which knows nothing of pixels and moves text alone."""
        return bool(self.environment.get("TMUX")) or self.environment.get("TERM", "").startswith(("screen", "tmux"))

    @property
    def is_grey(self) -> bool:
        """Whether colours are unwanted; a picture's number in kitty's protocol is a colour."""
        return bool(self.environment.get("NO_COLOR"))


def to_be_asked(asked: str, terminal: Terminal) -> bool:
    """Whether an answer of the terminal would change anything."""
    if asked not in ("auto", "sixel") or not terminal.is_ours or terminal.colours in FEW or terminal.is_grey:
        return False
    if terminal.environment.get("TERM_PROGRAM") in PRETENDERS or terminal.is_nested:
        return False
    return asked == "sixel" or not terminal.is_far


def decided(asked: str, terminal: Terminal) -> Way:
    """The way that follows."""
    if asked == "off" or ascii_only() or terminal.colours in FEW:
        return "off"
    if asked == "cells" or not terminal.is_ours or terminal.is_grey:
        return "cells"
    if asked == "kitty":
        return "kitty" if terminal.colours == "truecolor" else "cells"
    if asked == "sixel":
        return "sixel" if terminal.cell is not None and not terminal.is_nested else "cells"
    if not to_be_asked("auto", terminal):
        return "cells"
    if (
        terminal.sixel and terminal.cell is not None
    ):  # before kitty's: Konsole and WezTerm answer both, and draw this one
        return "cells" if terminal.still else "sixel"
    return "kitty" if terminal.kitty and terminal.colours == "truecolor" else "cells"


@dataclass(frozen=True)
class Drawing:
    """The way in use and the pixels of a cell."""

    way: Way = "cells"
    cell: tuple[int, int] = ASSUMED_CELL


_now = Drawing()


def drawing() -> Drawing:
    """What is in use."""
    return _now


def draw(asked: str, terminal: Terminal) -> bool:
    """Take the way that follows into use; whether it is another than before."""
    global _now
    before, _now = _now, Drawing(decided(asked, terminal), terminal.cell or ASSUMED_CELL)
    return before != _now


def fitted(width: int, height: int, columns: int, rows: int, cell: tuple[int, int]) -> tuple[int, int]:
    """Cells that an image of `width` x `height` pixels takes of `columns` x `rows`, its shape kept as far as cells can."""
    scale = min(columns * cell[0] / width, rows * cell[1] / height)
    return max(1, round(width * scale / cell[0])), max(1, round(height * scale / cell[1]))
