"""How long 20 runs at 4 numbers of shots over 5,046 questions take to compare, all 760 pairs, through the code that is used.

    python benchmarks/compare.py                  # builds a home with 403,680 stored answers, then compares
    python benchmarks/compare.py --profile        # and says where the time goes

Measured is the processor time of one thread in a warm process: reading the answers, pairs, attribution and what else stands beside
them; last that of the whole command, from the start of its process. The answers are made up: a tenth of the scores differs between
two runs, images hold one to three questions, and each question has ten references and as many demonstrations as shots.
"""

from __future__ import annotations

import argparse
import cProfile
import os
import pstats
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from db import rows, store
from db.home import Home
from db.session import DatabaseFile, open_database, reading, writing
from db.specs import EvalSpec
from engine.statistics.intervals import interval
from leverplus_tui.results.comparison import Asked, compare
from leverplus_tui.results.comparison_text import plain_text

RUNS, SHOTS, QUESTIONS, TRAIN = 20, (1, 2, 3, 4), 5046, 9009
PAIRS = Asked()
CONTROLS = ("random", "fixed", "t2t", "i2i", "qi2qi", "untrained")
SHA, SUBSET = "d" * 64, "s" * 64
WORDS = tuple(f"answer {number}" for number in range(400))


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--profile", action="store_true", help="print the 25 most expensive functions of each")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        database = open_database(Home(Path(folder)).database)
        build(database)
        for name, work in _works(database):
            _timed(name, work, profile=asked.profile)
        _whole(folder)


def _works(database: DatabaseFile) -> Iterator[tuple[str, Callable[[], object]]]:
    every = range(1, RUNS + 1)

    def compared(*, judged: bool, asked: Asked = PAIRS) -> Callable[[], object]:
        def work() -> None:
            with reading(database) as session:
                plain_text(compare(session, every, judged=judged, asked=asked))

        return work

    yield "Compare screen", compared(judged=False)
    yield "leverplus compare", compared(judged=True)
    yield "leverplus compare --best-of", compared(judged=True, asked=Asked(best_of=True))
    yield "leverplus compare --group-by seed", compared(judged=True, asked=Asked(by_seed=True))


def _timed(name: str, work: Callable[[], object], *, profile: bool) -> None:
    work()
    taken = []
    for _ in range(3):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    print(f"{name:36} {min(taken):6.2f} s", flush=True)
    if profile:
        with cProfile.Profile() as profiler:
            work()
        pstats.Stats(profiler).sort_stats("tottime").print_stats(25)


def _whole(folder: str) -> None:
    """The command as it is typed, each time in a new process with compiled modules: start, imports and printing too."""
    program = "from leverplus_tui.cli import app; app()"
    asked = [sys.executable, "-c", program, "compare", "--where", "kind:eval", "--home", folder]
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    taken = []
    for _ in range(6):
        before = os.times()
        subprocess.run(asked, check=True, stdout=subprocess.DEVNULL, env=kept)
        after = os.times()
        taken.append(sum(after[2:4]) - sum(before[2:4]))
    print(f"{'the whole command':36} {statistics.median(taken[1:]):6.2f} s", flush=True)


def build(database: DatabaseFile) -> None:
    """Six controls and selectors of seven recipes, two seeds each, on the whole validation set."""
    rng = np.random.default_rng(20)
    images = np.repeat(np.arange(QUESTIONS), np.resize((1, 2, 3), QUESTIONS))[:QUESTIONS]
    base = rng.choice((0.0, 0.6, 1.0), p=(0.45, 0.1, 0.45), size=(len(SHOTS), QUESTIONS))
    ids = tuple(range(QUESTIONS))
    questions: list[rows.Row] = [rows.Subset(SHA, "val", "all", {}, ids, SUBSET)]
    questions += [_question("val", q, int(images[q]), rng) for q in ids] + [
        _question("train", q, q, rng) for q in range(TRAIN)
    ]
    for number in range(RUNS):
        changed = rng.random(base.shape) < 0.05
        scores = np.where(changed, rng.choice((0.0, 0.6, 1.0), size=base.shape), base)
        _store(database, number, scores, images, questions if not number else questions[:1], rng)


def _question(split: str, number: int, image: int, rng: np.random.Generator) -> rows.Question:
    answers = tuple(WORDS[word] for word in rng.integers(len(WORDS), size=10))
    return rows.Question(SHA, split, number, image, f"question {number}?", answers, answers[0], "")


def _store(
    database: DatabaseFile,
    number: int,
    scores: np.ndarray,
    images: np.ndarray,
    made: list[rows.Row],
    rng: np.random.Generator,
) -> None:
    spec = EvalSpec(
        shots=SHOTS, selector=f"/selectors/{number // 2}.safetensors", retriever="selector", seed=number % 2
    )
    told = {"selector_sha": f"sha {number}", "retriever": "selector", "support_sha": SHA, "metric": "vqa"}
    with writing(database) as session:
        run = store.create_run(session, spec=spec, name=f"run {number}", environment={}).id or 0
        kept = [*made, *(rows.Fact(name, value) for name, value in told.items())]
        for at, shot in enumerate(SHOTS):
            found = interval(scores[at], images)
            kept.append(
                rows.Cell(SUBSET, shot, QUESTIONS, QUESTIONS, found.mean, found.low, found.high, {shot: QUESTIONS}, 5)
            )
            shown = rng.integers(TRAIN, size=(QUESTIONS, shot))
            words = rng.integers(len(WORDS), size=QUESTIONS)
            kept += [
                rows.Prediction(
                    q, shot, tuple(shown[q].tolist()), f"p{q}", f"{number}-{shot}-{q}", "raw", WORDS[words[q]],
                    float(scores[at, q]), False, False, "", run, "",
                )
                for q in range(QUESTIONS)
            ]  # fmt: skip
        store.add_rows(session, run_id=run, process_id=None, rows=kept)
        store.set_state(session, run_id=run, state="running")
        store.set_state(session, run_id=run, state="done")


if __name__ == "__main__":
    main()
