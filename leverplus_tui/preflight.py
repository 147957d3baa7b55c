"""Preflight on the command line: ask the doctor, show its table, say whether the run may start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from db.specs import Finding
from leverplus_tui.output import finding_lines, say, table

MARKS = {"ok": "ok", "warn": "WARN", "warning": "WARN", "block": "BLOCK", "error": "BLOCK"}


@dataclass(frozen=True)
class Checked:
    """What preflight found."""

    findings: tuple[Finding, ...]

    @property
    def blocked(self) -> bool:
        """An error keeps the run from starting."""
        return any(finding.severity == "error" for finding in self.findings)

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
        return [finding.model_dump(mode="json") for finding in self.findings]


def check(spec: Any, *, quiet: bool = False) -> Checked:
    """Examine a specification before anything heavy is loaded; the table goes to standard error."""
    from engine.doctor.preflight import preflight  # numpy and readers: not for `--help`

    report = preflight(spec)
    if not quiet:
        show(report.checks, report.findings)
    return Checked(tuple(report.findings))


def show(checks: Sequence[Any], findings: Sequence[Finding]) -> None:
    """What, checkpoint, request; then the findings in sentences."""
    if checks:
        rows = [(str(c.what), str(c.checkpoint), str(c.request), MARKS.get(str(c.level), str(c.level))) for c in checks]
        say(table(("what", "checkpoint", "request", ""), rows))
    for line in finding_lines(findings):
        say(line)
