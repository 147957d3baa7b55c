"""Short ways to state a finding."""

from __future__ import annotations

from db.specs.base import Finding, UserError


class Cut(UserError):
    """The file ends too early."""

    code = "truncated"


class Unrecognised(UserError):
    """The file is sound but of no known kind."""

    code = "unrecognised"


def error(code: str, subject: str, message: str, fix: str = "") -> Finding:
    """Something that blocks a run."""
    return Finding(code=code, severity="error", subject=subject, message=message, fix=fix)


def warning(code: str, subject: str, message: str, fix: str = "") -> Finding:
    """Something that is shown everywhere the subject is."""
    return Finding(code=code, severity="warning", subject=subject, message=message, fix=fix)


def info(code: str, subject: str, message: str, fix: str = "") -> Finding:
    """Something worth knowing."""
    return Finding(code=code, severity="info", subject=subject, message=message, fix=fix)
