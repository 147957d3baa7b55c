"""Short ways to state a finding."""

from __future__ import annotations

from db.specs.base import Finding


def error(code: str, subject: str, message: str, fix: str = "") -> Finding:
    """Something that blocks a run."""
    return Finding(code=code, severity="error", subject=subject, message=message, fix=fix)


def warning(code: str, subject: str, message: str, fix: str = "") -> Finding:
    """Something that is shown everywhere the subject is."""
    return Finding(code=code, severity="warning", subject=subject, message=message, fix=fix)


def info(code: str, subject: str, message: str, fix: str = "") -> Finding:
    """Something worth knowing."""
    return Finding(code=code, severity="info", subject=subject, message=message, fix=fix)
