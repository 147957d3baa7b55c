"""Stores the rows of a run in batches from a thread of its own, with a heartbeat, and outlasts a full disk for a while.

At most `FLUSH_S` seconds or `BATCH` rows are lost when the process is killed without warning, of answers `SOON_S`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from loguru import logger

from db import store
from db.errors import DatabaseBusy, DiskFull
from db.rows import Artifact, Candidate, Cell, Checkpoint, Prediction, Row, Settle, TrialReply
from db.session import DatabaseFile, writing
from db.specs import Finding, UserError

FLUSH_S = 0.3
SOON_S = 0.05
"""From one transaction with answers to the next: one that comes alone is stored at once, hundreds a second are batched."""
BEAT_S = 1.0
BATCH = 1000
PIECE = 100
BACKLOG = 2 * BATCH
"""Rows held at most; then `put` waits for the disk."""
RESERVE_BYTES = 4 << 20
"""Room for the rows that are held when the disk is full."""
LAST_WORD_BYTES = 256 << 10
"""Room to say how the run ended."""
PATIENCE_S = 60.0
"""How long a full disk or a busy database is waited for."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 5.0
URGENT = (Checkpoint, Cell, Artifact, Finding)
SOON = (Prediction, Candidate, TrialReply)


class Reserve:
    """A file of zeros that is given up when the disk is full, so that the last rows and the reason still fit."""

    def __init__(self, path: Path, size: int) -> None:
        self.path = path
        try:
            path.write_bytes(bytes(size))
        except OSError as error:
            logger.warning("no reserve of {} kB for a full disk: {}", size >> 10, error.strerror)
            self.release()

    def release(self) -> None:
        """Give the space back. Where even that fails, what made it necessary is to be told, not this."""
        with suppress(OSError):
            self.path.unlink(missing_ok=True)


def in_database(database: DatabaseFile, run_id: int, process_id: int) -> Callable[[Sequence[Row]], None]:
    """Where rows go at home, for as long as it stands where it was."""

    def add(batch: Sequence[Row]) -> None:
        database.must_stand()
        with writing(database) as session:
            if batch:
                store.add_rows(session, run_id=run_id, process_id=process_id, rows=batch)
            store.heartbeat(session, process_id=process_id)

    return add


class Recorder:
    """Takes rows from the recipe and stores them; `put` and `close` raise what kept them from being stored.

    `sink` stores a batch whole or raises; an empty one says that the process lives. `soon_s` as `SOON_S`.
    `hurried` says whether to stop waiting for a full disk or a busy database.
    """

    def __init__(
        self,
        sink: Callable[[Sequence[Row]], None],
        *,
        reserve: Reserve,
        hurried: Callable[[], bool] = lambda: False,
        soon_s: float = SOON_S,
    ) -> None:
        self._store = sink
        self._hurried, self._soon_s = hurried, soon_s
        self._reserve = reserve
        self._rows: list[Row] = []
        self._wake = threading.Condition()
        self._urgent = self._soon = self._closing = False
        self._failure: UserError | None = None
        self._thread = threading.Thread(target=self._work, name="recorder", daemon=True)
        self._thread.start()

    def put(self, row: Row) -> None:
        """Hand over one row; waits while too many are held (`Settle`: until none is), raises once they cannot be stored."""
        with self._wake:
            if isinstance(row, Settle):
                self._await(lambda: not self._rows)
                return
            self._await(lambda: len(self._rows) < BACKLOG)
            self._rows.append(row)
            if isinstance(row, URGENT) or len(self._rows) >= BATCH:
                self._urgent = True
                self._wake.notify_all()
            elif isinstance(row, SOON) and not self._soon:
                self._soon = True
                self._wake.notify_all()

    def _await(self, condition: Callable[[], bool]) -> None:
        """Wait for a condition with the thread told to hurry; the lock is held."""
        if not condition():
            self._urgent = True
            self._wake.notify_all()
        self._wake.wait_for(lambda: self._failure is not None or condition())
        if self._failure is not None:
            raise self._failure

    def close(self) -> None:
        """Store what is left and end the thread; raises what kept it from being stored, after a last try."""
        with self._wake:
            self._closing = True
            self._wake.notify_all()
        self._thread.join()
        if self._rows:
            # The reserve was kept for this: what was computed must not be lost to a disk that filled up meanwhile.
            self._reserve.release()
            self._store_what_fits()
        if self._failure is not None:
            raise self._failure

    def _store_what_fits(self) -> None:
        """In pieces, because a transaction is stored whole or not at all."""
        for start in range(0, len(self._rows), PIECE):
            self._store(self._rows[start : start + PIECE])
        self._rows = []

    def _work(self) -> None:
        beat = stored = 0.0
        while True:
            with self._wake:
                self._pause(stored + self._soon_s)
                self._urgent, self._soon, closing = False, False, self._closing
                batch = self._rows[:BACKLOG]
            due = time.monotonic() - beat >= BEAT_S
            if (batch or due) and not self._persist(batch):
                return
            stored = time.monotonic()
            beat = stored if due else beat
            with self._wake:
                del self._rows[: len(batch)]
                self._wake.notify_all()
                if closing and not self._rows:
                    return

    def _pause(self, soon: float) -> None:
        """Wait until it is time to store, for answers at `soon` (monotonic seconds); the lock is held."""
        if self._wake.wait_for(lambda: self._urgent or self._closing or self._soon, timeout=FLUSH_S):
            self._wake.wait_for(lambda: self._urgent or self._closing, timeout=max(0.0, soon - time.monotonic()))

    def _persist(self, batch: list[Row]) -> bool:
        """Store a batch, trying again for a while; False when that was in vain, with the batch kept."""
        pause, given_up = FIRST_PAUSE_S, time.monotonic() + PATIENCE_S
        while True:
            try:
                self._store(batch)
                return True
            except (DiskFull, DatabaseBusy) as error:
                if time.monotonic() > given_up or self._hurried():
                    return self._fail(error)
                logger.warning("{}. Trying again in {:.1f} s; {} rows wait.", error, pause, len(self._rows))
            except UserError as error:
                return self._fail(error)
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_S)

    def _fail(self, error: UserError) -> bool:
        with self._wake:
            self._failure = error
            self._wake.notify_all()
        return False
