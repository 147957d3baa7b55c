"""What SQLite says, turned into one sentence for the user: which file, what is wrong, what to do."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from db.user_error import UserError

_NO_SPACE_BELOW = 1 << 20
"""With fewer free bytes than this, a failed write is put down to the full disk."""


class DatabaseNewer(UserError):
    """The file was written by a newer version of this program."""

    exit_code = 4


class DatabaseBusy(UserError):
    """Another program held the database for longer than the time-out."""

    exit_code = 4


class DatabaseUnwritable(UserError):
    """The file or its folder cannot be created, opened or written."""

    exit_code = 2


class DatabaseGone(DatabaseUnwritable):
    """The file is not where it was: its home was moved, deleted or replaced."""


class DatabaseDamaged(UserError):
    """The file is no SQLite database, another program's, or broken."""

    exit_code = 2


class DiskFull(UserError):
    """No room for the write. Nothing of the transaction was stored; the same rows may be written again later."""

    exit_code = 1


def translate(error: BaseException | None, path: Path) -> UserError | None:
    """The sentence for an error of the `sqlite3` module; None when it is not about the state of the file."""
    code = getattr(error, "sqlite_errorcode", None)
    if not isinstance(error, sqlite3.Error) or code is None:
        return None
    primary = code & 0xFF
    if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return busy(path)
    if primary == sqlite3.SQLITE_FULL or (primary == sqlite3.SQLITE_IOERR and _no_space(path)):
        return DiskFull(
            f"no room to write {path}: free some space on that disk, then repeat or resume; nothing stored is lost"
        )
    if primary == sqlite3.SQLITE_READONLY:
        return DatabaseUnwritable(f"{path} is read-only: make it writable, or choose another folder with --home")
    if primary in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH):
        return unwritable(path, str(error))
    if primary == sqlite3.SQLITE_NOTADB:
        return DatabaseDamaged(f"{path} is not an SQLite database: move it away, or choose another folder with --home")
    if primary == sqlite3.SQLITE_IOERR:
        return failing(path, str(error))
    if primary == sqlite3.SQLITE_CORRUPT:
        return damaged(path, str(error))
    return None


def busy(path: Path) -> DatabaseBusy:
    """Somebody else holds a lock."""
    return DatabaseBusy(f"{path} is held by another program: wait for it or stop it, then try again")


def undone(path: Path) -> DatabaseUnwritable:
    """A transaction is gone that its writer believes in."""
    return DatabaseUnwritable(
        f"SQLite undid the changes to {path} by itself, and nothing of them was stored: look whether its disk is full, then repeat"
    )


def unwritable(path: Path, why: str) -> DatabaseUnwritable:
    """The file cannot be opened or made."""
    return DatabaseUnwritable(
        f"{path} cannot be opened ({why}): create its folder, make it writable, or choose another one with --home"
    )


def out_of_place(path: Path) -> DatabaseGone:
    """The file is another one than was opened, or there is none: what is written goes where nobody looks for it."""
    return DatabaseGone(
        f"{path} was moved, deleted or replaced while this job wrote to it, so it ends: what was stored before lies where the file "
        "is now; put the home back, then resume the run"
    )


def failing(path: Path, why: str) -> DatabaseUnwritable:
    """The system refused to read or write; of the content that says nothing, so nothing may be moved away for it."""
    return DatabaseUnwritable(
        f"{path} cannot be read or written ({why}): its disk, or the connection to it, fails or has become read-only; mend "
        "that, look at the system's log, then repeat or resume; what was stored before is kept"
    )


def damaged(path: Path, why: str) -> DatabaseDamaged:
    """The content contradicts itself; point at the newest backup where there is one."""
    kept = sorted(path.with_name("backups").glob("*.db"))
    older = f", or copy {kept[-1]} over it" if kept else ""
    return DatabaseDamaged(f"{path} is damaged ({why}): `leverplus fsck --repair` saves what can be read{older}")


def _no_space(path: Path) -> bool:
    try:
        status = os.statvfs(path.parent)
    except (AttributeError, OSError):
        return False
    return status.f_bavail * status.f_frsize < _NO_SPACE_BELOW
