"""Runs that were started from here, and how each of them ended: a failure two seconds later must not pass unseen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from threading import Lock
from typing import TYPE_CHECKING

from db.run_states import ACTIVE, FAILED
from leverplus_tui.text.language import shown

if TYPE_CHECKING:
    from db.store import RunRow
    from leverplus_tui.tui.library import Library


class StartedRuns:
    """Ids of runs whose end is still to be told. Asked from threads, so that each end is told once."""

    def __init__(self) -> None:
        self._words: dict[int, str] = {}
        self._repeats: set[int] = set()
        self._sweeps: dict[str, tuple[int, ...]] = {}
        self._lock = Lock()

    def __bool__(self) -> bool:
        return bool(self._words or self._sweeps)

    def add(self, run_ids: Iterable[int], *, again: bool = False, repeats: bool = False) -> None:
        """Await the end of these; `again`: they had ended before; `repeats`: each shall be what its parent was."""
        with self._lock:
            self._words |= dict.fromkeys(run_ids, " again" if again else "")
            self._repeats |= set(run_ids) if repeats else set()

    def add_sweep(self, ref: str, run_ids: Iterable[int]) -> None:
        """Await the end of the last of these."""
        with self._lock:
            self._sweeps[ref] = tuple(run_ids)

    def ended(self, library: Library) -> list[tuple[str, bool]]:
        """A sentence for each run that ended since the last call, and whether it went wrong.

        One that was stopped is forgotten: whoever stopped it has been told.
        """
        with self._lock:
            found = [row for row in library.database.run_rows(list(self._words)) if not _at_work(library, row)]
            words = {row.id: self._words.pop(row.id) for row in found}
            ends = list(self._ended_sweeps(library))
        for row in found:
            failed = row.state in FAILED
            reason = library.database.reason(row.id) if failed else ""
            if row.state == "done" and row.id in self._repeats:
                reason = f": {library.database.since_parent(row.id)}"
            if row.state != "stopped":
                ends.append((f"{row.ref} {row.name} {_state(row.state, words[row.id])}{reason}", failed))
        return ends

    def _ended_sweeps(self, library: Library) -> Iterator[tuple[str, bool]]:
        for ref, run_ids in list(self._sweeps.items()):
            rows = library.database.run_rows(run_ids)
            states = [row.state for row in rows]
            if any(_at_work(library, row) for row in rows):
                continue
            del self._sweeps[ref]
            failed = sum(state in FAILED for state in states)
            missing = (
                shown(f"; {failed} did not end well, L on its page queues again what is missing") if failed else ""
            )
            yield f"{ref}: {states.count('done')} of {len(states)} done{missing}; W shows what is best", bool(failed)


def _at_work(library: Library, row: RunRow) -> bool:
    from leverplus_tui.jobs.away import goes_on  # the store: 400 ms

    return row.state in ACTIVE or goes_on(library.home, row.id, row.state)


def _state(state: str, again: str) -> str:
    if state == "failed":
        return shown(f"failed{again}: ")
    return shown(f"was lost{again}: ") if state == "lost" else shown("is done")
