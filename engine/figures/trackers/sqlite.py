"""Databases of other trackers, opened for reading alone and asked for tables alone: no view or trigger of theirs is run."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from engine.common.files.gate import NotReadable
from engine.figures.fields import text
from engine.figures.source import Source

MAGIC = b"SQLite format 3\0"
MOST_STEPS = 20_000
"""Calls of the watcher, each after 10,000 operations of the database machine; honest queries take a few hundred."""


def is_database(source: Source, *tables: str) -> bool:
    """Whether the file is an SQLite database with these tables."""
    if not source.head.startswith(MAGIC):
        return False
    try:
        with opened(source.path) as database:
            return set(tables) <= _tables(database)
    except NotReadable:
        return False


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """The database. Raises NotReadable where it is damaged, also while it is read."""
    log = path.with_name(f"{path.name}-wal")
    unchanged = not log.exists() or not log.stat().st_size  # else the newest rows stand in the log beside it
    where = f"file:{quote(str(path.absolute()))}?mode=ro{'&immutable=1' if unchanged else ''}"
    try:
        with closing(sqlite3.connect(where, uri=True)) as database:
            database.row_factory = sqlite3.Row
            database.text_factory = lambda value: value.decode("utf-8", "replace")
            database.execute("PRAGMA trusted_schema = OFF")
            left = iter(range(MOST_STEPS))
            database.set_progress_handler(lambda: next(left, None) is None, 10_000)
            yield database
    except (sqlite3.Error, ValueError, OverflowError) as error:
        raise NotReadable(f"{path} is no database that can be read ({text(error)[:80]}); copy it again") from None


def _tables(database: sqlite3.Connection) -> set[str]:
    return {row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def rows_of(database: sqlite3.Connection, sql: str) -> Iterator[dict[str, Any]]:
    """The rows of a query by the names of its columns."""
    for row in database.execute(sql):
        yield dict(row)
