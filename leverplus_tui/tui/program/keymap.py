"""Keys of the user's own: a TOML file that gives bindings other keys by their ids, such as `"runs.compare" = "V"`."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

NAME = "keymap.toml"


def places(home: Path) -> tuple[Path, Path]:
    """The user's file, and the home's, which wins."""
    config = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(config) / "leverplus" / NAME, home / NAME


def read_keymap(home: Path) -> tuple[dict[str, str], list[str]]:
    """(id -> keys with commas between, what is wrong with the files)."""
    found: dict[str, str] = {}
    problems: list[str] = []
    for path in places(home):
        try:
            if path.is_file():
                entries = dict(_flat(tomllib.loads(path.read_text(encoding="utf-8"))))
            else:
                continue
        except (OSError, ValueError) as error:
            problems.append(f"{path} is left out: {error}")
            continue
        wrong = [name for name, keys in entries.items() if not isinstance(keys, str) or not keys.strip()]
        problems += [f'{path}: {name} must be a key in quotes, such as "ctrl+t" or "x,X"' for name in wrong]
        found |= {name: str(keys) for name, keys in entries.items() if name not in wrong}
    return found, problems


def _flat(table: Mapping[str, object], before: str = "") -> Iterator[tuple[str, object]]:
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield before + name, value
