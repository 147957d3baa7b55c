"""Curves of several trainings: what a level means, and runs that differ by their seed as one curve with its interval."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import fmean, stdev

from scipy.stats import t as student  # a quarter of a second: imported by whoever draws bands, in a thread

KL_LIMITS = {"weight grows above": 0.1, "weight shrinks below": 0.01}
"""Where the adaptive KL weight of GRPO changes."""
BETA_LIMITS = {"least weight": 0.001, "greatest weight": 10.0}
LEVEL = 0.95
Point = tuple[float, float]
Curve = Sequence[Point]


def between(curve: Curve, x: float) -> float:
    """The value of a curve at `x`, by a straight line between its neighbours; NaN outside."""
    before = None
    for point in curve:
        if point[0] == x:
            return point[1]
        if point[0] > x:
            if before is None:
                return math.nan
            share = (x - before[0]) / (point[0] - before[0])
            return before[1] + share * (point[1] - before[1])
        before = point
    return math.nan


def averaged(curves: Sequence[Curve]) -> tuple[tuple[Point, ...], tuple[tuple[float, float, float], ...]]:
    """Mean of the curves at every step that all of them reach, and Student's 95 % interval of it over the runs (steps, low, high).

    The interval is of the mean over seeds; runs whose steps differ are read between their own points.
    """
    start = max(curve[0][0] for curve in curves)
    end = min(curve[-1][0] for curve in curves)
    steps = sorted({x for curve in curves for x, _ in curve if start <= x <= end})
    factor = float(student.ppf((1 + LEVEL) / 2, len(curves) - 1)) / math.sqrt(len(curves)) if len(curves) > 1 else 0.0
    tables = [_table(curve, steps) for curve in curves]
    mean, band = [], []
    for step, values in zip(steps, zip(*tables, strict=True), strict=True):
        if all(map(math.isfinite, values)):
            middle = fmean(values)
            half = factor * stdev(values) if len(values) > 1 else 0.0
            mean.append((step, middle))
            band.append((step, middle - half, middle + half))
    return tuple(mean), tuple(band)


def _table(curve: Curve, steps: Sequence[float]) -> list[float]:
    """`between` for ascending steps, in one walk."""
    found, place = [], 0
    for x in steps:
        while place + 1 < len(curve) and curve[place + 1][0] <= x:
            place += 1
        found.append(between(curve[place : place + 2], x))
    return found


def levels(metric: str, last: Mapping[str, float], facts: Mapping[str, object]) -> dict[str, float]:
    """Levels that say what a curve means, by their words; `last` are the last values of the run's metrics."""
    found: dict[str, object] = {}
    if metric in ("val_loss", "rce_loss"):
        found["uniform policy"] = last.get("uniform_loss")
    elif metric in ("greedy_reward", "expected_reward"):
        found |= {"random pick": last.get("random_reward"), "best pick": last.get("oracle_reward")}
    elif metric == "kl":
        found |= KL_LIMITS
    elif metric == "kl_beta":
        found |= BETA_LIMITS
    elif metric == "std_advantage":
        found["signal in the data"] = facts.get("predicted_advantage_std")
    elif metric == "mean_ratio":
        found["old policy"] = 1.0
    return {
        words: float(value) for words, value in found.items() if isinstance(value, int | float) and math.isfinite(value)
    }
