"""The figures of one table, each with what its row, its header and the words around say of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from engine.figures.fields import BadValue, shown
from engine.figures.reading import LeftOut, TableMeaning
from engine.figures.tables.columns import Column, columns_of, name_of, shots_of, size_of
from engine.figures.tables.context import Context
from engine.figures.tables.grid import Table, TableRow
from engine.figures.tables.patterns import AVERAGE, AVERAGE_ROW, METHOD_COLUMN, NOTHING, SHOT
from engine.figures.tables.words import dataset_in, date_in, number, shot_in, size_in
from engine.figures.units import Printed, percent_factor


@dataclass(frozen=True, slots=True)
class Cell:
    """One figure, and of what it is."""

    line: int
    column: int
    value: float
    decimals: int
    shot: int
    n: int | None
    """None: not told; 0: all questions."""
    label: str
    """"" where neither row nor header names what was evaluated."""
    date: str
    """"" unless row or header has a day of its own."""
    vlm: str
    sampler: str
    dataset: str


@dataclass(slots=True)
class TableCells:
    """What one table gave."""

    table: Table
    context: Context
    columns: list[Column]
    cells: list[Cell] = field(default_factory=list)
    averages: list[TableRow] = field(default_factory=list)
    """Rows of means, to be checked against the figures above them."""
    left_out: list[LeftOut] = field(default_factory=list)
    unit: str = "percent"

    def kind(self, kind: str) -> list[Column]:
        """The columns of a kind."""
        return [column for column in self.columns if column.kind == kind]


@dataclass(slots=True)
class _Row:
    """What the axes and names of a row say; what is left blank stays as in the row above, as in merged cells."""

    shot: int | None = None
    n: int | None = None
    date: str = ""
    vlm: str = ""
    sampler: str = ""
    dataset: str = ""
    named: dict[int, str] = field(default_factory=dict)


def cells_of(table: Table, context: Context) -> TableCells:
    """The figures of a table, in percent; without any where it holds none, and then one entry says why."""
    found = TableCells(table, context, columns_of(table))
    if why := _no_accuracies(found):
        found.left_out.append(LeftOut(table.line, _called(table), why))
        return found
    percent, row_before = context.percent or any("%" in c.header for c in found.kind("figures")), _Row()
    for row in table.rows:
        said = _said(found, row, row_before)
        if said is None:
            continue
        row_before = said
        for column in found.kind("figures"):
            cell = _cell(found, row, column, said)
            percent = percent or "%" in _text(row, column.index)
            if cell is not None:
                found.cells.append(cell)
    _to_percent(found, percent)
    found.left_out += _columns_left_out(found)
    return found


def _columns_left_out(found: TableCells) -> list[LeftOut]:
    """One entry for the columns of a table that are no axes and no figures."""
    left = [one.header or "without a name" for one in found.columns if one.kind in _LEFT_OUT]
    derived = any(one.kind in ("difference", "average") for one in found.columns)
    why = (
        "words and other numbers"
        if not derived
        else "words, other numbers, and what was derived: checked against the figures"
    )
    return [LeftOut(found.table.line, f"columns {', '.join(left)[:200]}", why)] if left else []


_LEFT_OUT = ("difference", "average", "remark", "other numbers")


def _no_accuracies(found: TableCells) -> str:
    """Why a table holds no accuracies; empty where it does."""
    kinds = {column.kind for column in found.columns}
    if "figures" not in kinds:
        other = [kind for kind in ("difference", "average", "other numbers") if kind in kinds]
        return (
            f"no column of accuracies, only {', '.join(_PLURAL[kind] for kind in other)}"
            if other
            else "words, not figures"
        )
    told = kinds & {"shots", "shots and questions"} or any(c.shot is not None for c in found.kind("figures"))
    if told or (found.context.shot is not None and any(not c.label for c in found.kind("figures"))):
        return ""
    return "nothing says with how many demonstrations its figures were made"


_PLURAL = {"difference": "differences", "average": "averages", "other numbers": "other numbers"}


def _called(table: Table) -> str:
    return f"table | {' | '.join(header[:24] for header in table.header[:5])} |"


def _text(row: TableRow, index: int) -> str:
    return row.cells[index] if index < len(row.cells) else ""


def _said(found: TableCells, row: TableRow, above: _Row) -> _Row | None:
    """What the row says of its figures; None where it is none of figures."""
    said = replace(above, named=dict(above.named))
    for column in found.columns:
        text = _text(row, column.index)
        if not text:
            continue
        if column.kind in ("shots", "questions", "shots and questions"):
            if not _axis(said, column.kind, text):
                _not_a_row(found, row, text)
                return None
            if METHOD_COLUMN.search(column.header):  # `ours (2-shot)` names both
                said.named[column.index] = name_of(SHOT.sub(" ", text))
        elif column.kind == "date":
            said.date = date_in(text, found.context.year)
        elif column.kind == "model":
            said.vlm = text
        elif column.kind == "sampler":
            said.sampler = text
        elif column.kind == "data set":
            said.dataset = dataset_in(text)
        elif column.kind == "label":
            if AVERAGE_ROW.fullmatch(text):
                _not_a_row(found, row, text)
                return None
            said.named[column.index] = text
        elif column.kind == "epoch":
            said.named[column.index] = f"{column.header.lower()} {text}"
    return said


def _axis(said: _Row, kind: str, text: str) -> bool:
    if kind == "questions":
        said.n = size_of(text)
        return said.n is not None
    said.shot = shot_in(text) if kind == "shots and questions" else shots_of(text)
    if kind == "shots and questions":
        said.n = size_in(text)
    return said.shot is not None


def _not_a_row(found: TableCells, row: TableRow, text: str) -> None:
    if AVERAGE.search(text):
        found.averages.append(row)
        why = "averages of the figures above, checked against them"
    else:
        why = f"{shown(text)} is neither a number of shots nor of questions"
    found.left_out.append(LeftOut(row.line, f"row {text[:40]}", why))


def _cell(found: TableCells, row: TableRow, column: Column, said: _Row) -> Cell | None:
    text = _text(row, column.index)
    value = number(text)
    if value is None or value.value > 100:
        why = "nothing stands there" if NOTHING.fullmatch(text) else "no accuracy between 0 and 100 percent"
        found.left_out.append(LeftOut(row.line, f"cell {column.header[:30]}: {text[:30] or 'empty'}", why))
        return None
    shot = next((one for one in (column.shot, said.shot, found.context.shot) if one is not None), None)
    if shot is None:
        found.left_out.append(LeftOut(row.line, f"cell {column.header[:30]}: {text}", "no number of shots"))
        return None
    named = [said.named[index] for index in sorted(said.named) if said.named[index]]
    own = " ".join(part for part in (*named, column.label) if part)
    n = next((one for one in (column.n, said.n, found.context.n) if one is not None), None)
    return Cell(
        row.line, column.index, value.value, value.decimals, shot, n, own,
        date_in(own, found.context.year) or said.date, column.vlm or said.vlm, column.sampler or said.sampler,
        column.dataset or said.dataset,
    )  # fmt: skip


def _to_percent(found: TableCells, percent: bool) -> None:
    """One unit for all figures of the table: percent where a sign or a heading says so, else what the figures can be."""
    if percent or not found.cells:
        return
    dataset = found.context.dataset
    printed = [
        Printed(f"line {c.line}, column {found.table.header[c.column]}", c.value, c.n or 0, dataset)
        for c in found.cells
    ]
    try:
        factor = percent_factor(printed)
    except BadValue as error:
        found.cells.clear()
        found.left_out.append(LeftOut(found.table.line, _called(found.table), str(error)))
        return
    if factor != 1:
        found.unit = "shares of one, times 100"
        found.cells[:] = [
            replace(c, value=round(c.value * factor, 6), decimals=max(0, c.decimals - 2)) for c in found.cells
        ]


def meaning_of(found: TableCells) -> TableMeaning:
    """What the table was taken to say, for somebody to confirm."""
    cells, context = found.cells, found.context
    return TableMeaning(
        found.table.line, found.table.heading, tuple((c.header, _taken_for(c)) for c in found.columns), found.unit,
        _each(cell.n or 0 for cell in cells), _each(cell.shot for cell in cells),
        _words(context.date, [cell.date for cell in cells]), _words(context.dataset, [cell.dataset for cell in cells]),
        _words(context.vlm, [cell.vlm for cell in cells]), _words(context.sampler, [cell.sampler for cell in cells]), len(cells),
    )  # fmt: skip


def _each(numbers: Iterable[int]) -> tuple[int, ...]:
    return tuple(sorted(set(numbers)))


def _words(otherwise: str, own: Sequence[str]) -> str:
    return ", ".join(dict.fromkeys(one or otherwise for one in own if one or otherwise))


def _taken_for(column: Column) -> str:
    if column.kind != "figures":
        return _MEANING.get(column.kind, column.kind)
    parts = [f"of {column.label}"] if column.label else []
    parts += [f"at shot {column.shot}"] if column.shot is not None else []
    parts += [f"over {column.n} questions"] if column.n else []
    parts += [part for part in (column.sampler, column.vlm, column.dataset) if part]
    return " ".join(("accuracies", *parts))


_MEANING = {
    "shots": "number of shots", "questions": "number of questions", "label": "what was evaluated", "remark": "left out",
    "difference": "differences: checked, left out", "average": "averages: checked, left out", "other numbers": "left out",
}  # fmt: skip
