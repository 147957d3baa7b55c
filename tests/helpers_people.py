"""What people do to a queue while it is at work, from several terminals at once: each is a process of its own.

`People(home, seed).does` are things that one of them does; `python -m tests.helpers_people --home DIR --seed N` does them
one after the other until the file `END` is in the home.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from db import store
from db.home import Home
from db.session import open_database, reading, writing
from db.specs import UserError
from leverplus_tui.jobs import launcher
from leverplus_tui.queue import sweep
from leverplus_tui.queue.submit import Entry, Wish, go_on, requeue, submit, tend

END = "end-of-day"
SWEEPS = (sweep.stop, sweep.resume_missing)


class People:
    """One person in front of a home. What they do is drawn from the seed; when it meets a job is not."""

    def __init__(self, home: Home, seed: int) -> None:
        self.home, self.random = home, random.Random(seed)
        self.database = open_database(home.database)
        self.does: dict[str, Callable[[], bool]] = {
            "pause": self._pause,
            "reorder": self._reorder,
            "give a priority": self._prioritise,
            "stop nicely": self._stop,
            "queue again": lambda: self._again(queued=True),
            "resume at once": lambda: self._again(queued=False),
            "repeat a run": self._repeat,
            "stop or resume a sweep": self._sweep,
            "delete": self._delete,
            "bring back": self._bring_back,
            "look": self._look,
        }

    def _waiting(self) -> list[store.TicketRow]:
        with reading(self.database) as session:
            return [one for one in store.tickets(session) if one.state == "queued"]

    def _in_state(self, *states: str) -> list[int]:
        with reading(self.database) as session:
            deleted = store.deleted_runs(session)
            return [run for run, state in store.run_states(session).items() if state in states and run not in deleted]

    def _pause(self) -> bool:
        if waiting := self._waiting():
            one = self.random.choice(waiting)
            with writing(self.database) as session:
                store.pause(session, run_ids=[one.run_id], paused=not one.paused)
        return bool(waiting)

    def _reorder(self) -> bool:
        with writing(self.database) as session:
            before = [one.run_id for one in store.tickets(session) if one.state == "queued"]
            if len(before) < 2:
                return False
            run_id, other = self.random.sample(before, 2)
            first = self.random.random() < 0.2
            store.move_before(session, run_id=run_id, other=None if first else other)
            order = [one.run_id for one in store.tickets(session) if one.state == "queued"]
        rest = [run for run in before if run != run_id]
        at = 0 if first else rest.index(other)
        assert order == [*rest[:at], run_id, *rest[at:]], (
            f"r{run_id} before r{other}, first {first}: {before} became {order}"
        )
        return True

    def _prioritise(self) -> bool:
        if waiting := self._waiting():
            with writing(self.database) as session:
                run_id = self.random.choice(waiting).run_id
                store.prioritise(session, run_id=run_id, priority=self.random.randint(-2, 2))
        return bool(waiting)

    def _stop(self) -> bool:
        if active := self._in_state("running"):
            launcher.stop(self.home, self.random.choice(active))
        return bool(active)

    def _again(self, *, queued: bool) -> bool:
        ended = self._in_state(*store.UNFINISHED)
        with reading(self.database) as session:
            tickets = {run: store.ticket_of(session, run_id=run) for run in ended}
        free = [run for run, ticket in tickets.items() if queued or ticket is None or not ticket.needs]
        if not free:
            return False
        run_id = self.random.choice(free)
        if queued:
            requeue(self.home, run_id, Wish(memory_mb=1, retries=1))
        else:
            go_on(self.home, run_id)
        return True

    def _repeat(self) -> bool:
        runs = self._in_state("done", "failed")
        if not runs or len(self._waiting()) > 12:
            return False
        run_id = self.random.choice(runs)
        with reading(self.database) as session:
            spec = store.spec_of(session, run=store.get_run(session, run_id=run_id))
        late = self.random.choice((None, 1))
        submit(self.home, [Entry(spec, parent=run_id)], Wish(memory_mb=1, time_limit_s=late))
        return True

    def _sweep(self) -> bool:
        with reading(self.database) as session:
            sweeps = store.list_sweeps(session)
        if sweeps:
            self.random.choice(SWEEPS)(self.home, self.random.choice(sweeps))
        return bool(sweeps)

    def _delete(self) -> bool:
        if ended := self._in_state(*store.ENDED):
            with writing(self.database) as session:
                store.soft_delete(session, run_ids=[self.random.choice(ended)])
        return bool(ended)

    def _bring_back(self) -> bool:
        return bring_back(self.home)

    def _look(self) -> bool:
        tend(self.home, self.database)
        with reading(self.database) as session:
            store.list_runs(session, limit=50)
        return True


def bring_back(home: Home) -> bool:
    """Everything that is in the trash."""
    database = open_database(home.database)
    with writing(database) as session:
        deleted = list(store.deleted_runs(session))
        store.restore(session, run_ids=deleted)
    tend(home, database)
    return bool(deleted)


def main(arguments: list[str]) -> int:
    """A person who does this and that."""
    from tests.helpers_chaos import prepare_world  # which has people of its own

    _, root, _, seed = arguments
    prepare_world(setattr)
    one = People(Home(Path(root)), int(seed))
    while not (one.home.root / END).exists():
        with suppress(UserError):  # such as: it has just ended
            one.random.choice(list(one.does.values()))()
        time.sleep(one.random.uniform(0, 0.1))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
