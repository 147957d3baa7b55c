"""The trained tensors of a selector: every part's modules on one flat level, so that names and shapes are upstream's.

Declared here: what any part may hold. Built here: what stands before the parts. Each part builds its own.
"""

from __future__ import annotations

import torch
from torch import nn

from db.specs.selector import SelectorParts, SelectorSizes
from engine.selector.layers import Attention, CandidateEncoder, Recurrent, tower

SMALL = 0.02
"""Deviation of learned vectors that are added to, or stand beside, vectors of length one."""


class SelectorTensors(nn.Module):
    """Holds what is trained; which modules exist follows from the parts. The arithmetic is in the files beside this one."""

    input_proj: nn.Linear | None
    cand_encoder: CandidateEncoder
    cross_attn_layers: nn.ModuleList
    attn_norms: nn.ModuleList
    query_proj: nn.Module
    cand_proj: nn.Module
    query_update_weight: nn.Parameter
    query_update_gate: nn.Linear
    decoder_gru: Recurrent
    step_emb: nn.Embedding
    slot_emb: nn.Embedding
    slot_self_attn_layers: nn.ModuleList
    slot_norms: nn.ModuleList
    slot_cand_attn: Attention
    slot_cand_norm: nn.LayerNorm
    attn_Wq: nn.Linear
    attn_Wc: nn.Linear
    attn_v: nn.Linear
    bilinear: nn.Bilinear
    refine_attn: Attention
    refine_norm: nn.LayerNorm
    refine_score: nn.Linear
    refine_mlp: nn.Sequential
    div_lambda: nn.Parameter
    topic_prototypes: nn.Parameter
    query_topic_head: nn.Linear
    cover_lambda: nn.Parameter
    dpp_proj: nn.Linear
    dpp_lambda: nn.Parameter
    stop_token: nn.Parameter
    temperature: nn.Parameter

    def __init__(self, parts: SelectorParts, sizes: SelectorSizes) -> None:
        super().__init__()
        self.parts, self.sizes = parts, sizes
        self.dropout = nn.Dropout(sizes.dropout)
        self.width = sizes.d_model if parts.projection == "towers" else sizes.hidden_dim
        if parts.projection == "towers":
            self.query_proj, self.cand_proj = (tower(self.width, sizes.dropout) for _ in range(2))
        else:
            self._build_trunk()

    def attention(self) -> Attention:
        """A new attention layer of this selector's sizes."""
        return Attention(self.width, self.sizes.num_heads, self.sizes.attn_dropout)

    def _build_trunk(self) -> None:
        parts, sizes, width = self.parts, self.sizes, self.width
        self.input_proj = None if sizes.d_model == width else xavier(nn.Linear(sizes.d_model, width, bias=False))
        if parts.candidate_layers:
            self.cand_encoder = CandidateEncoder(parts.candidate_layers, width, parts.candidate_heads, sizes.dropout)
        self.cross_attn_layers = nn.ModuleList(self.attention() for _ in range(sizes.num_layers))
        self.attn_norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(sizes.num_layers))
        self.query_proj, self.cand_proj = (_near_identity(width) for _ in range(2))


def xavier(layer: nn.Linear) -> nn.Linear:
    """The layer, with weights drawn anew."""
    nn.init.xavier_uniform_(layer.weight)
    return layer


def _near_identity(width: int) -> nn.Linear:
    """A square map that starts as the identity plus a little noise, as published."""
    layer = nn.Linear(width, width, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.eye(width) + 0.01 * torch.randn(width, width))
    return layer


def embedding(rows: int, width: int) -> nn.Embedding:
    """Small learned vectors."""
    layer = nn.Embedding(rows, width)
    nn.init.normal_(layer.weight, std=SMALL)
    return layer
