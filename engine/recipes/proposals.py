"""Which pointers a query's candidates are: beams of InfoScores, beams and samples of a selector, neighbours, random draws,
each set once.

A query's proposals follow from specification, pool, features and selector alone, so that a resumed run proposes the same.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, count, islice, permutations

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from db.specs.base import canonical_json, sha256_text
from db.specs.generate import GenerateSpec
from engine.data.sample import Sample
from engine.demonstrations.pools import Pools
from engine.demonstrations.retrieve import NUMBERS_AT_ONCE
from engine.recipes.information import InfoScores
from engine.selector import PointerSelector
from engine.selector.search import Proposals, beam_search, sample

METHODS = ("infoscore", "beam", "retrieval", "sample", "random")
"""Published order of preference where two methods propose the same set; behind InfoScores, which cost most."""
QUERIES_AT_ONCE = 32
RANDOM_TRIES = 8
"""Random draws made for each proposal wanted, before a small pool counts as used up."""
_SIMILARITY_DIGITS = 6  # equal questions are equally similar up to rounding, which differs between machines

Pointer = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Proposal:
    """A pointer worth asking the model about, and why."""

    pointer: Pointer
    """Train indices, in prompt order."""
    method: str
    beam_rank: int | None = None
    beam_score: float | None = None
    """Of a selector's beam the sum over the steps of its probabilities, 0..S, as published; else the sum of the InfoScores."""
    logprob_score: float | None = None
    """Sum over the steps of the selector's log-probabilities at temperature 1."""
    temperature: float | None = None
    similarity: float | None = None
    """Mean cosine of the demonstrations with the query."""


@dataclass(frozen=True)
class Vectors:
    """Embeddings of all queries (Q, d) and of the train split (N, d)."""

    queries: Tensor
    train: Tensor

    def part(self, queries: slice) -> Vectors:
        """Those of some of the queries."""
        return Vectors(self.queries[queries], self.train)

    def unit(self) -> Vectors:
        """The same at length 1."""
        return Vectors(normalize(self.queries, dim=-1), normalize(self.train, dim=-1))


@dataclass(frozen=True)
class Proposer:
    """Proposes pointers for a list of queries."""

    spec: GenerateSpec
    queries: Sequence[Sample]
    pools: Pools
    similar: Vectors | None = None
    """Unit vectors that neighbours are found by; none where `spec.retrieved` is 0."""
    selector: PointerSelector | None = None
    embedded: Vectors | None = None
    """What the selector reads, on any device; needed with a selector."""
    device: str = "cpu"
    info: InfoScores | None = None
    """What finds beams of InfoScores; none where `spec.info_beams` is 0."""

    def propose(self) -> Iterator[list[Proposal]]:
        """The proposals of each query, in the order in which they are asked, without repeated sets.

        First those of every method in turn (`spec.beams` and so on; the better methods keep what several propose), then,
        if adaptive, further ones up to `spec.max_candidates`. With `spec.all_pairs` every ordered pair of the pool.
        """
        if self.spec.all_pairs:
            for query in range(len(self.queries)):
                yield [Proposal(pair, "pair") for pair in permutations(self.pools.of(query).tolist(), 2)]
            return
        for start in range(0, len(self.queries), self._step()):
            block = range(start, min(start + self._step(), len(self.queries)))
            found = self._from_selector(block)
            for query in block:
                beams, drawn = found[query - start]
                yield self._merged(query, beams, drawn)

    def _step(self) -> int:
        if self.selector is None or self.embedded is None:
            return QUERIES_AT_ONCE
        return max(1, min(QUERIES_AT_ONCE, NUMBERS_AT_ONCE // max(1, self.pools.size * self.embedded.train.shape[1])))

    def _merged(self, query: int, beams: list[Proposal], drawn: list[list[Proposal]]) -> list[Proposal]:
        spec = self.spec
        neighbours, random = self._neighbours(query), self._random(query)
        first_draws = [one for draws in drawn for one in draws[: spec.samples_per_temperature]]
        spare_draws = in_turn([draws[spec.samples_per_temperature :] for draws in drawn])
        by_method = {
            "infoscore": self._informed(query),
            "beam": beams,
            "retrieval": list(islice(neighbours, spec.retrieved)),
            "sample": first_draws,
            "random": list(islice(random, spec.random)),
        }
        known: set[frozenset[int]] = set()
        kept = [list(_unlike(by_method[method], known)) for method in METHODS]
        first = in_turn(kept)
        if not spec.adaptive:
            return list(first)
        further = _unlike(in_turn([random if spec.random else (), neighbours, spare_draws]), known)
        return list(islice(chain(first, further), spec.max_candidates))

    def _informed(self, query: int) -> list[Proposal]:
        """Beams of InfoScores over the query's pool, the best first."""
        if self.info is None:
            return []
        found = self.info.beams(self.queries[query], self.pools.of(query).tolist())
        return [
            Proposal(beam.pointer, "infoscore", rank, beam.gain(self.spec.info_gain)) for rank, beam in enumerate(found)
        ]

    def _random(self, query: int) -> Iterator[Proposal]:
        """Draws from the query's pool by (seed, question_id), so that other queries change nothing."""
        pool, shots = self.pools.of(query).tolist(), self.spec.shots
        if len(pool) < shots:
            return
        identity = self.queries[query].question_id & (2**64 - 1)
        rng = np.random.default_rng([self.spec.seed, identity])
        for _ in range(RANDOM_TRIES * (self.spec.max_candidates + self.spec.random)):
            places = rng.choice(len(pool), size=shots, replace=False)
            yield Proposal(tuple(pool[place] for place in places), "random")

    def _neighbours(self, query: int) -> Iterator[Proposal]:
        """Sets of the most similar, by falling mean similarity; in the prompt the most similar stands last."""
        if self.similar is None or not self.spec.retrieved:
            return
        rows = self.pools.of(query)
        cosines = (self.similar.train[rows] @ self.similar.queries[query]).tolist()
        wanted = 2 * max(self.spec.max_candidates, self.spec.retrieved) + self.spec.shots
        ranked = heapq.nsmallest(
            wanted,
            ((-round(cosine, _SIMILARITY_DIGITS), row) for cosine, row in zip(cosines, rows.tolist(), strict=True)),
        )
        for places in best_sets([-negative for negative, _ in ranked], self.spec.shots):
            mean = -sum(ranked[place][0] for place in places) / len(places)
            yield Proposal(tuple(ranked[place][1] for place in reversed(places)), "retrieval", similarity=mean)

    @torch.no_grad()
    def _from_selector(self, block: range) -> list[tuple[list[Proposal], list[list[Proposal]]]]:
        """For each query of the block its beams, and for each temperature its samples, more than are asked at first."""
        if self.selector is None:
            return [([], [])] * len(block)
        assert self.embedded is not None, "a selector comes with what it reads"
        rows, mask = _padded([self.pools.of(query) for query in block])  # (B, K) both
        inputs = (
            self.embedded.queries[block.start : block.stop].to(self.device),
            self.embedded.train[rows].to(self.device),
        )
        real = None if mask.all() else mask.to(self.device)
        beams = self._beams(inputs, rows, real)
        drawn = self._draws(block, inputs, rows, real)
        return [(beams[at], [draws[at] for draws in drawn]) for at in range(len(block))]

    def _beams(self, inputs: tuple[Tensor, Tensor], rows: Tensor, mask: Tensor | None) -> list[list[Proposal]]:
        if not self.spec.beams or self.selector is None:
            return [[]] * len(rows)
        found = beam_search(self.selector, *inputs, self.spec.shots, self.spec.beams, mask)
        steps = self.selector.label_log_probs(*inputs, found.pointers, mask)  # (B, N, S)
        scores = steps.exp().sum(-1).tolist()

        def made(query: int, rank: int, pointer: Pointer, log_prob: float) -> Proposal:
            return Proposal(pointer, "beam", rank, scores[query][rank], log_prob)

        return _as_proposals(found, rows, made)

    def _draws(
        self, block: range, inputs: tuple[Tensor, Tensor], rows: Tensor, mask: Tensor | None
    ) -> list[list[list[Proposal]]]:
        """For each temperature and query, pointers drawn by the selector; seeded by the queries of the block."""
        spec = self.spec
        if not spec.samples_per_temperature or self.selector is None:
            return []
        ids = [self.queries[query].question_id for query in block]
        seed = int(sha256_text(canonical_json([spec.seed, ids]))[:15], 16)
        generator = torch.Generator(inputs[0].device).manual_seed(seed)
        number = spec.samples_per_temperature + (spec.max_candidates if spec.adaptive else 0)
        drawn = []
        for temperature in spec.temperatures:
            found = sample(
                self.selector, *inputs, spec.shots, number, temperature=temperature, generator=generator, mask=mask
            )

            def made(_: int, __: int, pointer: Pointer, log_prob: float, drawn_at: float = temperature) -> Proposal:
                return Proposal(pointer, "sample", logprob_score=log_prob, temperature=drawn_at)

            drawn.append(_as_proposals(found, rows, made))
        return drawn


def best_sets(values: Sequence[float], size: int) -> Iterator[tuple[int, ...]]:
    """Places of `size` of some falling `values`, ascending, by falling sum of the values; lazily, best first."""
    if len(values) < size:
        return
    start = tuple(range(size))
    waiting = [(-sum(values[:size]), start)]
    seen = {start}
    while waiting:
        _, places = heapq.heappop(waiting)
        yield places
        for at, place in enumerate(places):
            end = places[at + 1] if at + 1 < size else len(values)
            moved = (*places[:at], place + 1, *places[at + 1 :])
            if place + 1 < end and moved not in seen:
                seen.add(moved)
                heapq.heappush(waiting, (-sum(values[one] for one in moved), moved))


def in_turn(sources: Sequence[Iterable[Proposal]]) -> Iterator[Proposal]:
    """One of each source, then the next of each, until all are used up."""
    waiting = [iter(source) for source in sources]
    while waiting:
        for source in list(waiting):
            found = next(source, None)
            if found is None:
                waiting.remove(source)
            else:
                yield found


def _unlike(proposals: Iterable[Proposal], known: set[frozenset[int]]) -> Iterator[Proposal]:
    """What names a set, whatever its order, that is not known yet."""
    for proposal in proposals:
        named = frozenset(proposal.pointer)
        if named not in known:
            known.add(named)
            yield proposal


def _padded(pools: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Pools of unequal size as (B, K), 0 where padded, and which entries are real."""
    rows = torch.nn.utils.rnn.pad_sequence(list(pools), batch_first=True)
    sizes = torch.tensor([len(pool) for pool in pools])
    return rows, torch.arange(rows.shape[1]) < sizes[:, None]


def _as_proposals(
    found: Proposals, rows: Tensor, make: Callable[[int, int, Pointer, float], Proposal]
) -> list[list[Proposal]]:
    """Whole pointers as train rows, for each query; what stopped early or used up a small pool is left out."""
    proposals: list[list[Proposal]] = []
    places, log_probs = found.pointers.tolist(), found.log_probs.tolist()
    for query, pool in enumerate(rows.tolist()):
        proposals.append([])
        for rank, pointer, log_prob in zip(count(), places[query], log_probs[query], strict=False):
            if log_prob > -torch.inf and all(0 <= place < len(pool) for place in pointer):
                proposals[-1].append(make(query, rank, tuple(pool[place] for place in pointer), log_prob))
    return proposals
