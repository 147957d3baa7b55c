"""Asking about an evaluation: requests go into their table, and one job that holds the model answers them there."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from db import process, store
from db.home import Home
from db.run_states import ACTIVE
from db.session import DatabaseFile, Session, open_database, reading, writing
from db.specs import AskSpec, EvalSpec, TrialSpec, UserError
from leverplus_tui.jobs import launcher, preflight
from leverplus_tui.jobs.dead_jobs import bury_dead


@dataclass(frozen=True)
class Standing:
    """Where the job that is asked about an evaluation stands."""

    job: int | None
    """Number of its run; None where nobody has asked anything yet."""
    state: str = ""
    is_up: bool = False
    """Whether a process of it lives, so that requests will be answered."""
    note: str = ""
    """What it does, in words of its own."""
    since_s: float = 0.0
    """Seconds since its present process started."""
    reason: str = ""
    """How it ended."""

    @property
    def is_ready(self) -> bool:
        """Whether its model is loaded."""
        return self.is_up and bool(self.note) and not self.note.startswith("loads ")


def asker_of(pid: int) -> dict[str, Any]:
    """A process of this machine, as a job can look whether it is still there; empty for one that is not."""
    start = process.pid_start(pid)
    if not start:
        return {}
    return {"pid": pid, "pid_start": start, "boot_id": process.boot_id(), "host": process.host()}


def this_terminal() -> dict[str, Any]:
    """The shell that leads this session; empty where this program leads it itself, and so leaves nobody behind."""
    leader = os.getsid(0)
    return {} if leader == os.getpid() else asker_of(leader)


def asked_spec(session: Session, run_id: int) -> EvalSpec:
    """The specification of an evaluation that can be asked about. Raises UserError for any other run."""
    run = store.get_run(session, run_id=run_id)
    if run.kind != "eval":
        raise UserError(
            f"r{run_id} is no evaluation ({run.kind}): ask about one that `leverplus runs --where kind:eval` lists"
        )
    spec = store.spec_of(session, run=run)
    assert isinstance(spec, EvalSpec), "a run of this kind has this specification"
    return spec


def stored_answer(session: Session, run_id: int, question_id: int, shot: int | None = None) -> store.PredictionRow:
    """What the evaluation said to a question, at most shots unless they are named. Raises UserError naming what there is."""
    shots = asked_spec(session, run_id).shots if shot is None else (shot,)
    for tried in sorted(shots, reverse=True):
        if found := store.predictions(session, run_id=run_id, shot=tried, question_ids=[question_id]):
            return found[0]
    known = sorted({cell.shot for cell in store.cells(session, run_ids=[run_id])})
    at = f" at {shot} shots" if shot is not None else ""
    raise UserError(
        f"r{run_id} has no answer to question {question_id}{at}; it was asked at {', '.join(map(str, known)) or 'no'} shots, and "
        f"`leverplus export r{run_id} --results` writes all its questions"
    )


def ask(
    place: Home, run_id: int, request: TrialSpec, *, asker: Mapping[str, Any] | None = None, idle_s: int | None = None
) -> int:
    """Ask, and see to it that a job answers. Returns the number of the request. Raises UserError where preflight blocks."""
    number = _begin(
        place, run_id, idle_s, lambda session: store.add_trial(session, run_id=run_id, request=request, asker=asker)
    )
    assert number is not None, "a request has a number"
    return number


def start(place: Home, run_id: int) -> None:
    """See to it that a job answers what waits. Raises UserError where preflight blocks."""
    _begin(place, run_id, None, lambda session: None)


def _begin(place: Home, run_id: int, idle_s: int | None, write: Callable[[Session], int | None]) -> int | None:
    """`write`, and a job where none is up, in one transaction: two terminals never start two."""
    database = open_database(place.database)
    bury_dead(database)
    with reading(database) as session:
        evaluation, forced = asked_spec(session, run_id), store.get_run(session, run_id=run_id).forced
        present = store.asking_run(session, run_id=run_id)
        is_up = present is not None and _is_up(session, present)
    checked = preflight.Checked(()) if is_up else _checked(evaluation, place, run_id, forced=forced)
    spec = AskSpec.about(run_id, evaluation, **({} if idle_s is None else {"idle_s": idle_s}))
    with writing(database) as session:
        written = write(session)
        job = _to_start(session, spec)
        if job is not None:
            store.add_rows(session, run_id=job, process_id=None, rows=list(checked.stored()))
    if job is not None:
        with suppress(store.StateConflict):  # another terminal was quicker, and its process answers
            launcher.start(place, database, job)
    return written


def _checked(evaluation: EvalSpec, place: Home, run_id: int, *, forced: bool) -> preflight.Checked:
    """What preflight finds; an evaluation that was forced past an error is asked about past it too."""
    checked = preflight.check(evaluation, place, quiet=True)
    if checked.blocked and not forced:
        first = next(one for one in checked.findings if one.severity == "error")
        raise UserError(f"r{run_id} cannot be asked now: {first.message} {first.fix}")
    return checked


def _to_start(session: Session, spec: AskSpec) -> int | None:
    """The job that is now queued; None where one is up. What ended before goes on: an evaluation has one such run."""
    present = store.asking_run(session, run_id=spec.run)
    if present is not None and _is_up(session, present):
        return None
    if present is None:
        name = f"ask {store.get_run(session, run_id=spec.run).name}"
        present = store.create_run(session, spec=spec, name=name, environment={"argv": sys.argv}, parent=spec.run)
    elif present.state not in ACTIVE:
        store.settle_spec(session, run=present, spec=spec)
        store.resume_run(session, run_id=present.id)
    return present.id


def _is_up(session: Session, job: Any) -> bool:
    """Whether a process works on it; one that is queued and has none lost whoever was about to start it."""
    rows = store.processes(session, run_id=job.id)
    return job.state in ACTIVE and bool(rows) and rows[-1].ended is None


def standing(database: DatabaseFile, run_id: int) -> Standing:
    """Where the job stands; one that died is found dead."""
    bury_dead(database)
    with reading(database) as session:
        run = store.asking_run(session, run_id=run_id)
        if run is None:
            return Standing(None)
        assert run.id is not None, "a stored run has a key"
        rows = store.processes(session, run_id=run.id)
    newest = rows[-1] if rows else None
    if newest is None or (newest.ended is not None and run.state in ACTIVE):
        return Standing(run.id, run.state)
    if newest.ended is not None:
        return Standing(run.id, run.state, reason=newest.reason)
    is_new = (run.progress_at or 0) >= newest.started.timestamp() * 1e6
    age = process.age_s(newest.pid_start, newest.started)
    return Standing(run.id, run.state, True, run.progress_note if is_new else "", age)
