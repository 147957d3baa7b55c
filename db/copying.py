"""Whole copies of a database: of a sound one while others write, and what can be read of a damaged one."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
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


def salvage(damaged: Path, fresh: Path) -> dict[str, tuple[int, bool]]:
    """Copy every row that can still be read into `fresh`, a new database of this schema; of a file whose end is missing too.

    Table -> rows copied, and whether some could not be read. What then refers to a row that is lost is left out too.
    Raises DatabaseDamaged where nothing of it can be read.
    """
    told: dict[str, tuple[int, bool]] = {}
    with closing(sqlite3.connect(damaged)) as source, closing(sqlite3.connect(fresh, isolation_level=None)) as target:
        source.execute(
            "PRAGMA writable_schema = ON"
        )  # else SQLite reads nothing of a file shorter than its header says
        _begin_of(source, damaged)
        target.execute("PRAGMA foreign_keys = OFF")
        target.execute("BEGIN")
        tables = target.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
        for (table,) in tables.fetchall():
            if not table.startswith("alembic"):
                told[table] = _copy_table(source, target, table)
        _drop_orphans(target)
        _keep_numbers(source, target)
        target.execute("COMMIT")
    return told


def _begin_of(source: sqlite3.Connection, path: Path) -> None:
    try:
        tables = source.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    except sqlite3.DatabaseError as error:
        raise translate(error, path) or error from None
    if not tables:
        raise DatabaseDamaged(f"{path} is empty")


def _keep_numbers(source: sqlite3.Connection, target: sqlite3.Connection) -> None:
    """Numbers of rows that are lost are given to no others."""
    with suppress(sqlite3.DatabaseError):
        for table, last in source.execute("SELECT name, seq FROM sqlite_sequence").fetchall():
            target.execute("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = ?", (last, table))


def _copy_table(source: sqlite3.Connection, target: sqlite3.Connection, table: str) -> tuple[int, bool]:
    """From the front, then from the back: between both lies what is damaged."""
    known = {row[1] for row in source.execute(f"PRAGMA table_info({table})")}  # an older file lacks the newest columns
    names = [row[1] for row in target.execute(f"PRAGMA table_info({table})") if row[1] in known]
    if not names:
        return 0, False
    key = [row[1] for row in sorted(target.execute(f"PRAGMA table_info({table})"), key=lambda row: row[5]) if row[5]]
    columns = ", ".join(f'"{name}"' for name in names)
    insert = f"INSERT OR IGNORE INTO {table} ({columns}) VALUES ({', '.join('?' * len(names))})"
    whole = False
    for direction in ("ASC", "DESC"):
        order = ", ".join(f'"{name}" {direction}' for name in key)
        whole = True
        for row in _readable(source, f"SELECT {columns} FROM {table} ORDER BY {order}"):
            if row is None:
                whole = False
            else:
                target.execute(insert, row)
        if whole:
            break
    return target.execute(f"SELECT count(*) FROM {table}").fetchone()[0], not whole


def _readable(source: sqlite3.Connection, sql: str) -> Iterator[tuple[object, ...] | None]:
    """Rows until one cannot be read; then None."""
    try:
        yield from source.execute(sql)
    except sqlite3.DatabaseError:
        yield None


def _drop_orphans(target: sqlite3.Connection) -> None:
    """Rows whose run or data set is lost: nothing could name them. Repeated, for rows hang on rows."""
    while orphans := {(row[0], row[2]) for row in target.execute("PRAGMA foreign_key_check")}:
        for table, parent in orphans:
            links = [row for row in target.execute(f"PRAGMA foreign_key_list({table})") if row[2] == parent]
            for column, to in [(row[3], row[4]) for row in links]:
                broken = f'"{column}" IS NOT NULL AND "{column}" NOT IN (SELECT "{to}" FROM {parent})'
                with suppress(sqlite3.IntegrityError):
                    target.execute(f'UPDATE {table} SET "{column}" = NULL WHERE {broken}')
                    continue
                target.execute(f"DELETE FROM {table} WHERE {broken}")
