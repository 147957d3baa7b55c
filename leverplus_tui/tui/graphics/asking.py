"""The terminal is asked what it can draw while the program runs: nothing waits for the answer, and no key is lost to it."""

from __future__ import annotations

import fcntl
import struct
import termios
from time import monotonic

from textual.driver import Driver
from textual.drivers import linux_driver

from leverplus_tui.tui.graphics.way import Terminal
from leverplus_tui.tui.key_reader import KeyReader

ID = 31
QUESTION = f"\x1b_Gi={ID},s=1,v=1,a=q,U=1,t=d,f=24;AAAA\x1b\\\x1b[16t\x1b[c"
"""Kitty's protocol with letters (U=1: kitty before 0.28 knows none and keeps silent)? How large is a cell? What are you?

Every terminal answers the last one, so it closes the list."""
EXPECTED_S = 2.0
"""So long after the question a lone escape may be the beginning of an answer; later it is a key at once."""
SIXEL = "4"
"""Among the attributes of a terminal."""


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


class AskingDriver(linux_driver.LinuxDriver):
    """Textual's driver of a terminal, which also asks it."""

    def ask(self) -> None:
        """Ask the terminal what it can; nobody waits for it."""
        KeyReader.expected = monotonic() + EXPECTED_S
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
