"""A table as it stands in a file, with the words around it that say what its figures are of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class TableRow:
    """Cells of one line, as plain text."""

    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Header, rows, and what stands above them."""

    line: int
    """Of the header, from 1."""
    header: tuple[str, ...]
    rows: tuple[TableRow, ...]
    around: tuple[str, ...] = ()
    """The paragraph above, then the headings, the nearest first."""

    @property
    def heading(self) -> str:
        """The nearest heading; the paragraph above where there is none."""
        return self.around[1] if len(self.around) > 1 else "".join(self.around[:1])


@dataclass(frozen=True, slots=True)
class Document:
    """The tables of a file, and what it says of all of them."""

    tables: tuple[Table, ...]
    title: str = ""
    name: str = ""
    """Of the file."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """What stands as `key: value` in lists and quotes, the first of each key."""
