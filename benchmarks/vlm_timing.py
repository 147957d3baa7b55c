"""How `benchmarks/vlm.py` times its sides and tells what came of it."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

CUDA = torch.cuda.is_available()
MANY, BLOCKS = (64, 3) if CUDA else (4, 1)
"""Questions asked together, and turns of each side; without a GPU a rehearsal of the script."""


class Table:
    """Figures as they come, on the screen and in a file."""

    def __init__(self, out: str) -> None:
        self.rows: dict[str, Any] = {}
        self._out = out
        self._begin = time.time()

    def put(self, name: str, value: Any) -> None:
        """Prints and stores."""
        self.rows[name] = value
        print(f"[{time.time() - self._begin:6.1f}s] {name}: {value}", flush=True)
        if self._out:
            Path(self._out).write_text(json.dumps(self.rows, indent=1))


def sync() -> None:
    """Waits for the GPU."""
    if CUDA:
        torch.cuda.synchronize()


def seconds(work: Callable[[], object]) -> float:
    """Of one call."""
    sync()
    begin = time.perf_counter()
    work()
    sync()
    return time.perf_counter() - begin


def alternating(sides: dict[str, Callable[[], object]], blocks: int = BLOCKS) -> dict[str, float]:
    """Median seconds of each side; they take turns."""
    taken: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(blocks):
        for name, work in sides.items():
            taken[name].append(seconds(work))
    return {name: statistics.median(times) for name, times in taken.items()}
