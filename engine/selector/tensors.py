"""The trained tensors of a selector: every part's modules on one flat level, so that names and shapes are upstream's."""

from __future__ import annotations

import torch
from torch import nn

from db.specs.selector import MAX_SHOTS, SelectorParts, SelectorSizes
from engine.selector.layers import Attention, CandidateEncoder, Recurrent, tower

SMALL = 0.02
"""Deviation of learned vectors that are added to, or stand beside, vectors of length one."""
WEAK = -2.0
"""Start of the coverage and DPP weights before softplus: a weight of 0.127."""


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
        self._build_state()
        self._build_scorer()
        self._build_diversity()
        if parts.learn_temperature:
            self.temperature = nn.Parameter(torch.tensor([parts.temperature]))

    def attention(self) -> Attention:
        """A new attention layer of this selector's sizes."""
        return Attention(self.width, self.sizes.num_heads, self.sizes.attn_dropout)

    def _build_trunk(self) -> None:
        parts, sizes, width = self.parts, self.sizes, self.width
        self.input_proj = None if sizes.d_model == width else _xavier(nn.Linear(sizes.d_model, width, bias=False))
        if parts.candidate_layers:
            self.cand_encoder = CandidateEncoder(parts.candidate_layers, width, parts.candidate_heads, sizes.dropout)
        self.cross_attn_layers = nn.ModuleList(self.attention() for _ in range(sizes.num_layers))
        self.attn_norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(sizes.num_layers))
        self.query_proj, self.cand_proj = (_near_identity(width) for _ in range(2))

    def _build_state(self) -> None:
        parts, width = self.parts, self.width
        if parts.state_update == "weighted" and parts.update_weight is None:
            self.query_update_weight = nn.Parameter(torch.tensor(0.6))
        if parts.state_update == "gate":
            self.query_update_gate = _xavier(nn.Linear(2 * width, width))
            nn.init.zeros_(self.query_update_gate.bias)
        if parts.state_update == "gru":
            self.decoder_gru = Recurrent(width)
        if parts.state_update == "slots":
            self._build_slots()
        if parts.step_embedding:
            self.step_emb = _embedding(parts.step_rows or self.sizes.shots, width)

    def _build_slots(self) -> None:
        self.slot_emb = _embedding(MAX_SHOTS, self.width)
        self.slot_self_attn_layers = nn.ModuleList(self.attention() for _ in range(self.parts.slot_layers))
        self.slot_norms = nn.ModuleList(nn.LayerNorm(self.width) for _ in range(self.parts.slot_layers))
        if self.parts.slot_candidate_attention:
            self.slot_cand_attn = self.attention()
            self.slot_cand_norm = nn.LayerNorm(self.width)

    def _build_scorer(self) -> None:
        parts, width = self.parts, self.width
        if parts.scorer == "additive":
            self.attn_Wq = nn.Linear(width, width)
            self.attn_Wc = nn.Linear(width, width, bias=False)
            self.attn_v = nn.Linear(width, 1, bias=False)
        elif parts.scorer == "bilinear":
            self.bilinear = nn.Bilinear(width, width, 1, bias=False)
        elif parts.scorer == "two-stage" and parts.refine_type == "attn":
            self.refine_attn = self.attention()
            self.refine_norm = nn.LayerNorm(width)
            self.refine_score = nn.Linear(width, 1)
        elif parts.scorer == "two-stage":
            hidden = nn.Linear(2 * width, width)
            self.refine_mlp = nn.Sequential(hidden, nn.ReLU(), nn.Dropout(self.sizes.dropout), nn.Linear(width, 1))

    def _build_diversity(self) -> None:
        parts, width = self.parts, self.width
        if parts.diversity == "mmr":
            self.div_lambda = nn.Parameter(torch.full((self.sizes.shots,), 0.1))
        if parts.diversity == "coverage":
            self.topic_prototypes = nn.Parameter(torch.randn(parts.num_topics, width))
            self.query_topic_head = nn.Linear(width, parts.num_topics)
            self.cover_lambda = nn.Parameter(torch.tensor(WEAK))
        if parts.diversity == "dpp":
            self.dpp_proj = nn.Linear(width, parts.dpp_rank, bias=False)
            self.dpp_lambda = nn.Parameter(torch.tensor(WEAK))
        if parts.stop:
            self.stop_token = nn.Parameter(SMALL * torch.randn(1, width))


def _xavier(layer: nn.Linear) -> nn.Linear:
    nn.init.xavier_uniform_(layer.weight)
    return layer


def _near_identity(width: int) -> nn.Linear:
    """A square map that starts as the identity plus a little noise, as published."""
    layer = nn.Linear(width, width, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.eye(width) + 0.01 * torch.randn(width, width))
    return layer


def _embedding(rows: int, width: int) -> nn.Embedding:
    layer = nn.Embedding(rows, width)
    nn.init.normal_(layer.weight, std=SMALL)
    return layer
