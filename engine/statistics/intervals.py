"""How sure a figure is: intervals of an accuracy, paired comparison of two runs, correction for many comparisons.

Scores are per-question VQA accuracies in 0..1; everything returned is in percent or percentage points.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Z95 = 1.959964
SMALL_SAMPLE = 30
BOOTSTRAP_RESAMPLES = 10_000
PERMUTATION_RESAMPLES = 100_000

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean with its 95 % interval, in percent."""

    n: int
    mean: float
    low: float
    high: float

    @property
    def half_width(self) -> float:
        """Half of the interval's width, in points."""
        return (self.high - self.low) / 2


@dataclass(frozen=True, slots=True)
class Paired:
    """Difference b - a over the questions that both runs answered, in points."""

    n: int
    difference: float
    se: float
    low: float
    high: float
    p: float
    improved: int
    worsened: int
    mcnemar_p: float

    @property
    def unchanged(self) -> int:
        """Questions with equal scores."""
        return self.n - self.improved - self.worsened


def interval(
    scores: Sequence[float] | Floats, clusters: Sequence[Hashable] | npt.NDArray[np.int64] | None = None
) -> Interval:
    """95 % interval of the mean of `scores` (n,), clustered where questions share an image (`clusters` (n,)).

    Normal with the sample deviation (cluster-robust sandwich where clusters are given). Below 30 clusters, or when all
    scores are equal, the Wilson interval, which is conservative for graded scores because their variance is at most
    p(1-p). No scores: 0 with the interval 0..100.
    """
    values = np.asarray(scores, dtype=np.float64)
    n = len(values)
    if n == 0:
        return Interval(0, 0.0, 0.0, 100.0)
    mean = float(values.mean())
    sums, _ = _cluster_sums(values - mean, clusters)
    if len(sums) < SMALL_SAMPLE or not np.ptp(values):
        low, high = wilson(mean, len(sums))
    else:
        half = Z95 * _clustered_error(sums, n)
        low, high = max(0.0, mean - half), min(1.0, mean + half)
    return Interval(n, 100 * mean, 100 * low, 100 * high)


def wilson(share: float, n: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share (0..1) seen in n trials (Wilson 1927)."""
    centre = (share + Z95**2 / (2 * n)) / (1 + Z95**2 / n)
    half = Z95 * math.sqrt(share * (1 - share) / n + Z95**2 / (4 * n * n)) / (1 + Z95**2 / n)
    return max(0.0, centre - half), min(1.0, centre + half)


def paired(
    a: Mapping[int, float],
    b: Mapping[int, float],
    clusters: Mapping[int, Hashable] | None = None,
    *,
    resamples: int = BOOTSTRAP_RESAMPLES,
    seed: int = 0,
) -> Paired:
    """Compare two runs question by question: `a` and `b` map question_id to score; only common questions count.

    Percentile bootstrap and sign-flip permutation over clusters (questions, or images where `clusters` maps
    question_id to image_id), both with a fixed seed; exact McNemar on improved against worsened questions.
    """
    shared = sorted(a.keys() & b.keys())
    d = np.array([b[q] - a[q] for q in shared], dtype=np.float64)
    n = len(d)
    if n == 0:
        return Paired(0, 0.0, 0.0, -100.0, 100.0, 1.0, 0, 0, 1.0)
    labels = [clusters[q] for q in shared] if clusters is not None else None
    sums, sizes = _cluster_sums(d, labels)
    rng = np.random.default_rng(seed)
    low, high = _bootstrap(rng, sums, sizes, resamples)
    improved, worsened = int((d > 1e-9).sum()), int((d < -1e-9).sum())
    centred, _ = _cluster_sums(d - d.mean(), labels)
    return Paired(
        n=n,
        difference=100 * float(d.mean()),
        se=100 * _clustered_error(centred, n),
        low=100 * low,
        high=100 * high,
        p=_sign_flip(rng, sums),
        improved=improved,
        worsened=worsened,
        mcnemar_p=mcnemar(improved, worsened),
    )


def mcnemar(improved: int, worsened: int) -> float:
    """Exact two-sided McNemar p value: a binomial test of `improved` among `improved + worsened` at one half."""
    n = improved + worsened
    if n == 0:
        return 1.0
    tail = sum(math.comb(n, k) for k in range(min(improved, worsened) + 1))
    # Integers first: 2**n overflows a float for n > 1023.
    return min(1.0, float((2 * tail * 10**12) // 2**n) / 1e12)


def holm(p_values: Sequence[float]) -> list[float]:
    """P values adjusted for their number by Holm's step-down rule (Holm 1979), in the given order."""
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted = [0.0] * len(p_values)
    running = 0.0
    for rank, i in enumerate(order):
        running = max(running, min(1.0, (len(p_values) - rank) * p_values[i]))
        adjusted[i] = running
    return adjusted


def p_text(p: float) -> str:
    """A p value for a table: `0.0312`, or `<.0001`.

    Sign-flip permutation cannot tell smaller ones apart: its least is 1 / (resamples + 1), here 0.00001.
    """
    return "<.0001" if p < 1e-4 else f"{p:.4f}"


def p_phrase(p: float) -> str:
    """A p value in a sentence: `p = 0.0312`, or `p < .0001`."""
    return "p < .0001" if p < 1e-4 else f"p = {p_text(p)}"


def questions_needed(points: float, share_changed: float, squared_change: float = 0.8) -> int:
    """Questions for 80 % power at the 5 % level to see a paired difference of `points` when a share changes."""
    return math.ceil((Z95 + 0.841621) ** 2 * share_changed * squared_change / (points / 100) ** 2 - 1e-9)


def _cluster_sums(d: Floats, clusters: Sequence[Hashable] | npt.NDArray[np.int64] | None) -> tuple[Floats, Floats]:
    if clusters is None:
        return d, np.ones(len(d))
    if isinstance(clusters, np.ndarray):  # many, where a dictionary would take seconds
        _, codes = np.unique(clusters, return_inverse=True)
        return np.bincount(codes, weights=d).astype(np.float64), np.bincount(codes).astype(np.float64)
    index: dict[Hashable, int] = {}
    codes = np.array([index.setdefault(c, len(index)) for c in clusters], dtype=np.intp)
    return np.bincount(codes, weights=d).astype(np.float64), np.bincount(codes).astype(np.float64)


def _clustered_error(centred_sums: Floats, n: int) -> float:
    groups = len(centred_sums)
    if groups < 2:
        return float("inf")
    return math.sqrt(groups / (groups - 1) * float((centred_sums**2).sum())) / n


def _bootstrap(rng: np.random.Generator, sums: Floats, sizes: Floats, resamples: int) -> tuple[float, float]:
    # Equal clusters are interchangeable, so their counts are drawn together: a few categories instead of n columns.
    kinds, counts = np.unique(np.stack([np.round(sums, 12), sizes]), axis=1, return_counts=True)
    means = np.empty(resamples)
    for start in range(0, resamples, 1000):
        stop = min(start + 1000, resamples)
        drawn = rng.multinomial(len(sums), counts / counts.sum(), size=stop - start)
        means[start:stop] = (drawn @ kinds[0]) / (drawn @ kinds[1])
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def _sign_flip(rng: np.random.Generator, sums: Floats, resamples: int = PERMUTATION_RESAMPLES) -> float:
    sizes, counts = np.unique(np.round(np.abs(sums[np.abs(sums) > 1e-9]), 12), return_counts=True)
    if len(sizes) == 0:
        return 1.0
    totals = np.zeros(resamples)
    for size, count in zip(sizes, counts, strict=True):
        totals += size * (2.0 * rng.binomial(count, 0.5, size=resamples) - count)
    extreme = int((np.abs(totals) >= abs(float(sums.sum())) - 1e-9).sum())
    return (1 + extreme) / (1 + resamples)
