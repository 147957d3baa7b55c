"""Pointers beyond the greedy one: beams and samples of a whole batch in one pass, to propose candidates for RL data."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from engine.selector.decode import Decoding
from engine.selector.network import PointerSelector, best_available


class Proposals(NamedTuple):
    """N pointers of each query (B, N, S) and their log-probabilities (B, N); -inf where the pool was too small for one."""

    pointers: Tensor
    log_probs: Tensor


@torch.no_grad()
def beam_search(
    net: PointerSelector, query_emb: Tensor, cand_emb: Tensor, shots: int, beams: int, mask: Tensor | None = None
) -> Proposals:
    """The most probable pointers by beam search, best first; fewer than `beams` where the pool allows no more."""
    decoder = net.decoder(query_emb, cand_emb, shots, mask)
    decoding, queries, pool = decoder.start(), decoder.encoded.queries, len(decoder.places)
    total = queries.new_zeros(len(queries), 1)
    pointers = torch.zeros(len(queries), 1, 0, dtype=torch.long, device=queries.device)
    for step in range(shots):
        log_probs = decoder.logits(decoding, step).log_softmax(-1)
        reached = total[..., None] + log_probs.masked_fill(~decoder.available(decoding), -torch.inf)  # (B, P, K)
        total, best = reached.flatten(1).topk(min(beams, reached[0].numel()))
        parents, choices = best // pool, best % pool
        pointers = torch.cat([pointers.take_along_dim(parents[..., None], 1), choices[..., None]], dim=-1)
        decoding = decoder.choose(_follow(decoding, parents), choices)
    return Proposals(pointers, total)


@torch.no_grad()
def sample(
    net: PointerSelector,
    query_emb: Tensor,
    cand_emb: Tensor,
    shots: int,
    count: int,
    *,
    temperature: float = 1.0,
    generator: torch.Generator | None = None,
    mask: Tensor | None = None,
) -> Proposals:
    """`count` pointers drawn step by step from softmax(logits / temperature); log-probabilities are those at temperature 1.

    -1 where the pool was used up.
    """
    decoder = net.decoder(query_emb, cand_emb, shots, mask)
    queries = decoder.encoded.queries
    decoding, picked, total = decoder.start(), [], queries.new_zeros(len(queries), count)
    for step in range(shots):
        logits = decoder.logits(decoding, step).expand(-1, count, -1)
        # the largest of logits plus Gumbel noise is a draw from their softmax, without a data-dependent check
        uniform = torch.rand(logits.shape, generator=generator, device=logits.device, dtype=logits.dtype)
        noisy = logits / temperature - torch.log(-torch.log(uniform.clamp(1e-20, 1 - 1e-7)))
        choice = best_available(decoder, decoding, noisy)
        log_probs = logits.log_softmax(-1).gather(-1, choice.clamp(min=0)[..., None]).squeeze(-1)
        total = total + log_probs.masked_fill(choice < 0, -torch.inf)
        picked.append(choice)
        decoding = decoder.choose(decoding, choice)
    return Proposals(torch.stack(picked, dim=-1), total)


def _follow(decoding: Decoding, parents: Tensor) -> Decoding:
    """The trajectories (B, N) continue those of `parents`."""
    paths = parents[..., None]
    memory = None if decoding.memory is None else decoding.memory.take_along_dim(paths, 1)
    return Decoding(decoding.state.take_along_dim(paths, 1), decoding.chosen.take_along_dim(paths, 1), memory)
