"""`leverplus stop`, `resume` and `rerun`."""

from __future__ import annotations

from typing import Annotated

import typer

from db import store
from db.session import reading
from leverplus_tui.commands.database import find_run_id, find_run_ids, open_home
from leverplus_tui.commands.options import (
    DetachOption,
    ForceOption,
    HomeOption,
    JsonOption,
    RunArgument,
    RunsArgument,
)
from leverplus_tui.commands.queueing import Memory, TimeLimit, wished
from leverplus_tui.commands.running.run import Begun, attend, begin, queue
from leverplus_tui.jobs import launcher
from leverplus_tui.jobs.spec_building import repeated
from leverplus_tui.queue.submit import AS_BEFORE, go_on, tend
from leverplus_tui.queue.wishes import Wishes
from leverplus_tui.results.outcome import wishes_of
from leverplus_tui.results.what_changed import drift
from leverplus_tui.text.output import answer, put, put_json, say


def stop(runs: RunsArgument, as_json: JsonOption = False, home: HomeOption = None) -> None:
    """Ask jobs to stop, and kill them after 20 seconds (90 on a cluster). What is done stays stored.

    Example:
    leverplus stop r12
    leverplus stop r12 r13
    """
    place, database = open_home(home, tended=False)
    with reading(database) as session:
        run_ids = find_run_ids(session, runs)
    states = {store.ref(run_id): state for run_id, state in launcher.stop_all(place, run_ids).items()}
    tend(place, database)
    answer(states, as_json, (f"{name} {state}" for name, state in states.items()))


def resume(
    run: RunArgument,
    detach: DetachOption = False,
    queue: Annotated[bool, typer.Option("--queue", help="Wait in the queue for a free device, and return.")] = False,
    memory: Memory = None,
    time_limit: TimeLimit = None,
    here: Annotated[
        bool, typer.Option("--here", help="Go on on this machine with what ran on a cluster; else it goes on there.")
    ] = False,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Go on with a stopped, failed or lost run, or ask what a done one could not. What is stored is not computed again.

    Example:
    leverplus resume r12
    leverplus resume r12 --queue
    leverplus resume r12 --memory 32
    """
    place, database = open_home(home)
    with reading(database) as session:
        run_id = find_run_id(session, run)
    wish = wished(place, {"memory": memory, "time_limit": time_limit}) or AS_BEFORE
    if why := go_on(place, run_id, queued=queue, here=here, wish=wish):
        say(why)
        queue = True
    if not detach and not queue:
        attend(place, run_id, as_json=as_json)
    elif as_json:
        put_json({"run": f"r{run_id}", "status": "queued"})
    else:
        put(f"r{run_id}")


def rerun(
    run: RunArgument,
    name: Annotated[str | None, typer.Option("--name", help="Name of the new run.")] = None,
    detach: DetachOption = False,
    force: ForceOption = False,
    here: Annotated[
        bool, typer.Option("--here", help="Repeat on this machine what ran on a cluster; else it runs there again.")
    ] = False,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Repeat a run as a new run with the same specification, where it ran, and say what has changed since: code, versions, files.

    Example:
    leverplus rerun r12
    leverplus rerun r12 --here
    """
    place, database = open_home(home)
    with reading(database) as session:
        detail = store.run_detail(session, run_id=find_run_id(session, run, deleted=True))
    spec = repeated(detail.row.ref, detail.spec)
    begun = Begun(name=name or detail.row.name, force=force, as_json=as_json, parent=detail.row.id)
    asked = Wishes() if here else wishes_of(detail)
    if asked.on:
        run_id = queue(place, spec, asked.wish(place), begun, follows=not detach)
    else:
        run_id = begin(place, spec, begun, follows=not detach)
    if detach:
        return
    with reading(database) as session:
        changes = drift(session, detail, store.run_detail(session, run_id=run_id))
    for line in changes or (f"code, versions and data are those of {detail.row.ref}",):
        say(line)
