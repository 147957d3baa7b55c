"""One home as pages hold it, before and after its database is open."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from db.user_error import UserError
from leverplus_tui.tui.memory import Memory

if TYPE_CHECKING:
    from db.home import Home
    from leverplus_tui.tui.reading.database import Database


class Library:
    """One home: where its files are, and its database once that is open."""

    def __init__(self, home: Home, *, read_only: bool = False) -> None:
        self.home = home
        self.read_only = read_only
        self.memory = Memory(home.root, keeps=not read_only)
        self._database: Database | None = None
        self.jobs = ""
        """What runs and waits, in words."""
        self.errands = ""
        """What the program itself is doing, in words."""
        self.launched: int | None = None
        """The run that was started last from here: where the lists put the cursor."""
        self.to_compare: tuple[int, ...] = ()
        """Runs that the Compare page was asked for last; it is made after that."""

    @property
    def is_open(self) -> bool:
        """Whether reading is possible."""
        return self._database is not None

    @property
    def database(self) -> Database:
        """The open database."""
        assert self._database is not None, "the library is read before it was opened"
        return self._database

    def open(self) -> None:
        """Open the database, or create one that may be written. Raises the errors of `db.session.open_database`."""
        if self.read_only and not self.home.database.exists():
            raise UserError(f"{self.home.database} does not exist, and read-only makes none: give another --home")
        from leverplus_tui.tui.reading.database import Database  # what the first frame need not wait for

        self._database = Database(self.home.database, read_only=self.read_only)

    def tend(self) -> None:
        """End what is dead, and see to it that somebody starts what waits."""
        if self.read_only:
            return
        from leverplus_tui.queue.lock import ensure_dispatcher  # as above

        self.database.mark_lost()
        with suppress(OSError):  # a home that cannot be written can still be looked at
            ensure_dispatcher(self.home, self.database.engine)

    def close(self) -> None:
        """Give the connections back."""
        if self._database is not None:
            self._database.close()

    def log_path(self, run_id: int) -> Path:
        """Where a run's processes write."""
        return self.home.log(run_id)
