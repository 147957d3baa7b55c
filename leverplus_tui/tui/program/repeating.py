"""Repeating a run from its row alone: called in a thread. The first frame does without this module, for it needs the store."""

from __future__ import annotations

from db import store
from db.home import Home
from db.session import DatabaseFile, reading
from db.specs import JobSpec
from db.store import RunRow
from leverplus_tui.jobs import launcher
from leverplus_tui.jobs.preflight import Checked
from leverplus_tui.jobs.spec_building import repeated
from leverplus_tui.queue.submit import Entry, submit
from leverplus_tui.queue.wishes import Wishes
from leverplus_tui.results.outcome import wishes_of
from leverplus_tui.tui.screens.launch.preflight import PreflightReport
from leverplus_tui.tui.screens.launch.starting import examined

__all__ = ["examined", "place_of", "repeat", "spec_of"]


def spec_of(database: DatabaseFile, row: RunRow) -> JobSpec:
    """The specification of a run. Raises UserError for one that was measured elsewhere."""
    with reading(database) as session:
        return repeated(row.ref, store.run_detail(session, run_id=row.id).spec)


def place_of(database: DatabaseFile, row: RunRow) -> Wishes:
    """Where a run works and what it takes there, as it was asked."""
    with reading(database) as session:
        return wishes_of(store.run_detail(session, run_id=row.id))


def repeat(home: Home, spec: JobSpec, row: RunRow, report: PreflightReport, wishes: Wishes) -> int:
    """Start such a run, or put it into the queue, if that is wished; findings of preflight are stored with it. Returns its
    number. Raises UserError where the place that is wished cannot be reached from here."""
    checked = Checked(report.findings)
    if wishes.queues:
        entry = Entry(spec, row.name, checked.stored(), checked.blocked, parent=row.id)
        return submit(home, [entry], wishes.wish(home))[0]
    return launcher.launch(home, spec, name=row.name, forced=checked.blocked, parent=row.id, findings=checked.stored())
