"""Preflight on the command line: ask the doctor, show its table, say whether the run may start."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from db.home import Home
from db.specs import Finding
from db.specs.base import findings_json, has_error
from engine.common.findings import error
from engine.doctor.preflight import Preflight, preflight
from leverplus_tui.jobs.named_paths import files_of
from leverplus_tui.text.output import finding_lines, say, table

MARKS = {"ok": "ok", "warn": "WARN", "block": "BLOCK"}


@dataclass(frozen=True)
class Checked:
    """What preflight found."""

    findings: tuple[Finding, ...]

    @property
    def blocked(self) -> bool:
        """An error keeps the run from starting."""
        return has_error(self.findings)

    def stored(self) -> tuple[Finding, ...]:
        """The findings that the run keeps; a run forced past an error says so for ever."""
        if not self.blocked:
            return self.findings
        codes = ", ".join(sorted({finding.code for finding in self.findings if finding.severity == "error"}))
        forced = Finding(
            code="forced",
            severity="warning",
            subject="preflight",
            message=f"This run was forced past preflight ({codes}): do not read its figures as those of the request.",
            fix="Mend what is named and run again without --force.",
        )
        return (*self.findings, forced)

    def as_json(self) -> list[dict[str, Any]]:
        """The findings as the contract prints them."""
        return findings_json(self.findings)


def check(spec: Any, place: Home, *, quiet: bool = False, on: str = "") -> Checked:
    """Examine a specification before anything heavy is loaded. Standard error gets each finding when it is made, then
    the table. `on`: the place where it is to run, if that is another one."""
    report = preflight(spec, None if quiet else _tell, on=on)
    note_changed(spec, place, report)
    if not quiet and report.checks:
        say(comparison(report.checks, shutil.get_terminal_size().columns))
    return Checked(tuple(report.findings))


def note_changed(spec: Any, place: Home, report: Preflight) -> None:
    """Add what is no longer what was registered, or what its run wrote. Last, because only this needs the database; a run
    that is blocked already does without."""
    files = files_of(spec)
    if report.blocked or not files or not place.database.exists():
        return
    from db import store  # a third of a second, which a blocked run need not wait
    from db.session import open_database

    for row in store.changed_data(open_database(place.database), list(files.values())):
        field = next(field for field, path in files.items() if path == row.path)
        known = f"when {row.ref} wrote it" if row.run_id is not None else f"when it was registered as {row.name}"
        text = f"{row.path} has another content than {known}: figures would rest on data that nobody recorded."
        fix = f"If the new content is meant: `leverplus data add {shlex.quote(row.path)}`"
        report.add(field.replace("_", " "), "changed", row.name, error("file-changed", row.path, text, fix))


def _tell(finding: Finding) -> None:
    for line in finding_lines([finding]):
        say(line)


def comparison(checks: Sequence[Any], columns: int = 80) -> str:
    """What, checkpoint, request; long values are cut so that a row is a line of the terminal."""
    what = max(len(check.what) for check in checks)
    room = max(12, (columns - what - len("  ".join(("", "", "", "BLOCK")))) // 2)
    rows = [(c.what, _cut(c.checkpoint, room), _cut(c.request, room), MARKS.get(c.level, c.level)) for c in checks]
    return table(("what", "checkpoint", "request", ""), rows)


def _cut(text: str, width: int) -> str:
    """The end of a path says most, of anything else the beginning."""
    if len(text) <= width:
        return text
    return f"…{text[1 - width :]}" if "/" in text else f"{text[: width - 1]}…"
