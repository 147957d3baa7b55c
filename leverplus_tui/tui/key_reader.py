"""Keys as they were typed, in what a terminal sends: an escape before another key stays escape, and answers are no keys.

In most terminals an escape and a key after it arrive as what alt and that key would send. Textual waits a tenth of a second for
more after escape, and reads what comes as alt, as another sign (`esc 1` as an inverted exclamation mark), or gives `^` for
escape. No key of this program is held with alt, so that escape is always meant. Answers of the terminal come by the same way;
Textual would take them for keys.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from time import monotonic

from textual import constants
from textual._xterm_parser import XTermParser
from textual.driver import Driver
from textual.message import Message

ESCAPE = "\x1b" if constants.DISABLE_KITTY_KEY else "\x1b[27u"
"""Escape as terminals send it that tell it from the beginning of a sequence, where Textual reads that."""
SEQUENCE = re.compile(
    r"""\x1b(?: \[ (?: [A-Z@^$~] | \[[A-E] | [0-?]+ [\x20-/]* [@-~] )  # keys, mouse, answers about modes and size
            |   O [A-SMa-dj-y]                                          # keys of older terminals
            |   [\]P_^X] [^\x1b\x07]* (?: \x1b\\ | \x07 )               # answers that are texts
            |   \x7f )                                                  # alt and backspace: a word back
    """,
    re.VERBOSE,
)
BEGUN = re.compile(r"\x1b(?:\[[0-?]*[\x20-/]*|O|_G[^\x1b]{0,200}\x1b?)?\Z")
"""What may go on in the next piece."""
ANSWER_BEGUN = re.compile(rf"{BEGUN.pattern}|\x1b_\Z")
"""The same while the terminal may be answering."""
ANSWER = re.compile(r"\x1b_G[^\x1b]{0,200}\x1b\\|\x1b\[6;\d+;\d+t|\x1b\[\?[\d;]*c")
"""What it says of kitty's protocol, of the size of a cell, and of itself."""


class Answered(Message):
    """The terminal said something of itself."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


def told_apart(data: str, begun: re.Pattern[str] = BEGUN) -> tuple[str, str]:
    """What was read, with each escape that begins no sequence in a form that is one; and an end that may go on."""
    told, place = [], 0
    while (start := data.find("\x1b", place)) >= 0:
        told.append(data[place:start])
        found = SEQUENCE.match(data, start)
        if found is None and begun.match(data, start):
            return "".join(told), data[start:]
        told.append(found[0] if found else ESCAPE)
        place = found.end() if found else start + 1
    return "".join([*told, data[place:]]), ""


class KeyReader(XTermParser):
    """Reads keys and answers."""

    expected = 0.0
    """Until when the terminal may be answering."""

    def __init__(self, debug: bool = False) -> None:
        self._begun, self._begun_until = "", 0.0
        super().__init__(debug)

    def feed(self, data: str) -> Iterable[Message]:
        """Messages of what was read; an end that may go on is waited for."""
        if not data:  # the end of all
            yield from super().feed("")
            return
        now = monotonic()
        text, self._begun = told_apart(self._begun + data, ANSWER_BEGUN if now < self.expected else BEGUN)
        self._begun_until = now + constants.ESCAPE_DELAY
        place = 0
        for found in ANSWER.finditer(text):
            yield from self._keys(text[place : found.start()])
            yield Answered(found[0])
            place = found.end()
        yield from self._keys(text[place:])

    def _keys(self, text: str) -> Iterable[Message]:
        return super().feed(text) if text else ()

    def tick(self) -> Iterable[Message]:
        """An end that did not go on was typed."""
        if self._begun and monotonic() >= self._begun_until:
            typed, self._begun = self._begun, ""
            yield from self._keys(ESCAPE + typed[1:])
        yield from super().tick()


def install(driver: type[Driver]) -> None:
    """Let a driver read keys in this way. Drivers name their parser in their module, and take no other."""
    vars(sys.modules[driver.__module__]).update(XTermParser=KeyReader)
