"""What preflight shows: one row for each thing held against the request, and the findings behind the rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from db.specs.base import Finding, Severity, UserError, has_error, worst_first
from engine.common.findings import error
from engine.common.wording import capital, parted

Level = Literal["ok", "warn", "block"]
LEVEL_OF: dict[Severity, Level] = {"error": "block", "warning": "warn", "info": "ok"}


def level_of(findings: Sequence[Finding]) -> Level:
    """The worst of some findings, as a level."""
    return LEVEL_OF[worst_first(findings)[0].severity] if findings else "ok"


@dataclass(frozen=True, slots=True)
class Check:
    """One row of the preflight table."""

    what: str
    checkpoint: str
    """What the file says."""
    request: str
    """What the run asks for."""
    level: Level = "ok"


@dataclass
class Preflight:
    """The table and the findings of one request; `tell` hears each finding as soon as it is made."""

    checks: list[Check] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    tell: Callable[[Finding], None] | None = None
    on: str = ""
    """Where the job is to run, as `--on` says it: nothing is asked of this machine's devices and memory then."""

    def add(self, what: str, has: object, asked: object, *findings: Finding) -> None:
        """One row with the findings that belong to it; the worst gives its level."""
        self.checks.append(Check(what, str(has), str(asked), level_of(findings)))
        for finding in findings:
            self.note(finding)

    def note(self, finding: Finding) -> None:
        """A finding, once, with or without a row."""
        if finding not in self.findings:
            self.findings.append(finding)
            if self.tell is not None:
                self.tell(finding)

    @property
    def blocked(self) -> bool:
        """An error keeps the run from starting."""
        return has_error(self.findings)


def refusal(code: str, subject: str, failure: UserError) -> Finding:
    """The finding of what the job would refuse: its own sentence, with the way out, which stands last, as the fix."""
    what, way_out = parted(str(failure).removesuffix("."))
    return error(code, subject, f"{what}.", capital(way_out))
