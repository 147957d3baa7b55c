"""Figures of whole jobs through the command line: start-up, an evaluation and the next one, pairs, several GPUs.

Each command is a process of its own, timed from its start to its end, in a home that is deleted; the first run of a home,
which makes hashes, kernels and the self-test, is named as such.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory
from typing import Any

PROGRAM = "from leverplus_tui.cli import app; app()"
HERE = Path(__file__).parent.parent
SHOWN = ("engine_answers_per_s", "engine_images_encoded", "engine_images_from_disk", "engine_utilisation", "vlm_engine")
FEW = 8


class Side:
    """One version of the program with a home of its own."""

    def __init__(self, checkout: Path, home: Path) -> None:
        self._checkout, self._home = checkout, home
        self.runs = 0

    def run(self, *arguments: str) -> dict[str, Any]:
        """Seconds of a run and what it tells of its engine."""
        begin = time.perf_counter()
        self._call("run", *arguments)
        seconds = round(time.perf_counter() - begin, 2)
        self.runs += 1
        facts = json.loads(self._call("show", f"r{self.runs}", "--json"))["lineage"]
        return {"s": seconds, **{name: facts[name] for name in SHOWN if name in facts}}

    def tool(self, *arguments: str) -> str:
        """What another command prints."""
        return self._call(*arguments)

    def forget_images(self) -> None:
        """As if no run had kept visual tokens."""
        rmtree(self._home / "cache" / "visual_tokens", ignore_errors=True)

    def _call(self, *arguments: str) -> str:
        paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
        others = [path for path in paths if path and Path(path).resolve() != HERE.resolve()]
        environment = os.environ | {
            "LEVERPLUS_HOME": str(self._home), "PYTHONPATH": os.pathsep.join([str(self._checkout), *others]),
        }  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, *arguments], env=environment, cwd=self._checkout, capture_output=True, text=True
        )  # fmt: skip
        if done.returncode:
            raise SystemExit(f"leverplus {' '.join(arguments)}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
        return done.stdout


@contextmanager
def sides(against: str) -> Iterator[dict[str, Side]]:
    """Ours and, where a checkout is given, that one."""
    with TemporaryDirectory() as folder:
        found = {"ours": Side(HERE, Path(folder, "ours"))}
        if against:
            found["before"] = Side(Path(against), Path(folder, "before"))
        yield found


def startup(put: Callable[[str, Any], None], asked: Namespace) -> None:
    """8 questions, shots 1-4: the first run of a home, then the sides in turn."""
    with sides(asked.against) as both:
        for name, side in both.items():
            put(f"8 questions, first run of a home, {name}", side.run(*_evaluation(asked, FEW)))
        for turn in range(asked.rounds):
            for name, side in both.items():
                put(f"8 questions, turn {turn + 1}, {name}", side.run(*_evaluation(asked, FEW)))


def evaluations(put: Callable[[str, Any], None], asked: Namespace) -> None:
    """An evaluation, and another one of the same images, whose visual tokens lie on disk by then."""
    with sides("") as both:
        side = both["ours"]
        side.run(*_evaluation(asked, FEW))
        side.forget_images()
        for name in ("nothing on disk", "visual tokens on disk"):
            put(f"{asked.questions} questions, {name}", side.run(*_evaluation(asked, asked.questions)))
        put("disk", json.loads(side.tool("gc", "--dry-run", "--json"))["visual_tokens"])


def devices(put: Callable[[str, Any], None], asked: Namespace) -> None:
    """The same evaluation on the first GPU and on all."""
    with sides("") as both:
        side = both["ours"]
        side.run(*_evaluation(asked, FEW))
        for kept in ("nothing on disk", "visual tokens on disk")[: 1 if asked.kept == "nothing" else 2]:
            for device in ("cuda:0", "cuda:all"):
                if kept == "nothing on disk":
                    side.forget_images()
                found = side.run(*_evaluation(asked, asked.questions), "--device", device)
                put(f"{asked.questions} questions, {kept}, {device}", found)


def pairs(put: Callable[[str, Any], None], asked: Namespace) -> None:
    """All ordered pairs of a pool of 16 for 16 queries, three beams; then with one reference scored behind each."""
    with sides(asked.against) as both:
        for name, side in both.items():
            side.run(*_evaluation(asked, FEW))
            for more in ((), ("--reference-probabilities",)):
                found = side.run(
                    "generate", *_where(asked), "--queries", "16", "--pool", "first", "--pool-size", "16", "--all-pairs",
                    "--fresh", *more,
                )  # fmt: skip
                put(f"3,840 pairs{', references scored' if more else ''}, {name}", found)


def bench(put: Callable[[str, Any], None], asked: Namespace) -> None:
    """`leverplus bench`."""
    with sides("") as both:
        put("leverplus bench", both["ours"].tool("bench", *_where(asked), "--questions", "64"))


def _where(asked: Namespace) -> list[str]:
    return ["--dataset", asked.dataset, "--vlm", asked.vlm]


def _evaluation(asked: Namespace, questions: int) -> list[str]:
    shots = [part for shot in ("1", "2", "3", "4") for part in ("--shot", shot)]
    return ["eval", *_where(asked), "--retriever", "random", *shots, "--fresh", "--limit", str(questions)]


JOBS = {"startup": startup, "evaluations": evaluations, "devices": devices, "pairs": pairs, "bench": bench}
