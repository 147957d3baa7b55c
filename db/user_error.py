"""What is said to the user: the one exception for his fault or the world's, and how bad a finding is. It stands alone so that
it costs nothing to import."""

from __future__ import annotations

from typing import Literal, get_args

Severity = Literal["error", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
"""Worst first."""


class UserError(Exception):
    """One sentence that names the file, the field, the value and the way out."""

    exit_code = 2
    code = "malformed"
    """The finding that the doctor makes of it when a file is the reason."""
