"""A sweep from its grid to queued runs: checked once for what is shared, trained together where that changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from time import time_ns
from typing import Any

from db import store
from db.home import Home
from db.session import Session, open_database, reading, writing
from db.specs import JobSpec, TrainSpec
from db.specs.train import VARIES
from leverplus_tui.jobs import launcher, preflight
from leverplus_tui.jobs.named_paths import resolved
from leverplus_tui.jobs.preflight import Checked
from leverplus_tui.queue.elsewhere import goes
from leverplus_tui.queue.estimate import lasts
from leverplus_tui.queue.grid import Grid
from leverplus_tui.queue.lock import ensure_dispatcher
from leverplus_tui.queue.submit import Entry, Wish, enter, must_fit, requeue
from leverplus_tui.text.numbers import plural


@dataclass(frozen=True)
class Prepared:
    """Members with their files looked up, and what preflight says of each."""

    entries: tuple[Entry, ...]
    checked: tuple[Checked, ...]
    """The answers that differ, in the order in which they were asked for."""


def prepare(home: Home, grid: Grid, name: str, *, force: bool = False, quiet: bool = False, on: str = "") -> Prepared:
    """Look files up and check: runs that differ only in what preflight does not look at are checked once. Sent `on` to another
    place all are handed in together, and none shares a process."""
    known: dict[str, Checked] = {}
    batches: dict[str, int] = {}
    entries = []
    for member in grid.members:
        waits: set[int] = set()
        spec = resolved(member.spec, home, waits)
        if waits:
            checked = Checked(())
        else:
            key = _shared(spec)
            if key not in known:
                known[key] = preflight.check(spec, home, quiet=quiet, on=on)
            checked = known[key]
        forced = force if waits else checked.blocked
        alike = "" if on else _alike(spec)
        batch = batches.setdefault(alike, time_ns() // 1000 + len(batches)) if on or trains_together(spec) else None
        label = f"{name or store.default_name(spec)} {member.label}"
        entries.append(
            Entry(spec, label, checked.stored(), forced, None, frozenset(waits), batch, settings=member.settings)
        )
    alone = [] if on else [one for one in batches.values() if sum(entry.batch == one for entry in entries) == 1]
    entries = [replace(entry, batch=None) if entry.batch in alone else entry for entry in entries]
    return Prepared(tuple(entries), tuple(known.values()))


def outlook(home: Home, prepared: Prepared, wish: Wish) -> list[str]:
    """What is said of a sweep before it is queued: how many runs, how often they were checked, how long they take, and where."""
    specs = [entry.spec for entry in prepared.entries]
    batches = {entry.batch for entry in prepared.entries if entry.batch is not None and not wish.runner}
    together = f", {plural(len(batches), 'process', 'processes')} for those that train together" if batches else ""
    checks = plural(len(prepared.checked), "preflight")
    said = [
        f"{plural(len(specs), 'run')} ({checks}{together}); {lasts(home, specs)}",
        goes(wish, specs[0].kind, len(specs)),
    ]
    if any("seed" in entry.settings and getattr(entry.spec, "limit", None) for entry in prepared.entries):
        said.append(
            "note: each seed draws questions of its own, so that runs of unlike seeds share few; --first N asks all the same"
        )
    return [line for line in said if line]


def queue_sweep(home: Home, grid: Grid, prepared: Prepared, wish: Wish, name: str) -> store.SweepRow:
    """Store the sweep and its runs, all or none, and see to it that somebody starts them."""
    database = open_database(home.database)
    kind = grid.members[0].spec.kind
    must_fit((member.spec for member in grid.members), wish)
    with writing(database) as session:
        members = {enter(session, entry, wish): entry.settings for entry in prepared.entries}
        shown = name or f"{kind} by {', '.join(grid.axes)}"
        sweep_id = store.create_sweep(session, name=shown, kind=kind, axes=grid.axes, members=members)
        row = store.get_sweep(session, sweep_id=sweep_id)
    ensure_dispatcher(home, database)
    return row


def trains_together(spec: Any) -> bool:
    """Whether a run may train in one process with others: nothing that it draws depends on them. Dropout would."""
    return isinstance(spec, TrainSpec) and not (spec.dropout or spec.attn_dropout)


def _alike(spec: JobSpec) -> str:
    """Equal for trainings that differ in numbers only."""
    return spec.model_copy(update={name: 0 for name in VARIES}).canonical()


def _shared(spec: JobSpec) -> str:
    """Equal for runs of which preflight says the same: no check looks at a training's numbers, nor at a seed that draws no
    questions."""
    if isinstance(spec, TrainSpec):
        return _alike(spec)
    drawn = getattr(spec, "limit", None) or spec.kind != "eval"
    return (
        spec.canonical()
        if drawn or "seed" not in type(spec).model_fields
        else spec.model_copy(update={"seed": 0}).canonical()
    )


def stop(home: Home, sweep: store.SweepRow) -> dict[int, str]:
    """Stop what waits and what runs of a sweep, and what waits first, or it would start. Returns the states."""
    with reading(open_database(home.database)) as session:
        states = store.states(session, run_ids=list(sweep.members))
    active = sorted(
        (run for run, state in states.items() if state in store.ACTIVE), key=lambda run: states[run] != "queued"
    )
    return states | launcher.stop_all(home, active)


def resume_missing(home: Home, sweep: store.SweepRow) -> list[int]:
    """Queue again what ended before it was done; returns these runs, without those that somebody else was quicker with."""
    with reading(open_database(home.database)) as session:
        lacking = missing(session, sweep)
    queued = []
    for run_id in lacking:
        with suppress(store.StateConflict):
            requeue(home, run_id, Wish())
            queued.append(run_id)
    return queued


def counted(states: Mapping[int, str]) -> str:
    """`8 done, 1 running, 3 queued`."""
    counts = {state: list(states.values()).count(state) for state in dict.fromkeys(states.values())}
    return ", ".join(f"{n} {state}" for state, n in counts.items())


def missing(session: Session, sweep: store.SweepRow) -> list[int]:
    """Runs of a sweep that ended before they were done."""
    found = store.states(session, run_ids=list(sweep.members))
    return [run for run, state in found.items() if state in store.UNFINISHED]
