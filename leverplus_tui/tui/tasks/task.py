"""What can be asked of the program as a whole: what a window asks for, and the work that comes of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textual.screen import Screen

from leverplus_tui.jobs.own_command import Said, call, own
from leverplus_tui.text.language import shown
from leverplus_tui.text.numbers import plural
from leverplus_tui.tui.library import Library
from leverplus_tui.tui.messages import Outcome, Work
from leverplus_tui.tui.screens.sheet import Line, Values

NO_YES = (("no", "no"), ("yes", "yes"))
FEW = 6


@dataclass(frozen=True)
class Situation:
    """Where somebody asked."""

    library: Library
    page: Screen[Any]
    runs: tuple[int, ...] = ()
    """Runs that are meant: those of the page, else the marked ones."""
    path: str = ""
    """The file that is meant."""

    def said(self, name: str) -> dict[str, str]:
        """What was said to this task the last time."""
        return dict(self.library.memory.now.said.get(name, {}))

    @property
    def refs(self) -> list[str]:
        """`r12`, for each run that is meant."""
        return [f"r{run_id}" for run_id in self.runs]

    @property
    def named(self) -> str:
        """The runs in words."""
        return ", ".join(self.refs) if len(self.runs) <= FEW else plural(len(self.runs), "run")

    def by_command(self, words: str, noun: str, command: Sequence[str], told: Callable[[Said], Outcome]) -> Work:
        """Work that a command of this program does in a process of its own."""
        argv = own(self.library.home, *command)
        return Work(words, lambda: told(call(argv)), self.page, noun)


@dataclass(frozen=True)
class Task:
    """A window, and what comes of what is said in it."""

    name: str
    """Under which it is remembered what was said."""
    heading: str
    lines: Sequence[Line]
    begin: Callable[[Values], Work]
    detail: str = ""
    check: Callable[[Values], str | None] = lambda _: None
    told: Callable[[Values], str] = lambda _: ""
    adapt: Callable[[Values], Values] = dict
    """The values after a choice was changed."""
    doubt: Callable[[Values], tuple[str, str] | None] = lambda _: None
    """A question, with what follows from yes, that is asked before it begins."""
    kept: Callable[[Values], Values] = dict
    """What is remembered for the next time."""


def whole(text: str) -> Path:
    """A typed path."""
    return Path(text).expanduser().absolute()


def replacing(text: str) -> tuple[str, str] | None:
    """The question that is asked where a file is there already."""
    path = whole(text)
    return (shown(f"Replace {path.name}?"), shown(f"{path} is there already.")) if path.exists() else None
