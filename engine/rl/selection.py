"""Which candidates of an RL file a training would see, and why it would refuse the file.

Free of torch: preflight asks before a job is started, `rl_tensors` when it builds the tensors, so both say the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from db.specs import TrainSpec, UserError
from db.specs.selector import MAX_SHOTS
from engine.rl.reading.file import RLFile, Space
from engine.rl.rewards import Outcomes, Weights, rewards

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


class Unusable(UserError):
    """RL data that cannot be trained on as asked; `code` is the finding that preflight makes of it."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


@dataclass(frozen=True)
class Selection:
    """Candidates that survive the filters, with the query and the reward of each (m,)."""

    index: Ints
    group: Ints
    reward: Floats


def select(
    file: RLFile, spec: TrainSpec, *, candidate_rows: int, query_rows: int
) -> tuple[Selection, Bools, Mapping[str, int]]:
    """The candidates that are trained and validated on, the queries (Q,) of the training side, and what filters dropped.

    Raises Unusable, one sentence, for contradicting index spaces, pointers of unequal length or out of range, and for
    nothing left to train on.
    """
    refuse_contradictions(file)
    reward = candidate_rewards(file, spec)
    kept, counts = kept_candidates(file, reward, spec)
    selection = Selection(np.flatnonzero(kept), file.group()[kept], reward[kept])
    _check_rows(file, selection, candidate_rows, query_rows)
    if spec.pool != "shared":
        _check_positions(file, selection, spec)
    train = in_training(file, spec)
    if not train[selection.group].any():
        dropped = ", ".join(f"{count} {name}" for name, count in counts.items())
        way_out = "loosen the filters or use other data" if train.any() else _too_few(spec)
        raise Unusable("no-signal", f"{file.path}: no query is left to train on ({dropped}); {way_out}")
    return selection, train, counts


def _too_few(spec: TrainSpec) -> str:
    whole = " whole images" if spec.split_by == "image" else ""
    return f"train_ratio={spec.train_ratio:g} of so few{whole or ' queries'} is none: raise it, or use more queries"


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


def candidate_rewards(file: RLFile, spec: TrainSpec) -> Floats:
    """Rewards (M,) of all candidates of a file."""
    c = file.candidates
    outcomes = Outcomes(c.correct, c.accuracy, c.gt_prob, c.relevance, c.beam_score, c.logprob)
    return rewards(outcomes, mode=spec.reward_mode, weights=weights_of(spec))


def weights_of(spec: TrainSpec) -> Weights:
    """What a training weighs its rewards by."""
    return Weights(
        hard=spec.hard_weight,
        soft=spec.soft_weight,
        rel=spec.rel_weight,
        alpha=spec.reward_alpha,
        beta=spec.reward_beta,
        correctness_mode=spec.reward_correctness_mode,
        use_logprob=spec.use_logprob,
    )


def kept_candidates(file: RLFile, reward: Floats, spec: TrainSpec) -> tuple[Bools, dict[str, int]]:
    """Mask (M,) of the candidates that survive the filters, and how many each filter dropped."""
    c = file.candidates
    kept = np.ones(len(reward), np.bool_)
    counts = {"queries": len(file.query_ids), "candidates": len(reward)}
    drops = {
        "not evaluated": (c.failed == 1) | c.mode.of("error"),
        "fallback": c.mode.of("fallback") if spec.skip_fallback_reward else ~kept,
        "with a repeated demonstration": _repeats(c.rows),
        "of other methods": ~c.method.of(*spec.filter_gen_methods) if spec.filter_gen_methods else ~kept,
    }
    for name, drop in drops.items():
        counts[name] = int((kept & drop).sum())
        kept &= ~drop
    if spec.require_positive_query:
        group = file.group()
        positive = np.bincount(group[kept & (reward >= 1)], minlength=len(file.query_ids)) > 0
        counts["without a positive in the query"] = int((kept & ~positive[group]).sum())
        kept &= positive[group]
    return kept, {name: n for name, n in counts.items() if n or name in ("queries", "candidates")}


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
        raise Unusable(
            "split-unknown",
            f"{file.path}: query {file.query_ids[unknown]} has no image_id, so the split cannot keep images apart; "
            "use split_by=id",
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
        raise Unusable(
            "index-space-mixed",
            f"{file.path}: query {query}, candidate {at}: pointer and pointer_global contradict each other "
            f"({len(conflicts)} such candidates); repair the index spaces or drop these candidates",
        )


def use_stored_pool(file: RLFile, spec: TrainSpec) -> Bools:
    """(Q,) queries that choose from their stored pool; the others from the union of what their candidates name."""
    stored = file.pools.sizes() > 0
    if spec.pool == "union":
        return np.zeros_like(stored)
    if spec.pool == "fixed" and not stored.all():
        query = file.query_ids[int(np.argmin(stored))]
        raise Unusable(
            "pool-unknown",
            f"{file.path}: query {query} has no candidate_pool_ids, which pool=fixed needs; use pool=union",
        )
    failed = np.array([query.fix_failed for query in file.queries], np.bool_)
    return stored & ~failed


def _check_rows(file: RLFile, selection: Selection, candidate_rows: int, query_rows: int) -> None:
    lengths = file.candidates.lengths[selection.index]
    if len(lengths) and (lengths != lengths[0]).any():
        query, at = _place(file, int(selection.index[int(np.argmax(lengths != lengths[0]))]))
        raise Unusable(
            "pointer-lengths",
            f"{file.path}: query {query}, candidate {at} has another number of demonstrations than the first "
            f"candidate ({lengths[0]}); train on pointers of one length",
        )
    if len(lengths) and lengths[0] > MAX_SHOTS:
        raise Unusable(
            "pointer-lengths",
            f"{file.path}: its pointers name {lengths[0]} demonstrations, but a selector picks {MAX_SHOTS} at most; "
            f"use RL data with shorter pointers",
        )
    rows = file.candidates.rows[selection.index, : int(lengths.max(initial=1))]
    bad = ((rows < 0) | (rows >= candidate_rows)).any(1)
    if bad.any():
        query, at = _place(file, int(selection.index[int(np.argmax(bad))]))
        raise Unusable(
            "rows-missing",
            f"{file.path}: query {query}, candidate {at} names row {rows[bad].max()}, but the embeddings have "
            f"{candidate_rows} rows; embed the train split that the RL data was made on",
        )
    missing = file.query_ids[file.query_ids >= query_rows]
    if len(missing):
        raise Unusable(
            "rows-missing",
            f"{file.path}: query {missing[0]} has no row in the query embeddings, which have {query_rows} rows "
            f"({len(missing)} such queries); embed the train split that the RL data was made on",
        )
    outside = (file.pools.ids < 0) | (file.pools.ids >= candidate_rows)
    if outside.any() and len(selection.index):
        owner = int(np.searchsorted(file.pools.offsets, int(np.argmax(outside)), side="right")) - 1
        raise Unusable(
            "rows-missing",
            f"{file.path}: the pool of query {file.query_ids[owner]} names row {file.pools.ids[outside][0]}, but the "
            f"embeddings have {candidate_rows} rows; embed the train split that the RL data was made on",
        )


def _check_positions(file: RLFile, selection: Selection, spec: TrainSpec) -> None:
    shots = int(file.candidates.lengths[selection.index].max(initial=1))
    stored = use_stored_pool(file, spec)[selection.group]
    bad = (file.candidates.positions[selection.index, :shots] < 0).any(1) & stored
    if bad.any():
        query, at = _place(file, int(selection.index[int(np.argmax(bad))]))
        raise Unusable(
            "pointer-out-of-pool",
            f"{file.path}: query {query}, candidate {at} names a demonstration outside the stored pool "
            f"({int(bad.sum())} such candidates); drop them, or train with pool=union",
        )


def _place(file: RLFile, candidate: int) -> tuple[int, int]:
    """(query id, number of the candidate in its query)."""
    query = int(np.searchsorted(file.offsets, candidate, side="right")) - 1
    return int(file.query_ids[query]), candidate - int(file.offsets[query])
