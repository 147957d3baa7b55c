"""Which demonstrations a query gets: one function for each way of choosing, in the table RETRIEVERS.

A retriever takes a Task and returns a function from a number of shots to the demonstrations of every query: train
indices in prompt order. The choices for fewer shots are the first choices for more, except where a selector differs.
What a retriever compares stands beside its name in `db.specs.evaluate`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from db.specs.evaluate import COMPARED
from engine.data.sample import Sample, Split
from engine.demonstrations.neighbours import nearest, nearest_own
from engine.demonstrations.pools import Features, Pools

MAX_SHOTS = 8
NUMBERS_AT_ONCE = 1 << 25  # of candidate embeddings: 128 MB in float32
HIDDEN = 256  # usual width of a selector
ALIKE = frozenset({"zero-shot", "fixed", "coreset"})
"""Retrievers that show every query the same, on purpose."""
SHORTLIST = 64
"""Neighbours among which `mmices` and `mmr` choose: as many as a published pool holds."""
LIKENESS = 0.5
"""Weight of likeness to the query against unlikeness to what is shown already, in `mmr`."""

Demonstrations = tuple[int, ...]
Chooser = Callable[[int], list[Demonstrations]]


class Selects(Protocol):
    """What is asked of a pointer selector."""

    @property
    def max_shots(self) -> int: ...

    def select(self, query_emb: Tensor, cand_emb: Tensor, shots: int, mask: Tensor | None = None) -> Tensor: ...


@dataclass(frozen=True)
class Task:
    """Queries that want demonstrations, and everything that a retriever may look at."""

    queries: Sequence[Sample]
    train: Split
    pools: Pools
    seed: int = 42
    shots: int = MAX_SHOTS
    """Largest number of shots that will be asked for."""
    most_similar_last: bool = True
    features: Features = field(default_factory=dict)
    selector: Selects | None = None
    device: str = "cpu"


def wanted(name: str) -> tuple[tuple[str, str], ...]:
    """The features that a retriever reads, as (side, field); none where it compares nothing."""
    return COMPARED.get(name, ())


def zero_shot(task: Task) -> Chooser:
    """No demonstrations, whatever is asked for."""
    return lambda shots: [()] * len(task.queries)


def at_random(task: Task) -> Chooser:
    """Drawn from the query's pool by (seed, question_id), so that subset and number of shots change nothing."""
    drawn = [_draw(task, query) for query in range(len(task.queries))]
    return lambda shots: [rows[:shots] for rows in drawn]


def fixed(task: Task) -> Chooser:
    """The first of one seeded permutation for all: of the shared pool, or of train where each query has its own."""
    shared = task.pools.shared
    rows = shared.numpy() if shared is not None else np.arange(len(task.train))
    most = max(map(len, task.pools.excluded), default=0)
    order = tuple(int(row) for row in np.random.default_rng(task.seed).permutation(rows)[: task.shots + most])
    chosen = [tuple(row for row in order if row not in banned) for banned in task.pools.excluded]
    return lambda shots: [rows[:shots] for rows in chosen]


def neighbours(task: Task, name: str) -> Chooser:
    """The most similar of the query's pool, by exact inner product; by default the most similar stands last.

    By image this is RICES (Yang et al. 2022), by question KATE (Liu et al. 2022), by both `qi2qi`.
    """
    query, train = _unit(task, name)
    return _in_order(task, _nearest(task, query, train, task.shots))


def mmices(task: Task) -> Chooser:
    """Those with the nearest questions, and of these the ones with the nearest images.

    After MMICES (Chen et al. 2023, arXiv 2311.18021), which shortlists by one modality and ranks by the other.
    """
    query_text, train_text, query_image, train_image = _unit(task, "mmices")
    shortlist = _nearest(task, query_text, train_text, SHORTLIST)
    return _in_order(task, nearest_own(query_image, train_image, shortlist, task.shots, task.device))


def mmr(task: Task) -> Chooser:
    """Like the query and unlike each other: maximal marginal relevance (Carbonell and Goldstein 1998).

    Of the nearest, next is the one of largest λ sim(query, c) - (1 - λ) max sim(c, shown).
    """
    query, train = _unit(task, "mmr")
    shortlist = _nearest(task, query, train, SHORTLIST)
    return _in_order(task, torch.cat([_marginal(task, query, train, rows) for rows in _blocks(shortlist, train)]))


def coreset(task: Task) -> Chooser:
    """Few questions that cover the pool, the same for all queries that share it: k-centre greedy (Gonzalez 1985).

    As used for data sets by Sener and Savarese (2018); begins with the question nearest to the pool's mean.
    """
    (train,) = _unit(task, "coreset")
    if task.pools.own is not None:
        covers = [_cover(train, task.pools.of(query), task.shots) for query in range(len(task.queries))]
        return lambda shots: [rows[:shots] for rows in covers]
    assert task.pools.shared is not None, "pools are shared or own"
    most = max(map(len, task.pools.excluded), default=0)
    order = _cover(train, task.pools.shared, task.shots + most)
    chosen = [tuple(row for row in order if row not in banned) for banned in task.pools.excluded]
    return lambda shots: [rows[:shots] for rows in chosen]


def by_selector(task: Task) -> Chooser:
    """What a selector points at, greedily; never more than it can be asked for.

    For `untrained` it has the weights that a training of its recipe starts from, near the identity.
    """
    return partial(_select, task)


RETRIEVERS: dict[str, Callable[[Task], Chooser]] = {
    "zero-shot": zero_shot,
    "random": at_random,
    "fixed": fixed,
    "coreset": coreset,
    "t2t": partial(neighbours, name="t2t"),
    "i2t": partial(neighbours, name="i2t"),
    "i2i": partial(neighbours, name="i2i"),
    "qi2qi": partial(neighbours, name="qi2qi"),
    "mmices": mmices,
    "mmr": mmr,
    "untrained": by_selector,
    "selector": by_selector,
}


def _draw(task: Task, query: int) -> Demonstrations:
    """Always the draw for MAX_SHOTS, of which fewer shots take the beginning."""
    identity = task.queries[query].question_id & (2**64 - 1)
    rng = np.random.default_rng([task.seed, identity])
    pool = task.pools.own[query] if task.pools.own is not None else task.pools.shared
    assert pool is not None, "pools are shared or own"
    banned = {*task.pools.excluded[query], -1}
    wanted = min(len(pool), MAX_SHOTS + len(task.pools.excluded[query]) + int((pool < 0).sum()))
    drawn = pool[torch.from_numpy(rng.choice(len(pool), size=wanted, replace=False))].tolist()
    return tuple([row for row in drawn if row not in banned][: task.shots])


def _unit(task: Task, name: str) -> list[Tensor]:
    """What the retriever compares, as unit vectors: a selector's embeddings may be standardised."""
    return [normalize(task.features[pair], dim=-1) for pair in wanted(name)]


def _nearest(task: Task, query: Tensor, train: Tensor, count: int) -> Tensor:
    """Train indices (Q, count) of each query's pool, most similar first; -1 where the pool is used up."""
    if task.pools.own is not None:
        return nearest_own(query, train, task.pools.own, count, task.device)
    shared = task.pools.shared
    assert shared is not None, "pools are shared or own"
    place = {row: at for at, row in enumerate(shared.tolist())}
    banned = [[place[row] for row in rows if row in place] for rows in task.pools.excluded]
    found = nearest(query, train[shared], count, banned, task.device)
    return torch.where(found < 0, found, shared[found.clamp(min=0)])


def _in_order(task: Task, found: Tensor) -> Chooser:
    """A chooser of the first of (Q, S); as asked for, the first stands last."""
    ranked = _as_tuples(found)
    step = -1 if task.most_similar_last else 1
    return lambda shots: [rows[:shots][::step] for rows in ranked]


def _blocks(shortlist: Tensor, train: Tensor) -> Iterator[tuple[range, Tensor]]:
    """The shortlist (Q, K) in parts whose features fit into memory, with the queries they are of."""
    step = max(1, NUMBERS_AT_ONCE // max(1, shortlist.shape[1] * train.shape[1]))
    for start in range(0, len(shortlist), step):
        rows = shortlist[start : start + step]
        yield range(start, start + len(rows)), rows


def _marginal(task: Task, query: Tensor, train: Tensor, block: tuple[range, Tensor]) -> Tensor:
    """Train indices (B, shots) by marginal relevance, of a block of queries and their shortlists (B, K)."""
    at, rows = block
    features = train[rows.clamp(min=0)].to(task.device)  # (B, K, d)
    like = torch.einsum("bd,bkd->bk", query[at.start : at.stop].to(task.device), features)
    left, shown = rows.to(task.device) >= 0, torch.zeros_like(like)
    picked = []
    for step in range(min(task.shots, rows.shape[1])):
        worth = LIKENESS * like - (1 - LIKENESS) * shown
        best = worth.masked_fill(~left, -torch.inf).argmax(-1, keepdim=True)  # (B, 1)
        picked.append(torch.where(left.gather(1, best).cpu(), rows.gather(1, best.cpu()), -1))
        left = left.scatter(1, best, False)
        chosen = features.gather(1, best[..., None].expand(-1, -1, features.shape[-1]))  # (B, 1, d)
        near = (features * chosen).sum(-1)
        shown = near if step == 0 else torch.maximum(shown, near)
    return torch.cat(picked, dim=1)


def _cover(train: Tensor, pool: Tensor, count: int) -> Demonstrations:
    """Train indices of up to `count` of the pool: each next one is the farthest from those before."""
    features = train[pool]
    nearest_to = features @ features.mean(0)
    order: list[int] = []
    while len(order) < min(count, len(pool)):
        order.append(int(nearest_to.argmax() if not order else nearest_to.argmin()))
        near = features @ features[order[-1]]
        nearest_to = near if len(order) == 1 else torch.maximum(nearest_to, near)
        nearest_to[order] = torch.inf
    return tuple(pool[order].tolist())


@torch.no_grad()
def _select(task: Task, shots: int) -> list[Demonstrations]:
    assert task.selector is not None, "the recipe loads the selector before it retrieves"
    asked = min(shots, task.selector.max_shots)
    if asked == 0:
        return [()] * len(task.queries)
    queries, train = (task.features[pair] for pair in wanted("selector"))
    pools = task.pools
    # A pool that all queries share without exceptions is encoded once, so only what is kept per query counts there.
    shared = train[pools.shared][None].to(task.device) if pools.shared is not None and not any(pools.excluded) else None
    step = max(1, NUMBERS_AT_ONCE // max(1, pools.size * (train.shape[1] if shared is None else HIDDEN)))
    found: list[Demonstrations] = []
    for start in range(0, len(queries), step):
        block = range(start, min(start + step, len(queries)))
        rows, mask = block_of(pools, block)  # (B, K) both
        candidates = shared if shared is not None else train[rows.clamp(min=0)]
        places = task.selector.select(
            queries[block.start : block.stop].to(task.device),
            candidates.to(task.device),
            asked,
            None if mask.all() else mask.to(task.device),
        ).cpu()
        chosen = rows.gather(1, places.clamp(min=0))
        real = (places >= 0) & mask.gather(1, places.clamp(min=0))
        found += _as_tuples(chosen.masked_fill(~real, -1))
    return found


def block_of(pools: Pools, block: range) -> tuple[Tensor, Tensor]:
    """Train indices (B, K) that a block of queries may point at, and which of them are real."""
    if pools.own is not None:
        rows = pools.own[block.start : block.stop]
        return rows, rows >= 0
    assert pools.shared is not None, "pools are shared or own"
    rows = pools.shared[None].expand(len(block), -1)
    mask = torch.ones(rows.shape, dtype=torch.bool)
    for at, query in enumerate(block):
        if pools.excluded[query]:
            mask[at] = ~torch.isin(pools.shared, torch.tensor(pools.excluded[query]))
    return rows, mask


def _as_tuples(rows: Tensor) -> list[Demonstrations]:
    return [tuple(row for row in one if row >= 0) for one in rows.tolist()]
