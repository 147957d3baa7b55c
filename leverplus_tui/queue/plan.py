"""Which waiting jobs may start now, and what the others wait for: a function of what is known, without clocks and files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from db.run_states import ACTIVE
from db.store import TicketRow
from db.store import ref as run_ref
from leverplus_tui.queue.lanes import choices, refusal, too_big
from leverplus_tui.text.times import clock

LONGEST_PAUSE_S = 600.0
"""Longest pause before a retry; a later time was written before somebody set the clock back."""
MOST_IN_ONE = 32
"""Runs that train in one process on this machine at most; elsewhere a sweep is one array."""


@dataclass(frozen=True)
class Occupant:
    """A job at work on this machine."""

    run_id: int
    lanes: tuple[str, ...]
    memory_mb: int
    """0 shares with nobody."""


@dataclass(frozen=True)
class Start:
    """Jobs that start as one process on these devices."""

    run_ids: tuple[int, ...]
    lanes: tuple[str, ...]


@dataclass
class Plan:
    """What to do now."""

    starts: list[Start] = field(default_factory=list)
    waiting: dict[int, str] = field(default_factory=dict)
    goes_on: bool = False
    """Something will happen by itself: a job runs, starts, or waits for one that does."""


def plan(
    tickets: Sequence[TicketRow],
    *,
    occupants: Iterable[Occupant],
    lanes: Mapping[str, int],
    states: Mapping[int, str],
    now: int,
) -> Plan:
    """First come, first served within a priority; a job that waits for a device is not overtaken on it.

    `tickets` in order; `lanes`: device -> memory in MB; `states` of all runs that are waited for; `now` in UTC microseconds.
    """
    return _Planner(occupants, lanes, states, now).run(tickets)


class _Planner:
    def __init__(
        self, occupants: Iterable[Occupant], lanes: Mapping[str, int], states: Mapping[int, str], now: int
    ) -> None:
        self._lanes, self._states, self._now = lanes, states, now
        self._on: dict[str, list[Occupant]] = defaultdict(list)
        for one in occupants:
            self._take(one)
        self._claimed: dict[str, int] = {}
        """Devices that a job further ahead waits for -> that job."""
        self._plan = Plan()

    def run(self, tickets: Sequence[TicketRow]) -> Plan:
        waiting = [ticket for ticket in tickets if ticket.state == "queued"]
        self._plan.goes_on = len(waiting) < len(tickets)
        started: set[int] = set()
        for ticket in waiting:
            if ticket.run_id in started:
                continue
            held = self._held(ticket)
            if held:
                self._plan.waiting[ticket.run_id] = held
                continue
            found = self._room(ticket)
            if found is None:
                continue
            together = self._together(ticket, waiting) if ticket.batch is not None else (ticket.run_id,)
            started.update(together)
            self._plan.starts.append(Start(together, found))
            self._plan.goes_on = True
            self._take(Occupant(ticket.run_id, found, ticket.memory_mb))
        return self._plan

    def _together(self, first: TicketRow, waiting: Sequence[TicketRow]) -> tuple[int, ...]:
        same = [t.run_id for t in waiting if t.batch == first.batch and not self._held(t)]
        return tuple(same if first.runner else same[:MOST_IN_ONE])

    def _held(self, ticket: TicketRow) -> str:
        """Why a job may not start, whatever device is free."""
        if ticket.paused:
            return f"paused: `leverplus unpause {run_ref(ticket.run_id)}` lets it go on"
        for needed in ticket.needs:
            state = self._states.get(needed, "gone")
            if state == "done":
                continue
            name = run_ref(needed)
            if state in ACTIVE:
                self._plan.goes_on = True
                return f"waits for {name}, which is {state}"
            if state in ("gone", "deleted"):
                return (
                    f"waits for {name}, which was deleted: `leverplus queue cancel {run_ref(ticket.run_id)}` gives up"
                )
            return f"waits for {name}, which {how_ended(state)}: `leverplus resume {name}` goes on with it"
        if self._now < ticket.not_before <= self._now + LONGEST_PAUSE_S * 1e6:
            self._plan.goes_on = True
            return f"try {ticket.tried + 1} of {ticket.retries + 1} starts at {clock(ticket.not_before)}"
        return ""

    def _room(self, ticket: TicketRow) -> tuple[str, ...] | None:
        """Devices that it can have now; else what it waits for is noted and nobody overtakes it there."""
        if ticket.runner:
            return (ticket.runner,)
        everywhere = choices(ticket.device, list(self._lanes))
        possible = [lanes for lanes in everywhere if not too_big(ticket.memory_mb, lanes, self._lanes)]
        if not possible:
            lacks = f"waits for {ticket.device}, which this machine lacks"
            self._plan.waiting[ticket.run_id] = refusal(ticket.device, ticket.memory_mb, self._lanes) or lacks
            return None
        for lanes in possible:
            if all(lane not in self._claimed and self._fits(ticket, lane) for lane in lanes):
                return lanes
        flat = list(dict.fromkeys(lane for lanes in possible for lane in lanes))
        self._plan.waiting[ticket.run_id] = self._taken(flat)
        for lane in flat:
            self._claimed.setdefault(lane, ticket.run_id)
        self._plan.goes_on = True
        return None

    def _fits(self, ticket: TicketRow, lane: str) -> bool:
        there = self._on[lane]
        if not there:
            return True
        if not ticket.memory_mb or any(not one.memory_mb for one in there):
            return False
        return sum(one.memory_mb for one in there) + ticket.memory_mb <= self._lanes[lane]

    def _take(self, occupant: Occupant) -> None:
        for lane in occupant.lanes:
            self._on[lane].append(occupant)

    def _taken(self, lanes: Sequence[str]) -> str:
        at_work = list(dict.fromkeys(run_ref(one.run_id) for lane in lanes for one in self._on[lane]))
        ahead = list(dict.fromkeys(run_ref(self._claimed[lane]) for lane in lanes if lane in self._claimed))
        who = [f"{', '.join(at_work)} at work"] if at_work else []
        who += [f"{', '.join(ahead)} before it"] if ahead else []
        return f"waits for {' or '.join(lanes)}: {', '.join(who)}"


def how_ended(state: str) -> str:
    """What became of a run that is not done: `failed`, `was stopped`, `was lost`."""
    return {"stopped": "was stopped", "lost": "was lost"}.get(state, state)
