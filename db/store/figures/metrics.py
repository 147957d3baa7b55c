"""Series of numbers: points in one narrow table, and beside it what lists show of each series."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import RowMapping
from sqlmodel import Session

from db import rows
from db.store.base import execute_many, query

_VALUE_OF_FLAG = {1: math.nan, 2: math.inf, 3: -math.inf}
Point = tuple[int, int, float]
"""Epoch, step, value."""


@dataclass(frozen=True)
class MetricRow:
    """A series in short: its last value and its extremes (of finite values; not a number when there is none)."""

    phase: str
    name: str
    n: int
    n_bad: int
    epoch: int
    step: int
    value: float
    lowest: float
    highest: float


def add_metrics(session: Session, *, run_id: int, metrics: Sequence[rows.Metric]) -> None:
    """Store points; a point with the phase, name, epoch and step of an older one replaces it."""
    points: dict[tuple[str, str], dict[tuple[int, int], float]] = defaultdict(dict)
    for row in metrics:
        points[row.phase, row.name][row.epoch, row.step] = row.value
    execute_many(
        session,
        "INSERT INTO metric_last (run_id, phase, name, n, n_bad, epoch, step, flag) VALUES (?, ?, ?, 0, 0, 0, 0, 0)"
        " ON CONFLICT DO NOTHING",
        [(run_id, phase, name) for phase, name in points],
    )
    known = query(session, "SELECT * FROM metric_last WHERE run_id = :run", {"run": run_id})
    before = {(row["phase"], row["name"]): row for row in known}
    execute_many(
        session,
        "INSERT OR REPLACE INTO metric (series_id, epoch, step, value, flag) VALUES (?, ?, ?, ?, ?)",
        [
            (before[key]["id"], epoch, step, *_stored(value))
            for key, series in points.items()
            for (epoch, step), value in series.items()
        ],
    )
    execute_many(
        session,
        "UPDATE metric_last SET n = ?, n_bad = ?, epoch = ?, step = ?, value = ?, flag = ?, lowest = ?, highest = ? WHERE id = ?",
        [_summary(session, before[key], series) for key, series in points.items()],
    )


def _summary(session: Session, before: RowMapping, new: dict[tuple[int, int], float]) -> tuple[Any, ...]:
    """What a series shows once `new` is in. Points that follow on are counted up; replaced ones make it count anew."""
    if before["n"] and min(new) <= (before["epoch"], before["step"]):
        return _recounted(session, before["id"])
    last = max(new)
    finite = [value for value in new.values() if math.isfinite(value)]
    lows = finite if before["lowest"] is None else [*finite, before["lowest"]]
    highs = finite if before["highest"] is None else [*finite, before["highest"]]
    return (
        before["n"] + len(new), before["n_bad"] + len(new) - len(finite), *last, *_stored(new[last]),
        min(lows, default=None), max(highs, default=None), before["id"],
    )  # fmt: skip


def _recounted(session: Session, series_id: int) -> tuple[Any, ...]:
    sql = "SELECT count(*) AS n, sum(flag <> 0) AS bad, min(value) AS low, max(value) AS high FROM metric WHERE series_id = :id"
    total = query(session, sql, {"id": series_id})[0]
    sql = "SELECT epoch, step, value, flag FROM metric WHERE series_id = :id ORDER BY epoch DESC, step DESC LIMIT 1"
    last = query(session, sql, {"id": series_id})[0]
    return (total["n"], total["bad"], *last.values(), total["low"], total["high"], series_id)


def metric_series(session: Session, *, run_id: int, name: str) -> list[tuple[str, int, int, float]]:
    """(phase, epoch, step, value) of one name, phases in the order in which they came."""
    sql = """
        SELECT phase, metric.epoch, metric.step, metric.value, metric.flag
        FROM metric_last JOIN metric ON series_id = metric_last.id
        WHERE run_id = :run AND name = :name ORDER BY series_id, metric.epoch, metric.step
    """
    result = session.connection().exec_driver_sql(sql, {"run": run_id, "name": name}).all()
    return [(phase, epoch, step, _shown(value, flag)) for phase, epoch, step, value, flag in result]


def metric_summaries(session: Session, *, run_id: int) -> list[MetricRow]:
    """Every series of a run in short."""
    rows = query(session, "SELECT * FROM metric_last WHERE run_id = :run ORDER BY id", {"run": run_id})
    return [
        MetricRow(
            phase=row["phase"], name=row["name"], n=row["n"], n_bad=row["n_bad"], epoch=row["epoch"], step=row["step"],
            value=_shown(row["value"], row["flag"]), lowest=_shown(row["lowest"], 1), highest=_shown(row["highest"], 1),
        )
        for row in rows
    ]  # fmt: skip


def _stored(value: float) -> tuple[float | None, int]:
    """SQLite keeps NaN as null and sorts infinities among numbers, so both become null and a flag."""
    if math.isfinite(value):
        return value, 0
    return None, 1 if math.isnan(value) else 2 if value > 0 else 3


def _shown(value: float | None, flag: int) -> float:
    return _VALUE_OF_FLAG.get(flag, math.nan) if value is None else value
