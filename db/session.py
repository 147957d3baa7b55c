"""Opening the database and transacting with it: WAL, foreign keys, short IMMEDIATE write transactions, errors as sentences.

Alembic is imported only when the file is older than this program (see `db.migrations`).
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import AbstractContextManager
from pathlib import Path

from db.connection import READ, WRITE, DatabaseFile, Session, identity, read_only_uri
from db.disks import ALLOWED, shared_disk
from db.errors import (
    DatabaseBusy,
    DatabaseDamaged,
    DatabaseGone,
    DatabaseNewer,
    DatabaseUnwritable,
    DiskFull,
    unwritable,
)
from db.schema import APPLICATION_ID, SCHEMA
from db.user_error import UserError

__all__ = [
    "BUSY_SECONDS", "DatabaseBusy", "DatabaseDamaged", "DatabaseFile", "DatabaseNewer", "DatabaseUnwritable", "DiskFull",
    "Session", "open_database", "reading", "writing",
]  # fmt: skip

OLDEST_SQLITE = (3, 35, 0)
BUSY_SECONDS = 10.0
"""How long a transaction waits for another program's, unless told otherwise."""


def open_database(
    path: Path, *, busy_seconds: float = BUSY_SECONDS, read_only: bool = False, is_there: bool = False
) -> DatabaseFile:
    """The database at `path`, created or migrated when needed (under a lock file, after a backup), ready for many threads.

    With `is_there` none is created, and none is followed that takes its place. With `read_only` it is neither made nor migrated,
    and begins no transaction that writes; a file that cannot be written is opened for reading in any case. Raises DatabaseNewer,
    DatabaseBusy, DatabaseGone, DatabaseUnwritable, DatabaseDamaged or DiskFull, each with one sentence.
    """
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise UserError(
            f"this Python has SQLite {sqlite3.sqlite_version}, and 3.35 or newer is needed: use a newer Python"
        )
    path = path.expanduser().absolute()
    if is_there and not path.is_file():
        raise DatabaseGone(
            f"{path} is not there: the home was moved or deleted before this began to work; put it back, then repeat or resume"
        )
    fixed = _is_read_only(path)
    if not fixed and (kind := shared_disk(path)):
        raise DatabaseUnwritable(
            f"{path} lies on a network disk ({kind}), where SQLite's log is not safe between machines: choose a local folder with "
            f"--home, or set {ALLOWED}=1 where no other machine ever opens it"
        )
    if not (fixed or read_only):
        _make_folder(path)
    file = DatabaseFile(path, busy_seconds=busy_seconds, uri=read_only_uri(path) if fixed or read_only else None)
    file.read_only, file.follows = read_only, not is_there
    try:
        if not _is_current(file, read_only=fixed or read_only):
            if fixed:
                raise DatabaseUnwritable(
                    f"{path} is read-only and of an older leverplus: copy it to a writable folder and give that with --home"
                )
            if read_only:
                raise DatabaseUnwritable(
                    f"{path} is of an older leverplus, and was to be opened without changing anything: any command that may "
                    "change it, such as `leverplus runs`, keeps a copy of it in backups/ and brings it up to date"
                )
            from db.migrations.upgrade import bring_up_to_date  # rare, and Alembic takes 70 ms

            bring_up_to_date(path, busy_seconds=busy_seconds, is_current=lambda: _is_current(file))
            file.stood = identity(path)
    except BaseException:
        file.dispose()
        raise
    return file


def writing(file: DatabaseFile) -> AbstractContextManager[Session]:
    """A session in one IMMEDIATE transaction: committed at the end of the block, rolled back when it raises."""
    return file.session(WRITE)


def reading(file: DatabaseFile) -> AbstractContextManager[Session]:
    """A session that sees one state of the database, blocks no writer, and cannot write."""
    return file.session(READ)


def _is_current(file: DatabaseFile, *, read_only: bool = False) -> bool:
    """Whether schema and, where it matters, journal are as this program wants them; refuses a newer or a foreign database."""
    path = file.path
    with reading(file) as session:
        application, schema, journal, tables = (
            session.rows(question)[0][0]
            for question in (
                "PRAGMA application_id", "PRAGMA user_version", "PRAGMA journal_mode",
                "SELECT count(*) FROM sqlite_master WHERE type = 'table'",
            )
        )  # fmt: skip
    if application != APPLICATION_ID and (application or schema or tables):
        raise DatabaseDamaged(f"{path} belongs to another program: choose another folder with --home")
    if schema > SCHEMA:
        raise DatabaseNewer(
            f"{path} was written by a newer leverplus (schema {schema}, this one knows {SCHEMA}): "
            "upgrade leverplus, or choose another folder with --home"
        )
    return bool(schema == SCHEMA and (read_only or journal == "wal"))


def _make_folder(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(path, error.strerror or "its folder cannot be made") from error
    if path.is_dir():
        raise unwritable(path, "it is a folder")


def _is_read_only(path: Path) -> bool:
    return path.is_file() and not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK))
