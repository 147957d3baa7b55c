"""Paths below the home folder are stored relative to it, so that a home can be moved; everywhere else they are absolute."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

MARK = "<home>/"
"""What stands for the home folder in a stored text."""


@dataclass(frozen=True)
class HomePaths:
    """A home where it stands now."""

    names: tuple[str, ...]
    """Each spelling of the folder, with a slash at its end; the first is the one in use."""

    @classmethod
    def of(cls, folder: Path) -> HomePaths:
        """Under the path that was given, and under the one that links lead to."""
        spelt = (str(one).rstrip("/") + "/" for one in (folder.absolute(), folder.resolve()))
        return cls(tuple(dict.fromkeys(spelt)))

    @cached_property
    def _begins(self) -> re.Pattern[str]:
        """The folder where a path begins: within a longer path the same letters are another folder."""
        return re.compile(rf"(?<![^\s'\"`(=,:])(?:{'|'.join(map(re.escape, self.names))})")

    def stored(self, text: str) -> str:
        """A text as it is stored: paths of the home begin with `MARK`."""
        return self._begins.sub(MARK, text) if any(name in text for name in self.names) else text

    def located(self, text: str) -> str:
        """A stored text with its paths as they are now."""
        return text.replace(MARK, self.names[0]) if MARK in text else text

    def stored_values(self, values: Any) -> Any:
        """`stored` of each text in a JSON value, keys included."""
        return mapped(values, self.stored)

    def located_values(self, values: Any) -> Any:
        """`located` of each text in a JSON value, keys included."""
        return mapped(values, self.located)


def mapped(value: Any, change: Callable[[str], str]) -> Any:
    """A JSON value with each of its texts changed, keys included."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {mapped(key, change): mapped(held, change) for key, held in value.items()}
    return [mapped(one, change) for one in value] if isinstance(value, (list, tuple)) else value
