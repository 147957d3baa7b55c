"""Several runs of one recipe with unlike seeds: what they say of the recipe, not of one lucky run.

Runs answer the same questions, so a score is mean + run + question + rest. The error of the grand mean has a part that
more questions mend and a part that only more runs do (two-way random effects; Searle, Casella and McCulloch 1992, 4.5;
in the form for readers and cases Obuchowski and Rockette 1995, with the degrees of freedom of Hillis 2007).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from engine.statistics.clusters import Clusters, Floats, Labels, Sums


@dataclass(frozen=True, slots=True)
class Combined:
    """A mean over runs and questions, or the difference of two, in percent or points."""

    runs: int
    n: int
    mean: float
    low: float
    high: float
    p: float
    """That the mean is 0: for differences."""
    question_se: float
    """The part of the error that more questions would mend."""
    run_se: float
    """The part that only more runs would."""


def combine_seeds(scores: Floats, clusters: Labels | None = None) -> Combined:
    """Accuracy of a recipe from `scores` (runs, questions) of two runs or more, with its 95 % interval.

    Raises ValueError for a single run, which cannot show how much runs differ.
    """
    _several(scores)
    return _combined(scores.mean(0), [scores], clusters)


def seed_difference(a: Floats, b: Floats, clusters: Labels | None = None) -> Combined:
    """Recipe b against recipe a: their runs' `scores` (runs, questions) on the same questions; interval and p in points.

    A recipe with one run takes the spread between runs from the other. Raises ValueError where both have one.
    """
    _several(a if len(a) > 1 else b)
    return _combined(b.mean(0) - a.mean(0), [a, b], clusters)


def _several(scores: Floats) -> None:
    if len(scores) < 2:
        raise ValueError("one run cannot show how much runs differ: give two or more with unlike seeds")


def _combined(means: Floats, recipes: list[Floats], clusters: Labels | None) -> Combined:
    """From the mean of each question over runs (n,), or its difference."""
    from scipy.special import stdtr, stdtrit  # 60 ms, which no screen waits for

    sums = Sums.of(means, Clusters.of(clusters, len(means)))
    question = float(sums.error()) ** 2
    parts = _run_parts(recipes)
    run = sum(part.variance for part in parts)
    total = question + run
    least = sum(part.raw**2 / part.freedom for part in parts) + question**2 / (float(sums.groups) - 1)
    freedom = total**2 / least if least else math.inf
    mean, error = float(means.mean()), math.sqrt(total)
    half = float(stdtrit(freedom, 0.975)) * error
    p = 2 * float(stdtr(freedom, -abs(mean) / error)) if error else float(mean == 0)
    return Combined(
        runs=sum(map(len, recipes)), n=len(means), mean=100 * mean, low=100 * (mean - half), high=100 * (mean + half),
        p=p, question_se=100 * math.sqrt(question), run_se=100 * math.sqrt(run),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _RunPart:
    """What one recipe's runs add to the variance of its mean."""

    variance: float
    raw: float
    """Before the part that questions explain is taken off: that is what its degrees of freedom belong to."""
    freedom: int


def _run_parts(recipes: list[Floats]) -> list[_RunPart]:
    spreads = {at: _between(scores) for at, scores in enumerate(recipes) if len(scores) > 1}
    parts = []
    for at, scores in enumerate(recipes):
        raw, net, freedom = spreads[at] if at in spreads else next(iter(spreads.values()))
        parts.append(_RunPart(net / len(scores), raw / len(scores), freedom))
    return parts


def _between(scores: Floats) -> tuple[float, float, int]:
    """Variance of run means, the same without what questions bring into it (at least 0), and degrees of freedom."""
    runs, n = scores.shape
    raw = float(scores.mean(1).var(ddof=1))
    rest = scores - scores.mean(1, keepdims=True) - scores.mean(0) + scores.mean()
    noise = float(np.square(rest).sum()) / ((runs - 1) * max(n - 1, 1))
    return raw, max(0.0, raw - noise / n), runs - 1
