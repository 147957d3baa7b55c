"""Starting and stopping jobs from the screens: called in a thread, everything heavy imported when it is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from db.home import Home
    from db.specs import JobSpec
    from leverplus_tui.tui.screens.launch.preflight import PreflightReport


def resolved(home: Home, spec: JobSpec) -> JobSpec:
    """The request with registered names and run references replaced by absolute paths. Raises UserError."""
    from leverplus_tui.jobs.named_paths import resolved

    return resolved(spec, home)


def preflight(home: Home, spec: JobSpec) -> PreflightReport:
    """What the doctor says of a request."""
    from engine.doctor.preflight import preflight
    from leverplus_tui.jobs.preflight import note_changed
    from leverplus_tui.tui.screens.launch.preflight import PreflightReport

    report = preflight(spec)
    note_changed(spec, home, report)
    return PreflightReport(tuple(report.checks), tuple(report.findings))


def launch(home: Home, spec: JobSpec, name: str = "", report: PreflightReport | None = None) -> int:
    """Start a job; findings of preflight are stored with its run. Returns the run's number."""
    from leverplus_tui.jobs.launcher import launch
    from leverplus_tui.jobs.preflight import Checked

    checked = Checked(report.findings if report is not None else ())
    return launch(home, spec, name=name, forced=checked.blocked, findings=checked.stored())


def launch_demo(home: Home) -> tuple[int, ...]:
    """Start two small runs on the built-in world: demonstrations drawn at random, and near neighbours."""
    from db.specs import EvalSpec

    specs = {
        "demo random": EvalSpec(limit=100, shots=(0, 1, 2), retriever="random"),
        "demo neighbours": EvalSpec(limit=100, shots=(0, 1, 2), retriever="t2t"),
    }
    return tuple(launch(home, spec, name) for name, spec in specs.items())


def stop(home: Home, run_id: int) -> str:
    """Stop a run's process; the state that the run ended in."""
    from leverplus_tui.jobs.launcher import stop

    return stop(home, run_id)


def resume(home: Home, run_id: int) -> None:
    """Go on with a run."""
    from leverplus_tui.jobs.launcher import resume

    resume(home, run_id)
