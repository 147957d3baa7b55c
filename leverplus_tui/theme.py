"""Looks: our themes, the roles that a piece of text can play, and the glyphs that say the same without colour."""

from __future__ import annotations

import os
from collections.abc import Mapping

from textual.theme import Theme

DARK_VARIABLES = {
    "heat-0": "#18212b",
    "heat-1": "#1a2c36",
    "heat-2": "#1b3840",
    "heat-3": "#1c4549",
    "heat-4": "#1e5452",
    "heat-5": "#20635b",
    "heat-6": "#237466",
    "series-1": "#5cc8b5",
    "series-2": "#e8b04c",
    "series-3": "#82aaff",
    "series-4": "#e8798a",
    "series-5": "#b695e8",
    "series-6": "#9fca6a",
    "rule": "#2b3541",
    "faint": "#7d8a99",
    "footer-background": "#141a21",
    "block-cursor-background": "#24384a",
    "block-cursor-foreground": "#eef3f8",
    "block-cursor-blurred-background": "#1c2733",
    "scrollbar": "#2b3541",
    "scrollbar-background": "#11161c",
    "input-selection-background": "#5cc8b5 35%",
}

LIGHT_VARIABLES = {
    "heat-0": "#eceee8",
    "heat-1": "#dfeae4",
    "heat-2": "#d0e5de",
    "heat-3": "#c0dfd7",
    "heat-4": "#aed8ce",
    "heat-5": "#9bd0c4",
    "heat-6": "#86c7b9",
    "series-1": "#0b7a6e",
    "series-2": "#a86400",
    "series-3": "#2f5fc4",
    "series-4": "#b8324f",
    "series-5": "#7242b0",
    "series-6": "#4c7a12",
    "rule": "#c9cdc4",
    "faint": "#66707a",
    "footer-background": "#eceee8",
    "block-cursor-background": "#cfe3ee",
    "block-cursor-foreground": "#10161c",
    "block-cursor-blurred-background": "#e2eaee",
    "scrollbar": "#c9cdc4",
    "scrollbar-background": "#f0f1ec",
    "input-selection-background": "#0b7a6e 30%",
}

CONTRAST_VARIABLES = {
    **DARK_VARIABLES,
    "heat-0": "#000000",
    "heat-1": "#001c2a",
    "heat-2": "#002f3d",
    "heat-3": "#00434c",
    "heat-4": "#005755",
    "heat-5": "#006c5c",
    "heat-6": "#00815f",
    "rule": "#8a8a8a",
    "faint": "#c4c4c4",
    "block-cursor-background": "#ffffff",
    "block-cursor-foreground": "#000000",
    "block-cursor-blurred-background": "#3a3a3a",
    "footer-background": "#000000",
}

# Every theme but ours (the ANSI ones above all) falls back to these, so that no style sheet names an undefined colour.
DEFAULT_VARIABLES = {
    **{f"heat-{step}": "$background" for step in range(7)},
    "series-1": "ansi_cyan",
    "series-2": "ansi_yellow",
    "series-3": "ansi_blue",
    "series-4": "ansi_red",
    "series-5": "ansi_magenta",
    "series-6": "ansi_green",
    "rule": "ansi_bright_black",
    "faint": "ansi_bright_black",
}

THEMES = (
    Theme(
        name="leverplus-dark",
        primary="#5cc8b5",
        secondary="#82aaff",
        accent="#e8b04c",
        warning="#e8b04c",
        error="#ee6f74",
        success="#8fce6b",
        foreground="#d6dde6",
        background="#0f141a",
        surface="#141a21",
        panel="#1a222b",
        variables=DARK_VARIABLES,
    ),
    Theme(
        name="leverplus-light",
        primary="#0b7a6e",
        secondary="#2f5fc4",
        accent="#a86400",
        warning="#a86400",
        error="#b8262f",
        success="#3d7a10",
        foreground="#1d242c",
        background="#fbfbf8",
        surface="#f3f4ef",
        panel="#e7e9e2",
        dark=False,
        variables=LIGHT_VARIABLES,
    ),
    Theme(
        name="leverplus-contrast",
        primary="#00ffd0",
        secondary="#8fb8ff",
        accent="#ffd000",
        warning="#ffd000",
        error="#ff6b6b",
        success="#7dff5c",
        foreground="#ffffff",
        background="#000000",
        surface="#000000",
        panel="#141414",
        variables=CONTRAST_VARIABLES,
    ),
)

ROLES = ("faint", "strong", "good", "bad", "warn", "accent", "info", *(f"heat-{step}" for step in range(7)))
"""What a piece of text can be; widgets turn each into a component class, the style sheet into a colour."""

STATE_ROLES: Mapping[str, str] = {
    "queued": "faint",
    "running": "accent",
    "stalled": "warn",
    "done": "good",
    "failed": "bad",
    "stopped": "warn",
    "lost": "bad",
}

VERDICT_ROLES: Mapping[str, str] = {
    "better": "good",
    "worse": "bad",
    "not distinguishable": "faint",
    "not comparable": "faint",
}

SEVERITY_ROLES: Mapping[str, str] = {"error": "bad", "warning": "warn", "info": "info"}

_GLYPHS: Mapping[str, tuple[str, str]] = {
    "cursor": ("❯", ">"),
    "mark": ("◆", "*"),
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


def ascii_only() -> bool:
    """Whether LEVERPLUS_ASCII asks for glyphs that every font has."""
    return os.environ.get("LEVERPLUS_ASCII", "") not in ("", "0")


def glyph(name: str) -> str:
    """The sign of that name; plain ASCII where LEVERPLUS_ASCII is set."""
    rich, plain = _GLYPHS[name]
    return plain if ascii_only() else rich
