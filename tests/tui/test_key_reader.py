"""An escape and what is typed quickly after it: both keys arrive, and what terminals send is read as before."""

from __future__ import annotations

import base64
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
from collections.abc import Iterable
from pathlib import Path

import pytest
from textual import events
from textual.message import Message

from leverplus_tui.tui import key_reader
from leverplus_tui.tui.key_reader import KeyReader, told_apart
from tests.helpers_tui import fill

LONGEST_S = 120.0


def keys(found: Iterable[Message]) -> list[str]:
    return [event.key for event in found if isinstance(event, events.Key)]


@pytest.mark.parametrize(
    ("read", "pressed"),
    [
        ("\x1bn", ["escape", "n"]),
        ("\x1b1", ["escape", "1"]),
        ("\x1b-", ["escape", "minus"]),
        ("\x1bb", ["escape", "b"]),
        ("\x1bn\x1b/seed\r", ["escape", "n", "escape", "slash", "s", "e", "e", "d", "enter"]),
        ("\x1b\x1b\x1bq", ["escape", "escape", "escape", "q"]),
        ("\x1bP\r", ["escape", "P", "enter"]),
        ("\x1b[A\x1bOB\x1b[1;5D\x1b[3~\x1b[Z", ["up", "down", "ctrl+left", "delete", "shift+tab"]),
        ("\x1b\x7f", ["ctrl+w"]),
        ("\x1b[27u\x1b[110;3u", ["escape", "alt+n"]),
        ("\x1b[[A", ["f1"]),
    ],
)
def test_what_is_read_at_once_is_what_was_pressed(read: str, pressed: list[str]) -> None:
    assert keys(KeyReader().feed(read)) == pressed


def test_a_sequence_that_comes_in_pieces_is_one_and_an_escape_alone_is_told_in_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = [0.0]
    monkeypatch.setattr(key_reader, "monotonic", lambda: clock[0])
    parser = KeyReader()
    assert keys(parser.feed("a\x1b")) == ["a"]
    assert keys(parser.feed("[1;")) == []
    assert keys(parser.feed("5C")) == ["ctrl+right"]
    assert keys(parser.feed("\x1b")) == []
    assert list(parser.tick()) == []
    clock[0] = 1.0
    assert keys(parser.tick()) == ["escape"]
    assert keys(parser.feed("\x1b[")) == []
    clock[0] = 2.0
    assert keys(parser.tick()) == ["escape", "left_square_bracket"]
    assert keys(parser.feed("n")) == ["n"]


def test_mouse_paste_and_answers_of_the_terminal_are_left_alone() -> None:
    for read in (
        "\x1b[<35;12;7M",
        "\x1b[?2026;2$y",
        "\x1b[I",
        "\x1b[12;40R",
        "\x1b]11;rgb:00/00/00\x1b\\",
        "\x1bP1$r0m\x1b\\",
    ):
        assert told_apart(read) == (read, "")
    found = KeyReader().feed("\x1b[200~one, two\x1b[201~x")
    (pasted,) = [event for event in found if isinstance(event, events.Paste)]
    assert pasted.text == "one, two"


class Terminal:
    """The program in a real terminal, driven by bytes; what it paints is only searched for words."""

    def __init__(self, home: Path) -> None:
        self.pid, self.screen = pty.fork()
        if not self.pid:
            os.environ.update(TERM="xterm-256color", COLORTERM="truecolor")
            os.execv(sys.executable, [sys.executable, "-m", "leverplus_tui.cli", "--home", str(home), "tui"])
        fcntl.ioctl(self.screen, termios.TIOCSWINSZ, struct.pack("HHHH", 36, 120, 0, 0))
        self.painted = b""

    def type(self, keys: str) -> None:
        os.write(self.screen, keys.encode())

    def until(self, pattern: bytes) -> re.Match[bytes]:
        latest = time.monotonic() + LONGEST_S
        while (found := re.search(pattern, self.painted, re.DOTALL)) is None:
            assert time.monotonic() < latest, self.painted[-3000:]
            if select.select([self.screen], [], [], 1.0)[0]:
                self.painted += os.read(self.screen, 65536)
        self.painted = self.painted[found.end() :]
        return found

    def close(self) -> None:
        """Whoever starts tests may have told them not to hear that a terminal is gone, so the program is not asked to leave."""
        os.kill(self.pid, signal.SIGKILL)
        os.close(self.screen)
        os.waitpid(self.pid, 0)


def test_bursts_in_a_real_terminal_leave_no_codes_in_a_field(tmp_path: Path) -> None:
    home = fill(tmp_path / "home", n=4)
    terminal = Terminal(home.root)
    try:
        terminal.until(b"neighbours")
        terminal.type("e")
        terminal.until(b"leverplus run")
        terminal.type("nab\x1bn\x1b/limit\r7\r\x19")
        copied = terminal.until(rb"\x1b\]52;c;([A-Za-z0-9+/=]+)")
    finally:
        terminal.close()
    command = base64.b64decode(copied[1]).decode()
    assert command == "leverplus run eval --limit 7 --shot 0 --shot 1 --retriever i2t --seed 1"
