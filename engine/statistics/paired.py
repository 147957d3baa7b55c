"""Two runs question by question: differences b - a in points, their interval and the test that belongs to it.

One score statistic gives both: its critical value is that of the sign-flip test, so the interval leaves out 0 exactly
when p < 0.05. `docs/statistics.md` has the method and how often it is right.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from engine.statistics.clusters import Clusters, Floats, Ints, Labels, Sums, crossings
from engine.statistics.intervals import UNSEEN, Z95
from engine.statistics.sign_flip import NO_CHANGE, sign_flip

SAME = 1e-9
"""Scores that differ by no more are equal."""
BLOCK = 2_000_000
"""Differences held at once: 16 MB for each array of them."""


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


NOTHING = Paired(0, 0.0, 0.0, -100.0, 100.0, 1.0, 0, 0, 1.0)


def paired(a: Mapping[int, float], b: Mapping[int, float], clusters: Mapping[int, Hashable] | None = None) -> Paired:
    """Compare two runs: `a` and `b` map question_id to score, `clusters` question_id to image_id.

    Only common questions count; without any the interval is -100..100.
    """
    shared = sorted(a.keys() & b.keys())
    scores = np.array([[run[q] for q in shared] for run in (a, b)], dtype=np.float64)
    return all_pairs(scores, [clusters[q] for q in shared] if clusters is not None else None)[0]


def all_pairs(
    scores: Floats, clusters: Labels | None = None, pairs: Sequence[tuple[int, int]] | None = None
) -> list[Paired]:
    """Compare runs with each other: `scores` (runs, questions), NaN where a question was not answered.

    `clusters` (questions,) holds the image of each question; `pairs` names rows (a, b), by default each row with each
    later one, in the order of `itertools.combinations`.
    """
    chosen = list(combinations(range(len(scores)), 2)) if pairs is None else list(pairs)
    groups = Clusters.of(clusters, scores.shape[1])
    size = max(1, BLOCK // max(1, scores.shape[1]))
    blocks = (chosen[start : start + size] for start in range(0, len(chosen), size))
    return [found for block in blocks for found in _block(scores, groups, np.array(block, dtype=np.intp))]


def difference_bounds(d: Floats, clusters: Clusters, present: Floats | None = None) -> tuple[Floats, Floats, Floats]:
    """Lower bounds, upper bounds (-1..1) and p values of the mean differences of `d` (P, n), each (P,).

    Tango's score interval for paired shares (Tango 1998) with changes counted in units of their typical size, the design
    effect of the clusters, and the critical value of the sign-flip test over clusters. `present` is 0 where one of the
    two did not answer.
    """
    together = clusters.add(d)
    return _bounds(Sums.of(d, clusters, present, together=together), np.abs(d).sum(-1), together)


def _bounds(sums: Sums, moved: Floats, together: Floats) -> tuple[Floats, Floats, Floats]:
    score = _Score.of(sums, moved)
    tests = [sign_flip(row[np.abs(row) > SAME]) if row.any() else NO_CHANGE for row in together]
    critical = np.array([test.critical for test in tests]) * np.sqrt(sums.own)
    none = np.sqrt(score.variance(np.zeros_like(sums.total)))
    z = np.divide(critical, none, out=np.full_like(none, Z95), where=none > 0)
    decides = np.array([test.decides for test in tests])
    low, high = score.bounds(np.where(decides, z, np.maximum(z, Z95)))
    return low, high, np.array([test.p for test in tests])


@dataclass(frozen=True, slots=True)
class _Score:
    """The score statistic of mean differences, in Tango's terms: all of shape (P,)."""

    sums: Sums
    size: Floats
    """The typical size of a change: by it changes count as whole ones."""
    better: Floats
    worse: Floats

    @classmethod
    def of(cls, sums: Sums, moved: Floats) -> _Score:
        # With an unseen share of a whole change, since a few small ones do not rule out larger ones.
        size = (sums.squares + UNSEEN) / (moved + UNSEEN)
        return cls(sums, size, (moved + sums.total) / 2 / size, (moved - sums.total) / 2 / size)

    def variance(self, difference: Floats) -> Floats:
        """Of the sum of differences, where their mean is `difference` and the share that worsens is the likeliest."""
        x, n = difference / self.size, self.sums.n
        b = -self.better - self.worse + (2 * n - self.better + self.worse) * x
        c = -self.worse * x * (1 - x)
        worsens = (np.sqrt(np.maximum(b * b - 8 * n * c, 0.0)) - b) / (4 * n)
        each = np.maximum(2 * worsens + x * (1 - x), 0.0)
        return np.asarray(n * self.size**2 * each * self.sums.design_effect(difference))

    def bounds(self, z: Floats) -> tuple[Floats, Floats]:
        total, n = self.sums.total, self.sums.n

        def outside(candidate: Floats) -> Floats:
            return np.asarray((total - n * candidate) ** 2 - z**2 * self.variance(candidate))

        low, high = crossings(outside, total / n, -self.size, self.size)
        return low, high


def mcnemar(improved: int, worsened: int) -> float:
    """Exact two-sided McNemar p value: a binomial test of `improved` among `improved + worsened` at one half."""
    n, k = improved + worsened, min(improved, worsened)
    # The chance of k of n, and from it those of k - 1, k - 2, ...: 2**n overflows a float for n > 1023.
    last = math.exp(math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) - n * math.log(2))
    fewer = np.arange(k, 0, -1)
    return min(1.0, 2 * last * (1.0 + float(np.cumprod(fewer / (n - fewer + 1.0)).sum())))


def _block(scores: Floats, clusters: Clusters, pairs: Ints) -> Iterator[Paired]:
    d = scores[pairs[:, 1]] - scores[pairs[:, 0]]
    absent = np.isnan(d)
    d[~(np.abs(d) > SAME)] = 0.0  # NaN too, which `absent` knows of
    if absent.size and not absent.any():
        yield from _compared(d, clusters, None)
        return
    some = np.asarray(~absent.all(axis=-1))
    found = _compared(d[some], clusters, (~absent[some]).astype(np.float64))
    for known in some:
        yield next(found) if known else NOTHING


def _compared(d: Floats, clusters: Clusters, present: Floats | None) -> Iterator[Paired]:
    together = clusters.add(d)
    sums = Sums.of(d, clusters, present, together=together)
    low, high, p = _bounds(sums, np.abs(d).sum(-1), together)
    better, worse = np.count_nonzero(d > 0, axis=-1), np.count_nonzero(d < 0, axis=-1)
    error = sums.error()
    for row in range(len(d)):
        improved, worsened = int(better[row]), int(worse[row])
        yield Paired(
            n=int(sums.n[row]),
            difference=100 * float(sums.total[row] / sums.n[row]),
            se=100 * float(error[row]),
            low=100 * float(low[row]),
            high=100 * float(high[row]),
            p=float(p[row]),
            improved=improved,
            worsened=worsened,
            mcnemar_p=mcnemar(improved, worsened),
        )
