"""Exact nearest neighbours by inner product, in blocks, so that no matrix of all queries times all candidates exists.

Unit vectors are expected. Scores are compared to a millionth: equal questions have equal scores up to rounding, which
differs between machines, and must not decide who is shown.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

QUERIES_AT_ONCE = 512
CANDIDATES_AT_ONCE = 16_384
NUMBERS_AT_ONCE = 1 << 25  # of gathered features: 128 MB in float32

_STEPS = 1 << 20  # of a score of 1
_ROWS = 1 << 32
_BANNED = torch.iinfo(torch.int64).min
_LARGEST_SCORE = 1e3


def nearest(
    queries: Tensor, candidates: Tensor, k: int, excluded: Sequence[Sequence[int]] = (), device: str = "cpu"
) -> Tensor:
    """For queries (Q, d) the rows of candidates (N, d) with the largest inner product, (Q, k), best first.

    `excluded` names rows that a query may not have. Ties go to the lower row; -1 fills up where there are fewer than k.
    """
    candidates = candidates.to(device)
    found = torch.full((len(queries), k), -1, dtype=torch.long)
    for start in range(0, len(queries), QUERIES_AT_ONCE):
        block = slice(start, start + QUERIES_AT_ONCE)
        best = _over_candidates(queries[block].to(device), candidates, k, _pairs(excluded[block]))
        found[block, : best.shape[1]] = _rows(best).cpu()
    return found


def nearest_own(queries: Tensor, candidates: Tensor, pools: Tensor, k: int, device: str = "cpu") -> Tensor:
    """As `nearest`, with a pool for each query: `pools` (Q, K) are rows of candidates, -1 where there is none."""
    found = torch.full((len(queries), k), -1, dtype=torch.long)
    step = max(1, NUMBERS_AT_ONCE // max(1, pools.shape[1] * candidates.shape[1]))
    for start in range(0, len(queries), step):
        block = slice(start, start + step)
        pool = pools[block].to(device)  # (B, K)
        features = candidates[pools[block].clamp(min=0)].to(device)  # (B, K, d)
        keys = _keys(torch.einsum("bd,bkd->bk", queries[block].to(device), features), pool)
        best = _best(keys.masked_fill(pool < 0, _BANNED), k)
        found[block, : best.shape[1]] = _rows(best).cpu()
    return found


def _over_candidates(queries: Tensor, candidates: Tensor, k: int, banned: tuple[Tensor, Tensor]) -> Tensor:
    """The best keys (B, k) of a block of queries over all candidates."""
    best = torch.empty(len(queries), 0, dtype=torch.long, device=queries.device)
    for start in range(0, len(candidates), CANDIDATES_AT_ONCE):
        rows = torch.arange(start, min(start + CANDIDATES_AT_ONCE, len(candidates)), device=queries.device)
        keys = _keys(queries @ candidates[rows].T, rows)  # (B, N')
        here = (banned[1] >= start) & (banned[1] < start + len(rows))
        keys[banned[0][here], banned[1][here] - start] = _BANNED
        best = _best(torch.cat([best, _best(keys, k)], dim=1), k)
    return best


def _keys(scores: Tensor, rows: Tensor) -> Tensor:
    """One integer for score and row, all different: the larger is the better score, of equals the lower row."""
    steps = (scores.nan_to_num(-_LARGEST_SCORE).clamp(-_LARGEST_SCORE, _LARGEST_SCORE) * _STEPS).round().long()
    return steps * _ROWS + (_ROWS - 1 - rows)


def _rows(keys: Tensor) -> Tensor:
    return (_ROWS - 1 - keys % _ROWS).masked_fill(keys == _BANNED, -1)


def _best(keys: Tensor, k: int) -> Tensor:
    return keys.topk(min(k, keys.shape[1]), dim=1).values


def _pairs(excluded: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    pairs = [(query, row) for query, rows in enumerate(excluded) for row in rows]
    both = torch.tensor(pairs, dtype=torch.long).reshape(-1, 2)
    return both[:, 0], both[:, 1]
