"""The terminal is asked what it can draw while the program runs: nothing waits for the answer, and no key is lost to it.

Answers come by the same way as keys. They are taken out before Textual reads the rest, which would take them for keys.
"""

from __future__ import annotations

import fcntl
import re
import struct
import termios
from collections.abc import Iterable, Iterator
from time import monotonic

from textual.driver import Driver
from textual.drivers import linux_driver
from textual.message import Message

from leverplus_tui.tui.graphics.way import Terminal
from leverplus_tui.tui.typed_escape import TypedParser

ID = 31
QUESTION = f"\x1b_Gi={ID},s=1,v=1,a=q,U=1,t=d,f=24;AAAA\x1b\\\x1b[16t\x1b[c"
"""Kitty's protocol with letters (U=1: kitty before 0.28 knows none and keeps silent)? How large is a cell? What are you?

Every terminal answers the last one, so it closes the list."""
ANSWER = re.compile(r"\x1b_G[^\x1b]{0,200}\x1b\\|\x1b\[6;\d+;\d+t|\x1b\[\?[\d;]*c")
BEGUN = re.compile(r"\x1b(?:_G[^\x1b]{0,200}\x1b?|\[6;[\d;]{0,20}|\[\?[\d;]{0,60})\Z")
MAYBE_BEGUN = re.compile(rf"{BEGUN.pattern}|\x1b(?:_|\[6?)?\Z")
EXPECTED_S = 2.0
"""So long after the question a lone escape may be the beginning of an answer; later it is a key at once."""
PATIENCE_S = 0.1
"""How long the beginning of an answer waits for its end; Textual waits as long for that of a key."""
SIXEL = "4"
"""Among the attributes of a terminal."""


class Answered(Message):
    """The terminal said something of itself."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


def taken(terminal: Terminal, answer: str) -> bool:
    """Put an answer into what is known; whether it is the last one."""
    if answer.startswith("\x1b_G"):
        terminal.kitty = answer.startswith(f"\x1b_Gi={ID};OK")
    elif answer.endswith("t"):
        _, height, width = answer[2:-1].split(";")
        if int(width) and int(height):
            terminal.cell = (int(width), int(height))
    else:
        terminal.sixel = SIXEL in answer[3:-1].split(";")[1:]
        return True
    return False


class AnswerParser(TypedParser):
    """The reader of keys, without the answers."""

    expected = 0.0
    """Until when the terminal may be answering."""
    _held = ""
    _until = 0.0

    def feed(self, data: str) -> Iterable[Message]:
        """Messages of what was read; answers are messages of their own."""
        if not data:
            yield from super().feed(data)
            return
        data, self._held = self._held + data, ""
        at = 0
        for found in ANSWER.finditer(data):
            yield from self._keys(data[at : found.start()])
            yield Answered(found.group())
            at = found.end()
        rest = data[at:]
        now = monotonic()
        if begun := (MAYBE_BEGUN if now < self.expected else BEGUN).search(rest):
            self._held, self._until = begun.group(), now + PATIENCE_S
            rest = rest[: begun.start()]
        yield from self._keys(rest)

    def _keys(self, data: str) -> Iterator[Message]:
        if data:
            yield from super().feed(data)

    def tick(self) -> Iterable[Message]:
        """What began like an answer and was none becomes keys again."""
        if self._held and monotonic() >= self._until:
            held, self._held = self._held, ""
            yield from self._keys(held)
        yield from super().tick()


class AskingDriver(linux_driver.LinuxDriver):
    """Textual's driver of a terminal, with that reader."""

    def run_input_thread(self) -> None:
        """As Textual's, which makes its reader by this name."""
        linux_driver.XTermParser = AnswerParser  # type: ignore[attr-defined]  # there is no other way in
        super().run_input_thread()

    def ask(self) -> None:
        """Ask the terminal what it can; nobody waits for it."""
        AnswerParser.expected = monotonic() + EXPECTED_S
        self.write(QUESTION)
        self.flush()

    def cell_pixels(self) -> tuple[int, int] | None:
        """Pixels of a cell as the operating system knows them; None where it does not."""
        try:
            size = fcntl.ioctl(self.fileno, termios.TIOCGWINSZ, bytes(8))
        except OSError:
            return None
        rows, columns, width, height = struct.unpack("HHHH", size)
        return (width // columns, height // rows) if rows and columns and width and height else None


def with_answers(kind: type[Driver]) -> type[Driver]:
    """The driver that understands answers, where Textual would take its own."""
    return AskingDriver if kind is linux_driver.LinuxDriver else kind
