"""The signs that both front ends draw, each with a plain one for fonts and terminals that have no other."""

from __future__ import annotations

import os
from collections.abc import Mapping

GLYPHS: Mapping[str, tuple[str, str]] = {
    "cursor": ("❯", ">"),
    "mark": ("◆", "*"),
    "pin": ("↑", "^"),
    "queued": ("○", "."),
    "running": ("▶", ">"),
    "stalled": ("◌", "~"),
    "done": ("✓", "+"),
    "failed": ("✗", "x"),
    "stopped": ("■", "#"),
    "lost": ("?", "?"),
    "error": ("✗", "x"),
    "warning": ("▲", "!"),
    "info": ("·", "-"),
    "ok": ("✓", "+"),
    "bar-full": ("━", "#"),
    "bar-empty": ("─", "."),
    "plus-minus": ("±", "+-"),
    "to": ("–", "-"),
    "up": ("▲", "^"),
    "down": ("▼", "v"),
    "ellipsis": ("…", "~"),
    "dot": ("·", "-"),
    "rule": ("─", "-"),
    "pipe": ("│", "|"),
    "left": ("‹", "<"),
    "right": ("›", ">"),
    "open": ("▾", "v"),
    "closed": ("▸", ">"),
    "times": ("×", "x"),
    "arrow": ("→", "->"),
}
"""Name -> (sign, sign in ASCII). Run states, severities and levels of a check are names too."""


POOR = ("dumb", "linux", "vt100", "vt102", "vt220")
"""Values of TERM whose terminals lack most of these signs."""
_known_poor = False


def ascii_only() -> bool:
    """Whether LEVERPLUS_ASCII, or the terminal that is drawn to, asks for glyphs that every font has."""
    return (asked := os.environ.get("LEVERPLUS_ASCII", "")) not in ("", "0") or (not asked and _known_poor)


def fit_to_terminal(environment: Mapping[str, str]) -> None:
    """Draw with ASCII from now on where TERM or the language of the environment says that no other sign can be shown."""
    global _known_poor
    _known_poor = environment.get("TERM", "") in POOR or not _speaks_unicode(environment)


def _speaks_unicode(environment: Mapping[str, str]) -> bool:
    """What names no language says nothing; Python itself turns `LANG=C` into a second variable, which is no wish of anybody."""
    names = [environment.get(name, "") for name in ("LC_ALL", "LC_CTYPE", "LANG")]
    if names[:2] == ["", "C.UTF-8"] and names[2] in ("C", "POSIX"):
        return False
    told = next((name for name in names if name), "")
    return not told or "utf" in told.casefold()


def glyph(name: str) -> str:
    """The sign of that name; plain ASCII where LEVERPLUS_ASCII is set."""
    sign, plain = GLYPHS[name]
    return plain if ascii_only() else sign
