"""What RL data can teach: positives, groups with signal, who proposed and who scored, and the spread of advantage to expect.

Thresholds marked (published) come from the upstream tools, the others are ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.rl.health.measures import diversity, gap, mean_of
from engine.rl.health.usable import Usable, usable
from engine.rl.reading.columns import Floats
from engine.rl.reading.file import RLFile
from engine.rl.reading.pointer_spaces import Bools, Ints
from engine.rl.rewards import Weights, alike
from engine.statistics.intervals import interval

MIN_STD = 0.1
"""Floor of the deviation in the group advantage."""
UNVERIFIED = ("global_positive_transfer", "global_positive_injection")
"""Generation methods whose label was copied from another query, never asked of the model."""


def health(
    data: RLFile, *, mode: str = "hard_plus_soft", weights: Weights | None = None, methods: Sequence[str] = ()
) -> dict[str, Any]:
    """Every measure of a file, rates in 0..1; reward mode and weights decide what counts as signal, and `methods`, if any are
    named, whose candidates are counted."""
    seen = usable(data, mode=mode, weights=weights, methods=methods)
    groups = GroupRewards.of(seen, len(data.query_ids))
    held = groups.size > 0
    total = max(int(held.sum()), 1)
    return {
        "variant": data.variant,
        "queries": len(data.query_ids),
        "candidates": len(data.candidates.lengths),
        "usable": len(seen.index),
        "positive_rate": mean_of(seen.correct > 0),
        "query_positive_rate": float((groups.positives > 0)[held].mean()) if held.any() else 0.0,
        "signal_rate": float(groups.signal.sum()) / total,
        "predicted_advantage_std": float(groups.advantage_std.sum()) / total,
        "intervals": {
            "positive_rate": _interval(seen.correct > 0, seen.group),
            "query_positive_rate": _interval((groups.positives > 0)[held]),
            "signal_rate": _interval(groups.signal[held]),
        },
        "groups": groups.classes(),
        "group_size": _quantiles(groups.size[held]),
        "reward": _spread(seen.reward),
        "reward_histogram": _histogram(seen.reward),
        "top_3_signal_rate": float(groups.top_signal(seen, 3).sum()) / total,
        "top_5_signal_rate": float(groups.top_signal(seen, 5).sum()) / total,
        "shots": {str(n): int(k) for n, k in zip(*np.unique(data.candidates.lengths, return_counts=True), strict=True)},
        "pool_size": _quantiles(data.pools.sizes()[data.pools.sizes() > 0]),
        "gen_methods": _by_label(data, seen, "method"),
        "eval_modes": _by_label(data, seen, "mode"),
        "demonstrations": _concentration(data),
        **gap(data, seen),
        **diversity(data, seen),
    }


@dataclass(frozen=True, slots=True)
class GroupRewards:
    """Per query: sizes, positives, extremes of reward, expected spread of advantage. Each (Q,)."""

    size: Ints
    positives: Floats
    low: Floats
    high: Floats
    advantage_std: Floats
    """Deviation of (R - mean) / max(std, 0.1) inside the group: 1 with signal, 0 without."""

    @classmethod
    def of(cls, seen: Usable, queries: int) -> GroupRewards:
        """Gather the usable candidates by query."""
        size = np.bincount(seen.group, minlength=queries)
        low, high = np.full(queries, np.inf), np.full(queries, -np.inf)
        np.minimum.at(low, seen.group, seen.reward)
        np.maximum.at(high, seen.group, seen.reward)
        mean = np.bincount(seen.group, seen.reward, queries) / np.maximum(size, 1)
        squares = np.bincount(seen.group, (seen.reward - mean[seen.group]) ** 2, queries)
        std = np.sqrt(squares / np.maximum(size - 1, 1))
        positives = np.bincount(seen.group, seen.correct > 0, queries).astype(np.float64)
        return cls(size, positives, low, high, std / np.maximum(std, MIN_STD))

    @property
    def signal(self) -> Bools:
        """Groups that can teach: two candidates or more, not all of one reward."""
        return np.asarray((self.size >= 2) & ~alike(self.high, self.low))

    def classes(self) -> dict[str, int]:
        """Groups without, with only, and with some positives."""
        held = self.size > 0
        zero, one = held & (self.positives == 0), held & (self.positives == self.size)
        return {"all_zero": int(zero.sum()), "all_one": int(one.sum()), "mixed": int((held & ~zero & ~one).sum())}

    def top_signal(self, seen: Usable, k: int) -> Bools:
        """Groups whose k best candidates do not all have one reward: k tied positives teach nothing."""
        order = np.lexsort((-seen.reward, seen.group))
        group, reward = seen.group[order], seen.reward[order]
        first = np.searchsorted(group, np.arange(len(self.size)))
        last = np.minimum(first + k, first + self.size) - 1
        held = self.size >= 2
        differs = np.zeros(len(self.size), np.bool_)
        differs[held] = ~alike(reward[first[held]], reward[last[held]])
        return differs


def _interval(positive: Bools, group: Ints | None = None) -> list[float]:
    """95 % interval [low, high] (0..1) of a share; candidates of one query (`group`) are alike and count as one observation."""
    found = interval(positive.astype(np.float64), group)
    return [found.low / 100, found.high / 100]


def _quantiles(values: Ints) -> dict[str, float]:
    if not len(values):
        return {}
    return {"min": int(values.min()), "median": float(np.median(values)), "max": int(values.max())}


def _spread(values: Floats) -> dict[str, float]:
    if not len(values):
        return {}
    return {
        "min": float(values.min()),
        "mean": float(values.mean()),
        "max": float(values.max()),
        "std": float(values.std()),
    }


def _histogram(values: Floats, most: int = 12) -> list[tuple[float, int]]:
    """(reward, count): the values themselves where they are few, else the middles of equal bins."""
    distinct, counts = np.unique(np.round(values, 6), return_counts=True)
    if len(distinct) <= most:
        return [(float(v), int(n)) for v, n in zip(distinct, counts, strict=True)]
    counts, edges = np.histogram(values, most)
    return [(float((a + b) / 2), int(n)) for a, b, n in zip(edges, edges[1:], counts, strict=False)]


def _by_label(data: RLFile, seen: Usable, column: str) -> dict[str, Any]:
    labels = getattr(data.candidates, column)
    counted = np.bincount(labels.codes, minlength=len(labels.texts))
    used = labels.codes[seen.index]
    within = np.maximum(np.bincount(used, minlength=len(labels.texts)), 1)
    positive = np.bincount(used, seen.correct > 0, len(labels.texts)) / within
    accuracy = np.bincount(used, seen.accuracy, len(labels.texts)) / within
    order = np.argsort(used, kind="stable")
    ends = np.cumsum(np.bincount(used, minlength=len(labels.texts)))
    members = np.split(order, ends[:-1])  # positions among the usable candidates, by label
    rows: dict[str, dict[str, Any]] = {
        text or "absent": {
            "count": int(counted[i]), "positive_rate": float(positive[i]), "mean": float(accuracy[i]),
            "queries": len(np.unique(seen.group[members[i]])),
            "interval": _interval(seen.correct[members[i]] > 0, seen.group[members[i]]),
        }
        for i, text in enumerate(labels.texts)
        if counted[i]
    }  # fmt: skip
    return dict(sorted(rows.items(), key=lambda row: -int(row[1]["count"])))


def _concentration(data: RLFile) -> dict[str, float]:
    rows = data.candidates.rows[data.candidates.rows >= 0]
    if not len(rows):
        return {"distinct": 0, "top_share": 0.0}
    _, counts = np.unique(rows, return_counts=True)
    return {"distinct": len(counts), "top_share": float(counts.max() / len(rows))}
