"""What the store's functions share: time, JSON, plain SQL on a session's connection."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from sqlite3 import Row
from typing import Any

from db.connection import Session
from db.specs.movable import HomePaths


def now() -> int:
    """UTC microseconds since 1970."""
    return time.time_ns() // 1000


def moment(microseconds: int) -> datetime:
    """A stored time as an aware UTC datetime."""
    return datetime.fromtimestamp(microseconds / 1e6, UTC)


def moment_or_none(microseconds: int | None) -> datetime | None:
    """A stored time that may be missing."""
    return None if microseconds is None else moment(microseconds)


def micros(time: datetime | None) -> int | None:
    """A time as it is stored."""
    return None if time is None else round(time.timestamp() * 1e6)


def number(value: float | None) -> float:
    """A stored figure; what is missing is not a number."""
    return float("nan") if value is None else value


def ref(run_id: int) -> str:
    """How a run is called in front of people and in JSON: `r12`."""
    return f"r{run_id}"


def home(session: Session) -> HomePaths:
    """The home that the database stands in: paths below it are stored relative to it."""
    return session.home


def query(session: Session, sql: str, parameters: Mapping[str, Any] | None = None) -> list[Row]:
    """The rows of a SELECT with `:name` parameters."""
    return session.rows(sql, parameters or {})


def execute(session: Session, sql: str, parameters: Mapping[str, Any] | None = None) -> int:
    """Run a statement; the number of rows that it touched."""
    return session.run(sql, parameters or {}).rowcount


def execute_many(session: Session, sql: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Run a statement for each row.

    Text that is no Unicode (half of a surrogate pair, from a file name or a model) is stored with question marks.
    """
    if not rows:
        return
    try:
        session.run_many(sql, rows)
    except UnicodeEncodeError:
        session.run_many(sql, [tuple(map(_storable, row)) for row in rows])


def insert(session: Session, table: str, values: Mapping[str, Any]) -> int:
    """Add a row; its key."""
    sql = f"INSERT INTO {table} ({', '.join(values)}) VALUES ({', '.join(f':{name}' for name in values)})"
    key = session.run(sql, {name: _storable(value) for name, value in values.items()}).lastrowid
    assert key is not None
    return key


def update(session: Session, table: str, key: int, **values: Any) -> None:
    """Change some columns of the row with this key."""
    sql = f"UPDATE {table} SET {', '.join(f'{name} = :{name}' for name in values)} WHERE id = :id"
    session.run(sql, {name: _storable(value) for name, value in values.items()} | {"id": key})


def listed(values: Sequence[int] | Sequence[str]) -> str:
    """Values for `IN (SELECT value FROM json_each(:name))`: one parameter, however many values."""
    return json.dumps(list(values))


def _storable(value: Any) -> Any:
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
