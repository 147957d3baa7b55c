"""A home filled by hand for the terminal's tests: evaluations with answers and images, a training run, a failure, a live job."""

from __future__ import annotations

import asyncio
import hashlib
import math
import os
import random
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from PIL import Image, ImageDraw
from textual import events
from textual._context import active_app
from textual.app import App
from textual.keys import _character_to_key
from textual.pilot import Pilot
from textual.screen import Screen

from db import process, store
from db.home import Home
from db.rows import Cell, Checkpoint, Fact, Metric, Prediction, Progress, Question, Row, Subset
from db.session import DatabaseFile, Session, open_database, writing
from db.specs import EvalSpec, Finding, TrainSpec
from engine.statistics.intervals import interval
from leverplus_tui.tui.app import LeverplusApp

Page = TypeVar("Page", bound=Screen[Any])

DATASET = "d" * 64
WAITING = ("dialog", "data", "stop", "launch")
"""Groups of workers that wait for a person."""
LONGEST_REST_S = 2.5
"""Longer timers belong to messages that go away by themselves."""
PATIENCE_S = 180.0
COLOURS = ("red", "green", "blue", "yellow", "purple", "orange")
SHAPES = ("circle", "square", "triangle")


def make_home(folder: Path) -> Home:
    """An empty home."""
    folder.mkdir(parents=True, exist_ok=True)
    return Home(folder)


def draw_images(folder: Path, count: int) -> list[Path]:
    """Small pictures of coloured shapes."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for index in range(count):
        path = folder / f"{index:04}.png"
        image = Image.new("RGB", (32, 32), "#20252b")
        canvas = ImageDraw.Draw(image)
        colour, box = COLOURS[index % 6], (6, 6, 25, 25)
        match SHAPES[index % 3]:
            case "circle":
                canvas.ellipse(box, fill=colour)
            case "square":
                canvas.rectangle(box, fill=colour)
            case _:
                canvas.polygon([(16, 5), (27, 26), (5, 26)], fill=colour)
        image.save(path)
        paths.append(path)
    return paths


def questions(images: Sequence[Path], split: str, count: int) -> list[Question]:
    """Questions about those pictures; some carry signs that look like markup."""
    rows = []
    for index in range(count):
        colour = COLOURS[index % 6]
        text = f"What colour is the {SHAPES[index % 3]}?" if index % 10 else "What is [bold]this[/bold]?"
        rows.append(
            Question(
                dataset_sha=DATASET, split=split, question_id=1000 + index, image_id=index, question=text,
                answers=(colour,) * 7 + ("grey",) * 3, label=colour, image=str(images[index % len(images)]),
            )
        )  # fmt: skip
    return rows


def evaluation(
    engine: DatabaseFile, images: Sequence[Path], *, name: str, retriever: str | None, skill: Sequence[float], n: int = 40,
    seed: int = 1, state: str = "done", forced: bool = False, findings: Sequence[Finding] = (), done: int | None = None,
    pool: str = "all",
) -> int:  # fmt: skip
    """A run with one answer per question and shot; `skill` is the chance of a right answer by number of shots."""
    shots = tuple(range(len(skill)))
    spec = EvalSpec.model_validate({"limit": n, "shots": shots, "retriever": retriever, "seed": seed, "pool": pool})
    with writing(engine) as session:
        run = store.create_run(
            session, spec=spec, name=name, forced=forced, environment={"python": "3.11", "device": "cpu"}
        )
        assert run.id is not None
        run_id = run.id
        process_id = _process(session, run_id)
        store.set_state(session, run_id=run_id, state="running")
        rows = _answers(images, skill=skill, n=n, seed=seed, done=n if done is None else done, source=run_id)
        store.add_rows(session, run_id=run_id, process_id=process_id, rows=[*rows, *findings])
        if state != "running":
            store.end_process(session, process_id=process_id, state=state, exit_code=0 if state == "done" else 1)
    return run_id


def _process(session: Session, run_id: int) -> int:
    """This very test process stands for the job, so that it counts as alive."""
    row = store.start_process(
        session, run_id=run_id, pid=os.getpid(), pid_start=process.pid_start(os.getpid()), boot_id=process.boot_id(),
        host=process.host(), argv=["test"], log_path="log.txt", promise_s=3600,
    )  # fmt: skip
    assert row.id is not None
    return row.id


def _answers(images: Sequence[Path], *, skill: Sequence[float], n: int, seed: int, done: int, source: int) -> list[Row]:
    chance = random.Random(seed)
    asked = questions(images, "val", n)
    ids = tuple(row.question_id for row in asked)
    sha = hashlib.sha256(",".join(map(str, ids)).encode()).hexdigest()
    rows: list[Row] = [*asked, *questions(images, "train", 20)]
    rows.append(Subset(DATASET, "val", f"random {n} (seed 42)", {"limit": n, "seed": 42}, ids, sha))
    luck = {question_id: random.Random(question_id).random() for question_id in ids}
    for shot, probability in enumerate(skill):
        scores = []
        for row in asked[:done]:
            right = 0.7 * luck[row.question_id] + 0.3 * chance.random() < probability
            scores.append(1.0 if right else 0.0)
            said = row.label if right else COLOURS[(COLOURS.index(row.label) + 1 + shot) % 6]
            demonstrations = tuple(1000 + (row.question_id + step) % 20 for step in range(shot))
            rows.append(
                Prediction(
                    question_id=row.question_id, shot=shot, demonstrations=demonstrations, prompt_sha="p" * 64,
                    request_sha=hashlib.sha256(f"{seed}{shot}{row.question_id}".encode()).hexdigest(),
                    raw=f" {said}.", answer=said, score=scores[-1],
                    cut=False, reused=False, error="", source=source, reasoning="",
                )
            )  # fmt: skip
        found = interval(scores)
        rows.append(Cell(sha, shot, n, done, found.mean, found.low, found.high, {shot: done}, done if shot else 1))
    rows += [
        Progress(done * len(skill), n * len(skill), "answers", ""),
        Fact("dataset.sha", DATASET),
        Fact("vlm.sha", "b" * 64),
    ]
    return rows


DISTRIBUTIONS = {
    "groups": 800, "no_signal": 208,
    "rewards": {"counts": [2300, 901, 5000], "values": [0.0, 1.6, 2.0], "least": 0.0, "mean": 1.395, "greatest": 2.0},
    "advantages": [{
        "epochs": "", "top_k": None, "no_signal": 208, "clipped": 31, "clip": 2.0,
        "histogram": {
            "counts": [31, 240, 460, 800, 1100, 300, 900, 1300, 700, 60], "width": 0.4, "first": -5,
            "least": -2.0, "mean": 0.003, "greatest": 1.9,
        },
    }],
}  # fmt: skip
"""What a training stores of its candidates."""


def training(engine: DatabaseFile, *, name: str = "grpo-k64", epochs: int = 40, told: bool = True) -> int:
    """A training run with curves and a checkpoint; one that is `told` also stored how its rewards are distributed."""
    spec = TrainSpec(
        kind="grpo", rl_data="builtin", embeddings="builtin", rce_epochs=epochs // 2, grpo_epochs=epochs // 2
    )
    rows: list[Row] = []
    for phase, first in (("rce", 0), ("grpo", epochs // 2)):
        for epoch in range(1, epochs // 2 + 1):
            step = (first + epoch) * 25
            rows.append(
                Metric(phase, epoch, step, f"{phase}_loss", 2.2 * math.exp(-epoch / 12) + 0.05 * math.sin(epoch))
            )
            rows.append(Metric(phase, epoch, step, "val_loss", 2.4 * math.exp(-(epoch + first) / 20) + 0.1))
    rows += [Fact("distributions", DISTRIBUTIONS)] if told else []
    rows.append(Checkpoint("best.safetensors", "grpo", epochs // 2, "c" * 64, 657_152, True, {"val_loss": 0.31}))
    with writing(engine) as session:
        run = store.create_run(session, spec=spec, name=name, environment={"python": "3.11"})
        assert run.id is not None
        process_id = _process(session, run.id)
        store.set_state(session, run_id=run.id, state="running")
        store.add_rows(session, run_id=run.id, process_id=process_id, rows=rows)
        store.end_process(session, process_id=process_id, state="done", exit_code=0)
        return run.id


SAME = Finding(
    code="pool-degenerate", severity="warning", subject="retrieval",
    message="All 40 questions got the same 2 demonstrations, so the figure says nothing about selection.",
    fix="Use a pool that depends on the query: --retriever t2t",
)  # fmt: skip
SHAPE = Finding(
    code="hidden-dim", severity="error", subject="checkpoint",
    message="The checkpoint's hidden width is 256, the request asks for 512.",
    fix="leverplus doctor selector.pt --expect hidden_dim=256",
)  # fmt: skip


def fill(folder: Path, *, n: int = 40) -> Home:
    """Six runs: random, neighbours, a forced one with degenerate demonstrations, a training run, a failure, a live one."""
    home = make_home(folder)
    engine = open_database(home.database)
    images = draw_images(folder / "images", 12)
    add = partial(evaluation, engine, images, n=n)
    add(name="random", retriever="random", skill=(0.36, 0.38, 0.4))
    add(name="neighbours", retriever="t2t", skill=(0.36, 0.62, 0.72))
    add(name="fixed [pair]", retriever="fixed", skill=(0.36, 0.4, 0.41), forced=True, findings=[SAME, SHAPE])
    training(engine)
    add(name="broken", retriever="i2i", skill=(0.3,), done=n // 4, state="failed")
    running = add(name="live", retriever="i2t", skill=(0.36, 0.5), done=n // 2, state="running")
    log = home.log(running)
    log.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"14:02:{second:02} INFO answered {second * 4} of 80" for second in range(30)]
    log.write_text("\n".join([*lines, "14:03:00 WARNING 1 image missing", ""]))
    engine.dispose()
    return home


# Driving the program


@asynccontextmanager
async def opened(
    home: Home, size: tuple[int, int] = (120, 36), *, remembered: bool = False, read_only: bool = False, **links: str
) -> AsyncIterator[Pilot[None]]:
    """The program on a home, with its first page read; of an earlier time it remembers nothing unless asked to."""
    if not remembered:
        (home.root / "terminal.json").unlink(missing_ok=True)
    app = LeverplusApp(home, read_only=read_only, **links)
    async with app.run_test(size=size, notifications=True) as pilot:
        await until(pilot, lambda: app.watcher is not None)
        await settled(pilot)
        yield pilot


async def settled(pilot: Pilot[None]) -> None:
    """All that was asked for has been read and drawn; what watches for ever is not waited for."""
    quiet = 0
    while quiet < 2:
        await until(pilot, lambda: not _at_work(pilot.app))
        await pilot.pause()
        quiet = 0 if _at_work(pilot.app) else quiet + 1


def _at_work(app: App[None]) -> bool:
    """Whether something reads, or will do so after a rest."""
    if any(worker.is_running for worker in app.workers if worker.group not in WAITING):
        return True
    timers = [timer for node in [app, *app.screen.walk_children(with_self=True)] for timer in node._timers]
    return any(
        timer._repeat == 0 and timer._interval < LONGEST_REST_S and timer._task and not timer._task.done()
        for timer in timers
    )


async def until(pilot: Pilot[None], condition: Callable[[], object]) -> None:
    """Let the program go on until something holds, and draw it; the bound only keeps a broken test from hanging."""
    latest = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < latest, f"what was waited for did not happen:\n{text_of(pilot)}"
        await pilot.pause(0.01)
    await pilot.pause()


async def arrived(pilot: Pilot[None], kind: type[Page]) -> Page:
    """The page or window of this kind, once it is in view and read."""
    await until(pilot, lambda: isinstance(pilot.app.screen, kind))
    await settled(pilot)
    page = pilot.app.screen
    assert isinstance(page, kind)
    return page


async def nothing_left(min_sleep: float = 0, max_sleep: float = 0) -> None:
    """In the place of Textual's `wait_for_idle`, which takes a process that gets no processor for one that has nothing to do:
    until the event loop has nothing to run but this, with the screen drawn."""
    for _ in range(2):
        await _idle()
        app = active_app.get()
        if app._screen_stack:
            app.screen._on_timer_update()
    await _idle()


async def _idle() -> None:
    ready = vars(asyncio.get_running_loop())["_ready"]
    quiet = 0
    while quiet < 2:
        await asyncio.sleep(0)
        quiet = 0 if ready else quiet + 1


def burst(pilot: Pilot[None], *keys: str) -> None:
    """Keys typed faster than anything can answer."""
    for key in keys:
        name = _character_to_key(key) if len(key) == 1 else key
        pilot.app.post_message(events.Key(name, key if len(key) == 1 else None))


def held_back(pilot: Pilot[None]) -> int:
    """Keys that wait for what the keys before them open, or are on their way."""
    app = pilot.app
    if not isinstance(app, LeverplusApp):
        return 0  # a widget tried alone
    return len(app._typed) + (app._passing is not None and not app._passing.done())


def text_of(pilot: Pilot[None]) -> str:
    """What stands on the screen, as lines of text."""
    width, height = pilot.app.size
    strips = pilot.app.screen._compositor.render_strips(pilot.app.size)
    return "\n".join(strip.text[:width] for strip in strips[:height])


def kept(pilot: Pilot[None]) -> list[str]:
    """Messages that were shown so far."""
    assert isinstance(pilot.app, LeverplusApp)
    return list(pilot.app._messages)


def at_rest(home: Home, moment: datetime) -> None:
    """Move all times of a home to fixed ones, so that pictures of it are the same on every day."""
    start = int(moment.timestamp() * 1e6)
    with sqlite3.connect(home.database) as connection:
        connection.execute(
            "UPDATE run SET created_at = ? + id * 60000000, started_at = ? + id * 60000000", (start, start)
        )
        connection.execute("UPDATE run SET ended_at = started_at + 42000000 WHERE ended_at IS NOT NULL")
        connection.execute(
            "UPDATE process SET started_at = ? + run_id * 60000000, heartbeat_at = ?", (start, start + 600_000_000)
        )
        connection.execute("UPDATE process SET ended_at = started_at + 42000000 WHERE ended_at IS NOT NULL")
    connection.close()


if __name__ == "__main__":
    import sys

    fill(Path(sys.argv[1]), n=int(sys.argv[2]) if len(sys.argv) > 2 else 40)
