"""What may follow a path that is being typed, as a shell offers it: folders with a stroke, hidden names only when typed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from leverplus_tui.text.numbers import size
from leverplus_tui.text.words import clean
from leverplus_tui.tui.widgets.picking.offers import Entry

MOST = 200
"""Names that are looked at one by one; of a folder with more that fit, all still count for how far they agree."""


def is_path(text: str) -> bool:
    """Whether a text is meant for a path and not for a name."""
    return text.startswith(("/", "./", "../", "~")) or ("/" in text and not text.startswith(("http://", "https://")))


def paths(text: str) -> Sequence[Entry]:
    """Files and folders that begin with what was typed, folders first. A relative path is seen from the present folder."""
    if text in ("~", ".", ".."):
        return (Entry(f"{text}/", "folder"),)
    folder, stroke, begun = text.rpartition("/")
    base = Path(folder + stroke or ".").expanduser()
    try:
        names = sorted(os.listdir(base))
    except (OSError, ValueError, RuntimeError):  # not there, not for us, a name that no file can have, an unknown ~user
        return ()
    fitting = [name for name in names if begun and name.startswith(begun)] or [
        name for name in names if name.lower().startswith(begun.lower()) and (begun or not name.startswith("."))
    ]
    shown = [_entry(base / name, f"{folder}{stroke}{name}") for name in fitting[:MOST] if name == clean(name)]
    rest = [Entry(f"{folder}{stroke}{name}") for name in fitting[MOST:] if name == clean(name)]
    return (*sorted(shown, key=lambda entry: not entry.goes_on), *rest)


def _entry(path: Path, typed: str) -> Entry:
    try:
        if path.is_dir():
            return Entry(f"{typed}/", "folder", f"{path.name}/")
        return Entry(typed, size(path.stat().st_size), path.name)
    except OSError:
        return Entry(typed, "cannot be read", path.name)
