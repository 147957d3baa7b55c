"""Reads the tables of a report, CSV or TSV file: figures out of words, so that somebody must confirm what they were taken for."""

from __future__ import annotations

from pathlib import Path

from db.specs.base import Finding
from engine.common.findings import Unrecognised
from engine.figures.reading import LeftOut, Reading
from engine.figures.tables.cells import cells_of, meaning_of
from engine.figures.tables.context import context_of
from engine.figures.tables.derived import derived_findings
from engine.figures.tables.grid import Document
from engine.figures.tables.merging import matrices_of


def read_tables(path: Path, document: Document, layout: str) -> Reading:
    """The figures of all tables. Raises Unrecognised where no table holds any, saying what there is instead."""
    tables = [cells_of(table, context_of(document, table)) for table in document.tables]
    matrices, repeats = matrices_of(tables, path.name)
    left_out = sorted([*(one for table in tables for one in table.left_out), *repeats], key=lambda one: one.line)
    if not matrices:
        raise Unrecognised(_nothing(path, layout, left_out))
    findings = [finding for table in tables for finding in derived_findings(table, path.name)]
    return Reading(
        path, layout, matrices=tuple(matrices), tables=tuple(meaning_of(table) for table in tables if table.cells),
        left_out=tuple(left_out), findings=tuple[Finding, ...](findings), guessed=True,
    )  # fmt: skip


def _nothing(path: Path, layout: str, left_out: list[LeftOut]) -> str:
    if not left_out:
        return f"{path}: a {layout} without a table; give one whose tables hold accuracies by number of shots"
    first = left_out[0]
    return (
        f"{path}: a {layout} of which no table holds accuracies by number of shots (line {first.line}, {first.what}: {first.why}); "
        "name a column Shot, or the columns Shot 1, Shot 2"
    )
