"""Whole copies of a sound database while others write, and what is asked of a copy."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from db.connection import explained, read_only_uri
from db.errors import DatabaseDamaged, DatabaseNewer, translate
from db.schema import APPLICATION_ID, SCHEMA

STEP_PAGES = 2000
"""Pages copied at a time; writers get their turn in between."""


def copy_database(source: Path, target: Path, tell: Callable[[int, int], None] | None = None) -> None:
    """A consistent copy, whatever others write meanwhile (SQLite's backup). `tell` hears pages left and pages in all."""
    unfinished = target.with_name(f"{target.name}.part")
    unfinished.unlink(missing_ok=True)
    told = None if tell is None else (lambda _, left, total: tell(left, total))
    try:
        uri = read_only_uri(source)
        with closing(sqlite3.connect(uri, uri=True)) as reader, closing(sqlite3.connect(unfinished)) as writer:
            reader.backup(writer, pages=STEP_PAGES, progress=told)
    except sqlite3.Error as error:
        unfinished.unlink(missing_ok=True)
        no_room = (error.sqlite_errorcode & 0xFF) == sqlite3.SQLITE_FULL
        raise explained(error, target if no_room else source) from error
    unfinished.replace(target)


def check_copy(path: Path, *, busy_seconds: float = 5.0) -> int:
    """The schema of a sound database of this program. Raises DatabaseDamaged for a damaged or foreign one, DatabaseNewer, and
    what keeps it from being read at all: DatabaseBusy, DiskFull, DatabaseUnwritable."""
    try:
        uri = read_only_uri(path, busy_seconds=busy_seconds)
        with closing(sqlite3.connect(uri, uri=True, timeout=busy_seconds)) as connection:
            application, schema = (
                connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")
            )
            problems = [row[0] for row in connection.execute("PRAGMA integrity_check(5)") if row[0] != "ok"]
    except sqlite3.DatabaseError as error:
        state = translate(error, path)
        if state is not None and not isinstance(state, DatabaseDamaged):
            raise state from None
        raise DatabaseDamaged(f"{path} is no sound database ({error})") from None
    if application != APPLICATION_ID:
        raise DatabaseDamaged(f"{path} is empty" if not path.stat().st_size else f"{path} belongs to another program")
    if schema > SCHEMA:
        raise DatabaseNewer(f"{path} was written by a newer leverplus (schema {schema}): upgrade leverplus")
    if problems:
        raise DatabaseDamaged(f"{path} is damaged ({problems[0]})")
    return int(schema)
