"""Starting jobs from the screens: called in a thread. The first frame does without this module, for it needs the store."""

from __future__ import annotations

from db.home import Home
from db.specs import EvalSpec, JobSpec
from engine.doctor.preflight import preflight
from leverplus_tui.jobs import launcher
from leverplus_tui.jobs.preflight import Checked, note_changed
from leverplus_tui.tui.screens.launch.preflight import PreflightReport


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
