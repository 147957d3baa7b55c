"""Starts queued jobs as devices become free, tries failed ones again, ends those that take too long; ends with the queue.

`python -m leverplus_tui.queue.dispatcher --home DIR --lock FD`. It holds no state: what it knows stands in the database, so
that a dead one is replaced by the next.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from db import process, store
from db.errors import DatabaseDamaged, DatabaseGone
from db.home import Home
from db.session import DatabaseFile, Session, open_database, reading, writing
from db.specs import UserError
from db.store import ProcessRow
from engine.common.files.atomic import make_folder, stands
from engine.common.where import is_sent
from leverplus_tui.jobs import launcher, preflight
from leverplus_tui.jobs.away import uncollected
from leverplus_tui.jobs.dead_jobs import bury_dead
from leverplus_tui.jobs.named_paths import resolved
from leverplus_tui.queue.lanes import environment, lanes, usual
from leverplus_tui.queue.lock import take
from leverplus_tui.queue.plan import LONGEST_PAUSE_S, Occupant, Plan, Start, plan
from leverplus_tui.queue.time_limits import TimeLimits
from leverplus_tui.text.output import say, say_when
from leverplus_tui.text.times import duration

LOOK_S = 0.25
ROUND_S = 2.0
"""How often the queue is gone through while the database does not change: processes die without writing."""
DEVICES_S = 60.0
"""From one look at this machine's devices to the next."""
MOST_COLLECTORS = 5
"""Collectors that one run is given after its first: what ends each of them at once will end the next."""
FIRST_PAUSE_S = 10.0
"""Between a failure and the next try: doubled each time."""


class Dispatcher:
    """The queue of one home."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.database: DatabaseFile = open_database(home.database, is_there=True)
        stands(home.root)
        self._collectors: Counter[int] = Counter()
        """How often a run was given another collector."""
        self._lanes: dict[str, int] = {}
        self._looked = -DEVICES_S
        self._limits = TimeLimits(home, self.database)

    @property
    def lanes(self) -> dict[str, int]:
        """Devices of this machine, looked at again now and then: cards fail, and come back."""
        if time.monotonic() - self._looked >= DEVICES_S:
            self._lanes, self._looked = lanes(self._lanes), time.monotonic()
        return self._lanes

    def turn(self) -> bool:
        """Go through the queue once; whether anything will happen by itself afterwards. Raises DatabaseGone where the home
        was moved away: whoever looks at it in its new place starts another dispatcher there."""
        self.database.must_stand()
        bury_dead(self.database)
        self._collect_again()
        self._try_again()
        self._limits.end_late()
        found = self._plan()
        for start in found.starts:
            self._start(start)
        return found.goes_on

    def _collect_again(self) -> None:
        """Another collector for runs whose own is gone: their jobs are elsewhere and go on."""
        with reading(self.database) as session:
            lost = uncollected(session, self.home)
        lost = [ticket for ticket in lost if self._collectors[ticket.run_id] < MOST_COLLECTORS]
        together: dict[int, list[int]] = {}
        for ticket in lost:
            self._collectors[ticket.run_id] += 1
            together.setdefault(ticket.batch or -ticket.run_id, []).append(ticket.run_id)
        for run_ids in together.values():
            with writing(self.database) as session:
                for run_id in run_ids:
                    store.resume_run(session, run_id=run_id)
            say_when(f"{', '.join(map(store.ref, run_ids))}: another collector")
            launcher.collect(self.home, self.database, *run_ids, waits=True)

    def _plan(self) -> Plan:
        """Decide, and write the decision down, in one transaction."""
        with reading(self.database) as session:
            found, changed = self._planned(session)
        if found.starts or changed:
            with writing(self.database) as session:
                found, changed = self._planned(session)
                store.say_waiting(session, reasons=changed)
                for start in found.starts:
                    store.grant(session, run_ids=start.run_ids, lane=",".join(start.lanes))
        return found

    def _planned(self, session: Session) -> tuple[Plan, dict[int, str]]:
        """The plan, and what is to be said anew of runs that wait."""
        tickets = store.tickets(session)
        at_work = [row for row in store.active_processes(session) if row.ended is None]
        starting = {row.run_id for row in at_work}
        open_ones = [t for t in tickets if t.state != "queued" or t.run_id not in starting]
        needed = sorted({run for ticket in tickets for run in ticket.needs})
        found = plan(
            open_ones,
            occupants=self._occupants(session, at_work),
            lanes=self.lanes,
            states=store.states(session, run_ids=needed),
            now=time.time_ns() // 1000,
        )
        found.goes_on = found.goes_on or len(open_ones) < len(tickets)
        before = {ticket.run_id: ticket for ticket in open_ones}
        return found, {r: text for r, text in found.waiting.items() if before[r].waiting != text or before[r].lane}

    def goes_on(self) -> bool:
        """Whether anything in the queue will happen by itself."""
        with reading(self.database) as session:
            return self._planned(session)[0].goes_on

    def _occupants(self, session: Session, rows: Sequence[ProcessRow]) -> list[Occupant]:
        found = []
        for row in rows:
            if row.host != process.host():
                continue
            ticket = store.ticket_of(session, run_id=row.run_id)
            if ticket is not None and ticket.lane:
                found.append(Occupant(row.run_id, ticket.lanes, ticket.memory_mb))
                continue
            run = store.get_run(session, run_id=row.run_id)
            device = json.loads(run.spec).get("device", "cpu")
            found.append(Occupant(row.run_id, usual(device, list(self.lanes)), 0))
        return found

    def _start(self, start: Start) -> None:
        ready = [run_id for run_id in start.run_ids if self._prepare(run_id)]
        if not ready:
            return
        with reading(self.database) as session:
            run = store.get_run(session, run_id=ready[0])
            device = str(json.loads(run.spec).get("device", "cpu"))
            folder = json.loads(run.environment).get("queued_in")
            ticket = store.ticket_of(session, run_id=ready[0])
        names = ", ".join(map(store.ref, ready))
        there = Path(folder) if folder else None
        try:
            if ticket is not None and is_sent(ticket.runner, ticket.kind, member=ticket.batch is not None):
                launcher.collect(self.home, self.database, *ready, folder=there, waits=True)
            else:
                told = environment(device, start.lanes, os.environ, ticket.memory_mb if ticket else 0)
                launcher.start(self.home, self.database, *ready, folder=there, environment=told, waits=True)
            say_when(f"{names} started on {', '.join(start.lanes)}")
        except UserError as error:  # no process could be made, or somebody else started it: the run says which
            say_when(f"{names}: {error}")

    def _prepare(self, run_id: int) -> bool:
        """Put files in place of runs that were named before they had written any, and check what could not be checked then."""
        with reading(self.database) as session:
            run = store.get_run(session, run_id=run_id)
            if run.state != "queued":
                return False
            spec, later = store.spec_of(session, run=run), bool(json.loads(run.environment).get("checked_later"))
            forced, ticket = run.forced, store.ticket_of(session, run_id=run_id)
        if not later:
            return True
        try:
            spec = resolved(spec, self.home)
            checked = preflight.check(spec, self.home, quiet=True, on=ticket.runner if ticket else "")
        except UserError as error:
            self._fail(run_id, error.exit_code, str(error))
            return False
        with writing(self.database) as session:
            store.settle_spec(session, run=store.get_run(session, run_id=run_id), spec=spec)
            store.add_rows(session, run_id=run_id, process_id=None, rows=list(checked.stored()))
        if checked.blocked and not forced:
            worst = next(finding for finding in checked.findings if finding.severity == "error")
            self._fail(run_id, 3, f"blocked by preflight, {worst.code}: {worst.message}")
            return False
        return True

    def _fail(self, run_id: int, exit_code: int, reason: str) -> None:
        """A run that ends before it has a process: this one dealt with it."""
        log = self.home.log(run_id)
        make_folder(log.parent)
        with log.open("a") as file:
            file.write(f"{reason}\n")
        with writing(self.database) as session:
            row = store.start_process(
                session,
                run_id=run_id,
                pid=os.getpid(),
                pid_start=process.pid_start(os.getpid()),
                boot_id=process.boot_id(),
                host=process.host(),
                argv=sys.argv,
                log_path=str(log),
            )
            store.end_process(session, process_id=row.id, state="failed", exit_code=exit_code, reason=reason)
        say_when(f"{store.ref(run_id)}: {reason}")

    def _try_again(self) -> None:
        with reading(self.database) as session:
            failed = [ticket for ticket in store.tickets(session) if ticket.state in store.FAILED]
        for ticket in failed:
            pause = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2**ticket.tried)
            with writing(self.database) as session:
                if store.get_run(session, run_id=ticket.run_id).state in store.FAILED:
                    store.try_again(session, run_id=ticket.run_id, not_before=time.time_ns() // 1000 + int(pause * 1e6))
            again = ticket.tried + 2
            say_when(
                f"{store.ref(ticket.run_id)} {ticket.state}: try {again} of {ticket.retries + 1} in {duration(pause)}"
            )


def run(home: Home, lock: int | None) -> None:
    """Work until nothing in the queue can go on by itself.

    Whoever queues looks at the lock after it has queued, and this looks at the queue after it has given up the lock: one of
    both sees the other.
    """
    dispatcher = Dispatcher(home)
    while lock is not None:
        _work(dispatcher)
        os.close(lock)
        lock = take(home) if dispatcher.goes_on() else None


def _work(dispatcher: Dispatcher) -> None:
    """A queue that died of a full disk, or of a home that was read-only for a while, would stand still until somebody looks."""
    seen, rested, goes_on, told = -1, 0.0, True, ""
    while goes_on:
        try:
            version = dispatcher.database.version()
            if version != seen or time.monotonic() - rested >= ROUND_S:
                seen, rested = version, time.monotonic()
                goes_on, told = dispatcher.turn(), ""
        except (DatabaseGone, DatabaseDamaged):
            raise
        except (UserError, OSError) as error:
            if told != str(error):
                say_when(f"{error}; looking again")
            told = str(error)
        time.sleep(LOOK_S)


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m leverplus_tui.queue.dispatcher", description="Start queued jobs.")
    parser.add_argument("--home", required=True, type=Path, help="home folder")
    parser.add_argument("--lock", type=int, help="the lock, open, from whoever started this")
    asked = parser.parse_args(arguments)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGTERM, signal.SIGINT))
    home = Home(asked.home)
    try:
        lock = asked.lock if asked.lock is not None else take(home)
        if lock is None:
            say("another dispatcher is at work")
            return 0
        run(home, lock)
    except (UserError, OSError) as error:  # the home is gone, or cannot be used
        say_when(str(error))
        return getattr(error, "exit_code", 1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
