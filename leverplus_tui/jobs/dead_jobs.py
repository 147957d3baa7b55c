"""Finds runs whose job process died without a word."""

from __future__ import annotations

from sqlalchemy import Engine

from db import store
from db.session import reading, writing
from engine.serving.notices import notify


def bury_dead(database: Engine) -> None:
    """End as lost the runs whose process is gone, so that nothing dead is shown as running.

    Only a dead process costs a write transaction, so a home that cannot be written can still be looked at.
    """
    with reading(database) as session:
        dead = [row for row in store.active_processes(session) if row.ended is None and not store.is_alive(row)]
    if dead:
        with writing(database) as session:
            lost = store.run_rows(session, run_ids=store.lost_runs(session))
        for row in lost:
            notify({"run": row.ref, "name": row.name, "state": "lost", "reason": "its process is gone without a word"})
