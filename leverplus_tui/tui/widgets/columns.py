"""Columns of a table, and which of them fit: those of least importance are left out whole, a number is never cut."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cell:
    """Text in a table, and the role it plays."""

    text: str
    role: str = ""


Row = Mapping[str, Cell | str]


@dataclass(frozen=True, slots=True)
class Column:
    """One column; columns of the highest `priority` go first when room is short, those of 0 stay."""

    key: str
    title: str
    width: int
    align: str = "left"
    priority: int = 0
    flex: int = 0
    """Text columns may grow by this much."""


def fit(columns: Sequence[Column], room: int) -> list[tuple[Column, int]]:
    """Columns that fit into `room` cells with their widths, one blank between two; what is left goes to flexible ones."""
    kept = list(columns)
    while len(kept) > 1 and sum(column.width + 1 for column in kept) - 1 > room:
        last = max(range(len(kept)), key=lambda index: (kept[index].priority, index))
        if not kept[last].priority:
            break
        del kept[last]
    spare = room - (sum(column.width + 1 for column in kept) - 1)
    widths = []
    for column in kept:
        more = max(0, min(column.flex, spare))
        spare -= more
        widths.append((column, column.width + more))
    return widths
