"""An engine on a database file as it is: pragmas, IMMEDIATE transactions, errors as sentences, and what others committed."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from weakref import WeakKeyDictionary, finalize

from sqlalchemy import Connection, Engine, ExceptionContext, create_engine, event
from sqlalchemy.pool import ConnectionPoolEntry, NullPool, QueuePool

from db.errors import translate
from db.specs.movable import HomePaths


class _Watcher:
    """One connection that writes nothing: the pragma counts only what *other* connections did."""

    def __init__(self, open_connection: Callable[[], sqlite3.Connection]) -> None:
        self._open = open_connection
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    def version(self) -> int:
        with self._lock:
            self._connection = self._connection or self._open()
            return int(self._connection.execute("PRAGMA data_version").fetchone()[0])

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()


_watchers: WeakKeyDictionary[Engine, _Watcher] = WeakKeyDictionary()


def data_version(engine: Engine) -> int:
    """A number that differs from the last call's when anybody, this program included, has committed in between."""
    return _watchers[engine].version()


def connect(path: Path, *, busy_seconds: float, uri: str | None = None, migrating: bool = False) -> Engine:
    """An engine on a file as it is, without looking at its schema. `migrating`: foreign keys off, as altering by copy needs."""

    def open_connection() -> sqlite3.Connection:
        # The time-out comes first: even the pragmas below may have to wait for another program.
        return sqlite3.connect(
            uri or str(path), uri=uri is not None, timeout=busy_seconds, isolation_level=None, check_same_thread=False
        )

    pool = NullPool if migrating else QueuePool
    engine = create_engine(
        "sqlite://", creator=open_connection, poolclass=pool, execution_options={"home": HomePaths.of(path.parent)}
    )
    event.listen(engine, "connect", _set_pragmas(foreign_keys=not migrating))
    event.listen(engine, "begin", _begin)
    event.listen(engine, "handle_error", _explain(path))
    _watchers[engine] = watcher = _Watcher(open_connection)
    finalize(engine, watcher.close)
    return engine


def _set_pragmas(*, foreign_keys: bool) -> Callable[[sqlite3.Connection, ConnectionPoolEntry], None]:
    def set_pragmas(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
        connection.execute(f"PRAGMA foreign_keys = {int(foreign_keys)}")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(
            "PRAGMA cache_size = -16000"
        )  # KiB: ten thousand runs are looked through without reading again

    return set_pragmas


def _begin(connection: Connection) -> None:
    """Writers begin IMMEDIATE: a deferred transaction that writes after reading fails at once, whatever the time-out."""
    read = bool(connection.get_execution_options().get("reading"))
    connection.exec_driver_sql(f"PRAGMA query_only = {int(read)}")
    connection.exec_driver_sql("BEGIN" if read else "BEGIN IMMEDIATE")


def _explain(path: Path) -> Callable[[ExceptionContext], None]:
    def explain(context: ExceptionContext) -> None:
        sentence = translate(context.original_exception, path)
        if sentence is not None:
            raise sentence from context.original_exception

    return explain
