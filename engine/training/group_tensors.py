"""RL data as padded tensors: filters, rewards, normalisation, the pool of each query and the split, all vectorised."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from db.specs import TrainSpec, UserError
from engine.rl.reading.file import RLFile
from engine.rl.rewards import alike
from engine.rl.selection import (
    Bools,
    Floats,
    Ints,
    Selection,
    select,
    use_stored_pool,
)

MOST_PADDED, MOST_TIMES = 8_000_000, 10
"""Places of a padded tensor: so many, or so many times what they hold; a place takes up to 100 bytes in between."""


@dataclass(frozen=True)
class GroupTensors:
    """Q groups (queries) in one tensor each, padded to P candidates and K pool members."""

    query_rows: Tensor
    """(Q,) row of each query in the query embeddings, which is its id."""
    pool: Tensor
    """(Q, K) rows of the candidate embeddings, padded with 0; (1, K) where all queries share one pool."""
    pool_mask: Tensor | None
    """(Q, K) true for real pool members; none where all pools are full."""
    pointers: Tensor
    """(Q, P, S) positions in the pool."""
    raw: Tensor
    """(Q, P) rewards, 0 where padded."""
    normalized: Tensor
    """(Q, P) rewards normalised inside each group, 0 where padded."""
    mask: Tensor
    """(Q, P) true for real candidates."""
    sizes: Ints
    """(Q,) candidates of each group, on the host."""
    pool_sizes: Ints
    """(Q,) pool members of each query, on the host."""

    def __len__(self) -> int:
        return len(self.query_rows)

    @property
    def shots(self) -> int:
        """Demonstrations in a pointer."""
        return int(self.pointers.shape[-1])

    def signal(self) -> Bools:
        """(Q,) groups that can teach: two candidates or more and rewards that differ."""
        high = self.raw.masked_fill(~self.mask, -torch.inf).amax(1)
        low = self.raw.masked_fill(~self.mask, torch.inf).amin(1)
        found: Bools = (~alike(high, low) & (self.mask.sum(1) > 1)).cpu().numpy()
        return found

    def to(self, device: torch.device) -> GroupTensors:
        """The same groups with all tensors on `device`."""
        tensors = {name: value.to(device) for name, value in vars(self).items() if isinstance(value, Tensor)}
        return replace(self, **tensors)  # type: ignore[arg-type]


@dataclass(frozen=True)
class RLTensors:
    """The groups of both sides of the split, and what was left out on the way."""

    train: GroupTensors
    val: GroupTensors
    counts: Mapping[str, int]
    """`queries`, `candidates`, then what each filter dropped."""


def load_groups(file: RLFile, spec: TrainSpec, *, candidate_rows: int, query_rows: int) -> RLTensors:
    """Tensors of an RL file under the filters, rewards, pool rule and split of `spec`. UserError in one sentence for
    pointers out of range, contradicting index spaces, pointers of unequal length, and for nothing left to train on."""
    selection, train, counts = select(file, spec, candidate_rows=candidate_rows, query_rows=query_rows)
    sides = []
    for side in (train, ~train):
        chosen = side[selection.group]
        part = Selection(selection.index[chosen], selection.group[chosen], selection.reward[chosen])
        sides.append(_groups(file, part, spec, candidate_rows))
    return RLTensors(sides[0], sides[1], counts)


def normalize(reward: Floats, mask: Bools, method: str, clamp: float) -> Floats:
    """Rewards (Q, P) normalised inside each group: `z_score` (unbiased), `z_score_clamp`, or `rank` from 1 for the best to
    -1 (ties in listed order, as published). Groups without spread keep their rewards under the z-scores."""
    size = mask.sum(1, keepdims=True)
    if method == "rank":
        order = np.argsort(np.where(mask, -reward, np.inf), axis=1, kind="stable")
        rank = np.argsort(order, axis=1, kind="stable")
        return np.where(mask & (size > 1), 1 - 2 * rank / np.maximum(size - 1, 1), 0.0)
    mean = (reward * mask).sum(1, keepdims=True) / np.maximum(size, 1)
    centred = (reward - mean) * mask
    std = np.sqrt((centred**2).sum(1, keepdims=True) / np.maximum(size - 1, 1))
    high = np.where(mask, reward, -np.inf).max(1, keepdims=True)
    low = np.where(mask, reward, np.inf).min(1, keepdims=True)
    flat = alike(high, low) | (size < 2)
    score = centred / np.where(flat, 1.0, std)
    if method == "z_score_clamp":
        score = np.clip(score, -clamp, clamp)
    return np.where(flat, reward * mask, score)


def _groups(file: RLFile, selection: Selection, spec: TrainSpec, candidate_rows: int) -> GroupTensors:
    queries, group = _numbered(selection.group)
    sizes = np.bincount(group, minlength=len(queries))
    width = int(sizes.max(initial=1))
    slot = np.arange(len(group)) - (np.cumsum(sizes) - sizes)[group]
    _refuse_padding(file, "candidates", queries, sizes)
    pool, pool_sizes, positions = _pools(file, selection, spec, candidate_rows)
    pointers = np.zeros((len(queries), width, positions.shape[1]), np.int64)
    pointers[group, slot] = positions
    reward = np.zeros((len(queries), width))
    reward[group, slot] = selection.reward
    mask = np.arange(width) < sizes[:, None]
    full = bool((pool_sizes == pool.shape[1]).all())
    return GroupTensors(
        query_rows=torch.from_numpy(file.query_ids[queries]),
        pool=torch.from_numpy(pool),
        pool_mask=None if full else torch.from_numpy(np.arange(pool.shape[1]) < pool_sizes[:, None]),
        pointers=torch.from_numpy(pointers),
        raw=torch.from_numpy(reward.astype(np.float32)),
        normalized=torch.from_numpy(normalize(reward, mask, spec.normalize, spec.normalize_clamp).astype(np.float32)),
        mask=torch.from_numpy(mask),
        sizes=sizes,
        pool_sizes=pool_sizes,
    )


def _pools(file: RLFile, selection: Selection, spec: TrainSpec, candidate_rows: int) -> tuple[Ints, Ints, Ints]:
    """(pool (Q, K) or (1, K), pool sizes (Q,), positions (m, S) of the pointers in the pool)."""
    shots = int(file.candidates.lengths[selection.index].max(initial=1))
    rows = file.candidates.rows[selection.index, :shots]
    queries, group = _numbered(selection.group)
    if spec.pool == "shared":
        return np.arange(candidate_rows)[None], np.full(len(queries), candidate_rows), rows
    stored = use_stored_pool(file, spec)[queries]
    positions = np.where(stored[group][:, None], file.candidates.positions[selection.index, :shots], 0)
    owner, member = _stored_pools(file, queries, stored)
    if not stored.all():
        others, ids = _union(group, rows, ~stored)
        owner, member = np.concatenate([others, owner]), np.concatenate([ids, member])
        order = np.argsort(owner, kind="stable")
        owner, member = owner[order], member[order]
    sizes = np.bincount(owner, minlength=len(queries))
    place = np.arange(len(owner)) - (np.cumsum(sizes) - sizes)[owner]
    _refuse_padding(file, "pool members", queries, sizes)
    pool = np.zeros((len(queries), int(sizes.max(initial=1))), np.int64)
    pool[owner, place] = member
    if not stored.all():
        loose = ~stored[group]
        positions[loose] = _find(owner, member, place, group[loose], rows[loose])
    return pool, sizes, positions


def _refuse_padding(file: RLFile, what: str, queries: Ints, sizes: Ints) -> None:
    """UserError where one query has so many more than the others that padding all to it would fill the memory."""
    padded, held = len(sizes) * int(sizes.max(initial=1)), int(sizes.sum())
    if padded > max(MOST_PADDED, MOST_TIMES * held):
        raise UserError(
            f"{file.path}: query {file.query_ids[queries[int(sizes.argmax())]]} has {sizes.max():,} {what}, the others "
            f"{np.median(sizes):,.0f} in the middle; all are padded to the largest, which is too much: drop that query"
        )


def _numbered(group: Ints) -> tuple[Ints, Ints]:
    """(the distinct queries, the number of its query for each candidate) of ascending queries (m,)."""
    begins = np.diff(group, prepend=-1) != 0
    return group[begins], np.cumsum(begins) - 1


def _union(group: Ints, rows: Ints, wanted: Bools) -> tuple[Ints, Ints]:
    """(query, row) of the distinct rows that the candidates of the wanted queries name, rows ascending."""
    mine = wanted[group]
    width = int(rows.max(initial=0)) + 1
    keys = np.unique(group[mine][:, None] * width + rows[mine])
    return keys // width, keys % width


def _stored_pools(file: RLFile, queries: Ints, stored: Bools) -> tuple[Ints, Ints]:
    """(query, row) of the stored pools of these queries, in stored order."""
    sizes = np.where(stored, file.pools.sizes()[queries], 0)
    owner = np.repeat(np.arange(len(queries)), sizes)
    place = np.arange(len(owner)) - (np.cumsum(sizes) - sizes)[owner]
    return owner, file.pools.ids[file.pools.offsets[queries][owner] + place]


def _find(owner: Ints, member: Ints, place: Ints, group: Ints, rows: Ints) -> Ints:
    """Positions (m, S) of rows in the pool of their query, where each pool is sorted by row."""
    if not len(rows):
        return rows
    width = int(max(member.max(initial=0), rows.max(initial=0))) + 1
    keys = owner * width + member
    order = np.argsort(keys, kind="stable")
    at = order[np.searchsorted(keys, group[:, None] * width + rows, sorter=order)]
    return np.asarray(place[at])
