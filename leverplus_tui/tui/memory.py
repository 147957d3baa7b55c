"""What the program remembers of a home between two sittings: colours, lists, marks, pins, the page in view, sizes of panes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from engine.common.files.atomic import write_text

NAME = "terminal.json"
NEWEST_FIRST = "created desc"
LARGEST = 1 << 20


@dataclass(frozen=True)
class ListView:
    """How the list of runs is looked at."""

    where: str = ""
    sort: str = NEWEST_FIRST
    columns: tuple[str, ...] = ()
    """Keys of the chosen columns, in their order; none are those that fit."""
    groups: tuple[str, ...] = ()
    """Settings that the list is grouped by; none is a plain list."""


@dataclass
class Remembered:
    """The content of the file."""

    theme: str = ""
    language: str = ""
    pictures: str = "auto"
    """How pictures are drawn: auto, kitty, sixel, cells or off."""
    view: ListView = ListView()
    views: dict[str, ListView] = field(default_factory=dict)
    """Saved views by name."""
    marked: list[int] = field(default_factory=list)
    pinned: list[int] = field(default_factory=list)
    """Runs that stand on top of the list, as references."""
    mode: str = "runs"
    run: int | None = None
    tab: str = ""
    compared: list[int] = field(default_factory=list)
    panes: dict[str, int] = field(default_factory=dict)
    """Lines or cells of a pane by its name."""
    hidden: list[str] = field(default_factory=list)
    """Panes that were closed."""
    said: dict[str, dict[str, str]] = field(default_factory=dict)
    """What was said in a window that asks, by its name: languages, folders, projects."""
    charts: dict[str, str] = field(default_factory=dict)
    """How curves are drawn: scale, smoothing, what is left out."""
    notice: str = ""
    """What is told once, when the program is opened next: how that ended which it was left for."""


class Memory:
    """Remembered things, and when to write them."""

    def __init__(self, folder: Path, *, keeps: bool = True) -> None:
        """Read the file; `problem` says why it could not be used. With `keeps` false nothing is ever written."""
        self._keeps = keeps
        self.path = folder / NAME
        self.problem = ""
        self.now = self._read()
        self.changed: Callable[[], None] = lambda: None
        self._written = self._text()

    def _read(self) -> Remembered:
        try:
            if not self.path.exists():
                return Remembered()
            if self.path.stat().st_size > LARGEST:
                raise ValueError(f"it is larger than {LARGEST} bytes")
            return msgspec.json.decode(self.path.read_bytes(), type=Remembered)
        except (OSError, ValueError) as error:
            self.problem = f"{self.path} cannot be used ({error}): the terminal program begins with its defaults"
            return Remembered()

    def _text(self) -> bytes:
        return msgspec.json.format(msgspec.json.encode(self.now), indent=1)

    def view(self, **changes: object) -> None:
        """Look at the list of runs in another way."""
        self.now.view = replace(self.now.view, **changes)  # type: ignore[arg-type]  # fields of ListView
        self.changed()

    def keep(self, **changes: object) -> None:
        """Remember other values of these fields."""
        for name, value in changes.items():
            setattr(self.now, name, value)
        self.changed()

    def forget(self) -> None:
        """Begin with the defaults again, but for colours, language and pictures."""
        self.now = Remembered(theme=self.now.theme, language=self.now.language, pictures=self.now.pictures)
        self.changed()

    def write(self) -> str:
        """Write what changed since it was read; a sentence where that fails, told once."""
        text = self._text()
        if not self._keeps or text == self._written or not self.path.parent.is_dir():
            return ""
        self._written = text
        try:
            write_text(self.path, text.decode())
        except OSError as error:
            if self.problem:
                return ""
            self.problem = (
                f"{self.path} cannot be written ({error.strerror}): views, marks and sizes are forgotten at the end"
            )
            return self.problem
        return ""
