"""Times a run that preflight blocks, as a user sees it: process start to the first finding, to the end, and CPU time.

python -m benchmarks.preflight [--rounds 9] [--against OTHER_CHECKOUT]

With `--against` the two checkouts take turns, so that a busy machine is busy for both.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

PROGRAM = "from leverplus_tui.cli import app; app()"
BLOCKED = 3


class Taken(NamedTuple):
    """Seconds of one blocked run."""

    first: float
    """To the first line of standard error."""
    wall: float
    cpu: float


def blocked_run(checkout: Path, words: list[str], cache: Path) -> Taken:
    """Run the command line of a checkout, with its byte code kept, as an installed package has it."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment |= {
        "PYTHONPATH": str(checkout),
        "PYTHONPYCACHEPREFIX": str(cache),
        "LEVERPLUS_HOME": str(cache / "home"),
    }
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = [sys.executable, "-c", PROGRAM, *words]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, env=environment, cwd=checkout
    ) as process:
        assert process.stderr is not None, "it is piped"
        process.stderr.readline()
        first = time.perf_counter() - begin
        process.stderr.read()
    wall, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    assert process.returncode == BLOCKED, f"{checkout}: exit {process.returncode}, so nothing was blocked"
    return Taken(first, wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def write_selector(path: Path) -> None:
    """A published `.pt` of d=512, H=256."""
    from tests.helpers_checkpoints import make_tensors, write_upstream

    write_upstream(path, make_tensors("v3", d_model=512, hidden_dim=256))


def main() -> None:
    """Alternate the checkouts and print medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--against", type=Path)
    arguments = parser.parse_args()
    checkouts = [Path(__file__).parents[1], *([arguments.against] if arguments.against else [])]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rce_epoch5.pt"
        write_selector(path)
        words = ["run", "eval", "--selector", str(path), "--shot", "2", "--pool", "first", "--pool-size", "2"]
        for checkout in checkouts:
            blocked_run(checkout, words, Path(folder) / "cache")  # writes the byte code
        rounds = [
            [blocked_run(one, words, Path(folder) / "cache") for one in checkouts] for _ in range(arguments.rounds)
        ]
    for checkout, taken in zip(checkouts, zip(*rounds, strict=True), strict=True):
        first, wall, cpu = (statistics.median(one[at] for one in taken) for at in range(3))
        print(
            f"{checkout}: first finding {1000 * first:.0f} ms, whole run {1000 * wall:.0f} ms, CPU {1000 * cpu:.0f} ms"
        )


if __name__ == "__main__":
    main()
