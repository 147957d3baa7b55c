"""One thread that looks for changes: the database's version and the ends of watched logs, five times a second at most.

It knows no screen and no widget: it is given functions to ask and one to tell.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from textual.message import Message

from leverplus_tui.tui.messages import DataChanged, LogGrew

INTERVAL_S = 0.2
CALM_S, TOUCHED_S = 2.0, 5.0
"""How often changes are told while nobody has touched the program for so long: jobs store something several times a second."""
LOST_EVERY_S = 5.0
FIRST_READ = 256 * 1024
"""Bytes of a log that are read when it is opened; what is before them is not shown."""
MOST_AT_ONCE = 1024 * 1024


@dataclass
class Tail:
    """Where reading of one log stands."""

    path: Path
    offset: int = -1
    rest: bytes = b""

    def read(self) -> LogGrew | None:
        """New whole lines since the last call; None when there is nothing new."""
        try:
            size = self.path.stat().st_size
        except OSError:
            return None
        restarted = size < self.offset
        skipped = False
        if self.offset < 0 or restarted:
            self.offset = max(0, size - FIRST_READ)
            skipped = self.offset > 0
            self.rest = b""
        elif size == self.offset:
            return None
        data = self._more(skipped)
        whole, newline, self.rest = (self.rest + data).rpartition(b"\n")
        if not newline:
            return None
        lines = whole.decode("utf-8", errors="replace").split("\n")
        return LogGrew(self.path, lines, restarted=restarted, skipped=skipped)

    def _more(self, skipped: bool) -> bytes:
        try:
            with self.path.open("rb") as file:
                file.seek(self.offset)
                data = file.read(MOST_AT_ONCE)
        except OSError:
            return b""
        self.offset += len(data)
        return data.partition(b"\n")[2] if skipped else data


class Watcher(threading.Thread):
    """Calls `tell` from its own thread; stops within one interval."""

    def __init__(
        self,
        *,
        tell: Callable[[Message], object],
        version: Callable[[], int],
        mark_lost: Callable[[], object] | None = None,
        failed: Callable[[Exception], object] | None = None,
    ) -> None:
        super().__init__(name="watcher", daemon=True)
        self._tell = tell
        self._version = version
        self._mark_lost = mark_lost
        self._failed = failed
        self._ended = threading.Event()
        self._tail: Tail | None = None
        self._touched_at = self._told_at = 0.0

    def touched(self) -> None:
        """Somebody does something here, and looks for what comes of it."""
        self._touched_at = time.monotonic()

    def watch_log(self, path: Path | None) -> None:
        """Tail this log from now on, its end first; None tails nothing."""
        self._tail = Tail(path) if path is not None else None

    def stop(self) -> None:
        """End soon; the thread is a daemon, so nobody need wait for it."""
        self._ended.set()

    def run(self) -> None:
        """Look, tell, wait. A failure is told once and tried again, because a busy database is no reason to go blind."""
        seen, silent, next_lost = -1, False, 0.0
        while not self._ended.wait(INTERVAL_S):
            try:
                seen = self._look(seen)
                if self._mark_lost is not None and time.monotonic() >= next_lost:
                    next_lost = time.monotonic() + LOST_EVERY_S
                    self._mark_lost()
                silent = False
            except Exception as error:  # told to the user, who else would only see a frozen screen
                if not silent and self._failed is not None:
                    self._failed(error)
                silent = True

    def _look(self, seen: int) -> int:
        version, now = self._version(), time.monotonic()
        if version != seen and (now - self._touched_at < TOUCHED_S or now - self._told_at >= CALM_S):
            self._told_at = now
            self._tell(DataChanged(version))
        elif version != seen:
            version = seen  # told when it is time
        tail = self._tail
        grown = tail.read() if tail is not None else None
        if grown is not None and tail is self._tail:
            self._tell(grown)
        return version
