"""`leverplus queue`, `pause`, `unpause` and `priority`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from db import store
from db.session import reading, writing
from db.store import TicketRow
from leverplus_tui.commands.database import find_run_id, find_run_ids, open_home
from leverplus_tui.commands.options import HomeOption, JsonOption, RunArgument, RunsArgument
from leverplus_tui.jobs import launcher
from leverplus_tui.queue import MOST
from leverplus_tui.queue.submit import tend
from leverplus_tui.text.output import answer, table
from leverplus_tui.text.times import duration


def show_queue(as_json: JsonOption = False, home: HomeOption = None) -> None:
    """List what runs and what waits, in the order in which it will start, and for what it waits.

    Example:
    leverplus queue list
    """
    place, database = open_home(home)
    with reading(database) as session:
        rows = store.tickets(session)
    rows.sort(key=lambda row: row.state != "running")
    columns = ("run", "name", "kind", "state", "priority", "device", "memory", "tries", "limit", "")
    hints = [] if rows else [f"nothing waits in {place.root}: `leverplus run eval --queue` queues a run"]
    answer([_json(row) for row in rows], as_json, [table(columns, map(_line, rows))] if rows else [], hints)


def pause(runs: RunsArgument, as_json: JsonOption = False, home: HomeOption = None) -> None:
    """Hold waiting runs back until `unpause`. What runs already goes on.

    Example:
    leverplus pause r12 r13
    leverplus queue pause r12
    """
    _hold(runs, True, as_json, home)


def unpause(runs: RunsArgument, as_json: JsonOption = False, home: HomeOption = None) -> None:
    """Let runs that were paused wait for a device again.

    Example:
    leverplus unpause r12
    leverplus queue resume r12
    """
    _hold(runs, False, as_json, home)


def priority(
    run: RunArgument,
    number: Annotated[
        int, typer.Argument(metavar="N", min=-MOST, max=MOST, help="Higher ones start first; 0 is usual.")
    ],
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Give a waiting run another priority.

    Example:
    leverplus priority r12 5
    leverplus priority r12 -- -1
    """
    place, database = open_home(home, tended=False)
    with writing(database) as session:
        run_id = find_run_id(session, run)
        store.prioritise(session, run_id=run_id, priority=number)
    tend(place, database)
    answer({"run": f"r{run_id}", "priority": number}, as_json, [f"r{run_id} priority {number}"])


def move(
    run: RunArgument,
    before: Annotated[
        str | None, typer.Option("--before", metavar="RUN", help="Start it right before this one; else before all.")
    ] = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Move a waiting run to another place in the queue.

    Example:
    leverplus queue move r14
    leverplus queue move r14 --before r12
    """
    place, database = open_home(home, tended=False)
    with writing(database) as session:
        run_id = find_run_id(session, run)
        other = None if before is None else find_run_id(session, before)
        store.move_before(session, run_id=run_id, other=other)
    tend(place, database)
    answer({"run": f"r{run_id}"}, as_json, [f"r{run_id} is before {'all' if other is None else f'r{other}'}"])


def cancel(runs: RunsArgument, as_json: JsonOption = False, home: HomeOption = None) -> None:
    """Take runs out of the queue; they are stopped, and `resume --queue` queues them again. Running ones are stopped nicely.

    Example:
    leverplus queue cancel r12 r13
    """
    place, database = open_home(home, tended=False)
    with reading(database) as session:
        run_ids = find_run_ids(session, runs)
    states = {store.ref(run_id): state for run_id, state in launcher.stop_all(place, run_ids).items()}
    tend(place, database)
    answer(states, as_json, (f"{name} {state}" for name, state in states.items()))


def _hold(runs: list[str], paused: bool, as_json: bool, home: Any) -> None:
    place, database = open_home(home, tended=False)
    with writing(database) as session:
        run_ids = find_run_ids(session, runs)
        store.pause(session, run_ids=run_ids, paused=paused)
    tend(place, database)
    names = [f"r{run_id}" for run_id in run_ids]
    answer({"runs": names, "paused": paused}, as_json, [f"{', '.join(names)} {'paused' if paused else 'waits again'}"])


def _json(row: TicketRow) -> dict[str, Any]:
    return {
        "run": store.ref(row.run_id), "name": row.name, "kind": row.kind, "state": row.state, "priority": row.priority,
        "device": row.device, "lane": row.lane, "memory_mb": row.memory_mb, "after": [store.ref(one) for one in row.needs],
        "retries": row.retries, "tried": row.tried, "time_limit_s": row.time_limit_s, "paused": row.paused,
        "waiting": row.waiting,
    }  # fmt: skip


def _line(row: TicketRow) -> tuple[str, ...]:
    return (
        store.ref(row.run_id),
        row.name if len(row.name) <= 32 else f"{row.name[:31]}…",
        row.kind,
        row.state,
        str(row.priority),
        row.lane or row.device,
        f"{row.memory_mb / 1024:g} GB" if row.memory_mb else "alone",
        f"{row.tried + 1}/{row.retries + 1}",
        duration(row.time_limit_s) if row.time_limit_s else "-",
        row.waiting if row.state == "queued" else "",
    )
