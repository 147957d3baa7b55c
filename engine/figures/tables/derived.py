"""Columns and rows that somebody calculated from the figures beside them, held against these figures."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from db.specs.base import Finding
from engine.common.findings import warning
from engine.figures.tables.cells import Cell, TableCells
from engine.figures.tables.columns import Column
from engine.figures.tables.grid import TableRow
from engine.figures.tables.words import number, same_name

VERSUS = re.compile(r"(.+?)\s*(?:(?<![a-z])vs\.?(?![a-z])|→)\s*(.+?)(?:\s*(?:变化|差异|提升))?", re.IGNORECASE)
Beside = Mapping[tuple[int, int], float]
"""(line, column) -> accuracy"""


def derived_findings(found: TableCells, name: str) -> Iterator[Finding]:
    """A finding for each column or row of derived figures that do not follow from the figures (`derived-mismatch`, warning)."""
    beside = {(cell.line, cell.column): cell.value for cell in found.cells}
    for column in found.kind("difference"):
        pair = _compared(column, found.kind("figures"))
        if pair is not None:
            yield from _told(name, column, _differences(found, column, pair, beside))
    for column in found.kind("average"):
        yield from _told(name, column, _row_means(found, column))
    yield from _average_rows(found, name)


def _told(name: str, column: Column, wrong: Iterator[tuple[int, str]]) -> Iterator[Finding]:
    faults = list(wrong)
    if faults:
        yield _finding(
            f"{name}:{faults[0][0]}", f"{len(faults)} entries of the column {column.header} do not follow", faults
        )


def _finding(subject: str, what: str, faults: Sequence[tuple[int, str]]) -> Finding:
    return warning(
        "derived-mismatch", subject, f"{what} from the figures beside them, such as: {faults[0][1]}.",
        "One of them was mistyped or comes from another run; the figures were taken, what was derived was not.",
    )  # fmt: skip


def _compared(column: Column, figures: Sequence[Column]) -> tuple[int, int] | None:
    """The columns (a, b) of which the column says b - a; None where that is not clear."""
    if versus := VERSUS.fullmatch(column.header):
        first, second = (_column_called(name, figures) for name in versus.groups())
        if first is None or second is None:
            return None
        return (first, second) if "→" in column.header else (second, first)
    left = [one.index for one in figures if one.index < column.index]
    return (left[0], left[1]) if len(left) == 2 == len(figures) else None


def _column_called(name: str, figures: Sequence[Column]) -> int | None:
    wanted = same_name(name)
    exact = [one.index for one in figures if same_name(one.header) == wanted]
    near = [one.index for one in figures if wanted and wanted in same_name(one.header)]
    return exact[0] if len(exact) == 1 else near[0] if len(near) == 1 else None


def _differences(found: TableCells, column: Column, pair: tuple[int, int], beside: Beside) -> Iterator[tuple[int, str]]:
    for row in found.table.rows:
        told = number(row.cells[column.index]) if column.index < len(row.cells) else None
        a, b = (beside.get((row.line, index)) for index in pair)
        if told is None or a is None or b is None:
            continue
        relative = 100 * (b - a) / a if a else b - a
        if min(abs(told.value - (b - a)), abs(told.value - relative)) > _slack(told.decimals):
            yield row.line, f"line {row.line} says {told.value:+g}, and {b:g} - {a:g} is {b - a:+.2f}"


def _slack(decimals: int) -> float:
    """What rounding of a derived figure explains, and that of the two from which it was calculated."""
    return 0.5 * float(10**-decimals) + 0.0101


def _row_means(found: TableCells, column: Column) -> Iterator[tuple[int, str]]:
    for row in found.table.rows:
        told = number(row.cells[column.index]) if column.index < len(row.cells) else None
        values = [cell.value for cell in found.cells if cell.line == row.line]
        if told is not None and len(values) > 1 and abs(told.value - _mean(values)) > _slack(told.decimals):
            yield row.line, f"line {row.line} says {told.value:g}, and the mean is {_mean(values):.2f}"


def _average_rows(found: TableCells, name: str) -> Iterator[Finding]:
    if len({cell.n for cell in found.cells}) > 1:
        return
    for row in found.averages:
        faults = list(_wrong_means(found.cells, row))
        if faults:
            yield _finding(f"{name}:{row.line}", f"{len(faults)} averages do not follow", faults)


def _wrong_means(cells: Sequence[Cell], row: TableRow) -> Iterator[tuple[int, str]]:
    for index, text in enumerate(row.cells):
        told = number(text)
        values = [cell.value for cell in cells if cell.column == index and cell.line < row.line]
        if told is not None and len(values) > 1 and abs(told.value - _mean(values)) > _slack(told.decimals):
            yield row.line, f"line {row.line} says {told.value:g}, and the mean of its column is {_mean(values):.2f}"


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
