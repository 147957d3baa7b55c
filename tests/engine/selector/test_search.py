"""Beams and samples against the exhaustive truth of a small pool."""

from __future__ import annotations

from itertools import permutations

import pytest
import torch

from db.specs.selector import PUBLISHED
from engine.selector.search import beam_search, sample
from tests.helpers_selector import B, K, batch, build


@pytest.mark.parametrize("name", ["v3", "v4_3", "v4_6", "v4_8", "v4_9"])
def test_beams_wide_enough_find_the_best_pointers(name: str) -> None:
    net, (query, candidates, _) = build(PUBLISHED[name]), batch()
    every = torch.tensor(list(permutations(range(K), 2))).expand(B, -1, -1)
    truth = net.log_probs(query, candidates, every).detach()
    found = beam_search(net, query, candidates, 2, K)
    best = truth.topk(3)
    torch.testing.assert_close(found.log_probs[:, :3], best.values)
    expected = every.take_along_dim(best.indices[..., None], 1)
    assert torch.equal(found.pointers[:, :3], expected)
    torch.testing.assert_close(net.log_probs(query, candidates, found.pointers).detach(), found.log_probs)


def test_the_first_beam_is_greedy_and_pools_may_differ() -> None:
    net, (query, candidates, _) = build(PUBLISHED["v3"]), batch()
    mask = torch.arange(K) < torch.tensor([K, 3, 2])[:, None]
    found = beam_search(net, query, candidates, 2, 4, mask)
    assert (found.pointers[1][found.log_probs[1].isfinite()] < 3).all()
    assert found.log_probs[2].isfinite().sum() == 2
    assert beam_search(net, query, candidates, 1, 50).pointers.shape == (B, K, 1)
    one = beam_search(net, query, candidates, 2, 1)
    assert torch.equal(one.pointers[:, 0], net.select(query, candidates, 2))


def test_samples_follow_the_policy() -> None:
    net, (query, candidates, _) = build(PUBLISHED["v3"]), batch()
    query, candidates = query[:1] / 50, candidates[:1] / 50
    draw = torch.Generator().manual_seed(0)
    drawn = sample(net, query, candidates, 2, 4000, temperature=3.0, generator=draw)
    torch.testing.assert_close(drawn.log_probs, net.log_probs(query, candidates, drawn.pointers).detach())
    assert (drawn.pointers[..., 0] != drawn.pointers[..., 1]).all()
    seen = torch.bincount(drawn.pointers[0, :, 0], minlength=K) / 4000
    expected = (net.logits(query, candidates, drawn.pointers[:, :1])[0, 0, 0] / 3.0).softmax(-1).detach()
    torch.testing.assert_close(seen.double(), expected, atol=0.03, rtol=0)
    again = sample(net, query, candidates, 2, 4000, temperature=3.0, generator=torch.Generator().manual_seed(0))
    assert torch.equal(again.pointers, drawn.pointers)


def test_samples_of_a_pool_that_is_too_small_end() -> None:
    net, (query, candidates, _) = build(PUBLISHED["v3"]), batch()
    drawn = sample(net, query, candidates[:, :1], 2, 3)
    assert (drawn.pointers == torch.tensor([0, -1])).all()
    assert (drawn.log_probs == -torch.inf).all()
