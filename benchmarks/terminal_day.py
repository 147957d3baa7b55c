"""A day at the terminal program: thousands of keys over all pages beside ten live runs, and what it holds after each round.

Run by `python -m benchmarks.terminal --only day`. A round goes through every page and window; the program under it
is the real one in a pseudo-terminal. Between rounds it is asked, by a signal, what it holds: memory, and live objects after a
collection.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.rl_browse import make
from benchmarks.terminal import DOWN, PAGE, Program, beside, living, ours, rest
from db import store
from db.home import Home
from db.rows import Metric
from db.session import open_database, writing
from db.specs import TrainSpec
from tests.helpers_tui import draw_images, evaluation, training

LIVE, QUESTIONS = 10, 300
UP, TAB, ENTER, ESC = b"\x1b[A", b"\t", b"\r", b"\x1b"
PROBE = """
import collections, gc, json, os, signal, sqlite3, sys, threading
from textual.screen import Screen
from textual.timer import Timer
from textual.widget import Widget
from textual.worker import Worker
def tell(*_):
    gc.collect()
    held = collections.Counter()
    for one in gc.get_objects():
        for kind in (Screen, Widget, Timer, Worker):
            if isinstance(one, kind):
                held[kind.__name__.lower() + "s"] += 1
    held["objects"] = len(gc.get_objects())
    held["threads"] = threading.active_count()
    files = []
    for one in os.listdir("/proc/self/fd"):
        if os.path.lexists(f"/proc/self/fd/{one}"):
            files.append(os.path.basename(os.readlink(f"/proc/self/fd/{one}")))
    held["files"], held["connections"] = len(files), sum(one == "leverplus.db" for one in files)
    if os.environ.get("DAY_TYPES"):
        held["types"] = collections.Counter(type(one).__qualname__ for one in gc.get_objects()).most_common(400)
    with open(sys.argv[2] + "/held.jsonl", "a") as file:
        print(json.dumps(held), file=file)
def waiting(*_):
    global app_now
    if app_now is None:
        gc.unfreeze()
        app_now = next(one for one in gc.get_objects() if type(one).__name__ == "LeverplusApp")
        gc.freeze()
    with open(sys.argv[2] + "/waiting", "a") as file:
        print(len(app_now._typed) + (app_now._passing is not None and not app_now._passing.done()), file=file)
app_now = None
signal.signal(signal.SIGUSR1, tell)
signal.signal(signal.SIGUSR2, waiting)
"""
"""What the program says of itself; open database files stand for SQLite's connections."""
ROUND: tuple[tuple[str, tuple[bytes, ...]], ...] = (
    ("list", (*(DOWN,) * 12, *(UP,) * 3, PAGE, b"i", b"i", b"S", b"S", b"s", DOWN, ESC, b"c", ESC, b"w", ESC, b"p", b"p")),
    ("filter", (b"/", *(bytes([one]) for one in b"kind:eval acc@2>1"), ENTER, DOWN, DOWN, ESC, b"b", DOWN, ENTER, b"b", ENTER)),
    ("help", (b"?", PAGE, ESC, b"m", ESC, b"=", DOWN, ESC, b"\x10", b"t", b"r", b"a", ESC)),
    ("compare", (b"g", b" ", b" ", b" ", b"v", *(DOWN,) * 12, b"d", b"d", b"]", b"]", b"l", b"h", b"b", ESC, b"x", ESC,
                 b"1", ESC)),
    ("run", (b"g", DOWN, ENTER, TAB, DOWN, TAB, DOWN, DOWN, TAB, PAGE, TAB, TAB, b"C", b".", b".", b"z", b"Z", b"L", b"L",
             b"s", b"H", b"H", ESC, ESC)),
    ("curves", (b"G", b"C", ENTER, b".", b",", b"B", b"B", ESC, ESC, ESC, b"g")),
    ("jobs", (b"4", DOWN, DOWN, UP, TAB, PAGE, b"f", b"f", b"/", b"E", b"R", ENTER, b"n", TAB, ESC)),
    ("data", (b"3", DOWN, UP, ENTER, DOWN, DOWN, DOWN, b"i", PAGE, b"i", b"p", b"p", b"s", ESC, ENTER, b"]", b"]", b"w", b"[",
              ESC, ESC, ESC)),
    ("queue", (b"1", b"Q", DOWN, ESC, b"W", DOWN, ESC, b"T", DOWN, ESC, b"P", ESC, b"O", ESC, b"U", ESC)),
    ("launch", (b"g", b"e", DOWN, DOWN, DOWN, b"/", b"b", b"e", b"a", b"m", ENTER, b"7", ENTER, DOWN, ESC, ESC, ENTER, ESC)),
    ("marks", (b"1", b"g", b" ", b"V", ESC, ESC, b"t", ESC, b"r", ESC, b"a", ESC, b"D", ESC)),
)  # fmt: skip
"""Keys of a round by page; each page is left as it was found."""


def home_of_a_day(folder: Path) -> Home:
    """Live runs first, then evaluations with answers, trainings with curves, and RL data."""
    home = Home(folder)
    folder.mkdir(parents=True)
    engine = open_database(home.database)
    images = draw_images(folder / "images", 12)
    with writing(engine) as session:
        for number in range(LIVE):
            spec = TrainSpec(kind="rce", rl_data="builtin", embeddings="builtin", seed=number)
            store.create_run(session, spec=spec, name=f"live-{number}", environment={})
    for number in range(12):
        evaluation(
            engine, images, name=f"eval-{number}", retriever="random", skill=(0.3, 0.5, 0.6), n=QUESTIONS, seed=number
        )
    for number in range(4):
        training(engine, name=f"train-{number}", epochs=200)
    path = folder / "rl.json"
    make(path, 500)
    with writing(engine) as session:
        store.add_data(session, path=path, kind="rl-data", size=path.stat().st_size, sha256="0" * 64)
    engine.dispose()
    return home


@contextlib.contextmanager
def writing_logs(home: Home) -> Iterator[None]:
    """Live runs write lines and points."""
    ended, database = threading.Event(), open_database(home.database)

    def write() -> None:
        step = 0
        while not ended.wait(0.2):
            step += 1
            run_id = step % LIVE + 1
            log = home.log(run_id)
            log.parent.mkdir(parents=True, exist_ok=True)
            with log.open("a") as file:
                print(f"14:02:03 INFO step {step} of many, loss {1 / step:.4f}", file=file)
            with writing(database) as session:
                point = Metric("rce", step // 100 + 1, step, "rce_loss", 1 + 1 / step)
                store.add_rows(session, run_id=run_id, process_id=None, rows=[point])

    try:
        with beside(write, ended):
            yield
    finally:
        database.dispose()


def asked(program: Program, home: Home, number: int, name: str) -> str:
    """What the program writes when it gets a signal."""
    file = home.root / name
    before = file.stat().st_size if file.exists() else 0
    os.kill(program.pid, number)
    program.read(lambda: file.exists() and file.stat().st_size > before)
    program.read(rest(0.05))
    return file.read_text().splitlines()[-1]


def held(program: Program, home: Home) -> dict[str, float]:
    """What the program holds now."""
    found: dict[str, float] = json.loads(asked(program, home, signal.SIGUSR1, "held.jsonl"))
    return {"memory": program.resident_mb(), **found}


def go_round(program: Program, home: Home, pause_s: float) -> int:
    """Type one round; the number of keys. What a window asks is given up, and each page waited for."""
    count = 0
    for _, keys in ROUND:
        for key in keys:
            program.press(key)
            program.read(
                rest(pause_s if key != ESC else pause_s + 0.12)
            )  # a lone escape is known by the silence behind it
            count += 1
        while asked(program, home, signal.SIGUSR2, "waiting") != "0":
            program.read(rest(0.2))
    program.read(rest(1.0))
    return count


def measure_day(folder: Path, rounds: int, pause_s: float = 0.03) -> None:
    """Live through a day and say what it left behind."""
    home = home_of_a_day(folder)
    arguments = ours(home)
    arguments[-1] = PROBE + arguments[-1]
    with living(home, LIVE), writing_logs(home):
        program = Program(arguments)
        program.read(lambda: b"eval-11" in program.written)
        keys, rows, start = 0, [], time.monotonic()
        for number in range(rounds):
            keys += go_round(program, home, pause_s)
            program.written = b""
            rows.append(held(program, home))
            print(number, keys, told(rows[-1]), flush=True)
        program.end()
    print(f"{keys} keys in {(time.monotonic() - start) / 60:.0f} minutes")
    for what in rows[0]:
        if what != "types":
            print(f"{what:28} {trend([row[what] for row in rows])}")


def told(row: dict[str, float]) -> str:
    """One line."""
    return "  ".join(f"{what} {value:.0f}" for what, value in row.items() if what != "types")


def trend(values: Sequence[float]) -> str:
    """The middle of the second fifth of the day, and of the last."""
    fifth = max(1, len(values) // 5)
    early, late = statistics.median(values[fifth : 2 * fifth]), statistics.median(values[-fifth:])
    return f"{early:.0f} -> {late:.0f}"
