"""A job process whose recipe is made of nothing: `python -m tests.helpers_worker --home H RUN`.

What it does is told by the specification's `vlm`: `plain`, `pause` (waits for a signal after the tenth answer of its
first process), `gap` (the first process cannot ask question 3), `deaf` (as pause, yielding nothing and ignoring the
first request), `user-error`, `bug`, `die`.
"""

from __future__ import annotations

import hashlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from db.rows import Cell, Fact, Prediction, Progress, Question, Row, Subset
from db.specs import EvalSpec, UserError
from engine.common.files.atomic import write_text
from engine.job import worker
from engine.recipes.run_context import RunContext

QUESTIONS = 30
PAUSE_AFTER = 10
GAP = 3
PAUSED = "paused"
LONGEST_LIFE_S = 600


def evaluate(spec: EvalSpec, context: RunContext) -> Iterator[Row]:
    """Thirty questions, each answered with `a`; every second one is right."""
    ids = tuple(range(1, QUESTIONS + 1))
    sha = hashlib.sha256(",".join(map(str, ids)).encode()).hexdigest()
    yield Fact("retriever", spec.retriever or "random")
    yield Fact("answered_before", len(context.answered))
    yield Subset("world", "val", "all", {}, ids, sha)
    yield from (Question("world", "val", q, q, f"question {q}?", ("a",) * 10, "a", "") for q in ids)
    if spec.vlm == "user-error":
        raise UserError("no data set at /nowhere: give a folder with --dataset")
    if spec.vlm == "bug":
        raise ZeroDivisionError("a bug")
    if spec.vlm == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    first = not (context.run_dir / "seen").exists()
    (context.run_dir / "seen").touch()
    for shot in spec.shots:
        try:
            yield from _answers(spec, context, ids, shot, first)
        finally:
            with suppress(OSError):  # as recipes do that remember something for later runs
                write_text(context.cache_dir / "remembered" / "pace", "fast")
        yield Cell(sha, shot, len(ids), len(ids), 50.0, 35.0, 65.0, {shot: len(ids)}, len(ids))


def _answers(spec: EvalSpec, context: RunContext, ids: tuple[int, ...], shot: int, first: bool) -> Iterator[Row]:
    for q in ids:
        if (q, shot) in context.answered:
            continue
        request = f"{spec.vlm}-{spec.seed}-{shot}-{q}"
        known = context.find_answers([request])
        error = "no image" if q == GAP and first and spec.vlm == "gap" else ""
        source = known[request].source if known else context.run_id
        yield Prediction(
            q, shot, (1, 2)[:shot], f"p{q}", request, "a", "a", q % 2, False, bool(known), error, source, ""
        )
        yield Progress(q, len(ids), "questions")
        if q == PAUSE_AFTER and first and spec.vlm in ("pause", "deaf"):
            yield from _pause(context.run_dir / PAUSED, spec.vlm == "deaf")


def _pause(said: Path, deaf: bool) -> Iterator[Row]:
    """Say so, and wait for a signal. One that comes in between is not lost: the system writes its number down here.

    The file says that the worker has drawn the fact and gone on, so that a signal after it meets the waiting recipe.
    """
    numbers, written = os.pipe()
    os.set_blocking(written, False)
    signal.set_wakeup_fd(written)
    yield Fact("paused", True)
    said.touch()
    os.read(numbers, 1)
    if deaf:
        signal.signal(signal.SIGALRM, signal.SIG_IGN)
        while True:
            signal.pause()


def never_outlive_the_tests() -> None:
    """A job whose test has failed would wait for its signal for ever."""
    clock = threading.Timer(LONGEST_LIFE_S, os._exit, (9,))
    clock.daemon = True
    clock.start()


if __name__ == "__main__":
    never_outlive_the_tests()
    worker.RECIPES["eval"] = (__name__, "evaluate")
    sys.exit(worker.main())
