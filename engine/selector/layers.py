"""Layers under upstream's parameter names. Out-of-place and free of data-dependent branches, so that they run batched over
many runs (torch.func) and inside a CUDA graph."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def pick(rows: Tensor, chosen: Tensor) -> Tensor:
    """Rows (B, K, H) that one-hot `chosen` (B, N, K) points at, as (B, N, H); an empty row of `chosen` gives zeros.

    A product with zeros and ones is exact, and its backward pass sums in a fixed order: that of `gather` adds atomically
    on a GPU, so that a seed would not reproduce a run.
    """
    return chosen.to(rows.dtype) @ rows


class Attention(nn.Module):
    """Multi-head attention with the parameters of `torch.nn.MultiheadAttention`, for few queries and many keys.

    Keys and values are never projected: with q = W_q x + b_q the score of a key c is q·(W_k c) = (W_kᵀ q)·c, and the
    output is W_v of the weighted mean of the c. That saves two thirds of the arithmetic at 64 candidates. The key bias
    adds the same number to every score of a query, which softmax ignores, so it is left out (its gradient is zero).
    """

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        assert width % heads == 0, f"{heads} heads do not divide a width of {width}"
        self.heads = heads
        self.dropout = dropout
        self.in_proj_weight = nn.Parameter(torch.empty(3 * width, width))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * width))
        self.out_proj = nn.Linear(width, width)
        nn.init.xavier_uniform_(self.in_proj_weight)
        nn.init.zeros_(self.out_proj.bias)

    def forward(self, queries: Tensor, memory: Tensor, mask: Tensor | None = None) -> Tensor:
        """Queries (B, T, H) attend to memory (B or 1, K, H) where `mask` (B, K) is true; returns (B, T, H)."""
        batch, count, width = queries.shape
        size = width // self.heads
        query_weight, key_weight, value_weight = self.in_proj_weight.chunk(3)
        query_bias, _, value_bias = self.in_proj_bias.chunk(3)
        split = F.linear(queries, query_weight, query_bias).view(batch, count, self.heads, size) / math.sqrt(size)
        folded = torch.einsum("btne,neh->btnh", split, key_weight.view(self.heads, size, width))
        weights = self.weights(folded.reshape(batch, count * self.heads, width) @ memory.mT, mask)  # (B, T·n, K)
        context = (weights @ memory).view(batch, count, self.heads, width)
        values = torch.einsum("btnh,neh->btne", context, value_weight.view(self.heads, size, width))
        bias = value_bias.view(self.heads, size)
        if self.training and self.dropout:
            bias = weights.sum(-1).view(batch, count, self.heads, 1) * bias
        mixed: Tensor = self.out_proj((values + bias).reshape(batch, count, width))
        return mixed

    def weights(self, scores: Tensor, mask: Tensor | None) -> Tensor:
        """Softmax over the keys that may be attended to, then dropout; (B, T·n, K)."""
        if mask is not None:
            # finite, so that a query without any candidate gives no NaN
            scores = scores.masked_fill(~mask[:, None], torch.finfo(scores.dtype).min)
        return F.dropout(scores.softmax(-1), self.dropout, self.training)


class Recurrent(nn.Module):
    """A GRU cell over any leading dimensions, with the parameters of `torch.nn.GRUCell`."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight_ih = nn.Parameter(torch.empty(3 * width, width))
        self.weight_hh = nn.Parameter(torch.empty(3 * width, width))
        self.bias_ih = nn.Parameter(torch.empty(3 * width))
        self.bias_hh = nn.Parameter(torch.empty(3 * width))
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -1 / math.sqrt(width), 1 / math.sqrt(width))

    def forward(self, inputs: Tensor, state: Tensor) -> Tensor:
        """The new state from inputs (..., H) and state (..., H), which broadcast against each other."""
        input_reset, input_update, input_new = F.linear(inputs, self.weight_ih, self.bias_ih).chunk(3, dim=-1)
        state_reset, state_update, state_new = F.linear(state, self.weight_hh, self.bias_hh).chunk(3, dim=-1)
        update = torch.sigmoid(input_update + state_update)
        new = torch.tanh(input_new + torch.sigmoid(input_reset + state_reset) * state_new)
        return (1 - update) * new + update * state


class CandidateLayer(nn.Module):
    """Self-attention over the candidates: normalise first, GELU, four times the width inside."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.self_attn = Attention(width, heads, dropout)
        self.linear1 = nn.Linear(width, 4 * width)
        self.linear2 = nn.Linear(4 * width, width)
        self.norm1 = nn.LayerNorm(width)
        self.norm2 = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, candidates: Tensor, mask: Tensor | None = None) -> Tensor:
        """Candidates (B, K, H) and their mask (B, K); returns (B, K, H)."""
        normed = self.norm1(candidates)
        candidates = candidates + self.dropout(self.self_attn(normed, normed, mask))
        inner = self.dropout(F.gelu(self.linear1(self.norm2(candidates))))
        outer: Tensor = self.dropout(self.linear2(inner))
        return candidates + outer


class CandidateEncoder(nn.Module):
    """A stack of candidate layers."""

    def __init__(self, layers: int, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.layers = nn.ModuleList(CandidateLayer(width, heads, dropout) for _ in range(layers))

    def forward(self, candidates: Tensor, mask: Tensor | None = None) -> Tensor:
        """Candidates (B, K, H) and their mask (B, K); returns (B, K, H)."""
        for layer in self.layers:
            candidates = layer(candidates, mask)
        return candidates


def tower(width: int, dropout: float) -> nn.Sequential:
    """One side of the bi-encoder: an MLP that keeps the width."""
    return nn.Sequential(
        nn.Linear(width, width), nn.LayerNorm(width), nn.ReLU(), nn.Dropout(dropout),
        nn.Linear(width, width), nn.LayerNorm(width),
    )  # fmt: skip
