"""What a report consists of: blocks that know nothing of Markdown or HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Tone = Literal["", "good", "bad", "faint", "best", "warn", "info", "strong"]
"""How a text is set off; always beside words or signs that say the same."""


@dataclass(frozen=True)
class Cell:
    """Text of a table that is set off, or stands beside a drawing."""

    text: str
    tone: Tone = ""
    note: str = ""
    """What stands behind it in smaller letters, such as an interval."""
    svg: str = ""
    """Drawn in HTML only."""


@dataclass(frozen=True)
class Heading:
    """A heading; level 1 is the title."""

    text: str
    level: int = 2


@dataclass(frozen=True)
class Lead:
    """What came out, in sentences."""

    sentences: Sequence[str]


@dataclass(frozen=True)
class Paragraph:
    """A text of ours: what stands in backquotes is code."""

    text: str


@dataclass(frozen=True)
class Bullets:
    """Points of plain text; of `ours` what stands in backquotes is code."""

    points: Sequence[str]
    ours: bool = False


@dataclass(frozen=True)
class Table:
    """A table; columns numbered in `right` are flushed right. On a narrow screen each row of a `stacked` one is a card."""

    headers: Sequence[str | Cell]
    rows: Sequence[Sequence[str | Cell]]
    right: Sequence[int] = ()
    stacked: bool = False


@dataclass(frozen=True)
class Code:
    """Text to be taken as it is."""

    text: str


@dataclass(frozen=True)
class Panel:
    """A drawing with its title, and with its own legend where it does not share one."""

    title: str
    svg: str
    legend: Sequence[tuple[str, str]] = ()
    """(sample of the line, what it stands for)"""


@dataclass(frozen=True)
class Figure:
    """Drawings side by side under one legend; Markdown leaves them out, because the tables hold the same figures."""

    caption: str
    panels: Sequence[Panel]
    legend: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class Remark:
    """A finding: how bad, its code, what it is about, what it says, the way out, and the stored sentence where that is another."""

    severity: str
    tone: Tone
    code: str
    about: str
    message: str
    fix: str
    stored: str = ""


@dataclass(frozen=True)
class Remarks:
    """Findings, worst first."""

    remarks: Sequence[Remark]
    stored_title: str


@dataclass(frozen=True)
class Folded:
    """Blocks that are opened by whoever wants them."""

    title: str
    blocks: Sequence[Block]


Block = Heading | Lead | Paragraph | Bullets | Table | Code | Figure | Remarks | Folded
