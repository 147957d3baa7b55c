"""Tables of the reference pages."""

from __future__ import annotations

from collections.abc import Iterable


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A Markdown table; a bar inside a cell is escaped."""
    lines = [row(head), "|".join(["", *["---"] * len(head), ""]), *map(row, rows)]
    return "\n".join(lines) + "\n"


def row(cells: Iterable[str]) -> str:
    """One line of it."""
    return f"| {' | '.join(' '.join(cell.split()).replace('|', chr(92) + '|') for cell in cells)} |"
