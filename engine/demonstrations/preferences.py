"""What a selector, or a retriever, prefers at each pick of one query, given the picks before it: for people to look at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from db.specs.evaluate import SELECTING, EvalSpec
from engine.data.sample import Sample
from engine.demonstrations.choose import Prepared
from engine.demonstrations.neighbours import nearest
from engine.demonstrations.retrieve import Demonstrations, block_of, wanted
from engine.features.steps import RECIPES
from engine.features.vectors import embed_samples
from engine.selector import PointerSelector

SHOWN = 20
"""Candidates that are told at each pick: a pool can hold hundreds of thousands."""
STOP = -1
"""In place of a train index: the selector would rather pick nothing more."""
ONE_LIKENESS = ("t2t", "i2t", "i2i", "qi2qi")
"""Retrievers that rank by one similarity."""
OUTSIDE = "it is outside the pool"

Vectors = Mapping[tuple[str, str], Tensor]


@dataclass(frozen=True)
class Preference:
    """What is preferred at one pick."""

    measure: str
    """`probability` (all of the pool sum to 1) or `similarity` (inner product of unit vectors); empty where there is none."""
    best: tuple[tuple[int, float], ...] = ()
    """Train index and value of those preferred most, best first."""
    pool: int = 0
    """Candidates that could be picked."""
    picked: tuple[int, float, int] | None = None
    """Train index, value and rank (from 1) of what was picked here; None for the pick that would be next."""
    said: str = ""
    """Why something is missing."""


def pick_order(shown: Demonstrations, spec: EvalSpec, retriever: str, query: Sample) -> Demonstrations:
    """The demonstrations of a prompt as they were picked, first pick first: the order of the prompt undone."""
    if spec.order == "reversed":
        shown = shown[::-1]
    elif spec.order == "shuffled":
        places = np.random.default_rng([spec.seed, query.question_id]).permutation(len(shown))
        shown = tuple(row for _, row in sorted(zip(places.tolist(), shown, strict=True)))
    return shown[::-1] if retriever in ONE_LIKENESS and spec.most_similar_last else shown


def vectors_of(prepared: Prepared, retriever: str, query: Sample) -> dict[tuple[str, str], Tensor]:
    """What the retriever compares of one query, (1, d) each, made anew: for a question that is no query of the task."""
    made = prepared.embedding
    if made is None:
        return {}
    fields = [field for side, field in wanted(retriever) if side == "query"]
    recipes = {field: made.recipe if field == "both" and made.recipe else RECIPES[field] for field in fields}
    return {
        ("query", field): embed_samples(made.encoder, [query], recipe, problems=[]) for field, recipe in recipes.items()
    }


@torch.no_grad()
def preferences(
    prepared: Prepared, retriever: str, query: int, picks: Sequence[int], vectors: Vectors | None = None
) -> list[Preference]:
    """One for each of `picks` (train indices, in the order of picking), and one for the pick that would be next.

    `query` is a position among the task's queries, whose pool counts; `vectors` are put in place of its features.
    A pick outside the pool is told, and counts for none of the later ones.
    """
    task = prepared.task
    features = {**{pair: task.features[pair][query : query + 1] for pair in wanted(retriever) if pair[0] == "query"},
                **(vectors or {})}  # fmt: skip
    if retriever in SELECTING:
        return list(_probabilities(prepared, query, picks, features["query", "both"]))
    if retriever in ONE_LIKENESS:
        return list(_similarities(prepared, retriever, query, picks, features))
    return [
        Preference("", said=f"{retriever} compares the pool by no one number: there is nothing to show at its picks")
    ]


def _probabilities(prepared: Prepared, query: int, picks: Sequence[int], vector: Tensor) -> Iterator[Preference]:
    task, net = prepared.task, prepared.task.selector
    assert isinstance(net, PointerSelector), "this retriever asks a selector"
    rows, mask = block_of(task.pools, range(query, query + 1))  # (1, K) both
    place = {row: at for at, row in enumerate(rows[0].tolist()) if mask[0, at]}
    inside = [place[row] for row in dict.fromkeys(picks) if row in place]
    told = [*(row if real else None for row, real in zip(rows[0].tolist(), mask[0].tolist(), strict=True)), STOP]
    candidates = task.features["train", "both"][rows.clamp(min=0)].to(task.device)  # (1, K, d)
    asked = vector.to(task.device), candidates, None if bool(mask.all()) else mask.to(task.device)
    steps = [*_steps(net, *asked, inside, len(inside))][: len(inside)]
    after = [*_steps(net, *asked, inside, len(inside) + 1)][len(inside) :]
    few = f"the selector has trained vectors for {net.max_shots} picks"
    known = iter(steps)
    seen: set[int] = set()
    for row in picks:
        if row not in place or row in seen:
            yield Preference("", said=OUTSIDE if row not in place else "it stands here for the second time")
            continue
        seen.add(row)
        values = next(known, None)
        yield Preference("", said=few) if values is None else _told(values, told, place[row])
    yield _told(after[0], told) if after else Preference("", said=few)


def _steps(
    net: PointerSelector, query: Tensor, candidates: Tensor, mask: Tensor | None, picks: Sequence[int], shots: int
) -> Iterator[Tensor]:
    """Logits (K or K+1) at each step of a decoding for so many shots, behind these picks (places in the pool)."""
    shots = min(shots, net.max_shots)
    if shots == 0:
        return
    decoder = net.decoder(query, candidates, shots, mask)
    decoding = decoder.start()
    for step in range(min(shots, len(picks) + 1)):
        yield decoder.logits(decoding, step)[0, 0]
        if step < len(picks):
            decoding = decoder.choose(decoding, torch.tensor([[picks[step]]], device=query.device))


def _told(logits: Tensor, rows: Sequence[int | None], picked: int | None = None) -> Preference:
    """`logits` belong to `rows`, of which None are not there; of equals the first counts, as in picking. `picked` is a place."""
    logits = logits.cpu()
    values, order = logits.softmax(-1), logits.argsort(descending=True, stable=True)
    real = [(row, float(values[at])) for at in order.tolist() if (row := rows[at]) is not None]
    pool = sum(row != STOP for row, _ in real)
    if picked is None:
        return Preference("probability", tuple(real[:SHOWN]), pool)
    own, rank = rows[picked], 1 + int((logits > logits[picked]).sum())
    assert own is not None, "what was picked is there"
    return Preference("probability", tuple(real[:SHOWN]), pool, (own, float(values[picked]), rank))


def _similarities(
    prepared: Prepared, retriever: str, query: int, picks: Sequence[int], features: Vectors
) -> Iterator[Preference]:
    """The same ranking at every pick, without what was picked before."""
    task = prepared.task
    asked, train = (
        normalize((features if pair[0] == "query" else task.features)[pair], dim=-1) for pair in wanted(retriever)
    )
    pool = task.pools.of(query)
    place = {row: at for at, row in enumerate(pool.tolist())}
    likeness = train[pool] @ asked[0]  # (K,)
    gone: list[int] = []
    for row in [*picks, None]:
        if row is not None and (row not in place or place[row] in gone):
            yield Preference("", said=OUTSIDE if row not in place else "it stands here for the second time")
            continue
        found = nearest(asked, train[pool], min(SHOWN, len(pool)), [gone], task.device)[0]
        best = tuple((int(pool[at]), float(likeness[at])) for at in found.tolist() if at >= 0)
        picked = None
        if row is not None:
            own = likeness[place[row]]
            above = int((likeness > own).sum()) - sum(bool(likeness[at] > own) for at in gone)
            picked = (row, float(own), 1 + above)
        yield Preference("similarity", best, len(pool) - len(gone), picked)
        if row is not None:
            gone = sorted([*gone, place[row]])
