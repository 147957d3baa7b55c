"""Stores published figures as runs: one run per matrix, with what the audit says of it. Nothing is computed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy import Engine

from db import store
from db.rows import Cell, Fact, Row, Subset
from db.session import writing
from db.specs import Finding, canonical_json, sha256_text
from db.specs.imported import ImportSpec
from engine.figures.result_files import FULL_SIZE, Figure, Matrix
from engine.statistics.intervals import wilson
from leverplus_tui.results.paired_rows import IMPORTED


def store_matrices(database: Engine, matrices: Sequence[Matrix], findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """One done run for each matrix; the entries of `import --json`. All or none are stored, none twice."""
    entries = []
    with writing(database) as session:
        for matrix in matrices:
            spec = import_spec(matrix)
            known = store.run_of_spec(session, spec=spec)
            if known is not None:
                entries.append(_entry(known, matrix) | {"already": True})
                continue
            run = store.create_run(
                session,
                spec=cast(Any, spec),
                name=matrix.label,
                environment={"imported_from": matrix.path or matrix.source},
            )
            assert run.id is not None, "a stored run has a key"
            about = [finding for finding in findings if finding.subject.startswith(matrix.subject)]
            store.add_rows(session, run_id=run.id, process_id=None, rows=[*_rows(matrix), *about])
            store.set_state(session, run_id=run.id, state="running")
            store.set_state(session, run_id=run.id, state="done")
            entries.append(_entry(run.id, matrix))
    return entries


def import_spec(matrix: Matrix) -> ImportSpec:
    """What the source says of a matrix."""
    return ImportSpec(
        source=matrix.source,
        label=matrix.label,
        dataset=matrix.dataset,
        vlm=matrix.vlm,
        split=matrix.split,
        sampler=matrix.sampler,
        selector=matrix.checkpoint,
        date=matrix.date,
        section=matrix.section,
        remark=matrix.note,
        content_sha=sha256_text(canonical_json([(f.n, f.shot, f.accuracy) for f in matrix.figures])),
    )


def interval_of(figure: Figure) -> tuple[float, float]:
    """95 % bounds in percent. Per-question scores are unknown, so Wilson's, the widest that graded scores can have."""
    if figure.n < 1:
        return 0.0, 100.0
    low, high = wilson(min(1.0, max(0.0, figure.accuracy / 100)), figure.n)
    return 100 * low, 100 * high


def label_of(matrix: Matrix, figure: Figure) -> str:
    """The published subsets are prefixes by question id."""
    if figure.n < 1:
        return "size not stated"
    return "all" if figure.n == FULL_SIZE.get(matrix.dataset) else f"first {figure.n}"


def _rows(matrix: Matrix) -> list[Row]:
    made: list[Row] = [Fact("imported", True), Fact("source", matrix.source), Fact("source_path", matrix.path)]
    world = IMPORTED + matrix.dataset
    for figure in matrix.figures:
        label = label_of(matrix, figure)
        sha = sha256_text(f"{world}:{matrix.split}:{label}")
        low, high = interval_of(figure)
        made.append(Subset(world, matrix.split, label, {"imported": True, "first": figure.n}, (), sha))
        made.append(Cell(sha, figure.shot, figure.n, figure.n, figure.accuracy, low, high, {}, 0))
    return made


def _entry(run_id: int, matrix: Matrix) -> dict[str, Any]:
    cells = []
    for figure in matrix.figures:
        low, high = interval_of(figure)
        cells.append(
            {"n": figure.n, "shot": figure.shot, "subset": label_of(matrix, figure), "accuracy": figure.accuracy,
             "ci_low": low, "ci_high": high}
        )  # fmt: skip
    return {
        "run": f"r{run_id}", "source": matrix.source, "path": matrix.path, "label": matrix.label, "dataset": matrix.dataset,
        "vlm": matrix.vlm, "date": matrix.date, "cells": cells,
    }  # fmt: skip
