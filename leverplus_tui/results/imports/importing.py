"""Stores what other programs wrote as runs: one for each matrix, with what the audit says of it, and for each training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from db import store
from db.rows import Cell, Fact, Row, Subset
from db.session import DatabaseFile, Session, writing
from db.specs import Finding, canonical_json, sha256_text
from db.specs.imported import ImportSpec
from engine.figures.fields import FULL_SIZE
from engine.figures.reading import Figure, Matrix, Reading, TrackedRun
from engine.statistics.intervals import published_interval
from leverplus_tui.results.pairs.paired_rows import IMPORTED


def store_readings(
    database: DatabaseFile, readings: Sequence[Reading], findings: Sequence[Finding]
) -> list[dict[str, Any]]:
    """One done run for each matrix and each training; the entries of `import --json`. All or none are stored, none twice."""
    matrices = [matrix for reading in readings for matrix in reading.matrices]
    with writing(database) as session:
        entries = [_store_matrix(session, matrix, findings) for matrix in matrices]
        for reading in readings:
            entries += [_store_training(session, reading, run) for run in reading.runs]
    return entries


def _store_matrix(session: Session, matrix: Matrix, findings: Sequence[Finding]) -> dict[str, Any]:
    about = [finding for finding in findings if finding.subject.startswith(matrix.subject)]
    place = matrix.path or matrix.source
    return _stored(session, import_spec(matrix), matrix.label, place, [*_rows(matrix), *about], _entry(matrix))


def _store_training(session: Session, reading: Reading, run: TrackedRun) -> dict[str, Any]:
    source = run.source or str(reading.path.absolute())
    content = canonical_json(
        [dict(run.parameters), [(m.phase, m.epoch, m.step, m.name, repr(m.value)) for m in run.metrics]]
    )
    spec = ImportSpec(
        source=source, label=run.name, date=run.date, section=run.section, content_sha=sha256_text(content),
        dataset=reading.dataset, vlm=reading.vlm,
    )  # fmt: skip
    rows: list[Row] = [
        Fact("imported", True),
        Fact("source", source),
        Fact("source_path", str(reading.path.absolute())),
    ]
    rows += [Fact("source_layout", reading.layout)]
    sha = run.sha256 or reading.sha256
    rows += [Fact("source_sha", sha)] if sha else []
    rows += [Fact("source_state", run.state)] if run.state else []
    rows += [Fact("parameters", dict(run.parameters))] if run.parameters else []
    entry = {
        "source": source, "path": str(reading.path.absolute()), "label": run.name, "dataset": reading.dataset, "vlm": reading.vlm,
        "date": run.date, "cells": [], "metrics": len(run.metrics), "parameters": dict(run.parameters),
    }  # fmt: skip
    return _stored(session, spec, run.name, str(reading.path.absolute()), [*rows, *run.metrics], entry)


def _stored(
    session: Session, spec: ImportSpec, name: str, place: str, rows: Sequence[Row], entry: dict[str, Any]
) -> dict[str, Any]:
    known = store.run_of_spec(session, spec=spec)
    if known is not None:
        return {"run": f"r{known}"} | entry | {"already": True}
    run = store.create_run(session, spec=cast(Any, spec), name=name, environment={"imported_from": place})
    assert run.id is not None, "a stored run has a key"
    store.add_rows(session, run_id=run.id, process_id=None, rows=rows)
    store.set_state(session, run_id=run.id, state="running")
    store.set_state(session, run_id=run.id, state="done")
    return {"run": f"r{run.id}"} | entry


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
    """95 % bounds in percent, of answers that are unknown."""
    if figure.n < 1:
        return 0.0, 100.0
    found = published_interval(figure.accuracy, figure.n)
    return found.low, found.high


def label_of(matrix: Matrix, figure: Figure) -> str:
    """The published subsets are prefixes by question id."""
    if figure.n < 1:
        return "size not stated"
    return "all" if figure.n == FULL_SIZE.get(matrix.dataset) else f"first {figure.n}"


def _rows(matrix: Matrix) -> list[Row]:
    made: list[Row] = [Fact("imported", True), Fact("source", matrix.source), Fact("source_path", matrix.path)]
    made += [Fact("source_sha", matrix.sha256)] if matrix.sha256 else []
    lines = {f"{label_of(matrix, figure)}, shot {figure.shot}": figure.line for figure in matrix.figures if figure.line}
    made += [Fact("source_lines", lines)] if lines else []
    world = IMPORTED + matrix.dataset
    for figure in matrix.figures:
        label = label_of(matrix, figure)
        sha = sha256_text(f"{world}:{matrix.split}:{label}")
        low, high = interval_of(figure)
        made.append(Subset(world, matrix.split, label, {"imported": True, "first": figure.n}, (), sha))
        made.append(Cell(sha, figure.shot, figure.n, figure.n, figure.accuracy, low, high, {}, 0))
    return made


def _entry(matrix: Matrix) -> dict[str, Any]:
    cells = []
    for figure in matrix.figures:
        low, high = interval_of(figure)
        cells.append(
            {"n": figure.n, "shot": figure.shot, "subset": label_of(matrix, figure), "accuracy": figure.accuracy,
             "ci_low": low, "ci_high": high} | ({"line": figure.line} if figure.line else {})
        )  # fmt: skip
    return {
        "source": matrix.source, "path": matrix.path, "label": matrix.label, "dataset": matrix.dataset, "vlm": matrix.vlm,
        "date": matrix.date, "sampler": matrix.sampler, "cells": cells,
    }  # fmt: skip
