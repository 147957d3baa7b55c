"""Takes readings of other programs' files into the home: figures and trainings at once, answers by a job that scores them."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from db import store
from db.fingerprint import content_sha
from db.home import Home
from db.session import DatabaseFile, reading, writing
from db.specs import Finding, UserError
from db.specs.imported import ImportSpec
from db.store import RunDetail
from engine.doctor.readings import reading_findings
from engine.figures.predictions import check_answers
from engine.figures.reading import Reading
from leverplus_tui.jobs import launcher
from leverplus_tui.jobs.follow import follow
from leverplus_tui.results.imports.importing import store_readings
from leverplus_tui.results.outcome import matrix
from leverplus_tui.results.run_result import failure_lines


@dataclass(frozen=True, slots=True)
class Told:
    """What somebody says of the files, beyond what stands in them."""

    dataset: str = ""
    vlm: str = ""
    shot: int | None = None
    split: str = "val"
    name: str = ""
    """Of the runs of answers."""


def take(
    place: Home, database: DatabaseFile, readings: Sequence[Reading], told: Told
) -> tuple[list[dict[str, Any]], list[Finding]]:
    """The entries and findings of `import --json`. A reading that is refused leaves nothing, nor do the others with it."""
    for one in readings:
        check_answers(str(one.path), one.answers, shot=told.shot, dataset=told.dataset)
    findings = reading_findings(readings)
    asked = [_spec(one, told) for one in readings if one.answers]
    known = {spec: detail for spec in asked if (detail := _stored(database, spec)) is not None}
    answers = _score(place, database, [spec for spec in asked if spec not in known])
    entries = store_readings(database, readings, findings)
    entries += [_entry(detail, spec) for detail, spec in answers]
    entries += [{**_entry(detail, spec), "already": True} for spec, detail in known.items()]
    return entries, [*findings, *(finding for detail, _ in answers for finding in detail.findings)]


def _spec(one: Reading, told: Told) -> ImportSpec:
    place = Path(told.dataset).expanduser()
    dataset = str(place.absolute()) if told.dataset and place.exists() else told.dataset
    return ImportSpec(
        source=str(one.path.absolute()), label=told.name or one.path.stem, dataset=dataset or one.dataset, vlm=told.vlm or one.vlm,
        split=told.split, shot=told.shot,
    )  # fmt: skip


def _stored(database: DatabaseFile, spec: ImportSpec) -> RunDetail | None:
    """The run that holds these answers already: of the same file with the same content, said of it the same."""
    with reading(database) as session:
        run_id = store.run_of_spec(session, spec=spec)
        if run_id is None:
            return None
        source = store.inputs(session, run_id=run_id).get("source")
        detail = store.run_detail(session, run_id=run_id)
    same = source is not None and source.sha256 == content_sha(Path(spec.source))
    return detail if same and detail.row.state == "done" else None


def _score(place: Home, database: DatabaseFile, specs: Sequence[ImportSpec]) -> list[tuple[RunDetail, ImportSpec]]:
    """Jobs do it: only there is the scorer at hand."""
    done: list[tuple[RunDetail, ImportSpec]] = []
    for spec in specs:
        run_id = launcher.launch(place, spec, name=spec.label)
        state = follow(database, run_id, quiet=True)
        with reading(database) as session:
            detail = store.run_detail(session, run_id=run_id)
        done.append((detail, spec))
        if state != "done":
            said = (
                failure_lines(detail, place)[0].removeprefix("leverplus: ").removeprefix(f"{detail.row.ref} failed: ")
            )
            for one, _ in done:
                _discard(place, database, one.row.id)
            raise UserError(said)
    return done


def _discard(place: Home, database: DatabaseFile, run_id: int) -> None:
    with writing(database) as session:
        store.discard(session, run_id=run_id)
    shutil.rmtree(place.run_dir(run_id), ignore_errors=True)


def _entry(detail: RunDetail, spec: ImportSpec) -> dict[str, Any]:
    return {
        "run": detail.row.ref, "source": spec.source, "label": spec.label, "dataset": spec.dataset, "vlm": spec.vlm, "date": "",
        "cells": matrix(detail.cells),
    }  # fmt: skip
