"""What the pages of queue, sweeps and trash read and write: the part of `Database` that is not about single runs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from db import store
from db.home import Home
from db.session import DatabaseFile, Session, reading, writing
from db.store import SweepRow, TicketRow
from leverplus_tui.queue.lanes import CPU, lanes, usual
from leverplus_tui.text.language import shown
from leverplus_tui.text.numbers import plural
from leverplus_tui.tui.reading.rows import Device, Queue, Sweep, SweepRuns

if TYPE_CHECKING:
    from leverplus_tui.keeping.trash import Thrown
    from leverplus_tui.results.sweep_best import Chosen

MOST_ENDED = 20
"""Runs that are offered to be queued again."""


class Upkeep:
    """Functions that are called in a thread and return finished rows."""

    engine: DatabaseFile

    # Queue

    @cached_property
    def lanes(self) -> dict[str, int]:
        """Devices of this machine, with their memory in MB."""
        return lanes()

    def queue(self) -> Queue:
        """What runs, what waits in its order, and what left the queue before it was done."""
        with reading(self.engine) as session:
            tickets = store.tickets(session)
            ended = store.unfinished_tickets(session, limit=MOST_ENDED)
            at_work = {row.run_id for row in store.active_processes(session) if row.ended is None}
            ids = [*at_work, *(ticket.run_id for ticket in (*tickets, *ended))]
            rows = {row.id: row for row in store.run_rows(session, run_ids=list(dict.fromkeys(ids)))}
            known = {ticket.run_id: ticket for ticket in (*ended, *tickets)}
            running = [run_id for run_id, row in rows.items() if row.state == "running" or run_id in at_work]
            waiting = [ticket.run_id for ticket in tickets if ticket.run_id not in running]
            on = {run_id: self._on(session, run_id, known.get(run_id)) for run_id in running}
        left = [ticket.run_id for ticket in ended if ticket.run_id not in (*running, *waiting)]
        return Queue(
            rows=rows, tickets=known, running=tuple(running), waiting=tuple(waiting), ended=tuple(left), on=on,
            devices=self._devices(on, [known[run_id] for run_id in waiting]),
        )  # fmt: skip

    def _on(self, session: Session, run_id: int, ticket: TicketRow | None) -> tuple[str, ...]:
        if ticket is not None and ticket.lanes:
            return ticket.lanes
        device = getattr(store.spec_of(session, run=store.get_run(session, run_id=run_id)), "device", CPU)
        return usual(str(device), list(self.lanes)) or (str(device),)

    def _devices(self, on: dict[int, tuple[str, ...]], waiting: Sequence[TicketRow]) -> tuple[Device, ...]:
        """Devices of this machine, and others that something runs on or waits for."""
        named = [lane for lanes in on.values() for lane in lanes]
        wanted = [usual(ticket.device, list(self.lanes)) or (ticket.device,) for ticket in waiting]
        names = dict.fromkeys([*self.lanes, *named, *(lane for lanes in wanted for lane in lanes)])
        return tuple(
            Device(
                name,
                tuple(run_id for run_id, lanes in on.items() if name in lanes),
                sum(name in lanes for lanes in wanted),
            )
            for name in names
        )

    def pause(self, run_ids: Sequence[int], *, paused: bool) -> None:
        """Hold waiting runs back, or let them go on. Raises UserError for one that does not wait."""
        with writing(self.engine) as session:
            store.pause(session, run_ids=run_ids, paused=paused)

    def prioritise(self, run_ids: Sequence[int], step: int) -> None:
        """Let waiting runs start earlier or later than those of other priorities."""
        with writing(self.engine) as session:
            for run_id in run_ids:
                ticket = store.ticket_of(session, run_id=run_id)
                store.prioritise(session, run_id=run_id, priority=(ticket.priority if ticket else 0) + step)

    def move_before(self, run_id: int, other: int | None) -> None:
        """Put a waiting run right before another one, or before all."""
        with writing(self.engine) as session:
            store.move_before(session, run_id=run_id, other=other)

    def at_once(self, run_id: int) -> None:
        """Let a waiting run go on without a pause before its next try."""
        with writing(self.engine) as session:
            store.at_once(session, run_id=run_id)

    # Sweeps

    def sweeps(self) -> list[Sweep]:
        """All sweeps with the states of their runs, newest first."""
        with reading(self.engine) as session:
            rows = store.list_sweeps(session)
            return [Sweep(row, store.states(session, run_ids=list(row.members))) for row in rows]

    def sweep(self, sweep_id: int, metric: str) -> SweepRuns:
        """One sweep with its runs, and a metric of the best epoch of each; empty is the usual one."""
        from leverplus_tui.results.sweep_best import USUAL  # as below

        with reading(self.engine) as session:
            found = store.get_sweep(session, sweep_id=sweep_id)
            ids, metric = list(found.members), metric or USUAL.get(found.kind, "")
            rows = {row.id: row for row in store.run_rows(session, run_ids=ids)}
            values = store.run_values(session, run_ids=ids, fields=[f"best.{metric}"]) if metric else {}
            metrics = tuple(store.metric_names(session)) if metric else ()
        return SweepRuns(found, rows, {run: one[f"best.{metric}"] for run, one in values.items()}, metric, metrics)

    def best_of_sweep(self, sweep: SweepRow, metric: str) -> Chosen:
        """The best settings. Raises UserError where there is nothing to choose from."""
        from leverplus_tui.results.sweep_best import best_of_sweep  # numpy: 140 ms before the first list

        with reading(self.engine) as session:
            return best_of_sweep(session, sweep, metric)

    # Repetitions

    def since_parent(self, run_id: int) -> str:
        """What has changed between a run and the one that it repeats, in a sentence."""
        from leverplus_tui.results.what_changed import drift  # as above

        with reading(self.engine) as session:
            second = store.run_detail(session, run_id=run_id)
            assert second.row.parent is not None, "a repetition has a parent"
            changes = drift(session, store.run_detail(session, run_id=second.row.parent), second)
        parent = store.ref(second.row.parent)
        if not changes:
            return f"code, versions and data are those of {parent}"
        more = shown(f", and {plural(len(changes) - 1, 'other change')}") if len(changes) > 1 else ""
        return shown(f"since {parent} {changes[0]}{more}")

    # Trash

    def thrown(self, home: Home) -> list[Thrown]:
        """Deleted runs with what they hold on disk, the newest first."""
        from leverplus_tui.keeping.trash import thrown  # rarely asked for

        return thrown(home, self.engine)

    def restore(self, run_ids: Sequence[int]) -> None:
        """Bring deleted runs back into all lists."""
        with writing(self.engine) as session:
            store.restore(session, run_ids=run_ids)

    def erase(self, home: Home, run_ids: Sequence[int]) -> tuple[list[Thrown], list[Thrown]]:
        """Erase deleted runs for ever; (erased, kept because others use their files)."""
        from leverplus_tui.keeping.trash import erase  # rarely asked for

        return erase(home, self.engine, run_ids)
