"""RL data as padded tensors: filters, rewards, normalisation, the pool of each query and the split, all vectorised."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from db.specs import TrainSpec, UserError
from db.specs.selector import MAX_SHOTS
from engine.doctor.rl_file import RLFile, Space
from engine.rewards import Outcomes, Weights, rewards

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
EQUAL = 1e-12
"""Deviations up to this count as none: rewards that are equal but for rounding."""


@dataclass(frozen=True)
class Groups:
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
        found: Bools = ((high - low > EQUAL) & (self.mask.sum(1) > 1)).cpu().numpy()
        return found

    def to(self, device: torch.device) -> Groups:
        """The same groups with all tensors on `device`."""
        tensors = {name: value.to(device) for name, value in vars(self).items() if isinstance(value, Tensor)}
        return replace(self, **tensors)  # type: ignore[arg-type]


@dataclass(frozen=True)
class RLTensors:
    """The groups of both sides of the split, and what was left out on the way."""

    train: Groups
    val: Groups
    counts: Mapping[str, int]
    """`queries`, `candidates`, then what each filter dropped."""


@dataclass(frozen=True)
class _Selection:
    """Candidates that survive the filters, with the query and the reward of each (m,)."""

    index: Ints
    group: Ints
    reward: Floats


def columns_for(spec: TrainSpec) -> frozenset[str]:
    """Columns of an RL file that training under `spec` looks at; the reader may leave the others out."""
    always = {"correct", "accuracy", "failed", "mode"} | ({"method"} if spec.filter_gen_methods else set())
    by_mode = {
        "hard01_plus_gtprob": {"gt_prob"},
        "hard01_plus_gtprob_separated": {"gt_prob"},
        "hard_plus_gtprob_plus_rel": {"gt_prob", "relevance"},
        "legacy": {"beam_score", "logprob"},
    }
    return frozenset(always | by_mode.get(spec.reward_mode, set()))


def load_groups(file: RLFile, spec: TrainSpec, *, candidate_rows: int, query_rows: int) -> RLTensors:
    """Tensors of an RL file under the filters, rewards, pool rule and split of `spec`. UserError in one sentence for
    pointers out of range, contradicting index spaces, pointers of unequal length, and for nothing left to train on."""
    refuse_contradictions(file)
    reward = candidate_rewards(file, spec)
    keep, counts = kept_candidates(file, reward, spec)
    selection = _Selection(np.flatnonzero(keep), file.group()[keep], reward[keep])
    _check_rows(file, selection, candidate_rows, query_rows)
    train = in_training(file, spec)
    sides = []
    for side in (train, ~train):
        chosen = side[selection.group]
        part = _Selection(selection.index[chosen], selection.group[chosen], selection.reward[chosen])
        sides.append(_groups(file, part, spec, candidate_rows))
    if not len(sides[0]):
        dropped = ", ".join(f"{count} {name}" for name, count in counts.items())
        way_out = "loosen the filters or use other data" if train.any() else _too_few(spec)
        raise UserError(f"{file.path}: no query is left to train on ({dropped}); {way_out}")
    return RLTensors(sides[0], sides[1], counts)


def _too_few(spec: TrainSpec) -> str:
    whole = " whole images" if spec.split_by == "image" else ""
    return f"train_ratio={spec.train_ratio:g} of so few{whole or ' queries'} is none: raise it, or use more queries"


def candidate_rewards(file: RLFile, spec: TrainSpec) -> Floats:
    """Rewards (M,) of all candidates of a file."""
    c = file.candidates
    outcomes = Outcomes(c.correct, c.accuracy, c.gt_prob, c.relevance, c.beam_score, c.logprob)
    weights = Weights(
        hard=spec.hard_weight,
        soft=spec.soft_weight,
        rel=spec.rel_weight,
        alpha=spec.reward_alpha,
        beta=spec.reward_beta,
        correctness_mode=spec.reward_correctness_mode,
        use_logprob=spec.use_logprob,
    )
    return rewards(outcomes, mode=spec.reward_mode, weights=weights)


def kept_candidates(file: RLFile, reward: Floats, spec: TrainSpec) -> tuple[Bools, dict[str, int]]:
    """Mask (M,) of the candidates that survive the filters, and how many each filter dropped."""
    c = file.candidates
    keep = np.ones(len(reward), np.bool_)
    counts = {"queries": len(file.query_ids), "candidates": len(reward)}
    drops = {
        "not evaluated": (c.failed == 1) | c.mode.of("error"),
        "fallback": c.mode.of("fallback") if spec.skip_fallback_reward else ~keep,
        "with a repeated demonstration": _repeats(c.rows),
        "of other methods": ~c.method.of(*spec.filter_gen_methods) if spec.filter_gen_methods else ~keep,
    }
    for name, drop in drops.items():
        counts[name] = int((keep & drop).sum())
        keep &= ~drop
    if spec.require_positive_query:
        group = file.group()
        positive = np.bincount(group[keep & (reward >= 1)], minlength=len(file.query_ids)) > 0
        counts["without a positive in the query"] = int((keep & ~positive[group]).sum())
        keep &= positive[group]
    return keep, {name: n for name, n in counts.items() if n or name in ("queries", "candidates")}


def _repeats(rows: Ints) -> Bools:
    """(M,) pointers (M, S) that name a demonstration twice; negative numbers are padding."""
    found = np.zeros(len(rows), np.bool_)
    for first, second in combinations(rows.T, 2):
        found |= (first == second) & (first >= 0)
    return found


def in_training(file: RLFile, spec: TrainSpec) -> Bools:
    """(Q,) queries of the training side: the first share by ascending id, or whole images in order of their first id."""
    count = len(file.query_ids)
    if spec.split_by == "id":
        return np.arange(count) < int(spec.train_ratio * count)
    unknown = next((i for i, query in enumerate(file.queries) if query.image_id is None), None)
    if unknown is not None:
        raise UserError(
            f"{file.path}: query {file.query_ids[unknown]} has no image_id, so the split cannot keep images apart; "
            "use split_by=id"
        )
    images = np.array([query.image_id for query in file.queries], np.int64)
    _, first, inverse, sizes = np.unique(images, return_index=True, return_inverse=True, return_counts=True)
    order = np.argsort(first, kind="stable")
    fits = np.cumsum(sizes[order]) <= int(spec.train_ratio * count)
    chosen = np.zeros(len(order), np.bool_)
    chosen[order[fits]] = True
    return np.asarray(chosen[inverse])


def refuse_contradictions(file: RLFile) -> None:
    """UserError for a candidate whose pointer fields contradict each other: nobody knows which demonstrations it had."""
    conflicts = np.flatnonzero(file.candidates.space == Space.CONFLICT)
    if len(conflicts):
        query, at = _place(file, int(conflicts[0]))
        raise UserError(
            f"{file.path}: query {query}, candidate {at}: pointer and pointer_global contradict each other "
            f"({len(conflicts)} such candidates); repair the index spaces or drop these candidates"
        )


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
    flat = (std <= EQUAL) | (size < 2)
    score = centred / np.where(flat, 1.0, std)
    if method == "z_score_clamp":
        score = np.clip(score, -clamp, clamp)
    return np.where(flat, reward * mask, score)


def _groups(file: RLFile, selection: _Selection, spec: TrainSpec, candidate_rows: int) -> Groups:
    queries, group = _numbered(selection.group)
    sizes = np.bincount(group, minlength=len(queries))
    width = int(sizes.max(initial=1))
    slot = np.arange(len(group)) - (np.cumsum(sizes) - sizes)[group]
    pool, pool_sizes, positions = _pools(file, selection, spec, candidate_rows)
    pointers = np.zeros((len(queries), width, positions.shape[1]), np.int64)
    pointers[group, slot] = positions
    reward = np.zeros((len(queries), width))
    reward[group, slot] = selection.reward
    mask = np.arange(width) < sizes[:, None]
    full = bool((pool_sizes == pool.shape[1]).all())
    return Groups(
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


def _pools(file: RLFile, selection: _Selection, spec: TrainSpec, candidate_rows: int) -> tuple[Ints, Ints, Ints]:
    """(pool (Q, K) or (1, K), pool sizes (Q,), positions (m, S) of the pointers in the pool)."""
    shots = int(file.candidates.lengths[selection.index].max(initial=1))
    rows = file.candidates.rows[selection.index, :shots]
    queries, group = _numbered(selection.group)
    if spec.pool == "shared":
        return np.arange(candidate_rows)[None], np.full(len(queries), candidate_rows), rows
    stored = _use_stored_pool(file, spec)[queries]
    positions = np.where(stored[group][:, None], file.candidates.positions[selection.index, :shots], 0)
    _check_positions(file, selection, positions)
    owner, member = _stored_pools(file, queries, stored)
    if not stored.all():
        others, ids = _union(group, rows, ~stored)
        owner, member = np.concatenate([others, owner]), np.concatenate([ids, member])
        order = np.argsort(owner, kind="stable")
        owner, member = owner[order], member[order]
    sizes = np.bincount(owner, minlength=len(queries))
    place = np.arange(len(owner)) - (np.cumsum(sizes) - sizes)[owner]
    pool = np.zeros((len(queries), int(sizes.max(initial=1))), np.int64)
    pool[owner, place] = member
    if not stored.all():
        loose = ~stored[group]
        positions[loose] = _find(owner, member, place, group[loose], rows[loose])
    return pool, sizes, positions


def _numbered(group: Ints) -> tuple[Ints, Ints]:
    """(the distinct queries, the number of its query for each candidate) of ascending queries (m,)."""
    begins = np.diff(group, prepend=-1) != 0
    return group[begins], np.cumsum(begins) - 1


def _use_stored_pool(file: RLFile, spec: TrainSpec) -> Bools:
    """(Q,) queries that choose from their stored pool; the others from the union of what their candidates name."""
    stored = file.pools.sizes() > 0
    if spec.pool == "union":
        return np.zeros_like(stored)
    if spec.pool == "fixed" and not stored.all():
        query = file.query_ids[int(np.argmin(stored))]
        raise UserError(f"{file.path}: query {query} has no candidate_pool_ids, which pool=fixed needs; use pool=union")
    failed = np.array([query.fix_failed for query in file.queries], np.bool_)
    return stored & ~failed


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


def _check_rows(file: RLFile, selection: _Selection, candidate_rows: int, query_rows: int) -> None:
    lengths = file.candidates.lengths[selection.index]
    if len(lengths) and (lengths != lengths[0]).any():
        query, at = _place(file, int(selection.index[int(np.argmax(lengths != lengths[0]))]))
        raise UserError(
            f"{file.path}: query {query}, candidate {at} has another number of demonstrations than the first "
            f"candidate ({lengths[0]}); train on pointers of one length"
        )
    if len(lengths) and lengths[0] > MAX_SHOTS:
        raise UserError(
            f"{file.path}: its pointers name {lengths[0]} demonstrations, but a selector picks {MAX_SHOTS} at most; "
            f"use RL data with shorter pointers"
        )
    rows = file.candidates.rows[selection.index, : int(lengths.max(initial=1))]
    bad = ((rows < 0) | (rows >= candidate_rows)).any(1)
    if bad.any():
        query, at = _place(file, int(selection.index[int(np.argmax(bad))]))
        raise UserError(
            f"{file.path}: query {query}, candidate {at} names row {rows[bad].max()}, but the embeddings have "
            f"{candidate_rows} rows; embed the train split that the RL data was made on"
        )
    missing = file.query_ids[file.query_ids >= query_rows]
    if len(missing):
        raise UserError(
            f"{file.path}: query {missing[0]} has no row in the query embeddings, which have {query_rows} rows "
            f"({len(missing)} such queries); embed the train split that the RL data was made on"
        )
    outside = (file.pools.ids < 0) | (file.pools.ids >= candidate_rows)
    if outside.any() and len(selection.index):
        owner = int(np.searchsorted(file.pools.offsets, int(np.argmax(outside)), side="right")) - 1
        raise UserError(
            f"{file.path}: the pool of query {file.query_ids[owner]} names row {file.pools.ids[outside][0]}, but the "
            f"embeddings have {candidate_rows} rows; embed the train split that the RL data was made on"
        )


def _check_positions(file: RLFile, selection: _Selection, positions: Ints) -> None:
    bad = (positions < 0).any(1)
    if bad.any():
        query, at = _place(file, int(selection.index[int(np.argmax(bad))]))
        raise UserError(
            f"{file.path}: query {query}, candidate {at} names a demonstration outside the stored pool "
            f"({int(bad.sum())} such candidates); drop them, or train with pool=union"
        )


def _place(file: RLFile, candidate: int) -> tuple[int, int]:
    """(query id, number of the candidate in its query)."""
    query = int(np.searchsorted(file.offsets, candidate, side="right")) - 1
    return int(file.query_ids[query]), candidate - int(file.offsets[query])
