"""Series of numbers: points in one narrow table, and beside it what lists show of each series."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from sqlite3 import Row
from typing import TYPE_CHECKING, Any

from db.connection import Session
from db.store.base import execute_many, query

if TYPE_CHECKING:
    from db import rows

_VALUE_OF_FLAG = {1: math.nan, 2: math.inf, 3: -math.inf}
Points = dict[tuple[int, int], tuple[float | None, int]]
"""Of a series, by epoch and step: a value and its flag, as they are stored."""


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
    points: dict[tuple[str, str], Points] = defaultdict(dict)
    for row in metrics:
        points[row.phase, row.name][row.epoch, row.step] = _stored(row.value)
    series = _series(session, run_id, points.keys())
    old = {key: _older(session, series[key], new) for key, new in points.items()}
    changed = {key: _unlike(new, old[key]) for key, new in points.items()}
    execute_many(
        session,
        "INSERT OR REPLACE INTO metric (series_id, epoch, step, value, flag) VALUES (?, ?, ?, ?, ?)",
        [(series[key]["id"], *at, *value) for key, new in changed.items() for at, value in new.items()],
    )
    execute_many(
        session,
        "UPDATE metric_last SET n = ?, n_bad = ?, epoch = ?, step = ?, value = ?, flag = ?, lowest = ?, highest = ? WHERE id = ?",
        [_summary(session, series[key], new, old[key]) for key, new in changed.items() if new],
    )


def _series(session: Session, run_id: int, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Row]:
    """The series of a run by phase and name, those of `keys` among them."""
    sql = "SELECT * FROM metric_last WHERE run_id = :run"
    known = {(row["phase"], row["name"]): row for row in query(session, sql, {"run": run_id})}
    missing = [(run_id, *key) for key in keys if key not in known]
    if not missing:
        return known
    execute_many(
        session,
        "INSERT INTO metric_last (run_id, phase, name, n, n_bad, epoch, step, flag) VALUES (?, ?, ?, 0, 0, 0, 0, 0)",
        missing,
    )
    return {(row["phase"], row["name"]): row for row in query(session, sql, {"run": run_id})}


def _older(session: Session, series: Row, new: Points) -> Points:
    """What is stored where new points do not simply follow on."""
    first = min(new)
    if not series["n"] or first > (series["epoch"], series["step"]):
        return {}
    sql = """
        SELECT epoch, step, value, flag FROM metric
        WHERE series_id = ? AND (epoch, step) >= (?, ?) AND (epoch, step) <= (?, ?)
    """
    return {(row[0], row[1]): (row[2], row[3]) for row in session.rows(sql, (series["id"], *first, *max(new)))}


def _unlike(new: Points, old: Points) -> Points:
    return {at: value for at, value in new.items() if old.get(at) != value} if old else new


def _summary(session: Session, series: Row, new: Points, old: Points) -> tuple[Any, ...]:
    """What a series shows once `new` is in. It is counted anew where a point was replaced that may have been an extreme."""
    replaced = [old[at] for at in new if at in old] if old else []
    if replaced and any(flag or value in (series["lowest"], series["highest"]) for value, flag in replaced):
        return _recounted(session, series["id"])
    at = max(new)
    before = (series["epoch"], series["step"])
    last = (*at, *new[at]) if not series["n"] or at >= before else (*before, series["value"], series["flag"])
    finite = [value for value, flag in new.values() if not flag and value is not None]
    lows = finite if series["lowest"] is None else [*finite, series["lowest"]]
    highs = finite if series["highest"] is None else [*finite, series["highest"]]
    return (
        series["n"] + len(new) - len(replaced), series["n_bad"] + len(new) - len(finite), *last,
        min(lows, default=None), max(highs, default=None), series["id"],
    )  # fmt: skip


def _recounted(session: Session, series_id: int) -> tuple[Any, ...]:
    sql = "SELECT count(*) AS n, sum(flag <> 0) AS bad, min(value) AS low, max(value) AS high FROM metric WHERE series_id = :id"
    total = query(session, sql, {"id": series_id})[0]
    sql = "SELECT epoch, step, value, flag FROM metric WHERE series_id = :id ORDER BY epoch DESC, step DESC LIMIT 1"
    last = query(session, sql, {"id": series_id})[0]
    return (total["n"], total["bad"], *last, total["low"], total["high"], series_id)


def metric_series(session: Session, *, run_id: int, name: str) -> list[tuple[str, int, int, float]]:
    """(phase, epoch, step, value) of one name, phases in the order in which they came."""
    sql = """
        SELECT phase, metric.epoch, metric.step, metric.value, metric.flag
        FROM metric_last JOIN metric ON series_id = metric_last.id
        WHERE run_id = :run AND name = :name ORDER BY series_id, metric.epoch, metric.step
    """
    result = session.rows(sql, {"run": run_id, "name": name})
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
