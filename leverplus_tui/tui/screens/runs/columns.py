"""Which columns the list of runs has: chosen ones, else those that say something; settings and metrics as cells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from rich.cells import cell_len

from leverplus_tui.text.glyphs import glyph
from leverplus_tui.text.language import shown
from leverplus_tui.text.numbers import number, plural, setting
from leverplus_tui.text.states import short_word
from leverplus_tui.text.words import clean, short_name
from leverplus_tui.tui.reading.rows import Group, Mean
from leverplus_tui.tui.widgets.columns import ALIKE
from leverplus_tui.tui.widgets.table import Cell, Column, Row

ALWAYS = ("id", "name", "state")
NAME_ROOM = {100: 26, 70: 12}
"""Columns of the terminal at least -> cells that a name gets before other columns."""
LONGEST_NAME, LONGEST_VALUE = 60, 24
Value = str | float | None


def chosen_columns(
    every: Sequence[Column], chosen: Sequence[str], rows: Mapping[int, Row], extra: Mapping[str, int], width: int
) -> list[Column]:
    """The columns to show of `every`: those chosen, with settings and metrics (`extra`, by their widths) behind the figures;
    where none is chosen, all that are not empty in all rows."""
    cells = {column.key: {_text(row.get(column.key, "")) for row in rows.values()} for column in every}
    if chosen:
        kept = [column for column in every if column.key in chosen or column.key == "id"]
    else:
        kept = [column for column in every if column.key in ALWAYS or not rows or cells[column.key] - {"", "-"}]
    kept = [_given_way(column) if len(cells[column.key]) == 1 and len(rows) > 1 else column for column in kept]
    added = [
        Column(key, key, max(extra[key], min(len(key), 14)), "right", 1 + place // 3) for place, key in enumerate(extra)
    ]
    place = next(
        (
            index
            for index, column in enumerate(kept)
            if column.key in ("dataset", "vlm", "created", "duration", "state")
        ),
        len(kept),
    )
    return [_roomy(column, rows, width) for column in (*kept[:place], *added, *kept[place:])]


def _given_way(column: Column) -> Column:
    return (
        replace(column, priority=column.priority + ALIKE) if column.key in ("kind", "dataset", "vlm", "how") else column
    )


def _roomy(column: Column, rows: Mapping[int, Row], width: int) -> Column:
    """Name and flags get what the longest one needs, as far as there is room."""
    if column.key not in ("name", "flag"):
        return column
    longest = min(LONGEST_NAME, max((cell_len(_text(row.get(column.key, ""))) for row in rows.values()), default=0))
    if column.key == "flag":
        return replace(column, flex=max(0, longest - column.width))
    room = next((room for columns, room in NAME_ROOM.items() if width >= columns), 0)
    least = min(longest, room)
    return replace(column, width=max(column.width, least), flex=max(0, longest - max(column.width, least)))


def _text(cell: Cell | str) -> str:
    return cell if isinstance(cell, str) else cell.text


def value_cells(values: Mapping[str, Value]) -> dict[str, Cell]:
    """Settings and metrics of one run."""
    return {field: Cell(value_text(value), "" if value is not None else "faint") for field, value in values.items()}


@lru_cache(4096)
def value_text(value: Value) -> str:
    """A setting or metric in a cell."""
    return short_name(clean(value)) if isinstance(value, str) and value else setting(value)


def value_widths(fields: Sequence[str], values: Iterable[Mapping[str, Value]]) -> dict[str, int]:
    """Cells that the longest value of each field takes."""
    held = list(values)
    return {
        field: min(LONGEST_VALUE, max((cell_len(value_text(one.get(field))) for one in held), default=1))
        for field in fields
    }


def group_row(group: Group, *, is_open: bool) -> Row:
    """A group as a line of the table."""
    sign = glyph("open" if is_open else "closed")
    values = [(name, clean(value)) for name, value in group.values if name != "kind"]
    told = [pair for pair in values if pair[1] != "-"] or values
    words = "  ".join(f"{name} {value}" for name, value in told) or shown("all else alike")
    cells: dict[str, Cell | str] = {
        "id": Cell(f"{glyph('times')}{len(group.ids)}", "info"),
        "name": Cell(f"{sign} {words}", "info"),
        "kind": Cell(short_word(dict(group.values).get("kind", "")), "faint"),
        "state": Cell(plural(len(group.ids), "run"), "faint"),
    }
    for field, mean in group.means.items():
        key = field.replace("acc@", "@") if field.startswith("acc@") else field
        cells[key] = _mean_cell(mean, "{:.2f}" if field.startswith("acc@") else "")
    return cells


def _mean_cell(mean: Mean, form: str) -> Cell:
    if mean.mean is None:
        return Cell(shown("unlike"), "faint")
    text = form.format(mean.mean) if form else number(mean.mean)
    if mean.spread is None:
        return Cell(text)
    return Cell(shown(f"{text} sd {form.format(mean.spread)[:4] if form else number(mean.spread)}"))
