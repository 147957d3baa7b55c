"""Series of numbers: points in one narrow table, and beside it what lists show of each series."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isfinite, isnan, nan
from typing import TYPE_CHECKING, Any

from db.connection import Session
from db.store.base import execute_many, insert, query

if TYPE_CHECKING:
    from db import rows

_VALUE_OF_FLAG = {1: nan, 2: inf, 3: -inf}
Key = tuple[str, str]
"""Phase and name of a series."""
At = tuple[int, ...]
"""Epoch and step of a point; of none, ()."""
Points = dict[At, tuple[float | None, int]]
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


class _Series:
    """Where a series ends, and what points that follow on add to it, in the order in which they come."""

    __slots__ = ("at", "bad", "flag", "highest", "id", "lowest", "n", "value")

    def __init__(self, key: int, at: At) -> None:
        self.id, self.at = key, at
        self.value: float | None = None
        self.flag = 0
        self._begin()

    def _begin(self) -> None:
        self.n = self.bad = 0
        self.lowest, self.highest = inf, -inf

    def growth(self) -> tuple[Any, ...]:
        """The values of `_GROW`, which are told once."""
        low, high = (self.lowest, self.highest) if self.n > self.bad else (None, None)
        told = (self.n, self.bad, *self.at, self.value, self.flag, low, high, self.id)
        self._begin()
        return told


def add_metrics(session: Session, *, run_id: int, metrics: Sequence[rows.Metric]) -> None:
    """Store points; a point with the phase, name, epoch and step of an older one replaces it."""
    known = _known_series(session, run_id)
    stored: list[tuple[Any, ...]] = []
    grown: list[_Series] = []
    late: dict[int, Points] = defaultdict(dict)
    for row in metrics:
        key, at, value = (row.phase, row.name), (row.epoch, row.step), row.value
        one = known.get(key) or _new_series(session, run_id, key, known)
        flag = 0 if isfinite(value) else _flag(value)
        kept = None if flag else value
        if at <= one.at:
            late[one.id][at] = (kept, flag)
            continue
        if not one.n:
            grown.append(one)
        one.n += 1
        one.at, one.value, one.flag = at, kept, flag
        if flag:
            one.bad += 1
        else:
            one.lowest = value if value < one.lowest else one.lowest
            one.highest = value if value > one.highest else one.highest
        stored.append((one.id, *at, kept, flag))
    execute_many(session, _ADD, stored)
    execute_many(session, _GROW, [one.growth() for one in grown])
    if late:
        _add_late(session, late)


_ADD = "INSERT OR REPLACE INTO metric (series_id, epoch, step, value, flag) VALUES (?, ?, ?, ?, ?)"
_GROW = """
    UPDATE metric_last SET n = n + ?1, n_bad = n_bad + ?2, epoch = ?3, step = ?4, value = ?5, flag = ?6,
        lowest = min(coalesce(lowest, ?7), coalesce(?7, lowest)), highest = max(coalesce(highest, ?8), coalesce(?8, highest))
    WHERE id = ?9
"""
_COUNT_ANEW = """
    UPDATE metric_last SET (n, n_bad, lowest, highest) =
            (SELECT count(*), sum(flag <> 0), min(metric.value), max(metric.value) FROM metric WHERE series_id = ?1),
        (epoch, step, value, flag) =
            (SELECT epoch, step, value, flag FROM metric WHERE series_id = ?1 ORDER BY epoch DESC, step DESC LIMIT 1)
    WHERE id = ?1
"""


def _known_series(session: Session, run_id: int) -> dict[Key, _Series]:
    """The series of a run. A job's connection remembers them, because reading them takes as long as writing them."""
    kept = session.remembered()
    if run_id not in kept:
        kept.clear()
        found = session.tuples("SELECT phase, name, id, n, epoch, step FROM metric_last WHERE run_id = ?", (run_id,))
        kept[run_id] = {
            (phase, name): _Series(key, (epoch, step) if n else ()) for phase, name, key, n, epoch, step in found
        }
    known: dict[Key, _Series] = kept[run_id]
    return known


def _new_series(session: Session, run_id: int, key: Key, known: dict[Key, _Series]) -> _Series:
    phase, name = key
    values = {"run_id": run_id, "phase": phase, "name": name, "n": 0, "n_bad": 0, "epoch": 0, "step": 0, "flag": 0}
    known[key] = _Series(insert(session, "metric_last", values), ())
    return known[key]


def _add_late(session: Session, late: dict[int, Points]) -> None:
    """Points behind the last of their series: those that are not stored yet as they are, and their series counted anew."""
    changed = {key: different for key, points in late.items() if (different := _unlike(session, key, points))}
    values = [(key, *at, *value) for key, points in changed.items() for at, value in points.items()]
    execute_many(session, _ADD, values)
    execute_many(session, _COUNT_ANEW, [(key,) for key in changed])


def untrue_series(session: Session) -> list[tuple[int, int, str]]:
    """(run, series, name) of those whose sums, which lists show, are not those of the points that are stored."""
    sql = """
        SELECT run_id, id, name FROM metric_last LEFT JOIN (
            SELECT series_id, count(*) AS points, min(value) AS least, max(value) AS most FROM metric GROUP BY series_id
        ) ON series_id = id
        WHERE n <> coalesce(points, 0) OR lowest IS NOT least OR highest IS NOT most ORDER BY id
    """
    return [(row["run_id"], row["id"], row["name"]) for row in query(session, sql)]


def sum_up(session: Session, *, series: Sequence[int]) -> None:
    """Write what lists show of these series anew, from their points; one that has none goes."""
    keys = [(key,) for key in series]
    execute_many(
        session,
        "DELETE FROM metric_last WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM metric WHERE series_id = ?1)",
        keys,
    )
    execute_many(session, _COUNT_ANEW, keys)


def _unlike(session: Session, series_id: int, new: Points) -> Points:
    sql = """
        SELECT epoch, step, value, flag FROM metric
        WHERE series_id = ? AND (epoch, step) >= (?, ?) AND (epoch, step) <= (?, ?)
    """
    old: Points = {(row[0], row[1]): (row[2], row[3]) for row in session.tuples(sql, (series_id, *min(new), *max(new)))}
    return {at: value for at, value in new.items() if old.get(at) != value}


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


def _flag(value: float) -> int:
    """SQLite keeps NaN as null and sorts infinities among numbers, so both become null and a flag."""
    return 1 if isnan(value) else 2 if value > 0 else 3


def _shown(value: float | None, flag: int) -> float:
    return _VALUE_OF_FLAG.get(flag, nan) if value is None else value
