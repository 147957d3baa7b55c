"""Runs of MLflow: its database, and its folder of files. Both layouts are documented and older than most of its code."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from engine.common.files.gate import MEBIBYTE, is_folder, is_there, read_text
from engine.figures.fields import BadValue, text
from engine.figures.reading import Reading, TrackedRun
from engine.figures.source import Source
from engine.figures.trackers.points import Point, day_of, folder_sha, metrics_of, number_of, step_of
from engine.figures.trackers.sqlite import is_database, opened, rows_of

TABLES = ("experiments", "runs", "params", "metrics")
STATES = {"1": "RUNNING", "2": "SCHEDULED", "3": "FINISHED", "4": "FAILED", "5": "KILLED"}
MOST_RUNS = 10_000
META = "meta.yaml"
MOST_FILE = 16 * MEBIBYTE
LINE = re.compile(r"([\w.]+):\s*(.*)")


def is_store(source: Source) -> bool:
    """A database of MLflow."""
    return not source.is_folder and is_database(source, *TABLES)


def read_store(source: Source) -> Reading:
    """Every run that was not deleted, with its experiment, parameters and metrics."""
    with opened(source.path) as database:
        experiments = {
            row["experiment_id"]: text(row["name"]) for row in rows_of(database, "SELECT * FROM experiments")
        }
        sql = "SELECT * FROM runs WHERE lifecycle_stage = 'active' ORDER BY start_time, run_uuid"
        runs = list(rows_of(database, sql))
        parameters: dict[str, dict[str, str]] = defaultdict(dict)
        for row in rows_of(database, "SELECT run_uuid, key, value FROM params ORDER BY key"):
            parameters[row["run_uuid"]][text(row["key"])] = text(row["value"])
        points: dict[str, list[Point]] = defaultdict(list)
        for row in rows_of(
            database, "SELECT run_uuid, key, value, step, is_nan FROM metrics ORDER BY key, step, timestamp"
        ):
            value = float("nan") if row["is_nan"] else number_of(row["value"])
            if value is not None:
                points[row["run_uuid"]].append((text(row["key"]), step_of(row["step"], text(row["key"])), value))
    tracked = [
        TrackedRun(
            text(run["name"] or run["run_uuid"]), f"mlflow:{text(run['run_uuid'])}", parameters[run["run_uuid"]],
            metrics_of(points[run["run_uuid"]]), day_of(run["start_time"]), text(run["status"]),
            experiments.get(run["experiment_id"], ""),
        )
        for run in runs
    ]  # fmt: skip
    return _reading(source.path, tracked)


def _reading(path: Path, runs: list[TrackedRun]) -> Reading:
    if not runs:
        raise BadValue("a store of MLflow without a run", "give one that holds runs")
    return Reading(path, runs=tuple(runs))


def is_files(source: Source) -> bool:
    """A folder of MLflow: of one run, of an experiment, or the whole store."""
    return source.is_folder and next(_run_folders(source.path), None) is not None


def _run_folders(path: Path) -> Iterator[Path]:
    """Folders of runs in the folder of a run, of an experiment, or of a store."""
    for folder in (path, *_below(path), *(inner for one in _below(path) for inner in _below(one))):
        if is_there(folder / META) and is_folder(folder / "metrics") and is_folder(folder / "params"):
            yield folder


def _below(path: Path) -> list[Path]:
    try:
        return sorted(one for one in path.iterdir() if not one.name.startswith(".") and is_folder(one))[:MOST_RUNS]
    except OSError:  # a folder that may not be looked into holds nothing for us
        return []


def read_files(source: Source) -> Reading:
    """Every run that was not deleted."""
    runs = []
    for folder in _run_folders(source.path):
        meta = _meta(folder)
        if meta.get("lifecycle_stage") != "deleted":
            runs.append(_run(folder, meta))
    return _reading(source.path, runs)


def _run(folder: Path, meta: dict[str, str]) -> TrackedRun:
    settings, series = _files(folder / "params"), _files(folder / "metrics")
    parameters = {name: read_text(path, MOST_FILE)[:2000] for name, path in settings}
    points = [point for name, path in series for point in _points(name, path)]
    experiment = _meta(folder.parent).get("name", "") if is_there(folder.parent / META) else ""
    start = meta.get("start_time", "")
    return TrackedRun(
        meta.get("run_name") or folder.name, f"mlflow:{meta.get('run_id') or folder.name}", parameters, metrics_of(points),
        day_of(int(start) if start.isdecimal() and len(start) < 16 else None), STATES.get(meta.get("status", ""), ""), experiment,
        folder_sha(folder, [path for _, path in (*settings, *series)]),
    )  # fmt: skip


def _meta(folder: Path) -> dict[str, str]:
    """Flat YAML: `key: value` on each line, perhaps quoted."""
    lines = read_text(folder / META, MEBIBYTE).splitlines()
    return {found[1]: found[2].strip().strip("'\"") for line in lines if (found := LINE.fullmatch(line))}


def _files(folder: Path) -> list[tuple[str, Path]]:
    """(name, file) of each parameter or metric; a name with a slash lies in a folder of its own."""
    found = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return [(text(path.relative_to(folder).as_posix()), path) for path in found[:MOST_RUNS]]


def _points(name: str, path: Path) -> Iterator[Point]:
    """Lines of `time value step`."""
    for at, line in enumerate(read_text(path, MOST_FILE).splitlines(), start=1):
        parts = line.split()
        try:
            value, step = float(parts[1]), int(parts[2]) if len(parts) > 2 else 0
        except (IndexError, ValueError):
            raise BadValue(f"metric {name}, line {at} is no time, value and step") from None
        yield name, step_of(step, name), value
