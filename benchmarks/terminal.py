"""What the terminal program costs: `python -m benchmarks.terminal`; every figure beside its base, measured in turns.

CPU time of the program itself, because other work shares the machine. The program runs in a pseudo-terminal of 120 x 36 cells.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import statistics
import struct
import sys
import tempfile
import termios
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from db import store
from db.home import Home
from db.session import open_database, writing
from db.specs import EvalSpec

ROWS, ROUNDS, KEYS = 100_000, 3, 40
HELLO = """
from textual.app import App
from textual.widgets import Static
class Hello(App):
    BINDINGS = [("ctrl+q", "quit", "quit")]
    def compose(self):
        yield Static("HELLO")
Hello().run()
"""
TABLE = """
from textual.app import App
from textual.widgets import DataTable
class Table(App):
    BINDINGS = [("ctrl+q", "quit", "quit")]
    def compose(self):
        yield DataTable(cursor_type="row")
    def on_mount(self):
        table = self.query_one(DataTable)
        table.add_columns(*(f"column{place}" for place in range(12)))
        table.add_rows([[f"cell {row} {place}" for place in range(12)] for row in range(1000)])
Table().run()
"""
BYTE_CODE = os.path.join(tempfile.gettempdir(), "terminal-byte-code")
"""Compiled modules of all sides, as an installed program has them."""
TICK_S = 1 / os.sysconf("SC_CLK_TCK")


class Program:
    """A program in a terminal of its own."""

    def __init__(self, arguments: Sequence[str]) -> None:
        self.pid, self.terminal = pty.fork()
        if not self.pid:
            os.environ.update(TERM="xterm-256color", COLORTERM="truecolor", PYTHONPYCACHEPREFIX=BYTE_CODE)
            os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
            os.execv(sys.executable, [sys.executable, *arguments])
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 36, 120, 0, 0))
        self.written = b""

    def cpu_s(self) -> float:
        """Processor time so far, all threads."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) * TICK_S

    def read(self, until: Callable[[], bool], patience_s: float = 120) -> None:
        """Take what it writes until something holds."""
        latest = time.monotonic() + patience_s
        while not until() and time.monotonic() < latest:
            if select.select([self.terminal], [], [], 0.02)[0]:
                self.written += os.read(self.terminal, 1 << 16)

    def quiet(self, seconds: float) -> None:
        """Take what it writes until it is silent."""
        last, size = time.monotonic(), len(self.written)

        def silent() -> bool:
            nonlocal last, size
            if len(self.written) != size:
                last, size = time.monotonic(), len(self.written)
            return time.monotonic() - last > seconds

        self.read(silent)

    def press(self, keys: bytes) -> None:
        """Type."""
        os.write(self.terminal, keys)

    def end(self) -> float:
        """Quit with Ctrl-Q; the seconds that it takes."""
        start = time.monotonic()
        self.press(b"\x11")
        while os.waitpid(self.pid, os.WNOHANG)[0] == 0:
            if time.monotonic() - start > 20:
                os.kill(self.pid, 9)
            if select.select([self.terminal], [], [], 0.005)[0]:
                with contextlib.suppress(OSError):  # its end closes the terminal
                    os.read(self.terminal, 1 << 16)
        os.close(self.terminal)
        return time.monotonic() - start


def ours(home: Home) -> list[str]:
    """Arguments that start the terminal program on a home."""
    return [
        "-c",
        f"import sys; sys.argv = ['leverplus', '--home', {str(home.root)!r}, 'tui']\nfrom leverplus_tui.cli import app\napp()",
    ]


def fill(folder: Path, rows: int) -> Home:
    """A home with many runs."""
    home = Home(folder)
    folder.mkdir(parents=True, exist_ok=True)
    engine = open_database(home.database)
    for first in range(0, rows, 2000):
        with writing(engine) as session:
            for number in range(first, min(first + 2000, rows)):
                store.create_run(session, spec=EvalSpec(seed=number), name=f"run-number-{number}", environment={})
    engine.dispose()
    return home


def started(arguments: Sequence[str], sign: bytes) -> tuple[float, float]:
    """(CPU seconds until `sign` is on the screen, seconds to quit)."""
    program = Program(arguments)
    program.read(lambda: sign in program.written)
    used = program.cpu_s()
    program.quiet(0.5)
    return used, program.end()


def keys(arguments: Sequence[str], sign: bytes) -> tuple[float, float]:
    """(CPU milliseconds, bytes written) for a key down, one every 60 ms after a page down."""
    program = Program(arguments)
    program.read(lambda: sign in program.written)
    program.quiet(1.0)
    before, size = program.cpu_s(), len(program.written)
    for _ in range(KEYS):
        program.press(b"\x1b[B")
        start = time.monotonic()
        program.read(lambda start=start: time.monotonic() - start > 0.06)  # type: ignore[misc]
    program.quiet(0.3)
    used, written = program.cpu_s() - before, len(program.written) - size
    program.end()
    return 1000 * used / KEYS, written / KEYS


def idle(arguments: Sequence[str], sign: bytes, seconds: float = 10) -> float:
    """Share of one processor, in percent, that a program takes when nothing happens."""
    program = Program(arguments)
    program.read(lambda: sign in program.written)
    program.quiet(2.0)
    before, start = program.cpu_s(), time.monotonic()
    program.read(lambda: time.monotonic() - start > seconds)
    share = 100 * (program.cpu_s() - before) / (time.monotonic() - start)
    program.end()
    return share


def main() -> None:
    """Measure and print."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    with tempfile.TemporaryDirectory() as folder:
        few, many = fill(Path(folder) / "few", 30), fill(Path(folder) / "many", rows)
        for home in (few, many):
            (home.root / "terminal.json").unlink(missing_ok=True)
        rounds = [
            (started(["-c", HELLO], b"HELLO"), started(ours(few), b"Opening"), started(ours(few), b"run-number-29"))
            for _ in range(ROUNDS)
        ]
        hello, frame, first = (statistics.median(one[place][0] for one in rounds) for place in range(3))
        print(f"first frame {frame:.2f} s CPU, {frame / hello:.2f}x of a one-widget Textual app ({hello:.2f} s)")
        print(f"first rows  {first:.2f} s CPU, {first / hello:.2f}x")
        quits = [statistics.median(one[place][1] for one in rounds) for place in (2, 0)]
        print(f"quitting    {quits[0]:.2f} s (Textual alone {quits[1]:.2f})")
        pairs = [(keys(["-c", TABLE], b"column2"), keys(ours(many), b"run-number-")) for _ in range(2)]
        theirs, own = (statistics.median(pair[place][0] for pair in pairs) for place in range(2))
        print(
            f"a key       {own:.1f} ms CPU in {rows} runs, {own / theirs:.2f}x of DataTable with 1,000 rows ({theirs:.1f} ms)"
        )
        written = [statistics.median(pair[place][1] for pair in pairs) for place in (1, 0)]
        print(f"bytes       {written[0]:.0f} a key (DataTable {written[1]:.0f})")
        print(f"idle        {idle(ours(few), b'run-number-29'):.2f} % of a processor")


if __name__ == "__main__":
    main()
