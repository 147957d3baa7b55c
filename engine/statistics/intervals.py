"""How sure an accuracy is. Scores are per-question VQA accuracies in 0..1; what is returned is in percent or points."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.statistics.clusters import Clusters, Floats, Labels, Sums, crossings

Z95 = 1.959963984540054
ONE_SIDED = 0.05
"""Chance that the truth lies beyond one end of an interval, which neither end may exceed."""
FEW = 12
"""Right or wrong answers from which Wilson's ends keep to that by themselves (from 10 on where accuracies are small)."""
UNSEEN = 0.5
"""Questions added to the measured spread that are all wrong or all right: few near misses do not rule these out."""


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


def interval(
    scores: Sequence[float] | Floats, clusters: Labels | None = None, *, population: int | None = None
) -> Interval:
    """95 % interval of the mean of `scores` (n,), clustered where questions share an image (`clusters` (n,)).

    See `bounds`. With `population` the scores are a random sample of so many questions, and the interval is for the mean
    of just these. No scores: 0 with the interval 0..100.
    """
    values = np.asarray(scores, dtype=np.float64)
    n = len(values)
    if n == 0:
        return Interval(0, 0.0, 0.0, 100.0)
    factor = 1.0 if population is None else finite_population_factor(n, population)
    low, high = bounds(values, Clusters.of(clusters, n), z=Z95 * factor)
    return Interval(n, 100 * float(values.mean()), 100 * float(low), 100 * float(high))


def intervals(scores: Floats, clusters: Clusters, present: Floats) -> list[Interval]:
    """The same for each row of `scores` (rows, n), over the questions of which `present` (rows, n) is 1; all at once."""
    there = present.sum(-1)
    some = np.flatnonzero(there)
    found = [Interval(0, 0.0, 0.0, 100.0)] * len(scores)
    values = np.where(present > 0, scores, 0.0)[some]
    low, high = bounds(values, clusters, present=present[some])
    for at, row in enumerate(some):
        mean = float(values[at].sum() / there[row])
        found[row] = Interval(int(there[row]), 100 * mean, 100 * float(low[at]), 100 * float(high[at]))
    return found


def bounds(
    values: Floats, clusters: Clusters, *, z: float = Z95, present: Floats | None = None
) -> tuple[Floats, Floats]:
    """Lower and upper bounds (0..1) of the means of `values` (..., n), each of shape (...).

    Wilson's score interval (Wilson 1927) with two factors on its variance: the share of the binary variance m(1-m) that
    graded scores have (`_graded`), and the design effect of the clusters (Kish 1965; so does Korn and Graubard 1998 for
    binary answers). Where few are right or few are wrong an end gives way to the exact bound of `exact_ends`, if that lies
    further out. Binary scores without clusters, with a dozen of both, get Wilson's interval to the digit. `present` (..., n)
    is 0 where a value is missing (and given as 0).
    """
    sums = Sums.of(values, clusters, present)
    mean = np.clip(sums.total / sums.n, 0.0, 1.0)
    scale = z**2 * _graded(sums, mean)

    def outside(candidate: Floats) -> Floats:
        variance = scale * sums.design_effect(candidate) * candidate * (1 - candidate)
        return np.asarray((mean - candidate) ** 2 * sums.n - variance)

    low, high = crossings(outside, mean, np.zeros_like(mean), np.ones_like(mean))
    # As many right-or-wrong questions, each apart from the others, as tell what these tell (Korn and Graubard 1998).
    exact = exact_ends(mean, sums.n / np.maximum(scale / Z95**2 * sums.design_effect(mean), 1e-12))
    return np.minimum(low, exact[0]), np.maximum(high, exact[1])


def exact_ends(mean: Floats, n: Floats) -> tuple[Floats, Floats]:
    """The ends (0..1) that hold a share of right answers in 95 of 100 cases each (Clopper and Pearson 1934, one-sided).

    `mean` (...) is the share seen in `n` (...) answers, which need not be whole. Where neither right nor wrong ones are few
    (`FEW`) both ends are `mean`: there Wilson's lie further out.
    """
    right, wrong = mean * n, (1 - mean) * n
    few = np.minimum(right, wrong) < FEW
    if not few.any():
        return mean, mean
    from scipy.special import betaincinv  # 60 ms, which no screen waits for

    low = betaincinv(np.maximum(right, 1e-9), wrong + 1, ONE_SIDED)
    high = 1 - betaincinv(np.maximum(wrong, 1e-9), right + 1, ONE_SIDED)
    return np.where(few, np.minimum(low, mean), mean), np.where(few, np.maximum(high, mean), mean)


def _graded(sums: Sums, mean: Floats) -> Floats:
    """Variance as a share of the binary one, which no scores in 0..1 exceed (Bhatia and Davis 2000); at most 1.

    An unseen share of a question counts with the binary variance: a sample of near misses alone does not show how bad
    the others can be.
    """
    spread = np.maximum(sums.spread(mean), 0.0) * sums.n / np.maximum(sums.n - 1, 1.0)
    return np.minimum((spread + UNSEEN) / (sums.n * mean * (1 - mean) + UNSEEN), 1.0)


def wilson(share: float, n: int, z: float = Z95) -> tuple[float, float]:
    """Wilson's interval of a share (0..1) seen in n trials (Wilson 1927): of 95 %, unless `z` says otherwise."""
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * math.sqrt(share * (1 - share) / n + z**2 / (4 * n * n)) / (1 + z**2 / n)
    return max(0.0, centre - half), min(1.0, centre + half)


def published_interval(accuracy: float, n: int) -> Interval:
    """95 % interval of a published accuracy (percent) over n questions whose answers are unknown.

    That of right-or-wrong answers, which no graded ones of the same mean exceed.
    """
    share = min(1.0, max(0.0, accuracy / 100))
    low, high = wilson(share, n)
    least, most = exact_ends(np.array(share), np.array(float(n)))
    return Interval(n, accuracy, 100 * min(low, float(least)), 100 * max(high, float(most)))


def finite_population_factor(n: int, population: int) -> float:
    """What a standard error shrinks to for a random sample of n out of `population` questions (Cochran 1977, 2.6).

    sqrt((N - n) / (N - 1)): 0 where all were asked. Raises ValueError for a sample that is larger than its population.
    """
    if not 0 < n <= population:
        raise ValueError(f"a sample of {n} cannot be drawn from {population} questions")
    return math.sqrt((population - n) / (population - 1)) if population > 1 else 0.0


def unpaired_difference(a: float, n_a: int, b: float, n_b: int) -> Interval:
    """95 % interval of b - a in points for two published accuracies (percent), whose answers are not known.

    Newcombe's square-and-add of two Wilson intervals (Newcombe 1998, method 10). Scores in 0..1 never vary more than
    binary ones of the same mean, so this is the widest that the figures allow; on the same questions, where good answers
    coincide, the truth is narrower. `n` is the smaller of the two.
    """
    below, above = _newcombe(a / 100, n_a, b / 100, n_b, Z95)
    return Interval(min(n_a, n_b), b - a, b - a - 100 * below, b - a + 100 * above)


def unpaired_p(a: float, n_a: int, b: float, n_b: int) -> float:
    """The p value of `unpaired_difference`: below 0.05 exactly when its interval leaves out 0."""
    low, high, apart = 0.0, 40.0, abs(b - a) / 100
    for _ in range(60):
        middle = (low + high) / 2
        below, above = _newcombe(a / 100, n_a, b / 100, n_b, middle)
        low, high = (middle, high) if apart > (below if b > a else above) else (low, middle)
    return math.erfc(low / math.sqrt(2))


def _newcombe(a: float, n_a: int, b: float, n_b: int, z: float) -> tuple[float, float]:
    """How far the interval of b - a (shares) reaches below and above it."""
    (low_a, high_a), (low_b, high_b) = wilson(a, n_a, z), wilson(b, n_b, z)
    return math.hypot(b - low_b, high_a - a), math.hypot(high_b - b, a - low_a)


def p_text(p: float) -> str:
    """A p value for a table: `0.0312`, or `<.0001`."""
    return "<.0001" if p < 1e-4 else f"{p:.4f}"


def p_phrase(p: float) -> str:
    """A p value in a sentence: `p = 0.0312`, or `p < .0001`."""
    return "p < .0001" if p < 1e-4 else f"p = {p_text(p)}"
