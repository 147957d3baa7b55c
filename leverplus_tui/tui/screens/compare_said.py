"""The line of a comparison under the cursor in words, with its intervals drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from leverplus_tui.text.states import VERDICT_ROLES
from leverplus_tui.tui.screens.compare_rows import Line, beside, sentence, whiskers
from leverplus_tui.tui.screens.run.info import Part
from leverplus_tui.tui.theme import COLOURS
from leverplus_tui.tui.widgets.table import Cell

if TYPE_CHECKING:
    from leverplus_tui.results.comparison import Comparison


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
