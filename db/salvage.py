"""What can be read of a damaged database, in a new one."""

from __future__ import annotations

import sqlite3
import string
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from db.errors import DatabaseDamaged, DatabaseNewer, translate
from db.schema import APPLICATION_ID, SCHEMA

BUSY_SECONDS = 10.0
MOST_PLACES = 100_000
"""Damaged places of a table behind which rows are looked for: a page that points back at another has no end."""
LARGEST = (1 << 63) - 1
LETTERS = string.digits + string.ascii_lowercase
BEHIND_LETTERS = "~"
Row = tuple[Any, ...]


def salvage(damaged: Path, fresh: Path) -> dict[str, tuple[int, bool]]:
    """Copy every row that can still be read into `fresh`, a new database; of a file whose end is missing too.

    Table -> rows kept, and whether some are lost. What refers to a row that is lost is left out too. Rows of an older schema
    are copied as they are and migrated then. Raises DatabaseDamaged where nothing of it can be read, and DatabaseNewer.
    """
    from db.migrations.upgrade import run_steps  # rare, and Alembic takes 70 ms

    with closing(sqlite3.connect(damaged)) as source:
        # else SQLite reads nothing of a file shorter than its header says
        source.execute("PRAGMA writable_schema = ON")
        schema = _schema_of(source, damaged)
        run_steps(fresh, BUSY_SECONDS, schema)
        with closing(sqlite3.connect(fresh, isolation_level=None)) as target:
            target.execute("PRAGMA foreign_keys = OFF")
            target.execute("BEGIN")
            lacking = {table for table in _tables(target) if not _copy_table(source, target, table)}
            if "metric_last" in lacking and _name_series(source, target):
                lacking.remove("metric_last")
            lacking |= _drop_orphans(target)
            _keep_numbers(source, target)
            told = {table: (_count(target, table), table in lacking) for table in _tables(target)}
            target.execute("COMMIT")
    if schema < SCHEMA:
        run_steps(fresh, BUSY_SECONDS)
    return told


def _schema_of(source: sqlite3.Connection, path: Path) -> int:
    try:
        application = source.execute("PRAGMA application_id").fetchone()[0]
        schema = source.execute("PRAGMA user_version").fetchone()[0]
        tables = source.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    except sqlite3.DatabaseError as error:
        raise translate(error, path) or error from None
    if not tables:
        raise DatabaseDamaged(f"{path} is empty")
    if application == APPLICATION_ID and schema > SCHEMA:
        raise DatabaseNewer(f"{path} was written by a newer leverplus (schema {schema}): upgrade leverplus")
    if application != APPLICATION_ID or not schema:
        raise DatabaseDamaged(f"{path} belongs to another program")
    return int(schema)


def _tables(target: sqlite3.Connection) -> list[str]:
    found = target.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'").fetchall()
    return [name for (name,) in found if not name.startswith("alembic")]


def _count(target: sqlite3.Connection, table: str) -> int:
    return int(target.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def _keep_numbers(source: sqlite3.Connection, target: sqlite3.Connection) -> None:
    """Numbers of rows that are lost are given to no others."""
    with suppress(sqlite3.DatabaseError):
        for table, last in source.execute("SELECT name, seq FROM sqlite_sequence").fetchall():
            target.execute("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = ?", (last, table))


def _copy_table(source: sqlite3.Connection, target: sqlite3.Connection, table: str) -> bool:
    """Whether every row could be read."""
    about = target.execute(f"PRAGMA table_info({table})").fetchall()
    columns = ", ".join(f'"{row[1]}"' for row in about)
    insert = f"INSERT OR IGNORE INTO {table} ({columns}) VALUES ({', '.join('?' * len(about))})"
    keys = sorted((row for row in about if row[5]), key=lambda row: row[5])
    rows = _Rows(source, f"SELECT {columns} FROM {table}", [(row[0], row[1], row[2] == "INTEGER") for row in keys])
    return _copy_rows(rows, target, insert)


def _name_series(source: sqlite3.Connection, target: sqlite3.Connection) -> bool:
    """Series that could not be read, from the index of their names, which lies on pages of its own: their points keep their
    run, and `fsck` sums them up anew. Whether every series is there then."""
    read = "SELECT run_id, name, phase, id FROM metric_last INDEXED BY sqlite_autoindex_metric_last_1"
    rows = _Rows(source, read, [(0, "run_id", True), (1, "name", False), (2, "phase", False)])
    insert = """
        INSERT OR IGNORE INTO metric_last (run_id, name, phase, id, n, n_bad, epoch, step, flag)
        SELECT ?1, ?2, ?3, ?4, 0, 0, 0, 0, 0 WHERE EXISTS (SELECT 1 FROM metric WHERE series_id = ?4)
    """
    return _copy_rows(rows, target, insert)


def _copy_rows(rows: _Rows, target: sqlite3.Connection, insert: str) -> bool:
    """From the front, over each damaged place, then from the back. Whether every row could be read."""
    whole = True
    for row in rows.ahead():
        if row is None:
            whole = False
        else:
            target.execute(insert, row)
    if not whole:
        target.executemany(insert, rows.backwards())
    return whole


class _Rows:
    """A table in the order of its key, some of whose pages are damaged."""

    def __init__(self, source: sqlite3.Connection, read: str, key: list[tuple[int, str, bool]]) -> None:
        """`key`: of each column its place in a row, its name, and whether it holds whole numbers."""
        self._source, self._read = source, read
        self._places = [place for place, _, _ in key]
        self._lowest: Row = tuple(0 if is_number else "" for _, _, is_number in key)
        self._order = ", ".join(f'"{name}"' for _, name, _ in key)
        self._backwards = ", ".join(f'"{name}" DESC' for _, name, _ in key)
        self._names, self._holes = f"({self._order})", f"({', '.join('?' * len(key))})"

    def _key(self, row: Row) -> Row:
        return tuple(row[place] for place in self._places)

    def ahead(self) -> Iterator[Row | None]:
        """Every row that can be reached; None for each place where some cannot be read."""
        last: Row = self._lowest
        sql, start = f"{self._read} ORDER BY {self._order}", ()
        for _ in range(MOST_PLACES):
            try:
                for row in self._source.execute(sql, start):
                    last = self._key(row)
                    yield row
                return
            except sqlite3.DatabaseError:
                yield None
            row = self._beyond(last)
            if row is None:
                return
            yield row  # by itself: Python drops a row behind which it cannot read
            sql, start = f"{self._read} WHERE {self._names} > {self._holes} ORDER BY {self._order}", self._key(row)
            last = start

    def backwards(self) -> Iterator[Row]:
        """From the last row to one that cannot be read."""
        with suppress(sqlite3.DatabaseError):
            yield from self._source.execute(f"{self._read} ORDER BY {self._backwards}")

    def _beyond(self, last: Row) -> Row | None:
        """About the first row behind `last` that can be read again: the last column is moved first, and furthest."""
        sql = f"{self._read} WHERE {self._names} >= {self._holes} ORDER BY {self._order} LIMIT 1"
        for column in reversed(range(len(last))):

            def at(moved: Any, column: int = column) -> Row:
                return (*last[:column], moved, *self._lowest[column + 1 :])

            def can_read(moved: Any, at: Callable[[Any], Row] = at) -> bool:
                try:
                    self._source.execute(sql, at(moved)).fetchone()
                except sqlite3.DatabaseError:
                    return False
                return True

            value = last[column]
            moved = _number_beyond(value, can_read) if isinstance(value, int) else _text_beyond(str(value), can_read)
            if moved is not None:
                found: Row | None = self._source.execute(sql, at(moved)).fetchone()
                return found
        return None


def _number_beyond(value: int, can_read: Callable[[Any], bool]) -> int | None:
    """In steps that double, then back by halves."""
    step = 1
    while not can_read(value + step):
        step *= 2
        if value + step > LARGEST:
            return None
    low, high = step // 2, step
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if can_read(value + middle) else (middle, high)
    return value + high


def _text_beyond(value: str, can_read: Callable[[Any], bool]) -> str | None:
    """The longest beginning behind which rows can be read, then the first letter that follows it."""
    for n in reversed(range(len(value) or 1)):
        begin, letter = value[:n], value[n : n + 1]
        if can_read(begin + BEHIND_LETTERS):
            after = (begin + one for one in LETTERS if one > letter)
            return next(filter(can_read, after), begin + BEHIND_LETTERS)
    return None


def _drop_orphans(target: sqlite3.Connection) -> set[str]:
    """Rows whose run or data set is lost: nothing could name them. Repeated, for rows hang on rows. The tables that lost some."""
    shorter: set[str] = set()
    while orphans := {(row[0], row[2]) for row in target.execute("PRAGMA foreign_key_check")}:
        for table, parent in orphans:
            links = [row for row in target.execute(f"PRAGMA foreign_key_list({table})") if row[2] == parent]
            for column, to in [(row[3], row[4]) for row in links]:
                broken = f'"{column}" IS NOT NULL AND "{column}" NOT IN (SELECT "{to}" FROM {parent})'
                with suppress(sqlite3.IntegrityError):
                    target.execute(f'UPDATE {table} SET "{column}" = NULL WHERE {broken}')
                    continue
                if target.execute(f"DELETE FROM {table} WHERE {broken}").rowcount:
                    shorter.add(table)
    return shorter
