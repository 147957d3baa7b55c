"""What is proposed for a query: methods and their preference, no set twice, the budget, small pools, seeds."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from db.specs import GenerateSpec
from db.specs.selector import PUBLISHED
from engine.data.sample import Sample, Split
from engine.demonstrations.pools import Pools, Request, build_pools
from engine.recipes.proposals import METHODS, Proposal, Proposer, Vectors, best_sets, in_turn
from engine.selector import PointerSelector

N, WIDTH = 30, 8


def split(count: int = N) -> Split:
    return Split(
        "train", [Sample(100 + i, i, f"question {i}?", ("a",) * 10, "a", Path(f"{i}.jpg")) for i in range(count)]
    )


def vectors(train: Split, queries: Sequence[Sample]) -> Vectors:
    features = torch.randn(len(train), WIDTH, generator=torch.Generator().manual_seed(1))
    return Vectors(features[[train.index_of[one.question_id] for one in queries]], features)


def selector(variant: str = "v2", shots: int = 2) -> PointerSelector:
    torch.manual_seed(0)
    return PointerSelector(PUBLISHED[variant], d_model=WIDTH, hidden_dim=WIDTH, num_layers=1, shots=shots).eval()


def proposer(
    tmp_path: Path, *, train: Split | None = None, net: PointerSelector | None = None, queries: int = 5, **fields: Any
) -> Proposer:
    train = train or split()
    spec = GenerateSpec(**{"pool_size": 10, "selector": "x" if net else "", **fields})
    asked = train.questions[:queries]
    pool = build_pools(Request(spec.pool, spec.pool_size, spec.seed), asked, train, cache_dir=tmp_path)
    made = vectors(train, asked)
    return Proposer(spec, asked, pool, made.unit() if spec.retrieved else None, net, made if net else None)


def methods(proposals: Sequence[Proposal]) -> list[str]:
    return [one.method for one in proposals]


@given(st.lists(st.floats(-1, 1, width=16), min_size=1, max_size=7), st.integers(1, 4))
def test_best_sets_are_all_sets_by_falling_sum(values: list[float], size: int) -> None:
    values = sorted(values, reverse=True)
    found = list(best_sets(values, size))
    assert sorted(found) == sorted(combinations(range(len(values)), size))
    sums = [sum(values[place] for place in places) for places in found]
    assert sums == pytest.approx(sorted(sums, reverse=True))


def test_in_turn_goes_on_with_what_is_left() -> None:
    one, two, three = (Proposal((n,), "random") for n in range(3))
    assert list(in_turn([[one, two], [], [three]])) == [one, three, two]


def test_every_method_proposes_its_share_in_turn(tmp_path: Path) -> None:
    asked = proposer(tmp_path, net=selector(), adaptive=False, pool_size=20)
    for query, proposals in zip(asked.queries, asked.propose(), strict=True):
        counts = {method: methods(proposals).count(method) for method in METHODS}
        assert 3 <= counts["beam"] <= 5, "two orders of one set are one proposal"
        assert counts["retrieval"] <= 5
        assert counts["sample"] <= 4
        assert counts["random"] <= 1
        assert methods(proposals)[:2] == ["beam", "retrieval"]
        row = query.question_id - 100
        assert all(row not in one.pointer and len(set(one.pointer)) == 2 for one in proposals)


@pytest.mark.parametrize("adaptive", [True, False])
def test_no_set_is_proposed_twice_and_all_are_of_the_pool(tmp_path: Path, adaptive: bool) -> None:
    asked = proposer(tmp_path, net=selector(), adaptive=adaptive, pool_size=6)
    for at, proposals in enumerate(asked.propose()):
        sets = [frozenset(one.pointer) for one in proposals]
        assert len(set(sets)) == len(sets)
        assert set().union(*sets) <= set(asked.pools.of(at).tolist())


def test_adaptive_goes_on_to_the_largest_number(tmp_path: Path) -> None:
    asked = proposer(tmp_path, max_candidates=17, min_candidates=3)
    for proposals in asked.propose():
        assert len(proposals) == 17
        assert sorted(methods(proposals)[:6]) == ["random"] + ["retrieval"] * 5
        assert set(methods(proposals)[6:]) == {"random", "retrieval"}


def test_a_tiny_pool_is_used_up(tmp_path: Path) -> None:
    for proposals in proposer(tmp_path, net=selector(), pool_size=3).propose():
        assert len(proposals) == 3


def test_a_pool_smaller_than_a_pointer_has_no_proposal() -> None:
    pools = Pools("rand-sampler", None, torch.tensor([[4, -1], [5, 6]]), ((0,), (1,)))
    train = split()
    asked = Proposer(GenerateSpec(retrieved=0, random=2), train.questions[:2], pools)
    none, some = asked.propose()
    assert none == []
    assert frozenset(some[0].pointer) == {5, 6}


def test_the_better_method_keeps_a_set_that_both_propose(tmp_path: Path) -> None:
    """With three members a pool has three sets: beams take them all, and neighbours come away empty."""
    (proposals, *_) = proposer(tmp_path, net=selector(), pool_size=3, queries=1).propose()
    assert methods(proposals) == ["beam"] * 3


def test_neighbours_are_the_most_similar_with_the_best_last(tmp_path: Path) -> None:
    asked = proposer(tmp_path, retrieved=4, random=0, adaptive=False)
    assert asked.similar is not None
    for at, proposals in enumerate(asked.propose()):
        rows = asked.pools.of(at).tolist()
        cosine = {row: float(asked.similar.train[row] @ asked.similar.queries[at]) for row in rows}
        expected = sorted(combinations(rows, 2), key=lambda pair: -sum(cosine[row] for row in pair))[:4]
        assert [set(one.pointer) for one in proposals] == [set(pair) for pair in expected]
        for one in proposals:
            assert cosine[one.pointer[1]] >= cosine[one.pointer[0]]
            assert one.similarity == pytest.approx(sum(cosine[row] for row in one.pointer) / 2, abs=1e-5)


@pytest.mark.parametrize("variant", ["v2", "v4_2"])
def test_beams_carry_rank_score_and_log_probability(tmp_path: Path, variant: str) -> None:
    net = selector(variant)
    asked = proposer(tmp_path, net=net, retrieved=0, random=0, samples_per_temperature=0, adaptive=False)
    assert asked.embedded is not None
    for at, proposals in enumerate(asked.propose()):
        pool = asked.pools.of(at)
        query, candidates = asked.embedded.queries[at][None], asked.embedded.train[pool][None]
        places = [[pool.tolist().index(row) for row in one.pointer] for one in proposals]
        with torch.no_grad():
            steps = net.label_log_probs(query, candidates, torch.tensor([places]))[0]
        ranks = [one.beam_rank or 0 for one in proposals]
        assert ranks[0] == 0
        assert ranks == sorted(set(ranks)), "the better of two orders is kept"
        assert [one.logprob_score for one in proposals] == pytest.approx(steps.sum(1).tolist(), abs=1e-4)
        assert [one.beam_score for one in proposals] == pytest.approx(steps.exp().sum(1).tolist(), abs=1e-4)
        assert proposals[0].logprob_score == max(one.logprob_score or 0 for one in proposals)


def test_a_selector_that_stops_early_proposes_whole_pointers_only(tmp_path: Path) -> None:
    net = selector("v4_10")
    for proposals in proposer(tmp_path, net=net, retrieved=0, random=1).propose():
        assert proposals
        assert all(len(one.pointer) == 2 for one in proposals)


def test_proposals_follow_from_the_seed(tmp_path: Path) -> None:
    net = selector()
    first, again, other = (list(proposer(tmp_path, net=net, seed=seed).propose()) for seed in (1, 1, 2))
    assert first == again != other


def test_unequal_and_shared_pools(tmp_path: Path) -> None:
    train, net = split(), selector()
    queries = train.questions[:3]
    made = vectors(train, queries)
    spec = GenerateSpec(selector="x", pool="all")
    excluded = tuple((row,) for row in range(3))
    shared = Proposer(spec, queries, Pools("all", torch.arange(N), None, excluded), made.unit(), net, made)
    own = torch.tensor([[row for row in range(N) if row != at] + [-1] for at in range(3)])
    padded = Proposer(spec, queries, Pools("mix-sampler", None, own, excluded), made.unit(), net, made)
    for one, other in zip(shared.propose(), padded.propose(), strict=True):
        assert [p.pointer for p in one if p.method == "beam"] == [p.pointer for p in other if p.method == "beam"]
        assert len(one) == 24
