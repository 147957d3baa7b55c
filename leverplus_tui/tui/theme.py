"""Looks: our themes, and the roles that a piece of text can play with the colour of each."""

from __future__ import annotations

from collections.abc import Mapping

from textual.css.stylesheet import Stylesheet
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
    "series-7": "#e07fc3",
    "series-8": "#9aa7b5",
    "rule": "#2b3541",
    "faint": "#7d8a99",
    "footer-background": "#141a21",
    "block-cursor-background": "#24384a",
    "block-cursor-foreground": "#eef3f8",
    "block-cursor-blurred-background": "#1c2733",
    "row-cursor": "#24384a",
    "row-cursor-style": "bold",
    "row-cursor-blurred": "#1c2733",
    "row-cursor-blurred-style": "none",
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
    "series-7": "#a3267f",
    "series-8": "#5a6570",
    "rule": "#c9cdc4",
    "faint": "#66707a",
    "footer-background": "#eceee8",
    "block-cursor-background": "#cfe3ee",
    "block-cursor-foreground": "#10161c",
    "block-cursor-blurred-background": "#e2eaee",
    "row-cursor": "#cfe3ee",
    "row-cursor-style": "bold",
    "row-cursor-blurred": "#e2eaee",
    "row-cursor-blurred-style": "none",
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
    "row-cursor": "#000000",
    "row-cursor-style": "bold reverse",
    "row-cursor-blurred": "#3a3a3a",
    "footer-background": "#000000",
}

_SAFE_SERIES = ("#56b4e9", "#e69f00", "#009e73", "#f0e442", "#cc79a7", "#d55e00", "#0072b2", "#b8c0c8")
SAFE_VARIABLES = {
    **DARK_VARIABLES,
    **{f"series-{index}": colour for index, colour in enumerate(_SAFE_SERIES, start=1)},
    "heat-0": "#18212b",
    "heat-1": "#1b2a3c",
    "heat-2": "#1d344d",
    "heat-3": "#1f3f5f",
    "heat-4": "#214a72",
    "heat-5": "#225686",
    "heat-6": "#22629b",
}
"""Okabe and Ito's colours, which people with any kind of colour vision tell apart; good is blue, bad is vermilion."""

# What our style sheets name and only our themes define; other themes borrow it (`fallbacks`).
OWN = (*(f"heat-{step}" for step in range(7)), *(f"series-{index}" for index in range(1, 9)), "rule", "faint",
       "row-cursor", "row-cursor-style", "row-cursor-blurred", "row-cursor-blurred-style")  # fmt: skip
_ANSI_SERIES = ("cyan", "yellow", "blue", "red", "magenta", "green", "bright_magenta", "white")
ANSI_VARIABLES = {
    **{f"heat-{step}": "ansi_default" for step in range(7)},
    **{f"series-{index}": f"ansi_{colour}" for index, colour in enumerate(_ANSI_SERIES, start=1)},
    "rule": "ansi_bright_black",
    "faint": "ansi_bright_black",
    "row-cursor": "ansi_default",
    "row-cursor-style": "bold reverse",
    "row-cursor-blurred": "ansi_default",
    "row-cursor-blurred-style": "underline",
}


def fallbacks(*, ansi: bool, dark: bool) -> dict[str, str]:
    """Our colours for a theme that is not ours; an ANSI theme has no heat, for its cells carry the number anyway."""
    if ansi:
        return ANSI_VARIABLES
    return {name: (DARK_VARIABLES if dark else LIGHT_VARIABLES)[name] for name in OWN}


class Sheet(Stylesheet):
    """Textual's rules, read again only for other colours: it reads all of them anew at the first look at every page."""

    def __init__(self, variables: dict[str, str]) -> None:
        super().__init__(variables=variables)
        self._colours = variables
        self._are_new = False

    def set_variables(self, variables: dict[str, str]) -> None:
        """Take colours, if they are others."""
        if variables != self._colours:
            self._colours, self._are_new = variables, True
            super().set_variables(variables)

    def reparse(self) -> None:
        """Read every rule again, if colours changed; what was added is read when it is needed."""
        if self._are_new:
            super().reparse()
            self._are_new = False


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
    Theme(
        name="leverplus-colour-blind",
        primary="#56b4e9",
        secondary="#cc79a7",
        accent="#e69f00",
        warning="#f0e442",
        error="#e8702a",
        success="#56b4e9",
        foreground="#dfe5ec",
        background="#0f141a",
        surface="#141a21",
        panel="#1a222b",
        variables=SAFE_VARIABLES,
    ),
)

ROLES = ("faint", "strong", "good", "bad", "warn", "accent", "info", *(f"heat-{step}" for step in range(7)))
"""What a piece of text can be; widgets turn each into a component class, the style sheet into a colour."""

COLOURS: Mapping[str, str] = {
    "faint": "$faint",
    "good": "$success",
    "bad": "$error",
    "warn": "$warning",
    "accent": "$accent",
    "info": "$secondary",
    "": "$foreground",
}
"""Role -> colour, for text that is put together in parts."""
