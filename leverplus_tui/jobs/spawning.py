"""Processes of their own session, which outlive whoever started them."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from engine.common.files.atomic import make_folder
from leverplus_tui.jobs.process_environment import of_jobs

_children: dict[int, subprocess.Popen[bytes]] = {}
"""Jobs started by this process, kept so that they are reaped when they end."""


def spawn(
    argv: Sequence[str],
    log: Path,
    *,
    folder: Path | None = None,
    environment: Mapping[str, str] = {},
    pass_fds: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """A process of its own session that writes to a log and outlives this one. Raises OSError."""
    make_folder(log.parent)
    with log.open("ab") as output, stop_held_back():
        child = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=of_jobs() | dict(environment),
            cwd=folder if folder is not None and folder.is_dir() else None,
            pass_fds=pass_fds,
        )
    reap()
    _children[child.pid] = child
    return child


@contextmanager
def stop_held_back() -> Iterator[None]:
    """What is started here inherits that requests to stop wait until it can obey them: its imports take a second."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM, signal.SIGINT))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def reap() -> None:
    """Forget those that have ended."""
    for pid, child in list(_children.items()):
        if child.poll() is not None:
            del _children[pid]
