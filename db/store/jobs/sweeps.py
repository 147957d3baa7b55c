"""Sweeps: runs of one kind that differ in a few settings, kept together."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from db import specs
from db.connection import Session
from db.store.base import execute_many, home, moment, now, query, update
from db.store.jobs.runs import Run, listed_fields, one_line, stored_spec
from db.user_error import UserError


@dataclass(frozen=True)
class SweepRow:
    """A sweep with its runs, in the order in which they were asked for."""

    id: int
    name: str
    kind: str
    axes: dict[str, list[Any]]
    """What is varied: dotted field -> values."""
    created: datetime
    members: dict[int, dict[str, Any]]
    """Run -> its settings; runs in the trash are left out."""

    @property
    def ref(self) -> str:
        """`s3`."""
        return f"s{self.id}"


def create_sweep(
    session: Session,
    *,
    name: str,
    kind: str,
    axes: Mapping[str, Sequence[Any]],
    members: Mapping[int, Mapping[str, Any]],
) -> int:
    """Keep runs together as a sweep; its number."""
    sql = "INSERT INTO sweep (name, kind, axes, created_at) VALUES (:name, :kind, :axes, :now) RETURNING id"
    values = {
        "name": one_line(name),
        "kind": kind,
        "axes": json.dumps({k: list(v) for k, v in axes.items()}),
        "now": now(),
    }
    sweep_id = int(query(session, sql, values)[0]["id"])
    execute_many(
        session,
        "INSERT INTO sweep_member (run_id, sweep_id, place, settings) VALUES (?, ?, ?, ?)",
        [(run, sweep_id, place, json.dumps(dict(one))) for place, (run, one) in enumerate(members.items())],
    )
    return sweep_id


def list_sweeps(session: Session) -> list[SweepRow]:
    """All sweeps that have runs, newest first."""
    found = query(session, "SELECT id FROM sweep ORDER BY id DESC")
    rows = [get_sweep(session, sweep_id=row["id"]) for row in found]
    return [row for row in rows if row.members]


def get_sweep(session: Session, *, sweep_id: int) -> SweepRow:
    """One sweep. Raises UserError where there is none of this number."""
    found = query(session, "SELECT * FROM sweep WHERE id = :id", {"id": sweep_id})
    if not found:
        raise UserError(f"there is no sweep s{sweep_id}: `leverplus sweep list` lists those that exist")
    sql = """SELECT run_id, settings FROM sweep_member JOIN run ON run.id = run_id
        WHERE sweep_id = :id AND run.deleted_at IS NULL ORDER BY place"""
    members = {row["run_id"]: json.loads(row["settings"]) for row in query(session, sql, {"id": sweep_id})}
    row = found[0]
    return SweepRow(row["id"], row["name"], row["kind"], json.loads(row["axes"]), moment(row["created_at"]), members)


def find_sweep(session: Session, text: str) -> SweepRow:
    """The sweep meant by `s3`, `3` or a name that only one sweep has."""
    digits = text.strip().lower().removeprefix("s")
    if digits.isascii() and digits.isdigit() and len(digits) < 19:
        return get_sweep(session, sweep_id=int(digits))
    named = query(session, "SELECT id FROM sweep WHERE name = :name ORDER BY id", {"name": text})
    if len(named) == 1:
        return get_sweep(session, sweep_id=named[0]["id"])
    some = (
        f"{len(named)} sweeps are called '{text}': give the number of one" if named else f"there is no sweep '{text}'"
    )
    raise UserError(f"{some}: `leverplus sweep list` lists those that exist")


def sweep_of(session: Session, *, run_id: int) -> int | None:
    """The sweep that a run belongs to."""
    found = query(session, "SELECT sweep_id FROM sweep_member WHERE run_id = :run", {"run": run_id})
    return found[0]["sweep_id"] if found else None


def settle_spec(session: Session, *, run: Run, spec: specs.AnySpec) -> None:
    """Put what names stood for in their place: a run that waited named what another one was still to write."""
    text, sha = stored_spec(session, spec)
    update(session, "run", run.id, spec=text, spec_sha=sha, **home(session).stored_values(listed_fields(spec)))


@dataclass(frozen=True)
class Pace:
    """How long a run took that was like another."""

    seconds: float
    units: int
    spec: dict[str, Any]


def paces(session: Session, *, kind: str, limit: int = 20) -> list[Pace]:
    """Durations of the newest done runs of a kind."""
    sql = """
        SELECT run.spec AS spec, run.progress_total AS units,
            sum(coalesce(process.ended_at, process.heartbeat_at) - process.started_at) / 1e6 AS seconds
        FROM run JOIN process ON process.run_id = run.id
        WHERE run.kind = :kind AND run.state = 'done' GROUP BY run.id ORDER BY run.id DESC LIMIT :limit
    """
    found = query(session, sql, {"kind": kind, "limit": limit})
    return [Pace(row["seconds"], row["units"], home(session).located_values(json.loads(row["spec"]))) for row in found]
