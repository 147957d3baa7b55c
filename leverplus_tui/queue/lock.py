"""One dispatcher for each home: whoever queues starts it, it ends with the queue, and any command replaces a dead one.

The lock is the kernel's and dies with the process. It is handed over open, so that nobody can take it in between.
"""

from __future__ import annotations

import fcntl
import os
import sys
from pathlib import Path

from db.home import Home
from db.session import DatabaseFile, reading
from leverplus_tui.jobs import launcher
from leverplus_tui.jobs.away import wants_dispatcher

DISPATCHER = (sys.executable, "-P", "-m", "leverplus_tui.queue.dispatcher")


def lock_file(home: Home) -> Path:
    """Held by the dispatcher as long as it lives."""
    return home.root / "queue.lock"


def take(home: Home) -> int | None:
    """The lock as an open file, or None while somebody else has it."""
    descriptor = os.open(lock_file(home), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def ensure_dispatcher(home: Home, database: DatabaseFile) -> None:
    """Start a dispatcher where one is wanted and none lives."""
    with reading(database) as session:
        if not wants_dispatcher(session, home):
            return
    descriptor = take(home)
    if descriptor is None:
        return
    argv = [*DISPATCHER, "--home", str(home.root), "--lock", str(descriptor)]
    try:
        launcher.spawn(argv, home.root / "queue.log", pass_fds=(descriptor,))
    finally:
        os.close(descriptor)
