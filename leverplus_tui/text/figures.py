"""One accuracy of a run where it stands in a list, on the command line and on the screens."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from leverplus_tui.text.glyphs import glyph
from leverplus_tui.text.numbers import accuracy, count, is_symmetric

if TYPE_CHECKING:
    from db.store import CellRow


def figure_text(cell: CellRow | None, *, short: bool = False) -> str:
    """`48.55 ±3.3`, with `?` in front while questions are missing; `-` where never run.

    The first few answers have a lopsided interval that changes with each, so their number stands instead: `?20.00 n=10`.
    `short` gives the ends of a lopsided interval in whole points, rounded outward: `1.67 0–5`.
    """
    if cell is None:
        return "-"
    symmetric = is_symmetric(cell.accuracy, cell.ci_low, cell.ci_high)
    text = accuracy(cell.accuracy, cell.ci_low, cell.ci_high)
    if short and not symmetric:
        text = f"{accuracy(cell.accuracy)} {math.floor(cell.ci_low)}{glyph('to')}{math.ceil(cell.ci_high)}"
    if cell.n_done >= cell.n:
        return text
    return f"?{text}" if symmetric else f"?{accuracy(cell.accuracy)} n={count(cell.n_done)}"
