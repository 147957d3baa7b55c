"""Queueing runs: stored with their tickets in one transaction, so that a sweep is there whole or not at all."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from db import store
from db.home import Home
from db.session import DatabaseFile, Session, open_database, reading, writing
from db.specs import Finding, UserError
from leverplus_tui.jobs import launcher
from leverplus_tui.jobs.away import unwish
from leverplus_tui.jobs.dead_jobs import bury_dead
from leverplus_tui.queue.lanes import lanes, refusal
from leverplus_tui.queue.lock import ensure_dispatcher
from leverplus_tui.queue.plan import how_ended


@dataclass(frozen=True)
class Wish:
    """How runs are to wait."""

    priority: int = 0
    memory_mb: int = 0
    needs: tuple[int, ...] = ()
    retries: int = 0
    time_limit_s: int | None = None
    runner: str = ""
    resources: Mapping[str, Any] = field(default_factory=dict)
    """What a job elsewhere asks for beyond memory and time; see `engine.job.elsewhere.places`."""


@dataclass(frozen=True)
class Entry:
    """A run to be queued."""

    spec: Any
    name: str = ""
    findings: Sequence[Finding] = ()
    forced: bool = False
    parent: int | None = None
    waits: frozenset[int] = frozenset()
    """Runs whose output it names, which is looked up and checked when they are done."""
    batch: int | None = None
    settings: dict[str, Any] = field(default_factory=dict)


def submit(home: Home, entries: Iterable[Entry], wish: Wish) -> list[int]:
    """Queue runs and see to it that somebody starts them. Returns their numbers. Raises UserError."""
    entries = list(entries)
    must_fit((entry.spec for entry in entries), wish)
    database = open_database(home.database)
    with writing(database) as session:
        run_ids = [enter(session, entry, wish) for entry in entries]
    ensure_dispatcher(home, database)
    return run_ids


def must_fit(specs: Iterable[Any], wish: Wish) -> None:
    """UserError for a run that declares more memory than any device has that it may be given here: it would wait for ever."""
    if not wish.memory_mb or wish.runner:
        return
    known = lanes()
    for device in dict.fromkeys(_device(spec) for spec in specs):
        if why := refusal(device, wish.memory_mb, known):
            raise UserError(why)


def _device(spec: Any) -> str:
    return str(getattr(spec, "device", "cpu"))


def enter(session: Session, entry: Entry, wish: Wish) -> int:
    """Store one run with its ticket, in the caller's transaction."""
    surroundings: dict[str, Any] = {"argv": sys.argv, "queued_in": _folder()}
    if entry.waits:
        surroundings["checked_later"] = True
    if wish.resources:
        surroundings["resources"] = dict(wish.resources)
    run = store.create_run(
        session, spec=entry.spec, name=entry.name, forced=entry.forced, environment=surroundings, parent=entry.parent
    )
    assert run.id is not None, "a stored run has a key"
    store.add_rows(session, run_id=run.id, process_id=None, rows=list(entry.findings))
    store.enqueue(
        session,
        run_id=run.id,
        device=_device(entry.spec),
        priority=wish.priority,
        memory_mb=wish.memory_mb,
        needs=sorted({*wish.needs, *entry.waits}),
        retries=wish.retries,
        time_limit_s=wish.time_limit_s,
        runner=wish.runner,
        batch=entry.batch,
    )
    return run.id


def tend(home: Home, database: DatabaseFile) -> None:
    """What every command that looks at runs does first: end what is dead, and replace a dispatcher that is gone.

    A home that cannot be written can still be looked at.
    """
    bury_dead(database)
    with suppress(OSError):
        ensure_dispatcher(home, database)


def requeue(home: Home, run_id: int, wish: Wish) -> None:
    """Put an ended run back into the queue; what is stored is not computed again. Raises StateConflict, UserError."""
    database = open_database(home.database)
    if wish.memory_mb:
        with reading(database) as session:
            spec = store.spec_of(session, run=store.get_run(session, run_id=run_id))
            ticket = store.ticket_of(session, run_id=run_id)
        must_fit([spec], replace(wish, runner=wish.runner or (ticket.runner if ticket else "")))
    unwish(home, run_id)
    with writing(database) as session:
        store.lost_runs(session)
        run = store.resume_run(session, run_id=run_id)
        if wish.resources:
            kept = json.loads(run.environment)
            kept["resources"] = {**kept.get("resources", {}), **wish.resources}
            store.set_environment(session, run_id=run_id, environment=kept)
        device = _device(store.spec_of(session, run=run))
        before = store.ticket_of(session, run_id=run_id)
        store.enqueue(
            session,
            run_id=run_id,
            device=device,
            priority=wish.priority,
            memory_mb=wish.memory_mb or (before.memory_mb if before else 0),
            needs=wish.needs or (before.needs if before else ()),
            retries=wish.retries,
            time_limit_s=wish.time_limit_s or (before.time_limit_s if before and before.runner else None),
            runner=wish.runner or (before.runner if before else ""),
            batch=before.batch if before else None,
        )
    ensure_dispatcher(home, database)


def runner_of(home: Home, run_id: int) -> str:
    """Where a run was sent; empty for one of this machine."""
    with reading(open_database(home.database)) as session:
        ticket = store.ticket_of(session, run_id=run_id)
    return ticket.runner if ticket else ""


def behind(home: Home, run_id: int) -> Wish:
    """For a run that starts when another is done: the same place, and what that was given there."""
    with reading(open_database(home.database)) as session:
        ticket = store.ticket_of(session, run_id=run_id)
        resources = json.loads(store.get_run(session, run_id=run_id).environment).get("resources", {})
    if ticket is None or not ticket.runner:
        return Wish(needs=(run_id,))
    return Wish(
        memory_mb=ticket.memory_mb,
        needs=(run_id,),
        time_limit_s=ticket.time_limit_s,
        runner=ticket.runner,
        resources=resources,
    )


AS_BEFORE = Wish()


def go_on(home: Home, run_id: int, *, queued: bool = False, here: bool = False, wish: Wish = AS_BEFORE) -> str:
    """Go on with an ended run where it was, or `here`, at once or `queued`; a wish is one for the queue. Returns why it waits
    there though nobody asked for that.

    Raises StateConflict, UserError.
    """
    with reading(open_database(home.database)) as session:
        detail = store.run_detail(session, run_id=run_id)
    later = bool(detail.environment.get("checked_later")) and not detail.processes
    if queued or later or wish != AS_BEFORE or (runner_of(home, run_id) and not here):
        requeue(home, run_id, wish)
    else:
        launcher.resume(home, run_id)
        ensure_dispatcher(home, open_database(home.database))  # others may wait for it
    if later and not queued:
        return f"r{run_id} names runs whose files are looked up when it starts, so it waits for its turn in the queue"
    return ""


def needed(home: Home, names: Sequence[str]) -> tuple[int, ...]:
    """Runs that are to be waited for. Raises UserError for one that is not there, or will never be done by itself."""
    if not names:
        return ()
    with reading(open_database(home.database)) as session:
        runs = [store.find_run(session, name) for name in names]
    for run in runs:
        if run.state in store.UNFINISHED:
            name = store.ref(run.id or 0)
            raise UserError(f"--after {name}: it {how_ended(run.state)}; `leverplus resume {name}` goes on with it")
    return tuple(run.id for run in runs if run.id is not None)


def _folder() -> str:
    try:
        return str(Path.cwd())
    except OSError:
        return ""
