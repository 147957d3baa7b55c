"""Stopping runs that other machines work on: people's wishes go through the run's folder to whoever collects its rows."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from db import store
from db.home import Home
from db.run_states import ACTIVE, UNFINISHED
from db.session import DatabaseFile, Session, reading, writing
from db.specs import UserError
from engine.common.sent import KILL, STOP, WISH, sent, wish
from leverplus_tui.jobs.programs import Program

NICELY_S, AT_ALL_S = 90.0, 60.0
"""How long a stop, and then a kill, is waited for: a queue answers every few seconds, a network disk after a minute."""
LOOK_S = 0.2


def is_away(database: DatabaseFile, home: Home, run_id: int) -> bool:
    """Whether some queue elsewhere has the run, or a collector is about to hand it in."""
    with reading(database) as session:
        state = store.get_run(session, run_id=run_id).state
        rows = store.processes(session, run_id=run_id)
    return state != "done" and (
        sent(home.run_dir(run_id)) is not None
        or (state in ACTIVE and bool(rows) and rows[-1].ended is None and collects(rows[-1]))
    )


def uncollected(session: Session, home: Home) -> list[store.TicketRow]:
    """Runs that another machine goes on with, while whoever collected their rows is gone."""
    return [one for one in store.left_elsewhere(session) if sent(home.run_dir(one.run_id)) is not None]


def wants_dispatcher(session: Session, home: Home) -> bool:
    """Whether runs wait here, or are elsewhere with nobody to collect their rows. Costs two questions where nothing waits."""
    return bool(uncollected(session, home) or store.tickets(session))


def goes_on(home: Home, run_id: int, state: str) -> bool:
    """Whether another machine works on a run that counts as lost because nobody collects its rows at the moment."""
    return state == "lost" and sent(home.run_dir(run_id)) is not None


def must_not_be_away(home: Home, run_ids: Sequence[int], what: str) -> None:
    """UserError for a run whose job is in a queue elsewhere, where nobody would end it any more; `what` was to be done."""
    for run_id in run_ids:
        if (job := sent(home.run_dir(run_id))) is not None:
            name = store.ref(run_id)
            raise UserError(
                f"{name} cannot be {what}: job {job.job} on {job.place} works on it; `leverplus stop {name}` ends that first"
            )


def collects(row: store.ProcessRow) -> bool:
    """Whether a process answers here for a run that another machine works on."""
    file = f"{Program.COLLECTOR.replace('.', '/')}.py"  # as the process itself sees how it was started
    return any(word == Program.COLLECTOR or word.endswith(file) for word in row.argv)


def ask(home: Home, run_id: int) -> None:
    """Ask for a nice stop, and wait for nothing."""
    wish(home.run_dir(run_id), STOP)


def stop_away(database: DatabaseFile, home: Home, run_id: int, collect: Callable[[int], None]) -> str:
    """Stop a run nicely, then kill its job; the state it ended in. Where nobody collects its rows, `collect` starts somebody."""
    ask(home, run_id)
    with writing(database) as session:
        store.lost_runs(session)
        if store.get_run(session, run_id=run_id).state in UNFINISHED:
            store.resume_run(session, run_id=run_id)
            alone = True
        else:
            alone = False
    if alone:
        collect(run_id)
    try:
        _await_end(database, run_id, NICELY_S)
    finally:  # asked a second time, or without an answer: no more patience
        if _state(database, run_id) in ACTIVE:
            wish(home.run_dir(run_id), KILL)
            _await_end(database, run_id, AT_ALL_S)
    return _state(database, run_id)


def unwish(home: Home, run_id: int) -> None:
    """Forget what was asked of an earlier process of the run."""
    (home.run_dir(run_id) / WISH).unlink(missing_ok=True)


def _state(database: DatabaseFile, run_id: int) -> str:
    with reading(database) as session:
        return store.get_run(session, run_id=run_id).state


def _await_end(database: DatabaseFile, run_id: int, patience_s: float) -> None:
    deadline = time.monotonic() + patience_s
    while _state(database, run_id) in ACTIVE and time.monotonic() < deadline:
        time.sleep(LOOK_S)
