"""What a comparison could have seen, how many questions it would need, and what choosing the best adds to a figure."""

from __future__ import annotations

import math
from itertools import combinations
from statistics import NormalDist

import numpy as np

from engine.statistics.clusters import Clusters, Floats, Labels, Sums
from engine.statistics.intervals import Z95

SQUARED_CHANGE = 0.8
"""Mean square of a changed score of OKVQA, where scores are 0, 0.6 and 1."""


def questions_needed(
    points: float, share_changed: float, squared_change: float = SQUARED_CHANGE, *, power: float = 0.8
) -> int:
    """Questions to see a paired difference of `points` at the 5 % level, when a share of the scores changes.

    (z_0.975 + z_power)² q E[d²] / difference², the usual normal formula (Connor 1987 for paired shares, less the square of
    the difference itself); `power` is the chance to see it.
    """
    return math.ceil(_deviates(power) ** 2 * share_changed * squared_change / (points / 100) ** 2 - 1e-9)


def smallest_difference(
    n: int, share_changed: float, squared_change: float = SQUARED_CHANGE, *, power: float = 0.8
) -> float:
    """The paired difference in points that n questions show with chance `power`: `questions_needed` turned round."""
    return 100 * _deviates(power) * math.sqrt(share_changed * squared_change / n)


def visible_difference(half_width: float, *, power: float = 0.8) -> float:
    """The difference in points that a comparison whose 95 % interval is ± `half_width` shows with chance `power`.

    `smallest_difference` with the spread that the interval rests on, clusters included.
    """
    return half_width * _deviates(power) / Z95


def questions_for(difference: float, n: int, half_width: float, *, power: float = 0.8) -> int | None:
    """Questions to see a difference of `difference` points, where n gave ± `half_width`; none for no difference."""
    if not difference:
        return None
    return math.ceil(n * (visible_difference(half_width, power=power) / difference) ** 2 - 1e-9)


def _deviates(power: float) -> float:
    return Z95 + NormalDist().inv_cdf(power)


def expected_largest(k: int) -> float:
    """Mean of the largest of k standard normal draws: 1.59 for 11.

    The integral of 1 - Φ^k above 0 less that of Φ^k below (David and Nagaraja 2003, 3.1).
    """
    grid = np.linspace(0.0, 9.0, 3001)
    upper = np.array([math.erfc(x / math.sqrt(2)) / 2 for x in grid])
    return float(np.trapezoid(1 - (1 - upper) ** k - upper**k, grid))


def best_of_inflation(scores: Floats, clusters: Labels | None = None) -> float:
    """Points by which the best of some runs beats its own truth on average, were all of them equally good.

    `scores` (runs, questions). The largest of k normal draws, times the error that a run does not share with the others:
    √½ of the root mean square error of their paired differences. Where runs do differ it is less (the winner's curse).
    """
    groups = Clusters.of(clusters, scores.shape[1])
    pairs = np.array(list(combinations(range(len(scores)), 2)), dtype=np.intp).reshape(-1, 2)
    if not len(pairs):
        return 0.0
    errors = [float(Sums.of(scores[b] - scores[a], groups).error()) for a, b in pairs]
    return 100 * expected_largest(len(scores)) * math.sqrt(sum(error**2 for error in errors) / len(errors) / 2)
