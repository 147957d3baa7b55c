"""Ends jobs that take longer than they may: nicely at the limit, by force a while later."""

from __future__ import annotations

import signal

from db import process, store
from db.home import Home
from db.session import DatabaseFile, reading, writing
from db.specs import Finding
from db.store import ProcessRow, TicketRow
from engine.common.sent import KILL, STOP, sent, wish
from engine.common.where import SLURM
from leverplus_tui.jobs import launcher
from leverplus_tui.text.output import say_when
from leverplus_tui.text.times import duration, since

GRACE_S = 20.0
"""From the request to stop until a job is killed."""


class TimeLimits:
    """The limits of the runs of one home."""

    def __init__(self, home: Home, database: DatabaseFile) -> None:
        self.home, self.database = home, database
        self._told: set[int] = set()
        """Processes that were asked to stop because their time is over."""

    def end_late(self) -> None:
        """Look at all that run. How long a process runs is measured by the kernel, not by a clock that people set."""
        with reading(self.database) as session:
            running = [t for t in store.tickets(session) if t.state == "running" and t.time_limit_s]
            # elsewhere the limit is the queue's, and does not count what was waited there
            limits = {t.run_id: t for t in running if t.runner.partition(":")[0] != SLURM}
            rows = [row for row in store.active_processes(session) if row.run_id in limits and row.ended is None]
        for row in rows:
            ticket = limits[row.run_id]
            self._end_one_late(row, ticket)

    def _end_one_late(self, row: ProcessRow, ticket: TicketRow) -> None:
        assert ticket.time_limit_s is not None, "only limited jobs are looked at"
        run_dir = self.home.run_dir(row.run_id)
        away = sent(run_dir) is not None
        lived = process.age_s(row.pid_start, row.started)
        # its collector lives longer than it works, and the stored time may be of another clock
        over = (min(lived, since(row.started)) if away else lived) - ticket.time_limit_s
        if over < 0 or row.host != process.host():
            return
        reason = f"time limit of {duration(ticket.time_limit_s)} reached"
        if over >= GRACE_S and away:
            wish(run_dir, KILL)
        elif over >= GRACE_S:
            launcher.end_now(self.database, row, f"{reason}, killed {duration(GRACE_S)} later")
        elif row.id not in self._told:
            self._told.add(row.id)
            with writing(self.database) as session:
                store.add_rows(session, run_id=row.run_id, process_id=row.id, rows=[_late(ticket, reason)])
            wish(run_dir, STOP) if away else launcher.signal_job(row, signal.SIGTERM)
        else:
            return
        say_when(f"{store.ref(row.run_id)}: {reason}")


def _late(ticket: TicketRow, reason: str) -> Finding:
    name = store.ref(ticket.run_id)
    return Finding(
        code="time-limit",
        severity="warning",
        subject=name,
        message=f"{name} was asked to stop: {reason}.",
        fix=f"`leverplus resume {name}{' --time-limit TIME' if ticket.runner else ''}` goes on with it"
        + ("" if ticket.runner else ", without a limit"),
    )
