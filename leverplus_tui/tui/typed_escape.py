"""Escape typed quickly before another key stays escape: in most terminals both arrive as what alt and that key would send.

Textual waits a tenth of a second for more after escape, and reads what comes as alt, as another sign (`esc 1` as an inverted
exclamation mark), or gives `^` for escape. No key of this program is held with alt, so that escape is always meant.
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

ESCAPE = "\x1b[27u"
"""Escape as terminals send it that tell it from the beginning of a sequence."""
SEQUENCE = re.compile(
    r"""\x1b(?: \[ (?: [A-Z@^$~] | \[[A-E] | [0-?]+ [\x20-/]* [@-~] )  # keys, mouse, answers about modes and size
            |   O [A-SMa-dj-y]                                          # keys of older terminals
            |   [\]P_^X] [^\x1b\x07]* (?: \x1b\\ | \x07 )               # answers that are texts
            |   \x7f )                                                  # alt and backspace: a word back
    """,
    re.VERBOSE,
)
BEGUN = re.compile(r"\x1b(?:\[[0-?]*[\x20-/]*|O)?\Z")
"""What may go on in the next piece."""


def told_apart(data: str) -> tuple[str, str]:
    """What was read, with each escape that begins no sequence in a form that is one; and an end that may go on."""
    told, place = [], 0
    while (start := data.find("\x1b", place)) >= 0:
        told.append(data[place:start])
        found = SEQUENCE.match(data, start)
        if found is None and BEGUN.match(data, start):
            return "".join(told), data[start:]
        told.append(found[0] if found else ESCAPE)
        place = found.end() if found else start + 1
    return "".join([*told, data[place:]]), ""


class TypedParser(XTermParser):
    """Reads keys."""

    def __init__(self, debug: bool = False) -> None:
        self._begun, self._begun_until = "", 0.0
        super().__init__(debug)

    def feed(self, data: str) -> Iterable[Message]:
        """The keys in what was read; an end that may go on is waited for."""
        if not data:  # the end of all
            yield from super().feed("")
            return
        text, self._begun = told_apart(self._begun + data)
        self._begun_until = monotonic() + constants.ESCAPE_DELAY
        if text:
            yield from super().feed(text)

    def tick(self) -> Iterable[Message]:
        """An end that did not go on was typed."""
        if self._begun and monotonic() >= self._begun_until:
            typed, self._begun = self._begun, ""
            yield from super().feed(ESCAPE + typed[1:])
        yield from super().tick()


def install(driver: type[Driver]) -> None:
    """Let a driver read keys in this way. Drivers name their parser in their module, and take no other."""
    if not constants.DISABLE_KITTY_KEY:
        vars(sys.modules[driver.__module__]).update(XTermParser=TypedParser)
