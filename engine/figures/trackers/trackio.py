"""Runs of trackio: one SQLite file for each project."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from engine.common.files.gate import parse_json
from engine.figures.fields import BadValue, text
from engine.figures.reading import Reading, TrackedRun
from engine.figures.source import Source
from engine.figures.trackers.points import Point, metrics_of, number_of, parameters_of, step_of
from engine.figures.trackers.sqlite import is_database, opened, rows_of


def is_project(source: Source) -> bool:
    """A database with trackio's tables."""
    return not source.is_folder and is_database(source, "metrics", "configs") and not is_database(source, "experiments")


def read_project(source: Source) -> Reading:
    """Every run of the project. Older versions tell runs apart by their names alone."""
    points: dict[str, list[Point]] = defaultdict(list)
    names, days, configs = dict[str, str](), dict[str, str](), dict[str, dict[str, str]]()
    with opened(source.path) as database:
        for row in rows_of(database, "SELECT * FROM metrics ORDER BY id"):
            key = text(row.get("run_id") or row.get("run_name"))
            names.setdefault(key, text(row.get("run_name")))
            days.setdefault(key, text(row.get("timestamp"))[:10])
            step = step_of(row.get("step"), "metrics")
            for name, value in _object(row.get("metrics")).items():
                if (number := number_of(value)) is not None:
                    points[key].append((text(name), step, number))
        for row in rows_of(database, "SELECT * FROM configs ORDER BY id"):
            key = text(row.get("run_id") or row.get("run_name"))
            names.setdefault(key, text(row.get("run_name")))
            configs[key] = parameters_of(_object(row.get("config")))
    if not names:
        raise BadValue("a project of trackio without a run", "give one that holds runs")
    return Reading(source.path, runs=tuple(
        TrackedRun(name, f"trackio:{key}", configs.get(key, {}), metrics_of(points[key]), days.get(key, ""), "", source.path.stem)
        for key, name in names.items()
    ))  # fmt: skip


def _object(value: Any) -> dict[str, Any]:
    try:
        found = parse_json(value if isinstance(value, bytes) else str(value).encode("utf-8", "replace"))
    except ValueError:
        raise BadValue("a row of metrics or settings is no JSON") from None
    return found if isinstance(found, dict) else {}
