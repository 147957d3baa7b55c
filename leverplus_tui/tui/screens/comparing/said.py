"""The line of a comparison under the cursor in words, with its intervals drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual.content import Content

from leverplus_tui.text.numbers import plural
from leverplus_tui.text.states import VERDICT_ROLES
from leverplus_tui.tui.screens.comparing.lines import Line, beside, sentence, whiskers
from leverplus_tui.tui.screens.run.info import Part
from leverplus_tui.tui.theme import COLOURS
from leverplus_tui.tui.widgets.table import Cell

if TYPE_CHECKING:
    from leverplus_tui.results.comparison import Comparison


def head(parts: Sequence[str], notes: Sequence[str], width: int) -> list[str]:
    """The lines above a comparison, none longer than `width`: what does not fit whole is counted, for it stands below."""
    lines = [""]
    for part in parts:
        joined = f"{lines[-1]}   {part}" if lines[-1] else part
        lines[-1:] = [joined] if cell_len(joined) <= width else [lines[-1], part]
    together, counted = "   ".join(notes), f"{plural(len(notes), 'note')}, under `notes` below"
    for told in (together, counted) if notes else ():
        if cell_len(f"{lines[-1]}   {told}") <= width:
            return [*lines[:-1], f"{lines[-1]}   {told}"]
        if told == together and cell_len(told) <= width:
            return [*lines, told]
    return [*lines, counted] if notes else lines


def said(found: Comparison, line: Line, base: str, width: int) -> Content:
    """What a line says, at length; intervals of differences in `width` cells."""
    if line.figure is None:
        return Content.assemble(*_values(line))
    parts: list[Part] = []
    for _, drawn, pair in whiskers(line.figure, base, [run.id for run in found.runs], width):
        colour = COLOURS[VERDICT_ROLES[pair.verdict]]
        parts += [(sentence(line.figure, pair), colour), "\n"]
        if drawn:
            parts += [("  worse ", "$faint"), (drawn, colour), (" better", "$faint"), "\n"]
        parts += [part for text in beside(found, pair) for part in (("  " + text, COLOURS["warn"]), "\n")]
    return Content.assemble(*parts)


def _values(line: Line) -> list[Part]:
    """Values in full, where the table had to shorten them."""
    parts: list[Part] = [(line.label.strip(), "bold"), "\n"]
    for run, cell in line.cells.items():
        parts += [(f"{run} ", "$accent"), cell.text, "\n"]
    return parts if line.cells else [("enter folds and unfolds this group", "$faint")]


def line_row(line: Line) -> dict[str, Cell | str]:
    """A line as a row of the table."""
    label = Cell(line.label, "info" if line.heading else "faint" if line.label.startswith("  ") else "")
    return {"label": label, **line.cells}
