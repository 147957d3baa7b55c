"""trackio, local: one run in a project's database; each line has an id of its own, so that it is stored once."""

from __future__ import annotations

import os
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

from db.specs import UserError
from leverplus_tui.publish.content import Outcome, Place, Published

FILES = "leverplus-files"


def publish(run: Published, place: Place) -> Outcome:
    """Log the run, or say that it is there."""
    os.environ["TRACKIO_DIR"] = place.at  # read while it is imported
    import trackio
    from trackio.sqlite_storage import SQLiteStorage

    Path(place.at).mkdir(parents=True, exist_ok=True)
    where = f"{place.at}, project {place.project}, run {run.label}"
    known: dict[str, Any] | None = None
    if run.label in SQLiteStorage.get_runs(place.project):
        known = SQLiteStorage.get_run_config(place.project, run=run.label) or {}
    if known is not None and known.get("leverplus.content") == run.sha:
        return Outcome(where, already=True)
    if known is not None and not place.replace:
        raise UserError(f"{where} was published before it changed: --replace publishes it anew")
    if known is not None:
        SQLiteStorage.delete_run(place.project, run=run.label)
    config = {**run.params, **run.identity, "findings": run.remarks, "tags": list(run.tags), "note": run.note}
    lines, steps = _lines(run)
    SQLiteStorage.bulk_log(
        place.project, run.label, lines, steps=steps, timestamps=[run.started.isoformat()] * len(lines), config=config,
        log_ids=[f"{run.uid}-{place}" for place in range(len(lines))], run_id=run.uid,
    )  # fmt: skip
    _files(run, place, trackio, SQLiteStorage)
    return Outcome(where)


def _lines(run: Published) -> tuple[list[dict[str, Any]], list[int]]:
    """The metrics of each phase and step, then the figures."""
    steps: dict[tuple[str, int], dict[str, Any]] = defaultdict(dict)
    for point in run.points:
        steps[point.name.split("/")[0], point.step] |= {point.name: point.value, "epoch": point.epoch}
    lines, numbers = list(steps.values()), [step for _, step in steps]
    if run.figures or not lines:
        lines, numbers = [*lines, dict(run.figures)], [*numbers, 0]
    return lines, numbers


def _files(run: Published, place: Place, trackio: Any, storage: Any) -> None:
    artifact = trackio.Artifact(name=f"{FILES}-{run.uid[:8]}", type=run.kind)
    with tempfile.TemporaryDirectory() as folder:
        for name, content in run.files.items():
            (Path(folder) / name).write_bytes(content)
        artifact.add_dir(folder)
        manifest = artifact._build_manifest(place.project)
    storage.commit_artifact_version(
        project=place.project, name=artifact.name, type=artifact.type, description=run.name, manifest=manifest, metadata={},
        aliases=None, run_name=run.label, run_id=run.uid,
    )  # fmt: skip
