"""Finds runs whose job process died without a word."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from db import store
from db.home import Home
from db.session import DatabaseBusy, DatabaseFile, DatabaseUnwritable, DiskFull, reading, writing
from engine.serving.notices import notify
from leverplus_tui.jobs.away import goes_on


def bury_dead(database: DatabaseFile) -> None:
    """End as lost the runs whose process is gone, so that nothing dead is shown as running.

    Only a dead process costs a write transaction. A home that cannot be written, or not now, or has no room, can still be
    looked at: whoever looks next ends them.
    """
    with reading(database) as session:
        dead = [row for row in store.active_processes(session) if row.ended is None and not store.is_alive(row)]
    if dead:
        lost: Sequence[store.RunRow] = ()
        with suppress(DatabaseBusy, DatabaseUnwritable, DiskFull), writing(database) as session:
            lost = store.run_rows(session, run_ids=store.lost_runs(session))
        for row in lost:
            if goes_on(Home(database.path.parent), row.id, row.state):
                continue  # its job goes on elsewhere, and another collector tells how it ends
            notify({"run": row.ref, "name": row.name, "state": "lost", "reason": "its process is gone without a word"})
