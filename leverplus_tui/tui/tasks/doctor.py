"""The doctor on any file, folder or run, with what is expected of it."""

from __future__ import annotations

import json
from pathlib import Path

from db.specs import Report
from engine.doctor.request import EXPECTED, expectations
from leverplus_tui.jobs.own_command import Said
from leverplus_tui.text.language import shown
from leverplus_tui.text.output import finding_lines
from leverplus_tui.tui.messages import Outcome, Work
from leverplus_tui.tui.screens.keeping.doctor import DoctorScreen, verdict
from leverplus_tui.tui.screens.sheet import Line, Values
from leverplus_tui.tui.tasks.task import Situation, Task
from leverplus_tui.tui.widgets.picking.paths import paths


def task(at: Situation) -> Task:
    """The window for the doctor."""
    said = at.said("doctor")
    run = at.refs[0] if len(at.runs) == 1 else ""
    subject = at.path or run or said.get("subject") or str(Path.cwd()) + "/"
    lines = [
        Line(
            "subject",
            "file or run",
            subject,
            help="a file or folder, a run such as r12, a name",
            fresh=bool(run),
            source=paths,
        ),
        Line("expect", "--expect", said.get("expect", ""), help="variant=v3 d_model=768; empty expects nothing"),
    ]

    def begin(values: Values) -> Work:
        subject = values["subject"]
        name = Path(subject).name or subject
        expected = [word for pair in values["expect"].split() for word in ("--expect", pair)]
        words = ["doctor", "--json", *expected, "--", subject]
        return at.by_command(
            shown(f"Examining {subject}"), f"doctor on {name}", words, lambda said: _told(said, at, values)
        )

    return Task(
        "doctor", "Doctor: what is wrong with it, and what to do", lines, begin,
        detail=f"Of a checkpoint may be expected: {', '.join(EXPECTED)}", check=_wrong,
    )  # fmt: skip


def _wrong(values: Values) -> str | None:
    if not values["subject"]:
        return shown("file or run: name what is to be examined")
    expectations(values["expect"].split())
    return None


def _told(said: Said, at: Situation, values: Values) -> Outcome:
    """The findings; the page with them opens where the doctor was asked."""
    if said.code not in (0, 1) or not said.out.strip():
        return Outcome(said.sentence, "The doctor cannot say", failed=True, brief=True)
    reports = [Report.model_validate(one) for one in json.loads(said.out)]
    lines = [line for report in reports for line in (verdict(report), *finding_lines(report.findings))]
    failed = said.code == 1
    return Outcome("\n".join(lines), failed=failed, show=lambda: DoctorScreen(at.library, reports, dict(values)))
