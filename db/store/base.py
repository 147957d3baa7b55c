"""What the store's functions share: time, JSON, plain SQL on a session's connection."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import RowMapping
from sqlmodel import Session

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
    found: HomePaths = session.connection().get_execution_options()["home"]
    return found


def query(session: Session, sql: str, parameters: Mapping[str, Any] | None = None) -> Sequence[RowMapping]:
    """The rows of a SELECT with `:name` parameters. Far quicker than objects, which tables on screen have no use for."""
    return session.connection().exec_driver_sql(sql, dict(parameters or {})).mappings().all()


def tuples(session: Session, sql: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
    """The same as the driver's own tuples, for hundreds of thousands of rows: SQLAlchemy's cost more than reading them."""
    found = session.connection().exec_driver_sql(sql, dict(parameters or {}))
    assert found.cursor is not None, "a SELECT has a cursor"
    return list(found.cursor.fetchall())


def execute(session: Session, sql: str, parameters: Mapping[str, Any] | None = None) -> int:
    """Run a statement; the number of rows that it touched."""
    return session.connection().exec_driver_sql(sql, dict(parameters or {})).rowcount


def execute_many(session: Session, sql: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """The driver's own `executemany`, about twenty times quicker than objects.

    Text that is no Unicode (half of a surrogate pair, from a file name or a model) is stored with question marks.
    """
    if not rows:
        return
    connection = session.connection()
    try:
        connection.exec_driver_sql(sql, list(rows))
    except UnicodeEncodeError:
        connection.exec_driver_sql(sql, [tuple(map(_storable, row)) for row in rows])


def listed(values: Sequence[int] | Sequence[str]) -> str:
    """Values for `IN (SELECT value FROM json_each(:name))`: one parameter, however many values."""
    return json.dumps(list(values))


def _storable(value: Any) -> Any:
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
