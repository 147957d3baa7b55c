"""From embeddings to queries and candidates of length one: projection, candidate encoder, cross-attention, slots, STOP."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from engine.selector.fused import unit
from engine.selector.tensors import SelectorTensors


class Encoded(NamedTuple):
    """A batch of queries with their pools, encoded once; everything after this is per trajectory and cheap."""

    queries: Tensor
    """(B, 1, H), or (B, S, H) where each shot has its own slot."""
    candidates: Tensor
    """(B, K, H), or (B, K+1, H) with STOP; (1, K, H) where all queries share a pool."""
    mask: Tensor | None
    """(B, K or K+1), true where a candidate is real; none if all are."""


def encode(
    net: SelectorTensors, query_emb: Tensor, cand_emb: Tensor, mask: Tensor | None = None, shots: int = 1
) -> Encoded:
    """Encode queries (B, d) and pools (B, K, d); a pool (1, K, d) is shared by all queries and encoded once."""
    if mask is not None and len(mask) in (1, len(cand_emb)):
        # attention weighs what is not there with zero, but zero times NaN is NaN
        cand_emb = cand_emb.masked_fill(~mask[..., None], 0.0)
    if net.parts.projection == "towers":
        queries, candidates = net.query_proj(query_emb)[:, None], net.cand_proj(cand_emb)
    else:
        queries, candidates = _attend(net, query_emb, cand_emb, mask, shots)
    candidates = unit(candidates)
    if net.parts.stop:
        candidates, mask = _append_stop(net, candidates, mask)
    return Encoded(unit(queries), candidates, mask)


def _attend(
    net: SelectorTensors, query_emb: Tensor, cand_emb: Tensor, mask: Tensor | None, shots: int
) -> tuple[Tensor, Tensor]:
    queries, candidates = query_emb[:, None], cand_emb  # (B, 1, d), (B, K, d)
    if net.input_proj is not None:
        queries, candidates = net.input_proj(queries), net.input_proj(candidates)
    if net.parts.candidate_layers:
        candidates = net.cand_encoder(candidates, mask)
    for attention, norm in zip(net.cross_attn_layers, net.attn_norms, strict=True):
        queries = norm(queries + attention(queries, candidates, mask))
    if net.parts.state_update == "slots":
        queries = _slots(net, queries, candidates, mask, shots)
    return net.query_proj(net.dropout(queries)), net.cand_proj(net.dropout(candidates))


def _slots(net: SelectorTensors, query: Tensor, candidates: Tensor, mask: Tensor | None, shots: int) -> Tensor:
    """One query for each shot (B, S, H): they see each other, then the candidates."""
    slots = query + net.slot_emb.weight[:shots]
    for attention, norm in zip(net.slot_self_attn_layers, net.slot_norms, strict=True):
        slots = norm(slots + attention(slots, slots))
    if net.parts.slot_candidate_attention:
        slots = net.slot_cand_norm(slots + net.slot_cand_attn(slots, candidates, mask))
    return slots


def _append_stop(net: SelectorTensors, candidates: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """STOP becomes candidate K, always real."""
    stop = unit(net.stop_token).expand(candidates.shape[0], 1, -1)
    if mask is not None:
        mask = torch.cat([mask, torch.ones_like(mask[:, :1])], dim=1)
    return torch.cat([candidates, stop], dim=1), mask
