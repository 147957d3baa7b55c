"""Exact nearest neighbours by inner product, in blocks, so that no matrix of all queries times all candidates exists."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

QUERIES_AT_ONCE = 512
CANDIDATES_AT_ONCE = 32_768
NUMBERS_AT_ONCE = 1 << 25  # of gathered features: 128 MB in float32


def nearest(
    queries: Tensor, candidates: Tensor, k: int, excluded: Sequence[Sequence[int]] = (), device: str = "cpu"
) -> Tensor:
    """For queries (Q, d) the rows of candidates (N, d) with the largest inner product, (Q, k), best first.

    `excluded` names rows that a query may not have. Ties go to the lower row; -1 fills up where there are fewer than k.
    """
    k_found = min(k, len(candidates))
    candidates = candidates.to(device)
    found = torch.full((len(queries), k), -1, dtype=torch.long)
    for start in range(0, len(queries), QUERIES_AT_ONCE):
        stop = min(start + QUERIES_AT_ONCE, len(queries))
        banned = _pairs(excluded[start:stop])
        found[start:stop, :k_found] = _top(queries[start:stop].to(device), candidates, k_found, banned).cpu()
    return found


def nearest_own(queries: Tensor, candidates: Tensor, pools: Tensor, k: int, device: str = "cpu") -> Tensor:
    """As `nearest`, with a pool for each query: `pools` (Q, K) are rows of candidates, -1 where there is none."""
    found = torch.full((len(queries), k), -1, dtype=torch.long)
    step = max(1, NUMBERS_AT_ONCE // max(1, pools.shape[1] * candidates.shape[1]))
    for start in range(0, len(queries), step):
        pool = pools[start : start + step]  # (B, K)
        features = candidates[pool.clamp(min=0)].to(device)  # (B, K, d)
        scores = torch.einsum("bd,bkd->bk", queries[start : start + step].to(device), features)
        scores = scores.masked_fill((pool < 0).to(device), float("-inf"))
        values, places = _best(scores, min(k, pool.shape[1]))
        rows = pool.gather(1, places.cpu())
        found[start : start + step, : rows.shape[1]] = rows.masked_fill(values.cpu() == float("-inf"), -1)
    return found


def _top(queries: Tensor, candidates: Tensor, k: int, banned: tuple[Tensor, Tensor]) -> Tensor:
    values, rows = [], []
    for start in range(0, len(candidates), CANDIDATES_AT_ONCE):
        block = candidates[start : start + CANDIDATES_AT_ONCE]
        scores = queries @ block.T  # (B, N')
        here = (banned[1] >= start) & (banned[1] < start + len(block))
        scores[banned[0][here], banned[1][here] - start] = float("-inf")
        best, places = scores.topk(min(k, len(block)), dim=1)
        values.append(best)
        rows.append(places + start)
    best, order = _best_of(torch.cat(values, 1), torch.cat(rows, 1), k)
    return order.masked_fill(best == float("-inf"), -1)


def _best_of(values: Tensor, rows: Tensor, k: int) -> tuple[Tensor, Tensor]:
    rows, by_row = rows.sort(1)
    values, places = _best(values.gather(1, by_row), k)
    return values, rows.gather(1, places)


def _best(values: Tensor, k: int) -> tuple[Tensor, Tensor]:
    ordered, places = values.sort(dim=1, descending=True, stable=True)
    return ordered[:, :k], places[:, :k]


def _pairs(excluded: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    pairs = [(query, row) for query, rows in enumerate(excluded) for row in rows]
    both = torch.tensor(pairs, dtype=torch.long).reshape(-1, 2)
    return both[:, 0], both[:, 1]
