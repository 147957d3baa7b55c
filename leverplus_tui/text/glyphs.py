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


def ascii_only() -> bool:
    """Whether LEVERPLUS_ASCII asks for glyphs that every font has."""
    return os.environ.get("LEVERPLUS_ASCII", "") not in ("", "0")


def glyph(name: str) -> str:
    """The sign of that name; plain ASCII where LEVERPLUS_ASCII is set."""
    sign, plain = GLYPHS[name]
    return plain if ascii_only() else sign
