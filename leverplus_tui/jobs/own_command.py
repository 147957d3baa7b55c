"""Commands of this program as processes of their own: work that would hold the screen up, done by the very same command.

They are named here and nowhere else, for a name in a string is seen by no linter. A child ends with whoever called it: what
it writes is whole or not there.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from db.home import Home

_children: set[subprocess.Popen[str]] = set()


@dataclass(frozen=True)
class Said:
    """How a process ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def sentence(self) -> str:
        """What it refused, without the name of the program in front."""
        return (self.err or self.out).strip().removeprefix("leverplus: ")


def own(home: Home, *words: str) -> list[str]:
    """What calls a command of this program on a home; `-P` as for the engine's programs."""
    return [sys.executable, "-P", "-m", "leverplus_tui.cli", "--home", str(home.root), *words]


def call(argv: Sequence[str]) -> Said:
    """Run it to its end. Raises OSError where it cannot be started."""
    child = subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )
    _children.add(child)
    try:
        out, err = child.communicate()
    finally:
        _children.discard(child)
    return Said(child.returncode, out, err)


def end_all() -> None:
    """Kill what still runs: nobody waits for it any more."""
    for child in tuple(_children):
        child.kill()
