"""Runs that were started from here, and how each of them ended: a failure two seconds later must not pass unseen."""

from __future__ import annotations

from collections.abc import Iterable
from threading import Lock
from typing import TYPE_CHECKING

from db.run_states import ACTIVE, FAILED

if TYPE_CHECKING:
    from leverplus_tui.tui.library import Library


class StartedRuns:
    """Ids of runs whose end is still to be told. Asked from threads, so that each end is told once."""

    def __init__(self) -> None:
        self._words: dict[int, str] = {}
        self._lock = Lock()

    def __bool__(self) -> bool:
        return bool(self._words)

    def add(self, run_ids: Iterable[int], *, again: bool = False) -> None:
        """Await the end of these; `again`: they had ended before."""
        with self._lock:
            self._words |= dict.fromkeys(run_ids, " again" if again else "")

    def ended(self, library: Library) -> list[tuple[str, bool]]:
        """A sentence for each run that ended since the last call, and whether it went wrong.

        One that was stopped is forgotten: whoever stopped it has been told.
        """
        with self._lock:
            found = [row for row in library.database.run_rows(list(self._words)) if row.state not in ACTIVE]
            words = {row.id: self._words.pop(row.id) for row in found}
        ends = []
        for row in found:
            failed = row.state in FAILED
            reason = library.database.reason(row.id) if failed else ""
            if row.state != "stopped":
                ends.append((f"{row.ref} {row.name} {_state(row.state, words[row.id])}{reason}", failed))
        return ends


def _state(state: str, again: str) -> str:
    return f"{state}{again}: " if state == "failed" else f"was lost{again}: " if state == "lost" else "is done"
