"""The page of keys, from the tables of bindings that the terminal program itself goes by."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator

from textual.binding import Binding
from textual.dom import DOMNode

from leverplus_tui.tui import screens, widgets
from leverplus_tui.tui.app import LeverplusApp
from leverplus_tui.tui.screens.help import NAMES
from leverplus_tui.tui.widgets.charts.bars import display_key

HEAD = """# Keys

`?` shows the keys that work where you are, `^p` finds every one of them by its words. In a text field letters and digits are typed;
`esc` leaves it. `^` stands for Ctrl.

Other keys are given by the id, in `keymap.toml` of the home or in `~/.config/leverplus/keymap.toml`:

    "runs.compare" = "V"
    "run.stop" = "ctrl+x,X"

"""
PAGES = {
    "LeverplusApp": "Everywhere",
    "PageScreen": "On every page",
    "RunsScreen": "Runs",
    "RunScreen": "One run",
    "CurvesScreen": "Curves",
    "CompareScreen": "Compare",
    "JobsScreen": "Jobs",
    "DataScreen": "Data",
    "RLDataScreen": "RL data",
    "RLQueryScreen": "A query of RL data",
    "RLCompareScreen": "RL data, side by side",
    "LaunchScreen": "Launch form",
    "PreflightScreen": "Preflight",
}
"""Pages in the order in which one comes by them; what else has keys follows in the order of its name."""


def nodes() -> Iterator[type[DOMNode]]:
    """Every page and widget of ours that has keys."""
    yield LeverplusApp
    for package in (screens, widgets):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            module = importlib.import_module(found.name)
            for kind in vars(module).values():
                if isinstance(kind, type) and issubclass(kind, DOMNode) and kind.__module__ == found.name:
                    yield kind


def bindings(kind: type[DOMNode]) -> list[Binding]:
    """Keys of this page or widget itself that have an id; one without is Textual's or goes without saying."""
    own = kind.__dict__.get("BINDINGS", ())
    return [one for one in own if isinstance(one, Binding) and one.id is not None and one.description]


def keys() -> str:
    """keys.md: one table for each page and widget, with the ids."""
    found = {kind.__name__: bindings(kind) for kind in nodes()}
    order = [*PAGES, *sorted(name for name in found if name not in PAGES)]
    parts = [HEAD]
    for name in order:
        if found.get(name):
            title = PAGES.get(name) or NAMES.get(name) or _words(name)
            rows = [
                f"| {_keys(one)} | {(one.tooltip or one.description).replace('|', chr(92) + '|')} | `{one.id}` |"
                for one in found[name]
            ]
            parts.append("\n".join([f"## {title}\n", "| keys | what | id |", "|---|---|---|", *rows, ""]))
    return "\n".join(parts)


def _keys(binding: Binding) -> str:
    shown = dict.fromkeys(display_key(Binding(key.strip(), binding.action)) for key in binding.key.split(","))
    return " ".join(f"`{key}`" for key in shown)


def _words(name: str) -> str:
    return (
        "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name.removesuffix("Screen"))
        .strip()
        .capitalize()
    )
