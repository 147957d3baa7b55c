"""Sums over clusters: what an interval needs of scores where several questions share an image.

Questions on one image are answered alike, so that three of them tell less than three apart (design effect, Kish 1965).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]
Labels = Sequence[Hashable] | npt.NDArray[np.int64]
"""The cluster of each question, such as its image_id."""
BISECTIONS = 48
"""Halvings of a bracket no longer than 2: to 1e-14."""


@dataclass(frozen=True, slots=True)
class Clusters:
    """A division of n questions into groups."""

    order: Ints | None
    """Questions sorted by cluster (n,); none where each question is its own cluster."""
    starts: Ints
    """Where each cluster begins in that order (G,)."""

    @classmethod
    def of(cls, labels: Labels | None, n: int) -> Clusters:
        """By label, one for each of n questions; without labels each question stands alone."""
        if labels is not None:
            codes = _codes(labels)
            order = np.argsort(codes, kind="stable")
            starts = np.flatnonzero(np.diff(codes[order], prepend=-1))
            if len(starts) < n:
                return cls(order, starts)
        return cls(None, np.arange(n))

    def add(self, values: Floats) -> Floats:
        """Sum over each cluster: (..., n) to (..., G)."""
        if self.order is None:
            return values
        return np.add.reduceat(values[..., self.order], self.starts, axis=-1)


@dataclass(frozen=True, slots=True)
class Sums:
    """Of values x with cluster sums s and cluster sizes m: everything of shape (...), one for each row of values."""

    n: Floats
    groups: Floats
    total: Floats
    """Σ x"""
    squares: Floats
    """Σ x²"""
    own: Floats
    """Σ s²"""
    cross: Floats
    """Σ s m"""
    sizes: Floats
    """Σ m²"""

    @classmethod
    def of(
        cls, values: Floats, clusters: Clusters, present: Floats | None = None, *, together: Floats | None = None
    ) -> Sums:
        """Over the last axis of `values` (..., n); `present` (..., n) is 0 where a value is missing (and stored as 0).

        `together` (..., G) are the sums of values over clusters, where they are known.
        """
        sums = clusters.add(values) if together is None else together
        if present is None:
            present = np.broadcast_to(np.ones(values.shape[-1]), values.shape)
            sizes = np.broadcast_to(clusters.add(np.ones(values.shape[-1])), sums.shape)
        else:
            sizes = clusters.add(present)
        return cls(
            n=present.sum(-1),
            groups=np.count_nonzero(sizes, axis=-1).astype(np.float64),
            total=values.sum(-1),
            squares=np.square(values).sum(-1),
            own=np.square(sums).sum(-1),
            cross=(sums * sizes).sum(-1),
            sizes=np.square(sizes).sum(-1),
        )

    def spread(self, centre: Floats) -> Floats:
        """Σ (x - centre)², of values whose questions count singly."""
        return self.squares - 2 * centre * self.total + centre**2 * self.n

    def cluster_spread(self, centre: Floats) -> Floats:
        """Σ (s - m centre)², of clusters that count singly."""
        return self.own - 2 * centre * self.cross + centre**2 * self.sizes

    def design_effect(self, centre: Floats) -> Floats:
        """How many times the variance of the mean is that of n independent questions, around `centre`; at least 1.

        Less than 1 would say that questions on one image contradict each other, which few clusters show by chance.
        """
        alone, together = self.spread(centre), self.cluster_spread(centre)
        known = alone > 1e-9 * np.maximum(self.squares, 1e-9)
        ratio = np.where(known, together / np.where(known, alone, 1.0), self.sizes / self.n)
        few = np.where(self.groups < self.n, self.groups / np.maximum(self.groups - 1, 1), 1.0)
        return np.asarray(np.maximum(ratio * few, 1.0))

    def error(self) -> Floats:
        """Standard error of the mean by the cluster sandwich (Liang and Zeger 1986); infinite for a single cluster."""
        inside = np.maximum(self.cluster_spread(self.total / self.n), 0.0)
        scaled = inside * self.groups / np.maximum(self.groups - 1, 1)
        return np.asarray(np.sqrt(np.where(self.groups > 1, scaled, np.inf)) / self.n)


def crossings(outside: Callable[[Floats], Floats], centre: Floats, low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """Where `outside` turns positive on either side of `centre`, by bisection: the ends of an interval around it.

    `outside` takes values (2, ...) and is positive for those that the data contradict; `low` and `high` are the least and
    the largest possible values, all of shape (...).
    """
    far = np.stack([low, high])
    near = np.stack([centre, centre])
    for _ in range(BISECTIONS):
        middle = (far + near) / 2
        out = outside(middle) > 0
        far, near = np.where(out, middle, far), np.where(out, near, middle)
    return far[0], far[1]


def _codes(labels: Labels) -> Ints:
    if isinstance(labels, np.ndarray):  # many, where a dictionary would take seconds
        return np.unique(labels, return_inverse=True)[1].astype(np.intp)
    index: dict[Hashable, int] = {}
    return np.array([index.setdefault(label, len(index)) for label in labels], dtype=np.intp)
