"""What is added to the scores from the second step on, so that demonstrations differ, and the tensors that this takes.

Each object lives for one pass over a batch; what it remembers of the choices so far is explicit, so that beams can be
reordered.
"""

from __future__ import annotations

from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from db.specs.selector import DiversityName
from engine.selector.encode import Encoded
from engine.selector.fused import unit
from engine.selector.layers import pick
from engine.selector.tensors import SelectorTensors

WEAK = -2.0
"""Start of the coverage and DPP weights before softplus: a weight of 0.127."""


class Diversity(Protocol):
    """`start` gives the memory before any choice (B, 1, ...), `remember` that after one, `bonus` what to add (B, P, K)."""

    @staticmethod
    def build(net: SelectorTensors) -> None:
        """Give a new selector the tensors of this part."""

    def __init__(self, net: SelectorTensors, encoded: Encoded) -> None: ...

    def start(self) -> Tensor: ...

    def remember(self, memory: Tensor, chosen: Tensor) -> Tensor: ...

    def bonus(self, memory: Tensor, step: int) -> Tensor: ...


class Similarity:
    """Remembers how near each candidate is to the chosen ones (B, P, K): the largest cosine, or the sum of them."""

    def __init__(self, net: SelectorTensors, encoded: Encoded) -> None:
        self.net, self.features = net, self.represent(net, encoded.candidates)
        self.summed = net.parts.diversity == "mmr" and net.parts.mmr_reduction == "mean"

    def represent(self, net: SelectorTensors, candidates: Tensor) -> Tensor:
        """Vectors of length one, in the space where similarity is measured."""
        return candidates

    def start(self) -> Tensor:
        """Nothing is similar yet."""
        first = self.features[:, None, :, 0]
        return torch.zeros_like(first) if self.summed else torch.full_like(first, -1.0)

    def remember(self, memory: Tensor, chosen: Tensor) -> Tensor:
        """Take the one-hot choice (B, P, K) into account."""
        cosine = pick(self.features, chosen) @ self.features.mT
        return memory + cosine if self.summed else torch.maximum(memory, cosine)


class Mmr(Similarity):
    """- softplus(λ_step) · the largest (or mean) cosine to the chosen candidates"""

    @staticmethod
    def build(net: SelectorTensors) -> None:
        """A weight for each trained shot."""
        net.div_lambda = nn.Parameter(torch.full((net.sizes.shots,), 0.1))

    def bonus(self, memory: Tensor, step: int) -> Tensor:
        """(B, P, K)"""
        similarity = memory / step if self.summed else memory
        return -F.softplus(self.net.div_lambda[step]) * similarity


class Dpp(Similarity):
    """+ softplus(λ) · log(1e-6 + 1 - min(s², .999)), s the largest cosine to the chosen ones in a space of low rank"""

    @staticmethod
    def build(net: SelectorTensors) -> None:
        """A map into the space of low rank, and a weight."""
        net.dpp_proj = nn.Linear(net.width, net.parts.dpp_rank, bias=False)
        net.dpp_lambda = nn.Parameter(torch.tensor(WEAK))

    def represent(self, net: SelectorTensors, candidates: Tensor) -> Tensor:
        """(B, K, r)"""
        return unit(net.dpp_proj(candidates))

    def bonus(self, memory: Tensor, step: int) -> Tensor:
        """(B, P, K)"""
        # bfloat16 takes .999 for 1 and loses the 1e-6, which leaves log(0)
        similarity = memory.to(torch.promote_types(memory.dtype, torch.float32)).square().clamp(max=0.999)
        return F.softplus(self.net.dpp_lambda) * torch.log(1e-6 + 1 - similarity)


class Coverage:
    """+ softplus(λ) · Σ_m need_m · uncovered_m · topic_m(c)

    topic(c) = softmax over the prototypes of c·prototype, need = softmax of a linear map of the query, and what is
    covered is the sum of the chosen candidates' topics, at most 1.
    """

    @staticmethod
    def build(net: SelectorTensors) -> None:
        """The prototypes, the map from query to topics, and a weight."""
        net.topic_prototypes = nn.Parameter(torch.randn(net.parts.num_topics, net.width))
        net.query_topic_head = nn.Linear(net.width, net.parts.num_topics)
        net.cover_lambda = nn.Parameter(torch.tensor(WEAK))

    def __init__(self, net: SelectorTensors, encoded: Encoded) -> None:
        self.net = net
        self.topics = (encoded.candidates @ net.topic_prototypes.mT).softmax(-1)  # (B, K, M)
        self.need: Tensor = net.query_topic_head(encoded.queries[:, :1]).softmax(-1)  # (B, 1, M)

    def start(self) -> Tensor:
        """Nothing is covered yet (B, 1, M)."""
        return torch.zeros_like(self.need)

    def remember(self, memory: Tensor, chosen: Tensor) -> Tensor:
        """(B, P, M)"""
        return (memory + pick(self.topics, chosen)).clamp(max=1.0)

    def bonus(self, memory: Tensor, step: int) -> Tensor:
        """(B, P, K)"""
        return F.softplus(self.net.cover_lambda) * ((self.need * (1 - memory)) @ self.topics.mT)


DIVERSITY: dict[DiversityName, type[Diversity]] = {"mmr": Mmr, "coverage": Coverage, "dpp": Dpp}
