"""Groups that live on the device for the whole training, and batches gathered from them by index alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import embedding

from engine.training.group_tensors import GroupTensors

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Batch:
    """B groups for each run; the first dimension is 1 where all runs see the same groups."""

    query: Tensor
    """(R or 1, B, d)"""
    pool: Tensor
    """(R or 1, B, K, d), or (1, 1, K, d) for a pool that all queries share."""
    pool_mask: Tensor | None
    """(R or 1, B, K); none if all pools are full."""
    pointers: Tensor
    """(R or 1, B, P, S)"""
    mask: Tensor | None
    """(R or 1, B, P) true for real candidates; none if all are."""


@dataclass(frozen=True)
class Where:
    """Which groups a batch is made of, and how far they reach."""

    index: Tensor
    """(R or 1, B) groups; on the device."""
    candidates: int
    """P, at least the size of each group."""
    pool: int
    """K, at least the size of each pool."""
    full_groups: bool
    """Every group has P candidates."""
    full_pools: bool
    """Every pool has K members."""


class Resident:
    """Groups and embeddings on one device."""

    def __init__(self, groups: GroupTensors, queries: Tensor, candidates: Tensor, device: torch.device) -> None:
        self.groups = groups.to(device)
        self.device = device
        self._queries = queries[groups.query_rows].to(device)  # (Q, d)
        self._candidates = candidates.to(device)
        self._shared_pool = len(groups.pool) == 1 and int(groups.pool.shape[1]) == len(candidates)

    def __len__(self) -> int:
        return len(self.groups)

    def where(self, index: Ints) -> Where:
        """Describe a batch of groups (R or 1, B) in the smallest shapes that hold it."""
        sizes, pools = self.groups.sizes[index], self.groups.pool_sizes[index]
        most, largest = int(sizes.max()), int(pools.max())
        place = torch.from_numpy(index).to(self.device)
        return Where(place, most, largest, bool(sizes.min() == most), bool(pools.min() == largest))

    def anywhere(self, index: Tensor) -> Where:
        """Describe a batch of groups (R or 1, B) that may become any others of their number: in the shapes of the largest."""
        most, largest = self.groups.mask.shape[1], self.groups.pool.shape[1]
        full = bool((self.groups.sizes == most).all())
        return Where(index, most, largest, full, self.groups.pool_mask is None)

    def batch(self, where: Where) -> Batch:
        """Gather a batch."""
        groups, index = self.groups, where.index
        shared = self._candidates[None, None]
        # embedding copies whole rows, twice as fast as indexing
        pool = shared if self._shared_pool else embedding(groups.pool[index, : where.pool], self._candidates)
        masked = groups.pool_mask is not None and not where.full_pools
        return Batch(
            query=embedding(index, self._queries),
            pool=pool,
            pool_mask=groups.pool_mask[index, : where.pool] if masked and groups.pool_mask is not None else None,
            pointers=groups.pointers[index, : where.candidates],
            mask=None if where.full_groups else groups.mask[index, : where.candidates],
        )

    def take(self, values: Tensor, where: Where) -> Tensor:
        """Rows of a per-candidate tensor (Q, P), or (R, Q, P) with one for each run: (R or 1, B, P)."""
        if values.ndim == 2:
            return values[where.index, : where.candidates]
        if len(where.index) == 1:
            return values[:, where.index[0], : where.candidates]
        runs = torch.arange(len(values), device=values.device)[:, None]
        return values[runs, where.index, : where.candidates]
