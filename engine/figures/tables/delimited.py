"""Rows of CSV and TSV files, and of JSON lines, as tables."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

from engine.common.files.gate import NotReadable
from engine.figures.source import Source
from engine.figures.tables.grid import Document, Table, TableRow
from engine.figures.tables.words import plain

MOST_COLUMNS = 1000


def delimiter_of(source: Source) -> str:
    """Tabs where the first line has any, else what there is more of: semicolons or commas."""
    first = source.head.partition(b"\n")[0]
    if b"\t" in first and (source.suffix == ".tsv" or first.count(b"\t") >= first.count(b",")):
        return "\t"
    return ";" if first.count(b";") > first.count(b",") else ","


def lines_of(source: Source) -> list[tuple[int, list[str]]]:
    """(line, cells) of each row that is not empty. Raises NotReadable where the file is no table of such cells, such as one
    with an open quote, which would swallow the rows after it."""
    reader = csv.reader(io.StringIO(source.text, newline=""), delimiter=delimiter_of(source), strict=True)
    rows, line = [], 1
    try:
        for cells in reader:
            if any(cells):
                rows.append((line, cells))
            line = reader.line_num + 1
    except csv.Error as error:
        raise NotReadable(
            f"{source.path}, line {line}: {error}; write it again as {source.suffix.lstrip('.')}"
        ) from None
    if rows and len(rows[0][1]) > MOST_COLUMNS:
        raise NotReadable(
            f"{source.path} has {len(rows[0][1]):,} columns, more than the {MOST_COLUMNS:,} that are read; cut it"
        )
    return rows


def rows_of(source: Source) -> list[tuple[int, dict[str, Any]]]:
    """The same by the names in the header."""
    lines = lines_of(source)
    header = [cell.strip() for cell in lines[0][1]] if lines else []
    return [(line, dict(zip(header, cells, strict=False))) for line, cells in lines[1:]]


def delimited_document(source: Source) -> Document:
    """The one table of a CSV or TSV file."""
    lines = lines_of(source)
    if not lines:
        return Document((), name=source.path.stem)
    (line, header), *rows = lines
    return _document(source, line, header, rows)


def json_lines_document(source: Source) -> Document:
    """The table that JSON lines of plain values make."""
    header = list(dict.fromkeys(key for _, row in source.rows for key in row))
    rows = [(line, ["" if row.get(key) is None else str(row[key]) for key in header]) for line, row in source.rows]
    return _document(source, 1, header, rows)


def _document(source: Source, line: int, header: Sequence[str], rows: Sequence[tuple[int, Sequence[str]]]) -> Document:
    cells = tuple(TableRow(at, tuple(plain(cell) for cell in row)) for at, row in rows)
    return Document((Table(line, tuple(plain(cell) for cell in header), cells),), name=source.path.stem)
