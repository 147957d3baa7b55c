"""One accuracy of a run where it stands in a list, on the command line and on the screens."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from db.run_states import UNKNOWN_SHOTS
from leverplus_tui.text.glyphs import glyph
from leverplus_tui.text.numbers import accuracy, count, is_symmetric
from leverplus_tui.text.shots import shots_text

if TYPE_CHECKING:
    from db.store import CellRow, RunRow


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


def size_text(figures: Sequence[CellRow]) -> str:
    """How many questions stand behind the figures shown."""
    sizes = {figure.n for figure in figures}
    return "" if not sizes else count(max(sizes)) if len(sizes) == 1 else f"{glyph('ellipsis')}{count(max(sizes))}"


def unlike_questions(runs: Iterable[RunRow], sort: str) -> str:
    """What is to be said of runs in the order of an accuracy (`acc@2 desc`) where the figures are over unlike questions."""
    field = sort.strip().lower().partition(" ")[0]
    shot = field.removeprefix("acc@")
    if shot == field or not (shot.isdecimal() or shot == shots_text(UNKNOWN_SHOTS)):
        return ""
    number = int(shot) if shot.isdecimal() else UNKNOWN_SHOTS
    figures = [figure for run in runs if (figure := run.headline(number)) is not None]
    if len({(figure.dataset_sha, figure.split, figure.subset_sha) for figure in figures}) < 2:
        return ""
    sizes = sorted({figure.n for figure in figures})
    told = f"n = {count(sizes[0])}" + (f" to {count(sizes[-1])}" if len(sizes) > 1 else "")
    return f"{field} is over unlike questions ({told}), so this order ranks no methods"
