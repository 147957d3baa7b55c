"""The trash: deleted runs with what they hold on disk, and emptying it without taking anything that others use."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from db import store
from db.home import Home
from db.session import DatabaseFile, reading, writing
from leverplus_tui.jobs.away import must_not_be_away
from leverplus_tui.keeping.disk import folder_size


@dataclass(frozen=True)
class Thrown:
    """A deleted run."""

    run_id: int
    name: str
    kind: str
    deleted: datetime | None
    size: int
    """Bytes in its folder."""
    used_by: tuple[str, ...]
    """Runs and data that use files of it; it cannot be erased before them."""


def thrown(home: Home, database: DatabaseFile) -> list[Thrown]:
    """What is in the trash, the newest first."""
    with reading(database) as session:
        ids = store.deleted_runs(session)
        rows = store.run_rows(session, run_ids=ids)
        used = store.referrers(session, but=ids)
    return [
        Thrown(row.id, row.name, row.kind, row.deleted, folder_size(home.run_dir(row.id)), tuple(used.get(row.id, ())))
        for row in rows
    ]


def erase(home: Home, database: DatabaseFile, run_ids: Sequence[int]) -> tuple[list[Thrown], list[Thrown]]:
    """Erase runs of the trash, rows and folders, but for those whose files others use. Returns (erased, kept).

    With an evaluation go the jobs that were asked about it. Rows go first: a folder without a run is found by `gc`, a run
    without its files would promise what is gone.
    """
    must_not_be_away(home, run_ids, "erased")
    with reading(database) as session:
        run_ids = [*run_ids, *store.asking_runs(session, run_ids=run_ids)]
    asked = [one for one in thrown(home, database) if one.run_id in run_ids]
    with writing(database) as session:
        used = store.referrers(session, but=run_ids)
        gone = [one for one in asked if one.run_id not in used]
        for one in gone:
            store.discard(session, run_id=one.run_id)
    for one in gone:
        shutil.rmtree(home.run_dir(one.run_id), ignore_errors=True)
    return gone, [one for one in asked if one.run_id in used]
