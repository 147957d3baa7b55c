"""One pass over an encoded batch, step by step: score, mask, choose, update. Trajectories share the pool's encoding."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from engine.selector.diversity import DIVERSITY
from engine.selector.encode import Encoded
from engine.selector.fused import masked, picked_log_probs, unit
from engine.selector.scorers import CHOSEN_LOGIT, SCORERS
from engine.selector.tensors import SelectorTensors
from engine.selector.update import UPDATES

PADDED_LOGIT = -1e4
"""Logit of a candidate that is not there. Finite, so that nothing becomes NaN; its probability is exactly zero."""


class Decoding(NamedTuple):
    """Where P trajectories of each query stand. Before the first choice P is 1: all trajectories are still the same."""

    state: Tensor
    """(B, P, H)"""
    chosen: Tensor
    """(B, P, K), true for what was chosen."""
    memory: Tensor | None
    """What the diversity part remembers, (B, P, ...)."""


class Decoder:
    """Scores and choices over one encoded batch."""

    def __init__(self, net: SelectorTensors, encoded: Encoded) -> None:
        self.net, self.encoded = net, encoded
        self.score = SCORERS[net.parts.scorer](net, encoded)
        self.update = UPDATES[net.parts.state_update].after
        part = net.parts.diversity
        self.diversity = None if part == "none" else DIVERSITY[part](net, encoded)
        self.fill = PADDED_LOGIT if net.parts.exact_mask else CHOSEN_LOGIT
        self.places = torch.arange(encoded.candidates.shape[1], device=encoded.candidates.device)

    def start(self) -> Decoding:
        """Before any choice."""
        queries = self.encoded.queries
        chosen = torch.zeros(len(queries), 1, len(self.places), dtype=torch.bool, device=queries.device)
        return Decoding(queries[:, :1], chosen, self.diversity.start() if self.diversity else None)

    def blocked(self, decoding: Decoding) -> Tensor:
        """(B, P, K), true for what may not be chosen (again); after STOP that is everything but STOP."""
        if not self.net.parts.stop:
            return decoding.chosen
        stopped = decoding.chosen[..., -1:]
        return torch.cat([decoding.chosen[..., :-1] | stopped, torch.zeros_like(stopped)], dim=-1)

    def available(self, decoding: Decoding) -> Tensor:
        """(B, P, K), true for what can be chosen."""
        free = ~self.blocked(decoding)
        return free if self.encoded.mask is None else free & self.encoded.mask[:, None]

    def logits(self, decoding: Decoding, step: int) -> Tensor:
        """Scores of all candidates at `step`, (B, P, K)."""
        scores, blocked = self._scores(decoding, step)
        return masked(scores, blocked, self.encoded.mask, self.fill, PADDED_LOGIT)

    def log_probs(self, decoding: Decoding, step: int, labels: Tensor) -> Tensor:
        """Log-probability of one candidate for each trajectory at `step`: labels (B, P) -> (B, P). P may be 1 before."""
        scores, blocked = self._scores(decoding, step)
        return picked_log_probs(scores, labels, blocked, self.encoded.mask, self.fill, PADDED_LOGIT)

    def choose(self, decoding: Decoding, choice: Tensor) -> Decoding:
        """Choose candidates (B, P); the P of the decoding may be 1. A choice of -1 chooses nothing."""
        one_hot = choice[..., None] == self.places  # (B, P, K)
        picked = one_hot.to(self.encoded.candidates.dtype) @ self.encoded.candidates
        memory = decoding.memory
        if self.diversity is not None and memory is not None:
            memory = self.diversity.remember(memory, one_hot)
        return Decoding(self.update(self.net, decoding.state, picked), decoding.chosen | one_hot, memory)

    def _scores(self, decoding: Decoding, step: int) -> tuple[Tensor, Tensor | None]:
        """Scores (B, P, K) as if all could be chosen, and what cannot; at the first step everything can."""
        blocked = self.blocked(decoding)
        scores = self.score(self._query(decoding, step), blocked)
        if self.diversity is not None and decoding.memory is not None and step:
            scores = scores + self.diversity.bonus(decoding.memory, step)
        return scores, blocked if step else None

    def _query(self, decoding: Decoding, step: int) -> Tensor:
        if self.net.parts.state_update == "slots":
            return self.encoded.queries[:, step : step + 1]
        if self.net.parts.step_embedding:
            return unit(decoding.state + self.net.step_emb.weight[step])
        return decoding.state
