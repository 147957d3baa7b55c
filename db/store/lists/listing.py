"""Runs as rows of a table: a page in six queries, however many runs there are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from sqlite3 import Row
from typing import Any

from db.connection import Session
from db.specs.movable import HomePaths
from db.store.base import home, listed, moment, moment_or_none, query, ref
from db.store.figures.matrix import CellRow, cells
from db.store.lists.filters import runs_condition, runs_order, worked_s
from db.user_error import SEVERITIES

_COLUMNS = """id, name, kind, state, dataset, vlm, retriever, selector, variant, seed, forced, parent_id, created_at, started_at,
    ended_at, deleted_at, progress_done, progress_total, progress_unit, progress_note, progress_at, progress_from, progress_since,
    CASE state WHEN 'queued' THEN (SELECT waiting FROM ticket WHERE run_id = run.id) END AS waiting"""


@dataclass(frozen=True)
class ProgressRow:
    """How far a run is. `rate` is units per second of the present process; both may be unknown."""

    done: int
    total: int
    unit: str
    note: str
    rate: float | None
    eta_s: float | None


@dataclass(frozen=True)
class FindingCounts:
    """How many findings of each severity, and their codes (worst first)."""

    errors: int = 0
    warnings: int = 0
    infos: int = 0
    codes: tuple[str, ...] = ()


@dataclass(frozen=True)
class RunRow:
    """One run as lists show it."""

    id: int
    name: str
    kind: str
    state: str
    dataset: str
    vlm: str
    retriever: str
    selector: str
    variant: str
    seed: int | None
    forced: bool
    parent: int | None
    created: datetime
    started: datetime | None
    ended: datetime | None
    deleted: datetime | None
    duration_s: float | None
    """Seconds that processes worked on it, up to now for a running one; None before the first."""
    heartbeat: datetime | None
    """When the newest process was last heard of."""
    promise_s: int | None
    """Longest silence that it announced; alive but silent for longer is stalled."""
    progress: ProgressRow | None
    cells: tuple[CellRow, ...]
    tags: tuple[str, ...]
    findings: FindingCounts
    waiting: str = ""
    """What a queued run waits for, in words."""

    @property
    def ref(self) -> str:
        """`r12`."""
        return ref(self.id)

    def headline(self, shot: int) -> CellRow | None:
        """The figure for a number of shots over the largest subset: what `acc@2` filters and sorts by."""
        return next((cell for cell in self.cells if cell.shot == shot), None)


def list_runs(
    session: Session, *, where: str | None = None, sort: str = "created desc", limit: int | None = None, offset: int = 0
) -> list[RunRow]:
    """A page of runs. `where`: see `db.store.lists.filters`; `sort`: a field, then `asc` or `desc`. Raises BadFilter."""
    condition = runs_condition(where, home(session))
    sql = f"SELECT id FROM run WHERE {condition.sql} ORDER BY {runs_order(sort)} LIMIT ? OFFSET ?"
    parameters = (*condition.parameters, -1 if limit is None else limit, offset)
    ids = [row[0] for row in session.rows(sql, parameters)]
    return run_rows(session, run_ids=ids)  # sorting ids alone is several times quicker than sorting whole rows


def count_runs(session: Session, *, where: str | None = None) -> int:
    """Number of runs that `list_runs` would give in all."""
    condition = runs_condition(where, home(session))
    sql = f"SELECT count(*) FROM run WHERE {condition.sql}"
    return int(session.rows(sql, condition.parameters)[0][0])


def run_rows(session: Session, *, run_ids: Sequence[int]) -> list[RunRow]:
    """The rows of some runs, deleted ones too, in the order asked for; unknown ids are left out."""
    sql = f"SELECT {_COLUMNS} FROM run WHERE id IN (SELECT value FROM json_each(:ids))"
    found = {row.id: row for row in _complete(session, query(session, sql, {"ids": listed(run_ids)}))}
    return [found[run_id] for run_id in run_ids if run_id in found]


def _complete(session: Session, runs: Sequence[Row]) -> list[RunRow]:
    """Add to plain run rows what other tables know of them, in one query each."""
    ids = [row["id"] for row in runs]
    figures, tags = defaultdict(list), defaultdict(list)
    for cell in cells(session, run_ids=ids):
        figures[cell.run_id].append(cell)
    for row in _of_runs(session, "SELECT run_id, name FROM tag", "ORDER BY run_id, name", ids):
        tags[row["run_id"]].append(row["name"])
    findings = _finding_counts(session, ids)
    times = _times(session, ids)
    return [
        _row(
            home(session),
            run,
            times.get(run["id"]),
            figures[run["id"]],
            tags[run["id"]],
            findings.get(run["id"], FindingCounts()),
        )
        for run in runs
    ]


def _of_runs(session: Session, select: str, rest: str, ids: Sequence[int]) -> Sequence[Row]:
    return query(session, f"{select} WHERE run_id IN (SELECT value FROM json_each(:ids)) {rest}", {"ids": listed(ids)})


def _finding_counts(session: Session, ids: Sequence[int]) -> dict[int, FindingCounts]:
    select = "SELECT run_id, severity, code, count(*) AS n FROM finding"
    by_run = defaultdict(list)
    for row in _of_runs(session, select, "GROUP BY run_id, severity, code", ids):
        by_run[row["run_id"]].append(row)
    return {run_id: _counts(rows) for run_id, rows in by_run.items()}


def _counts(rows: Iterable[Row]) -> FindingCounts:
    ranked = sorted(rows, key=lambda row: (SEVERITIES.index(row["severity"]), row["code"]))
    errors, warnings, infos = (sum(row["n"] for row in ranked if row["severity"] == name) for name in SEVERITIES)
    return FindingCounts(errors, warnings, infos, tuple(dict.fromkeys(row["code"] for row in ranked)))


def _times(session: Session, ids: Sequence[int]) -> dict[int, Row]:
    """Working time of each run and the last sign of life of its newest process (SQLite gives the row of the max)."""
    select = f"""SELECT run_id, {worked_s()} AS duration, max(process.id), heartbeat_at, promise_s
        FROM process JOIN run ON run.id = run_id"""
    return {row["run_id"]: row for row in _of_runs(session, select, "GROUP BY run_id", ids)}


def _row(
    place: HomePaths,
    run: Row,
    times: Row | None,
    figures: Sequence[CellRow],
    tags: Sequence[str],
    findings: FindingCounts,
) -> RunRow:
    shared: dict[str, Any] = {
        name: run[name] for name in ("id", "name", "kind", "state", "retriever", "variant", "seed")
    }
    shared |= {name: place.located(run[name]) for name in ("dataset", "vlm", "selector")}
    return RunRow(
        **shared,
        forced=bool(run["forced"]),
        parent=run["parent_id"],
        created=moment(run["created_at"]),
        started=moment_or_none(run["started_at"]),
        ended=moment_or_none(run["ended_at"]),
        deleted=moment_or_none(run["deleted_at"]),
        duration_s=times["duration"] if times else None,
        heartbeat=moment(times["heartbeat_at"]) if times else None,
        promise_s=times["promise_s"] if times else None,
        progress=_progress(run),
        cells=tuple(figures),
        tags=tuple(tags),
        findings=findings,
        waiting=run["waiting"] or "",
    )


def _progress(run: Row) -> ProgressRow | None:
    if run["progress_at"] is None:
        return None
    done, total = run["progress_done"], run["progress_total"]
    seconds = (run["progress_at"] - (run["progress_since"] or run["progress_at"])) / 1e6
    steps = done - run["progress_from"]
    rate = steps / seconds if seconds > 0 and steps > 0 else None
    eta = max(0, total - done) / rate if rate and run["state"] == "running" else None
    return ProgressRow(done, total, run["progress_unit"], run["progress_note"], rate, eta)
