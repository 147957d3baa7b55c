"""Short ways to state a finding; what they say may hold text of a file, so it is made printable."""

from __future__ import annotations

from db.specs.base import Finding, Severity, UserError
from engine.common.wording import printable


class Cut(UserError):
    """The file ends too early."""

    code = "truncated"


class Unrecognised(UserError):
    """The file is sound but of no known kind."""

    code = "unrecognised"


def error(code: str, subject: str, message: str, fix: str = "") -> Finding:
    """Something that blocks a run."""
    return _finding("error", code, subject, message, fix)


def warning(code: str, subject: str, message: str, fix: str = "") -> Finding:
    """Something that is shown everywhere the subject is."""
    return _finding("warning", code, subject, message, fix)


def info(code: str, subject: str, message: str, fix: str = "") -> Finding:
    """Something worth knowing."""
    return _finding("info", code, subject, message, fix)


def _finding(severity: Severity, code: str, subject: str, message: str, fix: str) -> Finding:
    return Finding(
        code=code, severity=severity, subject=printable(subject), message=printable(message), fix=printable(fix)
    )
