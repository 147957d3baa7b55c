"""A database file as it is: connections with their pragmas, transactions, errors as sentences, and what others committed.

Plain `sqlite3`: SQLAlchemy, which makes and migrates the tables, takes 0.4 s to import and ten times as long for a small write.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote
from weakref import finalize

from db.errors import out_of_place, translate, undone
from db.specs.movable import HomePaths
from db.user_error import UserError

Values = Mapping[str, Any] | Sequence[Any]
READ, WRITE = "BEGIN", "BEGIN IMMEDIATE"
"""Writers begin IMMEDIATE: a deferred transaction that writes after reading fails at once, whatever the time-out."""


class _Connection(sqlite3.Connection):
    """One that knows for which kind of transaction it was used last, and what its transactions remembered."""

    begin = ""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.remembered: dict[Any, Any] = {}
        self.remembered_at = -1
        self.of: tuple[int, int] | None = None
        """Which file it was opened for."""


class DatabaseFile:
    """A file that is open for many threads: each transaction has a connection to itself."""

    def __init__(self, path: Path, *, busy_seconds: float, uri: str | None = None) -> None:
        self.path = path
        self.home = HomePaths.of(path.parent)
        self._uri = uri
        self.read_only = False
        """Whether transactions that write are refused."""
        self.stood = identity(path)
        """Which file this is; None where there was none when it was opened."""
        self.follows = True
        """Whether another file that takes the place of this one, such as a restored backup, is read and written from then on."""
        self._followed = 0
        self._busy_seconds = busy_seconds
        self._idle: list[_Connection] = []
        self._watcher: list[_Connection] = []
        self._watching = threading.Lock()
        finalize(self, _close, self._idle, self._watcher)

    @contextmanager
    def session(self, begin: str = READ) -> Iterator[Session]:
        """A session in one transaction: committed at the end of the block, rolled back when it raises."""
        if self.read_only and begin == WRITE:
            raise UserError(f"{self.path} was opened read-only: nothing was changed")
        session = Session(self, self._take(begin))
        try:
            yield session
            session.commit()
        except BaseException:
            session.roll_back()
            raise
        finally:
            session.over = True
            self._give_back(session.connection)

    def must_stand(self) -> None:
        """Raise DatabaseGone where the file is not where it was opened: whoever works for long then works for nobody."""
        if identity(self.path) != self.stood:
            raise out_of_place(self.path)

    def version(self) -> int:
        """A number that differs from the last call's when anybody, this program included, has committed in between.

        It is asked of a connection that writes nothing: the pragma counts only what *other* connections did.
        """
        self._follow()
        with self._watching:
            if not self._watcher:
                self._watcher.append(self._open())
            try:
                return (self._followed << 32) + int(self._watcher[0].execute("PRAGMA data_version").fetchone()[0])
            except sqlite3.Error as error:
                raise explained(error, self.path) from error

    def dispose(self) -> None:
        """Close the connections that nobody uses; the next transaction opens one."""
        with self._watching:
            _close(self._idle, self._watcher)

    def _follow(self) -> None:
        """Without this, whoever had the old file open would go on with it, and what they write would be lost."""
        if self.follows and (present := identity(self.path)) not in (None, self.stood):
            self.stood = present
            self._followed += 1
            self.dispose()

    def _take(self, begin: str) -> _Connection:
        self._follow()
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._open()
        if connection.begin != begin:
            connection.execute(f"PRAGMA query_only = {int(begin == READ)}")
            connection.begin = begin
        return connection

    def _give_back(self, connection: _Connection) -> None:
        if connection.in_transaction or connection.of != self.stood:
            connection.close()  # it could not even be rolled back, or is of a file that another has taken the place of
        else:
            self._idle.append(connection)

    def _open(self) -> _Connection:
        """The time-out comes first: even the pragmas may have to wait for another program."""
        try:
            connection = sqlite3.connect(
                self._uri or str(self.path), uri=self._uri is not None, timeout=self._busy_seconds, isolation_level=None,
                check_same_thread=False, factory=_Connection, cached_statements=256,
            )  # fmt: skip
            connection.of = self.stood
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA foreign_keys = 1")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA cache_size = -16000")  # KiB: ten thousand runs are read once
        except sqlite3.Error as error:
            raise explained(error, self.path) from error
        return connection


class Session:
    """Plain SQL in one transaction, which begins with its first statement. Errors of the file come as one sentence."""

    def __init__(self, file: DatabaseFile, connection: _Connection) -> None:
        self.home = file.home
        self.connection = connection
        self.over = False
        self._path = file.path
        self._begun = False

    def rows(self, sql: str, values: Values = ()) -> list[sqlite3.Row]:
        """The rows of a SELECT with `:name` or `?` parameters: read by name, by place, or unpacked."""
        try:
            return self._begin().execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise explained(error, self._path) from error

    def tuples(self, sql: str, values: Values = ()) -> list[tuple[Any, ...]]:
        """The same as bare tuples, for hundreds of thousands of rows."""
        try:
            cursor = self._begin().cursor()
            cursor.row_factory = None
            return cursor.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise explained(error, self._path) from error

    def run(self, sql: str, values: Values = ()) -> sqlite3.Cursor:
        """Carry out a statement: `rowcount` says how many rows it touched, `lastrowid` the key of a new one."""
        try:
            return self._begin().execute(sql, values)
        except sqlite3.Error as error:
            raise explained(error, self._path) from error

    def run_many(self, sql: str, values: Sequence[Values]) -> None:
        """Carry out a statement for each element."""
        try:
            self._begin().executemany(sql, values)
        except sqlite3.Error as error:
            raise explained(error, self._path) from error

    def remembered(self) -> dict[Any, Any]:
        """What writers remembered of rows in earlier transactions of this connection: empty once anybody else has committed since,
        or a transaction was undone."""
        version = self.rows("PRAGMA data_version")[0][0]
        if version != self.connection.remembered_at:
            self.connection.remembered.clear()
            self.connection.remembered_at = version
        return self.connection.remembered

    def commit(self) -> None:
        """Keep what was done. Raises DatabaseUnwritable where SQLite has undone it by itself (a full disk), and nobody heard."""
        if self.connection.in_transaction:
            self.run("COMMIT")
        elif self._begun:
            raise undone(self._path)

    def roll_back(self) -> None:
        """Undo it. SQLite may have done so by itself, where the disk was full."""
        self.connection.remembered.clear()
        try:
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
        except sqlite3.Error:
            pass  # the error that led here is the one to tell; the connection is closed

    def _begin(self) -> _Connection:
        assert not self.over, "a session is used behind its block, when its connection may be somebody else's"
        if not self._begun:
            self.connection.execute(self.connection.begin)
            self._begun = True
        return self.connection


def identity(path: Path) -> tuple[int, int] | None:
    """Device and number of a file; None where there is none."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


def explained(error: sqlite3.Error, path: Path) -> Exception:
    """The error in our words, or itself where it says nothing about the state of the file."""
    return translate(error, path) or error


def read_only_uri(path: Path, *, busy_seconds: float = 5.0) -> str:
    """`mode=ro`; on media where even that needs files beside it, and no log is pending, the file as it stands."""
    uri = f"file:{quote(str(path))}?mode=ro"
    try:
        connection = sqlite3.connect(uri, uri=True, timeout=busy_seconds)
        try:
            connection.execute("PRAGMA user_version").fetchone()
        finally:
            connection.close()
    except sqlite3.OperationalError as error:
        log = path.with_name(path.name + "-wal")
        is_held = error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
        if not is_held and (not log.exists() or not log.stat().st_size):
            return f"{uri}&immutable=1"
    return uri


def _close(*pools: list[_Connection]) -> None:
    for pool in pools:
        while pool:
            pool.pop().close()
