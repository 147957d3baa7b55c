"""Starts, stops and resumes job processes. A job has a session of its own and outlives the terminal that started it."""

from __future__ import annotations

import errno
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from db import process, store
from db.home import Home
from db.run_states import ACTIVE, FAILED
from db.session import DatabaseFile, Session, open_database, writing
from db.specs import Finding, JobSpec, UserError
from db.specs.imported import ImportSpec
from db.store import ProcessRow
from engine.common.files.atomic import make_folder
from leverplus_tui.jobs.away import ask, is_away, must_not_be_away, stop_away
from leverplus_tui.jobs.programs import Program, command
from leverplus_tui.jobs.spawning import reap, stop_held_back
from leverplus_tui.jobs.spawning import spawn as spawn
from leverplus_tui.text.output import say

WORKER = tuple(command(Program.JOB))
PATIENCE_S = 20.0
PASSING = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE)
"""What keeps a process from being started now, and perhaps not later."""
LOOK_S = 0.05


def launch(
    home: Home,
    spec: JobSpec | ImportSpec,
    *,
    name: str = "",
    forced: bool = False,
    parent: int | None = None,
    findings: Sequence[Finding] = (),
) -> int:
    """Store a queued run with what preflight found, and start its job process. Returns the run's number.

    Ctrl-C is held back until both are done, and says then that the job goes on.
    """
    database = open_database(home.database)
    run_id = 0
    try:
        with stop_held_back():
            with writing(database) as session:
                run = store.create_run(
                    session,
                    spec=cast(Any, spec),
                    name=name,
                    forced=forced,
                    environment={"argv": sys.argv},
                    parent=parent,
                )
                assert run.id is not None, "a stored run has a key"
                store.add_rows(session, run_id=run.id, process_id=None, rows=list(findings))
                run_id = run.id
            start(home, database, run_id)
    except KeyboardInterrupt:
        if run_id:
            say(goes_on(run_id))
        raise
    return run_id


def goes_on(run_id: int) -> str:
    """What is said when somebody turns away from a job."""
    name = store.ref(run_id)
    return f"\n{name} goes on by itself; `leverplus logs {name} -f` follows it, `leverplus stop {name}` stops it"


def start(
    home: Home,
    database: DatabaseFile,
    *run_ids: int,
    folder: Path | None = None,
    environment: Mapping[str, str] = {},
    waits: bool = False,
) -> None:
    """Start one job process for queued runs (several where they train together) and record it.

    The runs end as failed when no process can be started; where that `waits`, they stay queued while the machine has no room,
    memory or process to spare (OSError), and fail for other reasons alone.
    """
    log = home.log(run_ids[0])
    argv = [*WORKER, "--home", str(home.root), *map(store.ref, run_ids)]

    def begin() -> int:
        for run_id in run_ids[1:]:
            _same_log(home.log(run_id), log)
        return spawn(argv, log, folder=folder, environment=environment).pid

    _started(home, database, run_ids, argv, begin, waits=waits)


def collect(home: Home, database: DatabaseFile, *run_ids: int, folder: Path | None = None, waits: bool = False) -> None:
    """Start one collector for queued runs that another machine is to work on, and record it as theirs. `waits` as in `start`.

    Each has a log of its own; what the collector says of all stands in `elsewhere.log` of the home.
    """
    argv = [*command(Program.COLLECTOR), "--home", str(home.root), *map(store.ref, run_ids)]
    log = home.root / "elsewhere.log"
    _started(home, database, run_ids, argv, lambda: spawn(argv, log, folder=folder).pid, waits=waits)


def _started(
    home: Home,
    database: DatabaseFile,
    run_ids: Sequence[int],
    argv: Sequence[str],
    begin: Callable[[], int],
    *,
    waits: bool,
) -> None:
    try:
        pid = begin()
    except OSError as error:
        if waits and error.errno in PASSING:
            raise
        with writing(database) as session:
            for run_id in run_ids:
                store.set_state(session, run_id=run_id, state="failed")
        raise UserError(f"{store.ref(run_ids[0])} could not be started: {error}") from error
    began = process.pid_start(pid)
    with writing(database) as session:
        for run_id in run_ids:
            store.start_process(
                session,
                run_id=run_id,
                pid=pid,
                pid_start=began,
                boot_id=process.boot_id(),
                host=process.host(),
                argv=argv,
                log_path=str(home.log(run_id)),
            )


def _same_log(path: Path, log: Path) -> None:
    """Runs of one process write to one log; one that has a log already is told where it goes on."""
    make_folder(path.parent)
    if not os.path.lexists(path):
        path.symlink_to(Path("..") / log.parent.name / log.name)
    elif not path.is_symlink():
        with path.open("a") as file:
            file.write(f"goes on in {log}\n")


def stop(home: Home, run_id: int, *, patience_s: float = PATIENCE_S) -> str:
    """Ask the job to stop (SIGTERM to its group), wait, then kill it. Returns the state that the run ended in.

    Raises UserError when the job runs where it cannot be reached from here.
    """
    database = open_database(home.database)
    if is_away(database, home, run_id):
        return stop_away(database, home, run_id, lambda one: collect(home, database, one))
    row = _running(database, run_id)
    if row is None:
        return _settle(database, run_id)
    try:
        signal_job(row, signal.SIGTERM)
        _await_end(row, patience_s)
    except KeyboardInterrupt:
        signal_job(row, signal.SIGKILL)  # asked a second time: no more patience
        _await_end(row, patience_s)
        return _settle(database, run_id, row)
    if store.is_alive(row):
        signal_job(row, signal.SIGKILL)
        _await_end(row, patience_s)
    return _settle(database, run_id, row)


def stop_all(home: Home, run_ids: Sequence[int]) -> dict[int, str]:
    """Stop several runs; those that are elsewhere are all asked before one is waited for."""
    database = open_database(home.database)
    for run_id in run_ids:
        if is_away(database, home, run_id):
            ask(home, run_id)
    return {run_id: stop(home, run_id) for run_id in run_ids}


def must_lack_something(session: Session, run_id: int) -> None:
    """Raises UserError for a run without anything left to do."""
    run = store.get_run(session, run_id=run_id)
    if run.state == "done" and run.kind != "ask" and not store.unanswered(session, run_id=run_id):
        raise UserError(
            f"r{run_id} is done and has an answer to every question: `leverplus rerun r{run_id}` repeats it as a new run"
        )


def resume(home: Home, run_id: int) -> None:
    """Start another process for a run that was stopped, failed or was lost, or is done but for questions that could not be
    asked; what is stored is not computed again. Raises UserError for a run without anything left to do."""
    must_not_be_away(home, [run_id], "gone on with here")
    database = open_database(home.database)
    with writing(database) as session:
        store.lost_runs(session)
        must_lack_something(session, run_id)
        store.resume_run(session, run_id=run_id)
        store.drop_ticket(session, run_id=run_id)
    start(home, database, run_id)


def _running(database: DatabaseFile, run_id: int) -> ProcessRow | None:
    with writing(database) as session:
        store.lost_runs(session)
        store.get_run(session, run_id=run_id)
        rows = store.processes(session, run_id=run_id)
    row = rows[-1] if rows else None
    if row is None or row.ended is not None or not store.is_alive(row):
        return None
    if process.pid_start(row.pid) != row.pid_start or row.host != process.host():
        raise UserError(f"r{run_id} runs as process {row.pid} on {row.host or 'another machine'}: stop it there")
    return row


def signal_job(row: ProcessRow, number: signal.Signals) -> None:
    """To the whole group: a job may have helpers of its own. The process is compared once more, for pids are reused."""
    if process.pid_start(row.pid) == row.pid_start:
        try:
            os.killpg(row.pid, number)
        except ProcessLookupError:
            return
        except PermissionError as error:
            raise UserError(f"process {row.pid} belongs to another user: only that user can stop it") from error


def end_now(database: DatabaseFile, row: ProcessRow, reason: str) -> None:
    """Kill a job and say why; what it stored stays."""
    signal_job(row, signal.SIGKILL)
    with writing(database) as session:
        if store.get_run(session, run_id=row.run_id).state in ACTIVE:
            store.end_process(session, process_id=row.id, state="stopped", exit_code=None, reason=reason)


def _await_end(row: ProcessRow, patience_s: float) -> None:
    deadline = time.monotonic() + patience_s
    while store.is_alive(row) and time.monotonic() < deadline:
        time.sleep(LOOK_S)
    reap()


def _settle(database: DatabaseFile, run_id: int, row: ProcessRow | None = None) -> str:
    """The state once the process is gone; a run that could not say so itself was stopped by us."""
    with writing(database) as session:
        state = store.get_run(session, run_id=run_id).state
        if row is not None and state in ACTIVE:
            store.end_process(session, process_id=row.id, state="stopped", exit_code=None, reason="killed on request")
        elif state == "queued":
            store.set_state(session, run_id=run_id, state="stopped")
        elif state in FAILED:
            store.give_up(session, run_id=run_id)
        return store.get_run(session, run_id=run_id).state


def log_tail(path: Path, lines: int = 20) -> list[str]:
    """The last lines of a log, read from its end."""
    try:
        with path.open("rb") as log:
            log.seek(max(0, path.stat().st_size - 64_000))
            return log.read().decode("utf-8", "replace").splitlines()[-lines:]
    except OSError:
        return []
