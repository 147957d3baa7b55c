"""A terminal that a test scripts: the program runs in a process behind it, and it answers and knows what is on it."""

from __future__ import annotations

import codecs
import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

PATIENCE_S = 120.0
SEQUENCE = re.compile(
    r"\x1b_(?P<apc>.*?)\x1b\\|\x1bPtmux;(?P<passed>(?:[^\x1b]|\x1b\x1b)*)\x1b\\|\x1bP(?P<dcs>.*?)\x1b\\|\x1b\](?P<osc>.*?)(?:\x07|\x1b\\)"
    r"|\x1b\[(?P<csi>[<>=?0-9;:$ ]*[@-~])|\x1b(?P<esc>[78=>])|(?P<text>[^\x1b])",
    re.DOTALL,
)
RASTER = re.compile(r'0;1;0q"1;1;(\d+);(\d+)')
PLACE = "\U0010eeee"


class Screen:
    """What is on it: letters, cells that are covered by pixels, and pictures of kitty's protocol that it knows."""

    def __init__(self, columns: int, rows: int, cell: tuple[int, int]) -> None:
        self.columns, self.rows, self.cell = columns, rows, cell
        self.letters: dict[tuple[int, int], str] = {}
        self.pixels: dict[tuple[int, int], int] = {}
        """Cell -> which sixel picture covers it."""
        self.drawn = 0
        self.known: dict[int, bool] = {}
        """Kitty's pictures by number -> whether they have a place."""
        self.x = self.y = 0
        self._saved = 0, 0
        self.asked: list[str] = []

    def take(self, text: str) -> str:
        """Do what a program writes; what is incomplete comes back."""
        at = 0
        while found := SEQUENCE.match(text, at):
            if (name := found.lastgroup) is not None:
                getattr(self, f"_{name}")(found[name])
            at = found.end()
        return text[at:]

    def line(self, y: int) -> str:
        """A line of letters."""
        return "".join(self.letters.get((x, y), " ") for x in range(self.columns))

    @property
    def text(self) -> str:
        """All letters."""
        return "\n".join(self.line(y) for y in range(self.rows))

    def covered(self) -> list[tuple[int, int, int, int]]:
        """Rectangles of pixels: x, y, columns, rows. A picture that text lies on is none; it is drawn again behind the text."""
        found = []
        for number in set(self.pixels.values()):
            cells = [cell for cell, one in self.pixels.items() if one == number]
            xs, ys = sorted({x for x, _ in cells}), sorted({y for _, y in cells})
            if len(cells) == len(xs) * len(ys):
                found.append((xs[0], ys[0], len(xs), len(ys)))
        return sorted(found)

    def placed(self) -> set[int]:
        """Numbers of kitty's pictures whose letters stand here."""
        return {int(letter[1:]) for letter in self.letters.values() if letter.startswith(PLACE)}

    def _text(self, letter: str) -> None:
        if letter == "\n":
            self.y += 1
        elif letter == "\r":
            self.x = 0
        elif letter >= " " and not (
            "\u0300" <= letter <= "\u0615" and self.letters.get((self.x - 1, self.y), "")[:1] == PLACE
        ):
            self.letters[self.x, self.y] = letter if letter != PLACE else f"{PLACE}{self._colour}"
            self.pixels.pop((self.x, self.y), None)
            self.x += 1

    _colour = 0

    def _csi(self, text: str) -> None:
        if text.endswith("H"):
            row, _, column = text[:-1].partition(";")
            self.y, self.x = int(row or 1) - 1, int(column or 1) - 1
        elif text.endswith("m") and (found := re.search(r"38;2;(\d+);(\d+);(\d+)", text)):
            red, green, blue = map(int, found.groups())
            self._colour = red << 16 | green << 8 | blue
        elif text == "?1049h":
            self.letters, self.pixels = {}, {}
        elif text in ("c", "16t"):
            self.asked.append(text)

    def _esc(self, letter: str) -> None:
        if letter == "7":
            self._saved = self.x, self.y
        elif letter == "8":
            self.x, self.y = self._saved

    def _apc(self, text: str) -> None:
        if not text.startswith("G"):
            return
        head = dict(part.partition("=")[::2] for part in text[1:].partition(";")[0].split(","))
        if head.get("a") == "q":
            self.asked.append("kitty")
        elif "i" in head:
            number = int(head["i"])
            if head.get("a") == "d":
                del self.known[number]
            else:
                self.known[number] = head.get("a") == "p"

    def _dcs(self, text: str) -> None:
        found = RASTER.match(text)
        assert found, f"a string that is no sixel: {text[:60]!r}"
        columns, rows = (-(-int(size) // one) for size, one in zip(found.groups(), self.cell, strict=True))
        self.drawn += 1
        for y in range(self.y, self.y + rows):
            for x in range(self.x, self.x + columns):
                self.pixels[x, y] = self.drawn

    def _passed(self, text: str) -> None:
        assert self.take(text.replace("\x1b\x1b", "\x1b")) == ""

    def _osc(self, text: str) -> None:
        """Titles."""


class Terminal:
    """The program in it, with what its user types."""

    def __init__(self, pid: int, descriptor: int, screen: Screen, answers: Mapping[str, str]) -> None:
        self.pid, self._descriptor, self.screen, self._answers = pid, descriptor, screen, dict(answers)
        self._decode = codecs.getincrementaldecoder("utf-8")().decode
        self._rest = ""
        self._answered = 0
        self.over = False

    def type(self, text: str) -> None:
        """Press keys."""
        os.write(self._descriptor, text.encode())

    def until(self, condition: Callable[[], object]) -> None:
        """Read until something holds; the bound only keeps a broken test from hanging."""
        latest = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < latest, f"what was waited for did not happen:\n{self.screen.text}"
            self.read(1.0)
            assert not self.over or condition(), f"the program is gone:\n{self.screen.text}"

    def sees(self, text: str) -> None:
        """Read until a text is on the screen."""
        self.until(lambda: text in self.screen.text)

    def read(self, patience: float) -> bool:
        """Take what the program writes, and answer it."""
        if not select.select([self._descriptor], [], [], patience)[0]:
            return False
        try:
            data = os.read(self._descriptor, 1 << 16)
        except OSError:  # Linux: the other side is closed
            data = b""
        self.over = not data
        self._rest = self.screen.take(self._rest + self._decode(data))
        for asked in self.screen.asked[self._answered :]:
            self.type(self._answers.get(asked, ""))
        self._answered = len(self.screen.asked)
        return bool(data)

    def resize(self, columns: int, rows: int) -> None:
        """Another size of the window."""
        self.screen.columns, self.screen.rows = columns, rows
        _size(self._descriptor, columns, rows, (0, 0))
        os.kill(self.pid, signal.SIGWINCH)


def _size(descriptor: int, columns: int, rows: int, cell: tuple[int, int]) -> None:
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, columns * cell[0], rows * cell[1]))


@contextmanager
def terminal(
    home: Path, *arguments: str, answers: Mapping[str, str], typed: str = "", size: tuple[int, int] = (120, 36),
    cell: tuple[int, int] = (8, 17), environment: Mapping[str, str] | None = None,
) -> Iterator[Terminal]:  # fmt: skip
    """`leverplus tui` with these arguments; `answers` to `c`, `16t` and `kitty`, `typed` before it begins."""
    pid, descriptor = pty.fork()
    if pid == 0:
        keep = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "HOME", "TMPDIR") if name in os.environ}
        start = "from leverplus_tui.cli import app; app()"
        os.execve(
            sys.executable, [sys.executable, "-c", start, "--home", str(home), "tui", *arguments],
            {**keep, "TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8", **(environment or {})},
        )  # fmt: skip
    _size(descriptor, *size, (0, 0))
    found = Terminal(pid, descriptor, Screen(*size, cell), answers)
    found.type(typed)
    try:
        yield found
    finally:
        if not found.over:
            os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(descriptor)
