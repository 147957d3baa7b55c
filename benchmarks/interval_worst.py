"""The single accuracy between 2 and 98 % that its interval holds least often: docs/statistics.md, "The worst accuracy".

    python -m benchmarks.interval_worst          # five minutes on one core

A question to an image: every outcome is counted with its chance, nothing is drawn. Several questions to an image: 4,000 samples at
each of 97 accuracies, then 40,000 others at the three that look worst, so that the least is no luck of the draw.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import combinations, pairwise

import numpy as np

from benchmarks.interval_coverage import SCORES, SIZES, drawn_scores, holds, image_labels, table_row, table_rule, tilted
from engine.statistics.clusters import Clusters, Floats
from engine.statistics.intervals import bounds

COUNTED = {"binary": SIZES, "OKVQA": (50, 100, 200), "VQA": (50,)}
"""Sizes whose outcomes can be counted."""
GRID = np.linspace(0.02, 0.98, 385)
BLOCK = 20_000


def main() -> None:
    """Print both tables."""
    rng = np.random.default_rng(20)
    print(table_row(["scores", "images", "n", "least", "at", "mean", "how"]))
    print(table_rule(7))
    for kind, sizes in COUNTED.items():
        for n in sizes:
            _show(kind, "1", n, _counted(kind, n), "counted")
    for kind in SCORES:
        for n in (50, 100, 200):
            _show(kind, "1 to 3", n, _drawn(rng, kind, n), "drawn")


def _show(kind: str, images: str, n: int, found: tuple[Floats, Floats, float], how: str) -> None:
    truths, covered, mean = found
    at = int(covered.argmin())
    least = f"{100 * covered[at]:.1f}"
    print(table_row([kind, images, str(n), least, f"{100 * truths[at]:.2f}", f"{100 * mean:.1f}", how]), flush=True)


def _counted(kind: str, n: int) -> tuple[Floats, Floats, float]:
    """Truths, the coverage of each, and the mean over an even grid of truths."""
    values = np.array(SCORES[kind][0])
    counts = np.array(list(_compositions(n, len(values))))
    blocks = np.array_split(counts, math.ceil(len(counts) / BLOCK))
    ends = [bounds(np.stack([np.repeat(values, one) for one in block]), Clusters.of(None, n)) for block in blocks]
    low, high = (np.concatenate(part) for part in zip(*ends, strict=True))
    truths = np.concatenate([GRID, _beside(low, high)]) if kind == "binary" else GRID
    ways = _log_ways(counts, n)
    covered = np.array([_coverage(kind, counts, ways, low, high, float(truth)) for truth in truths])
    return truths, covered, float(covered[: len(GRID)].mean())


def _coverage(kind: str, counts: Floats, ways: Floats, low: Floats, high: Floats, truth: float) -> float:
    chances = np.exp(ways + counts @ np.log(tilted(kind, truth)))
    return float(chances[holds(low, high, truth)].sum())


def _beside(low: Floats, high: Floats) -> Floats:
    """Coverage jumps at the ends of the intervals: both sides of each."""
    ends = np.concatenate([low, high])
    ends = ends[(ends > 0.02) & (ends < 0.98)]
    ends = ends[:: max(1, len(ends) // 400)]
    return np.concatenate([ends - 1e-9, ends + 1e-9])


def _compositions(n: int, parts: int) -> Iterator[tuple[int, ...]]:
    """All ways to divide n among some parts."""
    for bars in combinations(range(n + parts - 1), parts - 1):
        edges = (-1, *bars, n + parts - 1)
        yield tuple(b - a - 1 for a, b in pairwise(edges))


def _log_ways(counts: Floats, n: int) -> Floats:
    logs = np.array([math.lgamma(k + 1) for k in range(n + 1)])
    return np.asarray(logs[n] - logs[counts].sum(1))


def _drawn(rng: np.random.Generator, kind: str, n: int) -> tuple[Floats, Floats, float]:
    grid = np.linspace(0.02, 0.98, 97)
    first = np.array([_share_held(rng, kind, n, float(truth), 4000) for truth in grid])
    worst = grid[np.argsort(first)[:3]]
    again = np.array([_share_held(rng, kind, n, float(truth), 40_000) for truth in worst])
    return worst, again, float(first.mean())


def _share_held(rng: np.random.Generator, kind: str, n: int, truth: float, draws: int) -> float:
    images, held = image_labels(n, True), []
    for _ in range(draws // 4000):
        drawn = drawn_scores(rng, 4000, images, kind, tilted(kind, truth))
        held.append(holds(*bounds(drawn, Clusters.of(images, n)), truth).mean())
    return float(np.mean(held))


if __name__ == "__main__":
    main()
