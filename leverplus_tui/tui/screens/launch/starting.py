"""Starting jobs from the screens: called in a thread. The first frame does without this module, for it needs the store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from db.home import Home
from db.session import open_database, reading
from db.specs import EvalSpec, JobSpec, UserError
from engine.doctor.preflight import preflight
from engine.doctor.preflight.table import level_of
from leverplus_tui.jobs import launcher
from leverplus_tui.jobs.estimate import estimated
from leverplus_tui.jobs.named_paths import resolved
from leverplus_tui.jobs.preflight import Checked, note_changed
from leverplus_tui.jobs.spec_options import plain
from leverplus_tui.jobs.twins import twin_line
from leverplus_tui.queue.elsewhere import goes
from leverplus_tui.queue.estimate import lasts
from leverplus_tui.queue.following import Following
from leverplus_tui.queue.submit import Entry, Wish, must_fit, submit
from leverplus_tui.queue.sweep import outlook, prepare, queue_sweep
from leverplus_tui.tui.messages import RunsLaunched
from leverplus_tui.tui.screens.launch.preflight import Member, PreflightReport
from leverplus_tui.tui.screens.launch.values import FormValues


@dataclass(frozen=True)
class Ahead:
    """What can be said of a request before it is started; empty where there is nothing to say."""

    estimate: str
    twin: str


def ahead(home: Home, values: FormValues) -> Ahead:
    """How long it takes, and which run has asked for the same. Raises UserError where a run of a sweep is refused."""
    grid = values.grid()
    where = _where(home, values, len(grid.members) if grid is not None else 1)
    if grid is not None:
        return Ahead(f"{where}{lasts(home, [member.spec for member in grid.members])}", "")
    spec = values.spec()
    estimate = where + (estimated(spec, home) or lasts(home, [spec]))
    try:
        with reading(open_database(home.database)) as session:
            return Ahead(estimate, twin_line(session, resolved(spec, home)))
    except UserError:  # a file that is not there, which is said when the job is to start
        return Ahead(estimate, "")


def _where(home: Home, values: FormValues, runs: int) -> str:
    """A line about another place that it goes to, or about why it cannot; empty where it stays here."""
    try:
        line = goes(values.wishes().wish(home), values.kind, runs)
    except UserError as error:
        line = str(error)
    return f"{line}\n" if line else ""


@dataclass(frozen=True)
class Asked:
    """A request that was checked."""

    report: PreflightReport
    start: Callable[[], RunsLaunched]
    """Starts it, whatever the report says; called in a thread."""


def asked(home: Home, values: FormValues) -> Asked:
    """Look files up and ask the doctor. Raises UserError."""
    grid, wishes, following = values.grid(), values.wishes(), values.following()
    wish = wishes.wish(home)
    if grid is None and wishes.queues:
        return _queued(home, values, wish)
    if grid is None:
        spec = resolved(values.spec(), home)
        report = examined(home, spec)
        return Asked(report, lambda: _begun(home, launch(home, spec, values.name, report), following))
    must_fit((member.spec for member in grid.members), wish)
    prepared = prepare(home, grid, values.name, quiet=True, on=wish.runner)
    found = {(one.code, one.subject, one.message): one for checked in prepared.checked for one in checked.findings}

    def start() -> RunsLaunched:
        sweep = queue_sweep(home, grid, prepared, wish, values.name)
        return RunsLaunched(tuple(sweep.members), sweep.ref)

    said = "\n".join(outlook(home, prepared, wish))
    return Asked(PreflightReport((), tuple(found.values()), tuple(map(_member, prepared.entries)), said), start)


def _member(entry: Entry) -> Member:
    level = "later" if entry.waits else level_of(entry.findings)
    return Member({field: plain(value) for field, value in entry.settings.items()}, level)


def _queued(home: Home, values: FormValues, wish: Wish) -> Asked:
    """A run that waits. What names the output of an unfinished run is checked when that is done."""
    waits: set[int] = set()
    spec = resolved(values.spec(), home, waits)
    must_fit([spec], wish)
    report = PreflightReport((), ()) if waits else examined(home, spec, wish.runner)

    def start() -> RunsLaunched:
        checked = Checked(report.findings)
        entry = Entry(spec, values.name, checked.stored(), checked.blocked, waits=frozenset(waits))
        (run_id,) = submit(home, [entry], wish)
        return _begun(home, run_id, values.following(), queued=True)

    return Asked(report, start)


def _begun(home: Home, run_id: int, following: Sequence[Following], *, queued: bool = False) -> RunsLaunched:
    """Queue what comes after a run."""
    after = tuple(one.queue(home, run_id, force=False) for one in following)
    return RunsLaunched((run_id,), queued=queued, following=after)


def examined(home: Home, spec: JobSpec, on: str = "") -> PreflightReport:
    """What the doctor says of a request, `on` another place if it goes there."""
    report = preflight(spec, on=on)
    note_changed(spec, home, report)
    return PreflightReport(tuple(report.checks), tuple(report.findings))


def launch(home: Home, spec: JobSpec, name: str = "", report: PreflightReport | None = None) -> int:
    """Start a job; findings of preflight are stored with its run. Returns the run's number."""
    checked = Checked(report.findings if report is not None else ())
    return launcher.launch(home, spec, name=name, forced=checked.blocked, findings=checked.stored())


def launch_demo(home: Home) -> tuple[int, ...]:
    """Start two small runs on the built-in world: demonstrations drawn at random, and near neighbours."""
    specs = {
        "demo random": EvalSpec(limit=100, shots=(0, 1, 2), retriever="random"),
        "demo neighbours": EvalSpec(limit=100, shots=(0, 1, 2), retriever="t2t"),
    }
    return tuple(launch(home, spec, name) for name, spec in specs.items())
