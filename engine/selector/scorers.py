"""How a state and a candidate become a score, and the tensors that this takes.

A scorer does once for each pool what it can, then scores states (B, P, H).
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn

from db.specs.selector import ScorerName
from engine.selector.encode import Encoded
from engine.selector.fused import unit
from engine.selector.layers import pick
from engine.selector.tensors import SelectorTensors

CHOSEN_LOGIT = -100.0
"""Logit of a candidate that was chosen before, or that the second stage left out, as published."""


class Scorer(Protocol):
    """Scores states (B, P, H) against a pool; `blocked` (B, P, K) may not be chosen; returns (B, P, K)."""

    @staticmethod
    def build(net: SelectorTensors) -> None:
        """Give a new selector the tensors of this scorer."""

    def __init__(self, net: SelectorTensors, encoded: Encoded) -> None: ...

    def __call__(self, state: Tensor, blocked: Tensor) -> Tensor: ...


class Dot:
    """state·c / T"""

    @staticmethod
    def build(net: SelectorTensors) -> None:
        """Nothing is trained."""

    def __init__(self, net: SelectorTensors, encoded: Encoded) -> None:
        self.candidates, self.temperature = encoded.candidates, temperature(net)

    def __call__(self, state: Tensor, blocked: Tensor) -> Tensor:
        return (state @ self.candidates.mT) / self.temperature


class Additive:
    """v·tanh(W_q state + W_c c) / T; needs B·P·K·H numbers, except at the first step, where all trajectories are one."""

    @staticmethod
    def build(net: SelectorTensors) -> None:
        """Two maps and a vector."""
        net.attn_Wq = nn.Linear(net.width, net.width)
        net.attn_Wc = nn.Linear(net.width, net.width, bias=False)
        net.attn_v = nn.Linear(net.width, 1, bias=False)

    def __init__(self, net: SelectorTensors, encoded: Encoded) -> None:
        self.net, self.keys, self.temperature = net, net.attn_Wc(encoded.candidates), temperature(net)

    def __call__(self, state: Tensor, blocked: Tensor) -> Tensor:
        inner = torch.tanh(self.net.attn_Wq(state)[:, :, None] + self.keys[:, None])  # (B, P, K, H)
        scores: Tensor = self.net.attn_v(inner).squeeze(-1)
        return scores / self.temperature


class Bilinear:
    """stateᵀ W c / T"""

    @staticmethod
    def build(net: SelectorTensors) -> None:
        """One matrix."""
        net.bilinear = nn.Bilinear(net.width, net.width, 1, bias=False)

    def __init__(self, net: SelectorTensors, encoded: Encoded) -> None:
        self.weight, self.candidates, self.temperature = net.bilinear.weight[0], encoded.candidates, temperature(net)

    def __call__(self, state: Tensor, blocked: Tensor) -> Tensor:
        return (state @ self.weight @ self.candidates.mT) / self.temperature


class TwoStage:
    """The dot product picks the best `top_m`; attention or an MLP scores those again; the rest get -100.

    Attention: r = norm(LN(state + MHA(state; top, top))), score r·c / T. MLP: f([state; c]) / T.
    """

    @staticmethod
    def build(net: SelectorTensors) -> None:
        """Attention with its norm, or an MLP."""
        if net.parts.refine_type == "attn":
            net.refine_attn = net.attention()
            net.refine_norm = nn.LayerNorm(net.width)
            net.refine_score = nn.Linear(net.width, 1)  # stored by upstream, never used
            return
        hidden = nn.Linear(2 * net.width, net.width)
        net.refine_mlp = nn.Sequential(hidden, nn.ReLU(), nn.Dropout(net.sizes.dropout), nn.Linear(net.width, 1))

    def __init__(self, net: SelectorTensors, encoded: Encoded) -> None:
        self.net, self.encoded, self.coarse = net, encoded, Dot(net, encoded)
        self.refine = self._attend if net.parts.refine_type == "attn" else self._mlp

    def __call__(self, state: Tensor, blocked: Tensor) -> Tensor:
        candidates, mask = self.encoded.candidates, self.encoded.mask
        free = ~blocked if mask is None else ~blocked & mask[:, None]  # (B, P, K)
        coarse = self.coarse(state, blocked).masked_fill(~free, -torch.inf)
        batch, paths, pool = coarse.shape
        best = coarse.topk(min(self.net.parts.top_m, pool)).indices  # (B, P, M)
        one_hot = (best[..., None] == torch.arange(pool, device=best.device)).view(batch, -1, pool)
        top = pick(candidates, one_hot).view(batch, paths, -1, candidates.shape[-1])  # (B, P, M, H)
        # a small pool fills the top up with candidates that cannot be chosen: the second stage must not look at them
        scores = self.refine(state, top, free.gather(-1, best)) / self.coarse.temperature
        return torch.full_like(coarse, CHOSEN_LOGIT).scatter(-1, best, scores)

    def _attend(self, state: Tensor, top: Tensor, free: Tensor) -> Tensor:
        attended = self.net.refine_attn(state.flatten(0, 1)[:, None], top.flatten(0, 1), free.flatten(0, 1))
        refined = unit(self.net.refine_norm(state + attended.view(state.shape)))
        return (top @ refined[..., None]).squeeze(-1)

    def _mlp(self, state: Tensor, top: Tensor, free: Tensor) -> Tensor:
        pairs = torch.cat([state[:, :, None].expand_as(top), top], dim=-1)  # (B, P, M, 2H)
        scores: Tensor = self.net.refine_mlp(pairs)
        return scores.squeeze(-1)


def temperature(net: SelectorTensors) -> Tensor | float:
    """What scores are divided by: published as a constant that no file holds, learned only in the earliest selectors."""
    return net.temperature if net.parts.learn_temperature else net.parts.temperature


SCORERS: dict[ScorerName, type[Scorer]] = {
    "dot": Dot,
    "additive": Additive,
    "bilinear": Bilinear,
    "two-stage": TwoStage,
}
