"""What each column of a table is: an axis, figures, something derived from figures, or none of these."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from engine.figures.tables.grid import Table
from engine.figures.tables.patterns import (
    ACCURACY,
    AVERAGE,
    DATASET,
    DATE,
    DAY,
    DIFFERENCE,
    FULL_CELL,
    NO_ACCURACY,
    NOTHING,
    OTHER_DATASET,
    SAMPLER,
    SHOT,
    SHOT_COLUMN,
    SIZE,
    SIZE_COLUMN,
    VLM,
)
from engine.figures.tables.words import dataset_in, label, name_in, number, shot_in, size_in

Kind = Literal[
    "shots", "questions", "shots and questions", "date", "label", "epoch", "model", "sampler", "data set", "figures", "difference",
    "average", "remark", "other numbers"
]  # fmt: skip
AXES = ("shots", "questions", "shots and questions")
DATE_COLUMN = re.compile(r"(?:测试)?日期|date|day", re.IGNORECASE)
EPOCH_COLUMN = re.compile(r"(?:grpo|rce)?[ _]?epochs?|轮次|seed|step", re.IGNORECASE)
BARE_SIZE = re.compile(r"\d{2,6}")
SPEAKING = (SHOT, SIZE, DATE, DAY, SAMPLER, VLM, DATASET, ACCURACY)


@dataclass(frozen=True, slots=True)
class Column:
    """One column, and what its header says of all figures below it."""

    index: int
    header: str
    kind: Kind
    label: str = ""
    """The header as a name; empty where it says nothing but shots, size, sampler, model, or that accuracies follow."""
    n: int | None = None
    shot: int | None = None
    sampler: str = ""
    vlm: str = ""
    dataset: str = ""


def columns_of(table: Table) -> list[Column]:
    """The columns of a table. Which rows count is told by the axes, so these are found first."""
    cells = [[row.cells[i] if i < len(row.cells) else "" for row in table.rows] for i in range(len(table.header))]
    axes = {i: kind for i, header in enumerate(table.header) if (kind := _axis(header, cells[i]))}
    rows = [at for at in range(len(table.rows)) if all(_on_axis(kind, cells[i][at]) for i, kind in axes.items())]
    found: list[Column] = []
    for i, header in enumerate(table.header):
        kind = axes.get(i) or _kind(header, [cells[i][at] for at in rows], any(c.kind == "figures" for c in found))
        found.append(_column(i, header, kind, table.header, "shots" in axes.values()))
    return _without_counts(found, [[cells[i][at] for at in rows] for i in range(len(found))])


def _without_counts(columns: Sequence[Column], cells: Sequence[Sequence[str]]) -> list[Column]:
    """Where some columns are written in percent, one that is not and does not say accuracy holds other numbers."""
    signed = {one.index for one in columns if "%" in one.header or any("%" in cell for cell in cells[one.index])}
    if not any(one.kind == "figures" and one.index in signed for one in columns):
        return list(columns)
    return [
        replace(one, kind="other numbers")
        if one.kind == "figures" and one.index not in signed and not ACCURACY.search(one.header)
        else one
        for one in columns
    ]


def _axis(header: str, cells: Sequence[str]) -> Kind | None:
    filled = [cell for cell in cells if not NOTHING.fullmatch(cell)]
    if not filled:
        return None
    if SHOT_COLUMN.fullmatch(header) and any(shots_of(cell) is not None for cell in filled):
        return "shots"
    if SIZE_COLUMN.fullmatch(header) and any(size_of(cell) is not None for cell in filled):
        return "questions"
    if any(number(cell) for cell in filled):
        return None
    spoken = [(shot_in(cell) is not None, size_in(cell) is not None) for cell in filled]
    if 2 * sum(a and b for a, b in spoken) >= len(filled):
        return "shots and questions"
    return "shots" if 2 * sum(a for a, _ in spoken) >= len(filled) and not SAMPLER.search(filled[0]) else None


def _on_axis(kind: Kind, cell: str) -> bool:
    if kind == "questions":
        return size_of(cell) is not None or not cell
    return shots_of(cell) is not None or (not cell and kind == "shots")


def shots_of(cell: str) -> int | None:
    """The number of shots in a cell of their column."""
    found = number(cell)
    if found and not (found.signed or found.percent or found.decimals):
        return int(found.value) if found.value < 1000 else None
    return shot_in(cell)


def size_of(cell: str) -> int | None:
    """The number of questions in a cell of their column; 0 for all of them."""
    found = number(cell)
    if found and not (found.signed or found.percent or found.decimals):
        return int(found.value) or None
    return size_in(cell) or (0 if FULL_CELL.search(cell) or cell == "-1" else None)


def _kind(header: str, cells: Sequence[str], after_figures: bool) -> Kind:
    filled = [cell for cell in cells if not NOTHING.fullmatch(cell)]
    numbers = [found for cell in filled if (found := number(cell))]
    if DATE_COLUMN.fullmatch(header):
        return "date"
    if EPOCH_COLUMN.fullmatch(header) and numbers and not any(one.percent or one.decimals for one in numbers):
        return "epoch"
    if not numbers or 2 * len(numbers) < len(filled):
        return _words(filled, after_figures)
    if DIFFERENCE.fullmatch(header) or any(one.signed for one in numbers):
        return "difference"
    if AVERAGE.search(header) and shot_in(header) is None:
        return "average"
    return "other numbers" if NO_ACCURACY.search(header) else "figures"


def _words(filled: Sequence[str], after_figures: bool) -> Kind:
    for kind, pattern in (("model", VLM), ("sampler", SAMPLER), ("data set", DATASET), ("data set", OTHER_DATASET)):
        if filled and all(pattern.fullmatch(cell) for cell in filled):
            return kind  # type: ignore[return-value]
    return "remark" if after_figures or not filled else "label"


def _column(index: int, header: str, kind: Kind, headers: Sequence[str], has_shots: bool) -> Column:
    if kind != "figures":
        return Column(index, header, kind)
    n = size_in(header)
    if (
        n is None
        and has_shots
        and BARE_SIZE.fullmatch(header)
        and sum(bool(BARE_SIZE.fullmatch(h)) for h in headers) > 1
    ):
        n = int(header)
    return Column(
        index, header, kind, "" if n is not None and header.isdigit() else name_of(header), n, shot_in(header),
        name_in(SAMPLER, header), name_in(VLM, header), dataset_in(header),
    )  # fmt: skip


def name_of(header: str) -> str:
    """A header as a name, unless it says nothing that is one."""
    rest = header
    for pattern in SPEAKING:
        rest = pattern.sub(" ", rest)
    return label(header) if any(c.isalnum() for c in rest) else ""
