"""The queue: which runs wait for a device, in which order, for what, and how often they are tried again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from sqlite3 import Row

from db.connection import Session
from db.run_states import ACTIVE, FAILED, UNFINISHED
from db.store.base import execute, execute_many, listed, now, query, ref
from db.store.jobs.runs import get_run, move, resume_run
from db.user_error import UserError

NO_RETRY = (2, 3)
"""Exit codes after which the same run would fail again: wrong input, and blocked by preflight."""


@dataclass(frozen=True)
class TicketRow:
    """A run in the queue, waiting or running, or failed with a retry left."""

    run_id: int
    name: str
    kind: str
    state: str
    priority: int
    place: int
    device: str
    memory_mb: int
    needs: tuple[int, ...]
    retries: int
    tried: int
    time_limit_s: int | None
    paused: bool
    not_before: int
    runner: str
    lane: str
    batch: int | None
    waiting: str

    @property
    def lanes(self) -> tuple[str, ...]:
        """The devices that it was given."""
        return tuple(self.lane.split(",")) if self.lane else ()


def enqueue(
    session: Session,
    *,
    run_id: int,
    device: str,
    priority: int = 0,
    memory_mb: int = 0,
    needs: Sequence[int] = (),
    retries: int = 0,
    time_limit_s: int | None = None,
    runner: str = "",
    batch: int | None = None,
) -> None:
    """Put a queued run behind all others of its priority. Raises UserError for a run that would wait for itself."""
    circle = _needed_by(session, needs)
    if run_id in circle:
        raise UserError(f"{ref(run_id)} cannot wait for {', '.join(map(ref, needs))}, which waits for {ref(run_id)}")
    values = (
        run_id,
        priority,
        now(),
        device,
        memory_mb,
        json.dumps(sorted(set(needs))),
        retries,
        time_limit_s,
        runner,
        batch,
    )
    execute_many(
        session,
        """INSERT OR REPLACE INTO ticket (run_id, priority, place, device, memory_mb, needs, retries, tried, time_limit_s,
            paused, not_before, runner, lane, batch, waiting) VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?, 0, 0, ?, '', ?, '')""",
        [values],
    )


def tickets(session: Session) -> list[TicketRow]:
    """Runs in the queue: those that wait in the order in which they are to start, those that run, those with a retry left."""
    sql = f"""
        SELECT ticket.*, run.name, run.kind, run.state FROM ticket JOIN run ON run.id = ticket.run_id
        WHERE run.deleted_at IS NULL AND (run.state IN {ACTIVE} OR (run.state IN {FAILED} AND tried < retries AND
            coalesce((SELECT exit_code FROM process WHERE run_id = run.id ORDER BY id DESC LIMIT 1), 1) NOT IN {NO_RETRY}))
        ORDER BY priority DESC, place, run_id
    """
    return [_row(row) for row in query(session, sql)]


def unfinished_tickets(session: Session, *, limit: int) -> list[TicketRow]:
    """Runs that left the queue before they were done, those that ended last first: they can be queued again."""
    sql = f"""
        SELECT ticket.*, run.name, run.kind, run.state FROM ticket JOIN run ON run.id = ticket.run_id
        WHERE run.deleted_at IS NULL AND run.state IN {UNFINISHED} ORDER BY run.ended_at DESC, run_id DESC LIMIT :limit
    """
    return [_row(row) for row in query(session, sql, {"limit": limit})]


def at_once(session: Session, *, run_id: int) -> None:
    """Let a waiting run go on now: no pause before its next try, and not held back."""
    _waiting(session, run_id)
    execute(session, "UPDATE ticket SET paused = 0, not_before = 0, waiting = '' WHERE run_id = :run", {"run": run_id})


def left_elsewhere(session: Session) -> list[TicketRow]:
    """Runs of another machine that were given up as lost here; whether that is true, the run's folder says."""
    sql = """SELECT ticket.*, run.name, run.kind, run.state FROM ticket JOIN run ON run.id = ticket.run_id
        WHERE run.deleted_at IS NULL AND run.state = 'lost' AND ticket.runner <> ''"""
    return [_row(row) for row in query(session, sql)]


def runners(session: Session) -> list[str]:
    """Other places that runs were sent to, the newest first."""
    sql = "SELECT runner FROM ticket WHERE runner <> '' GROUP BY runner ORDER BY max(run_id) DESC"
    return [str(row["runner"]) for row in query(session, sql)]


def ticket_of(session: Session, *, run_id: int) -> TicketRow | None:
    """The ticket of a run, whatever its state; None for one that was never queued."""
    sql = """SELECT ticket.*, run.name, run.kind, run.state FROM ticket JOIN run ON run.id = ticket.run_id
        WHERE run_id = :run"""
    return next((_row(row) for row in query(session, sql, {"run": run_id})), None)


def drop_ticket(session: Session, *, run_id: int) -> None:
    """Take a run out of the queue, because somebody starts it at once."""
    execute(session, "DELETE FROM ticket WHERE run_id = :run", {"run": run_id})


def pause(session: Session, *, run_ids: Sequence[int], paused: bool = True) -> None:
    """Hold waiting runs back, or let them go on. Raises UserError for one that does not wait, or was given a device already."""
    for run_id in run_ids:
        name, ticket = ref(run_id), _waiting(session, run_id)
        if paused and ticket.lane:
            raise UserError(f"{name} was just given to {ticket.lane} and starts: `leverplus stop {name}` stops it")
    execute(
        session,
        "UPDATE ticket SET paused = :paused, waiting = '' WHERE run_id IN (SELECT value FROM json_each(:ids))",
        {"paused": paused, "ids": listed(run_ids)},
    )


def prioritise(session: Session, *, run_id: int, priority: int) -> None:
    """Higher priorities start first."""
    _waiting(session, run_id)
    execute(session, "UPDATE ticket SET priority = :p WHERE run_id = :run", {"p": priority, "run": run_id})


def move_before(session: Session, *, run_id: int, other: int | None) -> None:
    """Put a waiting run right before another one, whose priority it takes; before all where there is no other."""
    ticket = _waiting(session, run_id)
    line = [row for row in tickets(session) if row.state == "queued" and row.run_id != run_id]
    if other is not None:
        _waiting(session, other)
    at = next((i for i, row in enumerate(line) if row.run_id == other), 0)
    priority = line[at].priority if line else ticket.priority
    same = [row for row in line if row.priority == priority]
    inside = next(
        (i for i, row in enumerate(same) if row.run_id == (other if other is not None else same[0].run_id)), 0
    )
    places = sorted([row.place for row in same] + [ticket.place])
    order = [*(row.run_id for row in same[:inside]), run_id, *(row.run_id for row in same[inside:])]
    places = list(accumulate(places, lambda before, place: max(place, before + 1)))
    execute_many(
        session,
        "UPDATE ticket SET place = ?, priority = ? WHERE run_id = ?",
        [(place, priority, one) for place, one in zip(places, order, strict=True)],
    )


def grant(session: Session, *, run_ids: Sequence[int], lane: str) -> None:
    """Give runs that wait the devices that they will start on."""
    execute_many(
        session, "UPDATE ticket SET lane = ?, waiting = '' WHERE run_id = ?", [(lane, run_id) for run_id in run_ids]
    )


def say_waiting(session: Session, *, reasons: Mapping[int, str]) -> None:
    """Write what runs wait for, and take back devices that were given to one that never started."""
    execute_many(
        session,
        "UPDATE ticket SET waiting = ?, lane = '' WHERE run_id = ?",
        [(reason, run_id) for run_id, reason in reasons.items()],
    )


def say_elsewhere(
    session: Session, *, run_id: int, process_id: int, state: str, waiting: str, first: bool = False
) -> None:
    """Where a run stands that another machine works on: `queued` there, also again, or `running`. What it waited before its
    process `first` worked is no part of that one's time."""
    assert state in ACTIVE, f"{state} is an end"
    if get_run(session, run_id=run_id).state != state:
        move(session, run_id=run_id, state=state)
    execute(session, "UPDATE ticket SET waiting = :text WHERE run_id = :run", {"text": waiting, "run": run_id})
    if first:
        execute(session, "UPDATE process SET started_at = :now WHERE id = :id", {"now": now(), "id": process_id})


def try_again(session: Session, *, run_id: int, not_before: int) -> None:
    """Queue a failed or lost run again, to start at `not_before` (UTC microseconds) at the earliest."""
    resume_run(session, run_id=run_id)
    execute(
        session,
        "UPDATE ticket SET tried = tried + 1, not_before = :time, lane = '' WHERE run_id = :run",
        {"time": not_before, "run": run_id},
    )


def give_up(session: Session, *, run_id: int) -> None:
    """Do not try a failed run again."""
    execute(session, "UPDATE ticket SET retries = tried WHERE run_id = :run", {"run": run_id})


def states(session: Session, *, run_ids: Sequence[int]) -> dict[int, str]:
    """State by run; `deleted` for runs in the trash, and no entry for those that are gone."""
    sql = """SELECT id, CASE WHEN deleted_at IS NULL THEN state ELSE 'deleted' END AS state FROM run
        WHERE id IN (SELECT value FROM json_each(:ids))"""
    return {row["id"]: row["state"] for row in query(session, sql, {"ids": listed(run_ids)})}


def _waiting(session: Session, run_id: int) -> TicketRow:
    found, state = ticket_of(session, run_id=run_id), get_run(session, run_id=run_id).state
    if found is None or state != "queued":
        raise UserError(f"{ref(run_id)} is {state} and does not wait in the queue: `leverplus queue` lists what does")
    return found


def _needed_by(session: Session, needs: Sequence[int]) -> set[int]:
    """These runs and all that they wait for."""
    found: set[int] = set()
    ahead = list(needs)
    while ahead:
        run_id = ahead.pop()
        if run_id not in found:
            found.add(run_id)
            ticket = ticket_of(session, run_id=run_id)
            ahead += ticket.needs if ticket else ()
    return found


def _row(row: Row) -> TicketRow:
    values = {name: row[name] for name in TicketRow.__dataclass_fields__ if name not in ("needs", "paused")}
    return TicketRow(**values, needs=tuple(json.loads(row["needs"])), paused=bool(row["paused"]))
