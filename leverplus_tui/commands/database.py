"""What most commands begin with: the home, its database, and the runs that were named."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from db import store
from db.home import Home, resolve_home
from db.session import DatabaseFile, Session, open_database, reading
from leverplus_tui.jobs.away import wants_dispatcher
from leverplus_tui.jobs.dead_jobs import bury_dead


@contextmanager
def reading_home(home: Path | None) -> Iterator[Session]:
    """A reading session on the home's database."""
    with reading(open_home(home)[1]) as session:
        yield session


def open_home(home: Path | None, *, tended: bool = True) -> tuple[Home, DatabaseFile]:
    """The home and its database, in which no dead job is left to be shown, or refused something, as a living one.

    `tended`: a dispatcher that is gone is replaced; commands that change what waits do so behind their change.
    """
    place = resolve_home(home)
    database = open_database(place.database)
    bury_dead(database)
    if tended:
        with reading(database) as session:
            wanted = wants_dispatcher(session, place)
        if wanted:
            from leverplus_tui.queue.submit import (
                tend,
            )  # what starts jobs takes half of a command's start, and mostly nothing waits

            tend(place, database)
    return place, database


def find_run_id(session: Session, name: str, *, deleted: bool = False) -> int:
    """The run that a person means. Raises UserError naming near misses."""
    return find_run_ids(session, [name], deleted=deleted)[0]


def find_run_ids(session: Session, names: Sequence[str], *, deleted: bool = False) -> list[int]:
    """The runs that people mean, each once. Raises UserError naming near misses."""
    found = [store.find_run(session, name, deleted=deleted).id for name in names]
    return [number for number in dict.fromkeys(found) if number is not None]
