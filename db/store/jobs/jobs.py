"""The operating-system processes behind runs: begun, heard of, ended, and found dead."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from sqlite3 import Row

from db import process
from db.connection import Session
from db.run_states import ACTIVE, ENDED
from db.specs.movable import HomePaths
from db.store.base import execute, home, insert, moment, moment_or_none, now, query, ref, update
from db.store.jobs.runs import StateConflict, get_run, move
from db.store.jobs.trials import let_go

PROMISE_S = 60
"""Longest silence that a process announces unless it says otherwise, in seconds."""


@dataclass(frozen=True)
class ProcessRow:
    """One process as stored; whether it still runs is for `db.process.alive` to say."""

    id: int
    run_id: int
    state: str
    pid: int
    pid_start: str
    boot_id: str
    host: str
    argv: tuple[str, ...]
    log_path: str
    started: datetime
    heartbeat: datetime
    promise_s: int
    ended: datetime | None
    exit_code: int | None
    reason: str


def is_alive(row: ProcessRow) -> bool:
    """Whether this very process runs, as far as it can be told from here."""
    return process.alive(row.pid, row.pid_start, row.boot_id, row.host)


def start_process(
    session: Session,
    *,
    run_id: int,
    pid: int,
    pid_start: str,
    boot_id: str,
    host: str,
    argv: Sequence[str],
    log_path: str,
    promise_s: int = PROMISE_S,
) -> ProcessRow:
    """Record that a process works on a run. Launcher and worker may both say so: the same process is one row.

    Raises StateConflict when another living process has the run.
    """
    get_run(session, run_id=run_id)
    for row in reversed(processes(session, run_id=run_id)):
        # A job that ended at once has no start time any more when its launcher looks, but has said who it was.
        if (row.pid, row.boot_id, row.host) == (pid, boot_id, host) and pid_start in ("", row.pid_start):
            return row
        if row.ended is None and is_alive(row):
            raise StateConflict(f"{ref(run_id)} is already worked on by process {row.pid} on {row.host}: stop it first")
    time = now()
    started = {
        "run_id": run_id, "state": "running", "pid": pid, "pid_start": pid_start, "boot_id": boot_id, "host": host,
        "argv": json.dumps(list(argv)), "log_path": home(session).stored(log_path), "started_at": time, "heartbeat_at": time,
        "promise_s": promise_s, "reason": "",
    }  # fmt: skip
    process_id = insert(session, "process", started)
    update(session, "run", run_id, progress_since=None)
    return _get(session, process_id)


def heartbeat(session: Session, *, process_id: int, promise_s: int = PROMISE_S) -> None:
    """The process is alive and will be heard of again within `promise_s` seconds. A run given up as lost by mistake runs again."""
    row = _get(session, process_id)
    update(session, "process", process_id, heartbeat_at=now(), promise_s=promise_s)
    if row.state == "lost":
        update(session, "process", process_id, state="running", reason="", ended_at=None)
        if get_run(session, run_id=row.run_id).state == "lost" and _is_newest(session, row):
            move(session, run_id=row.run_id, state="running")


def end_process(session: Session, *, process_id: int, state: str, exit_code: int | None, reason: str = "") -> None:
    """The process has ended; its run ends with it, in the same state, unless another process has taken the run over.

    A run that was given up as lost takes what its own process says in the end.
    """
    assert state in ENDED, f"{state} is no end"
    ended, time = _get(session, process_id), now()
    update(
        session, "process", process_id,
        state=state, exit_code=exit_code, reason=reason, ended_at=time, heartbeat_at=time,
    )  # fmt: skip
    let_go(session, process_id=process_id)
    if _is_newest(session, ended) and get_run(session, run_id=ended.run_id).state in (*ACTIVE, "lost"):
        move(session, run_id=ended.run_id, state=state)


def processes(session: Session, *, run_id: int) -> list[ProcessRow]:
    """All processes of a run, oldest first."""
    found = query(session, "SELECT * FROM process WHERE run_id = :id ORDER BY id", {"id": run_id})
    return [_row(row, home(session)) for row in found]


def active_processes(session: Session) -> list[ProcessRow]:
    """The newest process of each queued or running run that has one."""
    sql = f"""
        SELECT process.* FROM run JOIN process ON process.id = (SELECT max(id) FROM process WHERE run_id = run.id)
        WHERE run.state IN {ACTIVE} ORDER BY process.id
    """
    return [_row(row, home(session)) for row in query(session, sql)]


def lost_runs(session: Session, *, alive: Callable[[ProcessRow], bool] = is_alive) -> list[int]:
    """Mark as lost the queued and running runs whose process is dead; their ids. Needs a writing session.

    A queued run without any process waits to be launched and is left alone.
    """
    lost = []
    for row in active_processes(session):
        waiting_again = row.ended is not None and get_run(session, run_id=row.run_id).state == "queued"
        if waiting_again or (row.ended is None and alive(row)):
            continue
        if row.ended is None:
            _mark_lost(session, row)
        move(session, run_id=row.run_id, state="lost")
        lost.append(row.run_id)
    return lost


def _mark_lost(session: Session, row: ProcessRow) -> None:
    """It was last heard of at its last heartbeat; nothing later is known."""
    execute(
        session,
        "UPDATE process SET state = 'lost', ended_at = heartbeat_at, reason = :reason WHERE id = :id",
        {"reason": _why_lost(row), "id": row.id},
    )
    let_go(session, process_id=row.id)


def _why_lost(row: ProcessRow) -> str:
    """As far as it can be told afterwards."""
    boot, here = row.boot_id.split("/")[0], process.boot_id().split("/")[0]
    if boot and here and boot != here:
        return f"the machine was restarted while process {row.pid} worked"
    return f"process {row.pid} is gone without a word: it was killed, perhaps because memory ran out"


def _get(session: Session, process_id: int) -> ProcessRow:
    found = query(session, "SELECT * FROM process WHERE id = :id", {"id": process_id})
    assert found, f"there is no process row {process_id}"
    return _row(found[0], home(session))


def _is_newest(session: Session, row: ProcessRow) -> bool:
    """False once a resume has put another process on the run."""
    return processes(session, run_id=row.run_id)[-1].id == row.id


def _row(row: Row, place: HomePaths) -> ProcessRow:
    return ProcessRow(
        id=row["id"], run_id=row["run_id"], state=row["state"], pid=row["pid"], pid_start=row["pid_start"],
        boot_id=row["boot_id"], host=row["host"], argv=tuple(json.loads(row["argv"])), log_path=place.located(row["log_path"]),
        started=moment(row["started_at"]), heartbeat=moment(row["heartbeat_at"]), promise_s=row["promise_s"],
        ended=moment_or_none(row["ended_at"]), exit_code=row["exit_code"], reason=row["reason"],
    )  # fmt: skip
