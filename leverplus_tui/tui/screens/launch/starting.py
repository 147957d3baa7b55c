"""Starting jobs from the screens: called in a thread. The first frame does without this module, for it needs the store."""

from __future__ import annotations

from collections.abc import Callable
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
from leverplus_tui.queue.estimate import lasts
from leverplus_tui.queue.submit import Entry, Wish
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
    if grid is not None:
        return Ahead(lasts(home, [member.spec for member in grid.members]), "")
    spec = values.spec()
    estimate = estimated(spec, home) or lasts(home, [spec])
    try:
        with reading(open_database(home.database)) as session:
            return Ahead(estimate, twin_line(session, resolved(spec, home)))
    except UserError:  # a file that is not there, which is said when the job is to start
        return Ahead(estimate, "")


@dataclass(frozen=True)
class Asked:
    """A request that was checked."""

    report: PreflightReport
    start: Callable[[], RunsLaunched]
    """Starts it, whatever the report says; called in a thread."""


def asked(home: Home, values: FormValues) -> Asked:
    """Look files up and ask the doctor. Raises UserError."""
    grid = values.grid()
    if grid is None:
        spec = resolved(values.spec(), home)
        report = examined(home, spec)
        return Asked(report, lambda: RunsLaunched((launch(home, spec, values.name, report),)))
    prepared = prepare(home, grid, values.name, quiet=True)
    found = {(one.code, one.subject, one.message): one for checked in prepared.checked for one in checked.findings}

    def start() -> RunsLaunched:
        sweep = queue_sweep(home, grid, prepared, Wish(), values.name)
        return RunsLaunched(tuple(sweep.members), sweep.ref)

    said = "\n".join(outlook(home, prepared))
    return Asked(PreflightReport((), tuple(found.values()), tuple(map(_member, prepared.entries)), said), start)


def _member(entry: Entry) -> Member:
    level = "later" if entry.waits else level_of(entry.findings)
    return Member({field: plain(value) for field, value in entry.settings.items()}, level)


def examined(home: Home, spec: JobSpec) -> PreflightReport:
    """What the doctor says of a request."""
    report = preflight(spec)
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
