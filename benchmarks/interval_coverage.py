"""How often intervals hold the truth and tests keep their level, by simulation: the tables of docs/statistics.md.

    python benchmarks/interval_coverage.py                       # everything, some ten minutes on one core
    python benchmarks/interval_coverage.py accuracy --draws 200  # one table, coarser

Tables: accuracy, paired, others, seeds, speed. Each is printed as Markdown; the seed is fixed.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from engine.statistics.clusters import Clusters, Floats, Sums
from engine.statistics.intervals import Z95, bounds, wilson
from engine.statistics.paired import all_pairs, difference_bounds, paired
from engine.statistics.seeds import combine_seeds, seed_difference

SIZES = (50, 100, 200, 400, 1000, 5046)
ACCURACIES = (0.02, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98)
NEIGHBOURS = (0.85, 0.925, 1.0, 1.075, 1.15)
"""Factors on the rarer side of an accuracy: a lattice hits one accuracy well and its neighbour badly."""
SCORES = {
    "binary": ((0.0, 1.0), (0.5, 0.5)),
    "OKVQA": ((0.0, 0.6, 1.0), (0.45, 0.10, 0.45)),
    "VQA": ((0.0, 0.3, 0.6, 0.9, 1.0), (0.40, 0.08, 0.06, 0.04, 0.42)),
}
CHANGES = {
    "binary": ((1.0,), (1.0,)),
    "OKVQA": ((0.4, 0.6, 1.0), (0.15, 0.25, 0.60)),
    "VQA": ((0.1, 0.3, 0.4, 0.6, 0.7, 0.9, 1.0), (0.08, 0.15, 0.08, 0.15, 0.08, 0.14, 0.32)),
}
EXPECTED_CHANGES = (2, 5, 10, 25, 50, 100, 250)
LEANINGS = (0.5, 0.7, 0.9, 1.0)
"""Shares of the changes that improve; at 0.5 nothing differs."""
ALIKE = 0.3
"""Correlation of the questions of one image, where there are several."""
MOST = 4_000_000

Draw = Callable[[int], Floats]


def main() -> None:
    """Print the tables asked for."""
    tables = {"accuracy": accuracy, "paired": paired_table, "others": others, "seeds": seeds, "speed": speed}
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("tables", nargs="*", help=f"of {', '.join(tables)}; all when left out")
    parser.add_argument("--draws", type=int, default=1000, help="samples drawn for each figure (default 1000)")
    asked = parser.parse_args()
    for name in asked.tables or tables:
        print(f"\n### {name}\n")
        for line in tables[name](np.random.default_rng(20), asked.draws):
            print(line, flush=True)


def accuracy(rng: np.random.Generator, draws: int) -> Iterator[str]:
    """Coverage of the interval of an accuracy, each averaged over five neighbours."""
    yield table_row(["scores", "images", "n", *(f"{100 * one:g}" for one in ACCURACIES), "mean"])
    yield table_rule(len(ACCURACIES) + 4)
    for kind in SCORES:
        for several in (False, True):
            for n in SIZES:
                images = image_labels(n, several)
                found = [_accuracy_cell(rng, draws, kind, images, one) for one in ACCURACIES]
                shown = [*np.mean(found, axis=1), np.mean(found)]
                yield table_row([kind, "1 to 3" if several else "1", str(n), *map(_percent, shown)])


def _accuracy_cell(rng: np.random.Generator, draws: int, kind: str, images: np.ndarray, share: float) -> list[float]:
    clusters, covered = Clusters.of(images, len(images)), []
    for factor in NEIGHBOURS:
        chances = tilted(kind, share * factor if share <= 0.5 else 1 - (1 - share) * factor)
        truth = float(np.dot(SCORES[kind][0], chances))
        hits = [
            holds(*bounds(drawn_scores(rng, rows, images, kind, chances), clusters), truth)
            for rows in _blocks(draws, len(images))
        ]
        covered.append(float(np.concatenate(hits).mean()))
    return covered


def paired_table(rng: np.random.Generator, draws: int) -> Iterator[str]:
    """Coverage by the number of changes and how many of these improve, and p < 0.05 where nothing differs."""
    leanings = [f"{100 * one:g} % better" for one in LEANINGS]
    yield table_row(["scores", "images", "n", "changes", *leanings, "p < .05 at 50 %", "disagree", "no width"])
    yield table_rule(len(LEANINGS) + 7)
    for kind in CHANGES:
        for several in (False, True):
            for n in (50, 100, 400, 5046):
                for changes in EXPECTED_CHANGES:
                    if 20 * changes <= 10 * n:
                        yield _paired_row(rng, draws, kind, image_labels(n, several), changes)


def _paired_row(rng: np.random.Generator, draws: int, kind: str, images: np.ndarray, changes: int) -> str:
    n, clusters = len(images), Clusters.of(images, len(images))
    covered, level, disagree, flat = [], 0.0, 0, 0
    for leaning in LEANINGS:
        parts = [_paired_draw(rng, rows, images, kind, changes / n, leaning, clusters) for rows in _blocks(draws, n)]
        low, high, p = (np.concatenate(part) for part in zip(*parts, strict=True))
        truth = changes / n * (2 * leaning - 1) * float(np.dot(*CHANGES[kind]))
        covered.append(float(holds(low, high, truth).mean()))
        level = float((p < 0.05).mean()) if leaning == 0.5 else level
        disagree += int(((p < 0.05) != ((low > 0) | (high < 0))).sum())
        flat += int((low == high).sum())
    several = "1 to 3" if clusters.order is not None else "1"
    counts = [str(disagree), str(flat)]
    return table_row([kind, several, str(n), str(changes), *map(_percent, [*covered, level]), *counts])


def _paired_draw(
    rng: np.random.Generator, rows: int, images: np.ndarray, kind: str, share: float, leaning: float, clusters: Clusters
) -> tuple[Floats, Floats, Floats]:
    return difference_bounds(drawn_changes(rng, rows, images, kind, share, leaning), clusters)


def others(rng: np.random.Generator, draws: int) -> Iterator[str]:
    """Methods that were left: coverage of an accuracy, then of a difference, questions on images of their own."""
    methods = {
        "ours": None, "normal": normal_covers, "empirical likelihood": likelihood_covers,
        "percentile bootstrap": percentile_covers, "BCa bootstrap": bca_covers,
    }  # fmt: skip
    yield table_row(["of", "scores", "n", "truth", *methods])
    yield table_rule(len(methods) + 4)
    draws = min(draws, 1000)
    for kind in ("binary", "VQA"):
        for n in (50, 100, 400):
            for share in (0.05, 0.5, 0.95):
                chances = tilted(kind, share)
                drawn = drawn_scores(rng, draws, np.arange(n), kind, chances)
                truth = float(np.dot(SCORES[kind][0], chances))
                own = holds(*bounds(drawn, Clusters.of(None, n)), truth)
                yield _other("accuracy", kind, n, f"{100 * share:g}", own, methods, rng, drawn, truth)
    for kind in ("binary", "VQA"):
        for n, changes, leaning in ((100, 4, 1.0), (100, 4, 0.5), (400, 8, 0.9), (400, 40, 0.7), (400, 100, 0.5)):
            drawn = drawn_changes(rng, draws, np.arange(n), kind, changes / n, leaning)
            truth = changes / n * (2 * leaning - 1) * float(np.dot(*CHANGES[kind]))
            own = holds(*difference_bounds(drawn, Clusters.of(None, n))[:2], truth)
            told = f"{changes} changes, {100 * leaning:g} % better"
            yield _other("difference", kind, n, told, own, methods, rng, drawn, truth)


def _other(
    of: str,
    kind: str,
    n: int,
    told: str,
    own: np.ndarray,
    methods: dict[str, Any],
    rng: np.random.Generator,
    drawn: Floats,
    truth: float,
) -> str:
    shares = [own.mean(), *(method(rng, drawn, truth).mean() for method in methods.values() if method)]
    return table_row([of, kind, str(n), told, *map(_percent, shares)])


def normal_covers(rng: np.random.Generator, drawn: Floats, truth: float) -> np.ndarray:
    """Mean ± 1.96 standard errors; Wilson's interval where all scores are equal to 0 or all to 1."""
    mean, n = drawn.mean(1), drawn.shape[1]
    half = Z95 * drawn.std(1, ddof=1) / math.sqrt(n)
    inside = np.abs(mean - truth) <= half + 1e-12
    flat = (half == 0) & (drawn.min(1) >= 0) & (drawn.max(1) > 0)
    return np.where(flat, wilson(1.0, n)[0] <= truth, inside)


def likelihood_covers(rng: np.random.Generator, drawn: Floats, truth: float) -> np.ndarray:
    """Empirical likelihood ratio below the chi-square quantile (Owen 1988)."""
    away = drawn - truth
    inside = (away.min(1) < 0) & (away.max(1) > 0)
    away = away[inside]
    low, high = -1 / away.max(1) + 1e-9, -1 / away.min(1) - 1e-9
    for _ in range(50):
        middle = (low + high) / 2
        falls = (away / (1 + middle[:, None] * away)).sum(1) > 0
        low, high = np.where(falls, middle, low), np.where(falls, high, middle)
    ratio = 2 * np.log1p(((low + high) / 2)[:, None] * away).sum(1)
    covered = np.zeros(len(drawn), dtype=bool)
    covered[inside] = ratio <= Z95**2
    return covered


def percentile_covers(rng: np.random.Generator, drawn: Floats, truth: float) -> np.ndarray:
    """Between the 2.5 and 97.5 % quantiles of 2,000 resampled means."""
    return np.array([_quantiles_hold(*_resampled(rng, row), truth, (0.025, 0.975)) for row in drawn])


def bca_covers(rng: np.random.Generator, drawn: Floats, truth: float) -> np.ndarray:
    """The same with quantiles corrected for bias and acceleration (Efron 1987)."""
    from scipy.special import ndtr, ndtri

    covered = []
    for row in drawn:
        means, mean = _resampled(rng, row)
        bias = ndtri(np.clip(((means < mean - 1e-12).mean() + (means <= mean + 1e-12).mean()) / 2, 1e-4, 1 - 1e-4))
        away = row - row.mean()
        spread = float((away**2).sum()) ** 1.5
        skew = float((away**3).sum()) / (6 * spread) if spread else 0.0
        ends = [float(ndtr(bias + (bias + z) / (1 - skew * (bias + z)))) for z in (-Z95, Z95)]
        covered.append(_quantiles_hold(means, mean, truth, ends))
    return np.array(covered)


def _resampled(rng: np.random.Generator, row: Floats) -> tuple[Floats, float]:
    values, counts = np.unique(row, return_counts=True)
    return rng.multinomial(len(row), counts / len(row), size=2000) @ values / len(row), float(row.mean())


def _quantiles_hold(means: Floats, mean: float, truth: float, ends: Sequence[float]) -> bool:
    low, high = np.quantile(means, ends)
    return bool(low - 1e-12 <= truth <= high + 1e-12)


def seeds(rng: np.random.Generator, draws: int) -> Iterator[str]:
    """Runs of a recipe that differ by chance: questions alone against both sources of chance."""
    yield table_row(
        ["runs", "n", "deviation between runs", "one recipe: questions alone", "both", "two recipes: p < .05"]
    )
    yield table_rule(6)
    for runs in (2, 3, 5):
        for n in (200, 1000, 5046):
            for spread in (0.0, 0.01, 0.02, 0.03, 0.06):
                found = [_seed_draw(rng, runs, n, spread) for _ in range(draws)]
                yield table_row([str(runs), str(n), f"{100 * spread:g}", *map(_percent, np.mean(found, axis=0))])


def _seed_draw(rng: np.random.Generator, runs: int, n: int, spread: float) -> tuple[bool, bool, bool]:
    easy = rng.uniform(0.1, 0.9, size=n)
    moved = rng.normal(0, spread, size=(2, runs, 1))
    a, b = (rng.random((2, runs, n)) < np.clip(easy + moved, 0, 1)).astype(np.float64)
    sums = Sums.of(a.mean(0), Clusters.of(None, n))
    alone = abs(float(a.mean()) - 0.5) <= Z95 * float(sums.error())
    both = combine_seeds(a)
    return alone, both.low <= 50 <= both.high, seed_difference(a, b).p < 0.05


def speed(rng: np.random.Generator, draws: int) -> Iterator[str]:
    """Processor time for 20 runs at 4 numbers of shots over 5,046 questions, all pairs, and for a single pair."""
    yield table_row(["share changed", "760 pairs, s", "one pair from dictionaries, ms"])
    yield table_rule(3)
    images = image_labels(5046, True)
    for share in (0.01, 0.02, 0.1, 0.3):
        base = rng.choice((0.0, 0.6, 1.0), p=(0.45, 0.1, 0.45), size=5046)
        other = rng.choice((0.0, 0.3, 0.6, 0.9, 1.0), size=(20, 5046))
        scores = np.where(rng.random((20, 5046)) < share, other, base)
        start = time.process_time()
        for _ in range(4):
            all_pairs(scores, images)
        many = time.process_time() - start
        a, b = (dict(enumerate(row.tolist())) for row in scores[:2])
        start = time.process_time()
        for _ in range(20):
            paired(a, b, dict(enumerate(images.tolist())))
        yield table_row([f"{100 * share:g} %", f"{many:.2f}", f"{50 * (time.process_time() - start):.1f}"])


def tilted(kind: str, mean: float) -> Floats:
    """Chances of the scores of a kind, tilted exponentially to a mean."""
    values, base = map(np.array, SCORES[kind])
    low, high = -60.0, 60.0
    for _ in range(80):
        middle = (low + high) / 2
        chances = base * np.exp(middle * (values - (middle > 0)))
        chances /= chances.sum()
        low, high = (middle, high) if chances @ values < mean else (low, middle)
    return chances


def drawn_scores(rng: np.random.Generator, rows: int, images: np.ndarray, kind: str, chances: Floats) -> Floats:
    """(rows, n) scores; questions on one image are alike."""
    values = np.array(SCORES[kind][0])
    return _alike(rng, rows, images, lambda n: rng.choice(values, p=chances, size=(rows, n)))


def drawn_changes(
    rng: np.random.Generator, rows: int, images: np.ndarray, kind: str, share: float, leaning: float
) -> Floats:
    """(rows, n) differences, of which a share is not 0."""
    values, chances = map(np.array, CHANGES[kind])

    def draw(n: int) -> Floats:
        signs = np.where(rng.random((rows, n)) < leaning, 1.0, -1.0)
        return rng.choice(values, p=chances, size=(rows, n)) * signs * (rng.random((rows, n)) < share)

    return _alike(rng, rows, images, draw)


def _alike(rng: np.random.Generator, rows: int, images: np.ndarray, draw: Draw) -> Floats:
    own = draw(len(images))
    if images[-1] + 1 == len(images):
        return own
    return np.where(rng.random((rows, len(images))) < math.sqrt(ALIKE), draw(images[-1] + 1)[:, images], own)


def image_labels(n: int, several: bool) -> np.ndarray:
    """The image of each question: its own, or images of 1, 2 and 3 questions in turn."""
    return np.repeat(np.arange(n), np.resize((1, 2, 3), n))[:n] if several else np.arange(n)


def holds(low: Floats, high: Floats, truth: float) -> np.ndarray:
    return (low <= truth + 1e-12) & (truth <= high + 1e-12)


def _blocks(draws: int, n: int) -> Iterator[int]:
    size = max(1, MOST // n)
    for start in range(0, draws, size):
        yield min(size, draws - start)


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


def table_row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def table_rule(columns: int) -> str:
    return "|" + "---|" * columns


if __name__ == "__main__":
    main()
