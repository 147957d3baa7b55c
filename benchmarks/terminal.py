"""What the terminal program costs: `python -m benchmarks.terminal`; every figure beside its base, measured in turns.

CPU time of the program itself, because other work shares the machine. The program runs in a pseudo-terminal of 120 x 36 cells.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import os
import pty
import select
import sqlite3
import statistics
import struct
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from db import process, store
from db.home import Home
from db.rows import Progress
from db.session import open_database, writing
from db.specs import EvalSpec

ROWS, ROUNDS, BLOCKS, KEYS, WIDE = 100_000, 5, 9, 20, 10_000
DOWN, PAGE = b"\x1b[B", b"\x1b[6~"
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
        """Processor time so far of all threads that live; the kernel counts it in nanoseconds."""
        return sum(int(one.read_text().split()[0]) for one in Path(f"/proc/{self.pid}/task").glob("*/schedstat")) / 1e9

    def resident_mb(self) -> float:
        """Memory that it holds now."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

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
    with contextlib.closing(sqlite3.connect(home.database)) as ended, ended:
        ended.execute(
            "UPDATE run SET state = 'done', started_at = created_at, ended_at = created_at + 60000000 WHERE id > 10"
        )
    return home


@contextlib.contextmanager
def living(home: Home, runs: int, every_s: float = 0.5) -> Iterator[None]:
    """The first `runs` runs of a home run, each storing its progress twice a second."""
    database, ended = open_database(home.database), threading.Event()
    numbers: dict[int, int] = {}
    with writing(database) as session:
        for run_id in range(1, runs + 1):
            row = store.start_process(
                session, run_id=run_id, pid=os.getpid(), pid_start=process.pid_start(os.getpid()), boot_id=process.boot_id(),
                host=process.host(), argv=["live"], log_path="",
            )  # fmt: skip
            store.set_state(session, run_id=run_id, state="running")
            numbers[run_id] = row.id

    def write() -> None:
        done = 0
        while not ended.wait(every_s / runs):
            run_id, done = done % runs + 1, done + 1
            with writing(database) as session:
                progress = Progress(done // runs % 5000, 5000, "answers")
                store.add_rows(session, run_id=run_id, process_id=numbers[run_id], rows=[progress])

    try:
        with beside(write, ended):
            yield
    finally:
        database.dispose()


@contextlib.contextmanager
def beside(work: Callable[[], None], ended: threading.Event) -> Iterator[None]:
    """Work goes on in a thread until the block is over, which `ended` tells it."""
    worker = threading.Thread(target=work)
    worker.start()
    try:
        yield
    finally:
        ended.set()
        worker.join()


def started(arguments: Sequence[str], sign: bytes) -> tuple[float, float]:
    """(CPU seconds until `sign` is on the screen, seconds to quit)."""
    program = Program(arguments)
    program.read(lambda: sign in program.written)
    used = program.cpu_s()
    program.quiet(0.5)
    return used, program.end()


def keys(
    sides: Sequence[tuple[Sequence[str], bytes]], key: bytes = DOWN, pause_s: float = 0.06
) -> list[list[tuple[float, float]]]:
    """(CPU milliseconds, bytes written) for a key, one value for each block of KEYS; the sides take turns block by block."""
    programs = [Program(arguments) for arguments, _ in sides]
    found: list[list[tuple[float, float]]] = [[] for _ in sides]
    for program, (_, sign) in zip(programs, sides, strict=True):
        program.read(lambda program=program, sign=sign: sign in program.written)  # type: ignore[misc]
        program.quiet(1.0)
    for _ in range(BLOCKS):
        for program, blocks in zip(programs, found, strict=True):
            blocks.append(block(program, key, pause_s))
    for program in programs:
        program.end()
    return found


def block(program: Program, key: bytes, pause_s: float) -> tuple[float, float]:
    """(CPU milliseconds, bytes) for a key of one block."""
    before, size = program.cpu_s(), len(program.written)
    for _ in range(KEYS):
        program.press(key)
        program.read(rest(pause_s))
    program.quiet(0.2)
    return 1000 * (program.cpu_s() - before) / KEYS, (len(program.written) - size) / KEYS


def idle(arguments: Sequence[str], sign: bytes, seconds: float = 20) -> tuple[float, float]:
    """(percent of one processor, megabytes more than before) that a program takes while nobody touches it."""
    program = Program(arguments)
    program.read(lambda: sign in program.written)
    program.read(rest(3.0))
    before, start, memory = program.cpu_s(), time.monotonic(), program.resident_mb()
    program.read(rest(seconds))
    share = 100 * (program.cpu_s() - before) / (time.monotonic() - start)
    grown = program.resident_mb() - memory
    program.end()
    return share, grown


def rest(seconds: float) -> Callable[[], bool]:
    """True once so much time has passed."""
    end = time.monotonic() + seconds
    return lambda: time.monotonic() > end


def spread(values: Sequence[float]) -> str:
    """Median and range."""
    return f"{statistics.median(values):.2f} ({min(values):.2f}-{max(values):.2f})"


def measure_start(few: Home) -> None:
    """First frame, first rows and quitting, each beside a Textual app of one widget in the same round."""
    sides = ((["-c", HELLO], b"HELLO"), (ours(few), b"Opening"), (ours(few), b"run-number-29"))
    rounds = []
    for _ in range(ROUNDS + 1):  # the first one compiles
        (few.root / "terminal.json").unlink(missing_ok=True)
        rounds.append([started(*side) for side in sides])
    del rounds[0]
    for place, what in enumerate(("one widget", "first frame", "first rows")):
        seconds = [one[place][0] for one in rounds]
        print(
            f"{what:28} {spread(seconds)} s CPU, {spread([one[place][0] / one[0][0] for one in rounds])}x of one widget"
        )
    print(
        f"{'quitting':28} {spread([one[2][1] for one in rounds])} s (Textual alone {spread([one[0][1] for one in rounds])})"
    )


def measure_keys(many: Home, rows: int) -> None:
    """Keys down and pages beside a DataTable of 1,000 rows."""
    sides = ((["-c", TABLE], b"column2"), (ours(many), b"run-number-"))
    for what, key, pause_s in (("a key", DOWN, 0.06), ("a key, the pane in time", DOWN, 0.25), ("a page", PAGE, 0.25)):
        theirs, own = keys(sides, key, pause_s)
        ratios = [mine[0] / base[0] for base, mine in zip(theirs, own, strict=True)]
        sizes = [statistics.median(one[1] for one in blocks) for blocks in (own, theirs)]
        print(f"{what:28} {spread([one[0] for one in own])} ms CPU in {rows} runs, {spread(ratios)}x of DataTable")
        print(f"{'':28} {sizes[0]:.0f} bytes (DataTable {sizes[1]:.0f})")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=int, nargs="?", default=ROWS)
    parser.add_argument("--only", choices=("start", "keys", "idle", "wide", "day"))
    parser.add_argument("--rounds", type=int, default=40, help="rounds of a day, about 250 keys each")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if asked.only == "day":
            from benchmarks.terminal_day import measure_day  # it drives what is here

            measure_day(Path(folder) / "day", asked.rounds)
            return
        if asked.only in (None, "wide"):
            from benchmarks.terminal_wide import measure_wide  # in this process, which then holds the program

            measure_wide(fill(Path(folder) / "wide", WIDE))
        few = fill(Path(folder) / "few", 30)
        if asked.only in (None, "start"):
            measure_start(few)
        if asked.only in (None, "keys"):
            measure_keys(fill(Path(folder) / "many", asked.rows), asked.rows)
        if asked.only in (None, "idle"):
            print(f"{'idle':28} {idle(ours(few), b'run-number-29')[0]:.2f} % of a processor")
            for runs in (1, 10):
                with living(few, runs):
                    print(f"{f'idle, {runs} live':28} {idle(ours(few), b'run-number-29')[0]:.2f} % of a processor")


if __name__ == "__main__":
    main()
