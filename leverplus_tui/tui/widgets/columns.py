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
ALIKE = 100
"""From this priority on a column says the same in every line, and gives its room to flexible ones that stay."""


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
    """Columns that fit into `room` cells with their widths, one blank between two; what is left goes to flexible ones,
    and the room of columns that say the same in every line to those that stay."""
    kept = list(columns)
    while len(kept) > 1:
        last = max(range(len(kept)), key=lambda index: (kept[index].priority, index))
        wanted = sum(column.flex for column in kept if not column.priority) if kept[last].priority >= ALIKE else 0
        if not kept[last].priority or sum(column.width + 1 for column in kept) - 1 + wanted <= room:
            break
        del kept[last]
    spare = room - (sum(column.width + 1 for column in kept) - 1)
    widths = []
    for column in kept:
        more = max(0, min(column.flex, spare))
        spare -= more
        widths.append((column, column.width + more))
    return widths
