"""The one exception for the user's fault or the world's. It stands alone so that it costs nothing to import."""

from __future__ import annotations


class UserError(Exception):
    """One sentence that names the file, the field, the value and the way out."""

    exit_code = 2
    code = "malformed"
    """The finding that the doctor makes of it when a file is the reason."""
