"""The pointer selector: chooses an ordered list of demonstrations (a pointer) from a query's pool, one step at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from db.specs.base import UserError
from db.specs.selector import MAX_SHOTS, SelectorParts, SelectorSizes
from engine.selector.decode import Decoder, Decoding
from engine.selector.encode import encode
from engine.selector.tensors import SelectorTensors


class Greedy(NamedTuple):
    """What the selector would pick: candidates (B, S) and the logits they were the best of (B, S, K)."""

    pointers: Tensor
    logits: Tensor


class PointerSelector(SelectorTensors):
    """One module for all published selectors and their combinations; `parts` says which.

    Each pool is encoded once per query, then P trajectories are scored against it. `mask` (B, K) is true where a
    candidate is real: a candidate that is not there has probability zero, so pools of unequal size can share a batch.
    With STOP the logits have K+1 columns, the last of which is STOP.
    """

    def __init__(
        self,
        parts: SelectorParts,
        d_model: int,
        hidden_dim: int = 256,
        num_layers: int = 1,
        num_heads: int = 1,
        dropout: float = 0.1,
        attn_dropout: float = 0.1,
        shots: int = 2,
    ) -> None:
        heads = 1 if parts.projection == "towers" else num_heads
        if hidden_dim % heads and parts.projection != "towers":
            raise UserError(f"num_heads={num_heads} does not divide hidden_dim={hidden_dim}; choose a divisor")
        sizes = SelectorSizes(
            d_model=d_model, hidden_dim=hidden_dim, num_layers=num_layers, num_heads=num_heads, dropout=dropout,
            attn_dropout=attn_dropout, shots=shots,
        )  # fmt: skip
        super().__init__(parts, sizes)

    @property
    def shots(self) -> int:
        """Trained shots."""
        return self.sizes.shots

    @property
    def max_shots(self) -> int:
        """Most shots that the trained tensors allow: parts with a vector or weight for each step know no further ones."""
        rows = MAX_SHOTS
        if self.parts.step_embedding:
            rows = self.parts.step_rows or self.shots
        return min(rows, self.shots) if self.parts.diversity == "mmr" else rows

    def logits(self, query_emb: Tensor, cand_emb: Tensor, pointers: Tensor, mask: Tensor | None = None) -> Tensor:
        """Teacher-forced logits (B, P, S, K) of pointers (B, P, S), for queries (B, d) and pools (B, K, d).

        Before each step the pointer's earlier candidates count as chosen (their logit is -100, as published).
        """
        batch, paths, _ = pointers.shape
        steps = [
            decoder.logits(*at) for decoder, at in self._forced(query_emb, cand_emb, pointers, mask)
        ]  # S x (B, 1 or P, K)
        return torch.stack([logits.expand(batch, paths, -1) for logits in steps], dim=2)

    def label_log_probs(
        self, query_emb: Tensor, cand_emb: Tensor, pointers: Tensor, mask: Tensor | None = None
    ) -> Tensor:
        """Log-probability of each pointer's candidate at each step, (B, P, S); needs less memory than the logits."""
        forced = self._forced(query_emb, cand_emb, pointers, mask)
        return torch.stack([decoder.log_probs(*at, pointers[..., at[1]]) for decoder, at in forced], dim=2)

    def log_probs(self, query_emb: Tensor, cand_emb: Tensor, pointers: Tensor, mask: Tensor | None = None) -> Tensor:
        """Log-probability of whole pointers, (B, P): the sum over steps."""
        return self.label_log_probs(query_emb, cand_emb, pointers, mask).sum(-1)

    def greedy(self, query_emb: Tensor, cand_emb: Tensor, shots: int, mask: Tensor | None = None) -> Greedy:
        """The best candidate of each step and all logits; -1 where nothing was left to choose, K for STOP."""
        decoder = self.decoder(query_emb, cand_emb, shots, mask)
        decoding, picked, steps = decoder.start(), [], []
        for step in range(shots):
            logits = decoder.logits(decoding, step)  # (B, 1, K)
            choice = best_available(decoder, decoding, logits)
            picked.append(choice)
            steps.append(logits)
            if step + 1 < shots:
                decoding = decoder.choose(decoding, choice)
        return Greedy(torch.cat(picked, dim=1), torch.cat(steps, dim=1))

    @torch.no_grad()
    def select(self, query_emb: Tensor, cand_emb: Tensor, shots: int, mask: Tensor | None = None) -> Tensor:
        """Demonstrations (B, shots) as positions in the pool, greedily; -1 after STOP or when the pool is used up."""
        pointers = self.greedy(query_emb, cand_emb, shots, mask).pointers
        return pointers.masked_fill(pointers >= cand_emb.shape[1], -1)

    def decoder(self, query_emb: Tensor, cand_emb: Tensor, shots: int, mask: Tensor | None = None) -> Decoder:
        """Encode a batch for `shots` steps. Raises UserError where sizes or shots do not fit this selector."""
        self._check(query_emb, cand_emb, shots)
        return Decoder(self, encode(self, query_emb, cand_emb, mask, shots))

    def widened(self, shots: int) -> PointerSelector:
        """A copy that may go on to `shots` steps, where the steps beyond the trained ones repeat the last trained one."""
        sizes = self.sizes.model_copy(update={"shots": shots})
        like = next(self.parameters())
        wider = PointerSelector(self.parts, **sizes.model_dump()).to(like.device, like.dtype)
        tensors = dict(self.state_dict())
        for name, tensor in wider.state_dict().items():
            if tensors[name].shape != tensor.shape:
                rows = [*range(len(tensors[name])), *[-1] * shots][: len(tensor)]
                tensors[name] = tensors[name][rows]
        wider.load_state_dict(tensors)
        return wider.train(self.training)

    def _forced(
        self, query_emb: Tensor, cand_emb: Tensor, pointers: Tensor, mask: Tensor | None
    ) -> Iterator[tuple[Decoder, tuple[Decoding, int]]]:
        """The decoder and where it stands before each step of the pointers (B, P, S)."""
        shots = pointers.shape[-1]
        decoder = self.decoder(query_emb, cand_emb, shots, mask)
        decoding = decoder.start()
        for step in range(shots):
            yield decoder, (decoding, step)
            if step + 1 < shots:
                decoding = decoder.choose(decoding, pointers[..., step])

    def _check(self, query_emb: Tensor, cand_emb: Tensor, shots: int) -> None:
        width = self.sizes.d_model
        for name, tensor in (("query", query_emb), ("candidate", cand_emb)):
            if tensor.shape[-1] != width:
                raise UserError(
                    f"the {name} embeddings are {tensor.shape[-1]} wide, but the selector was trained on {width}; "
                    "embed with the encoder it was trained with"
                )
        if not 1 <= shots <= MAX_SHOTS:
            raise UserError(f"shots must be 1 to {MAX_SHOTS}, not {shots}")
        if shots > self.max_shots:
            raise UserError(
                f"the selector has trained vectors for {self.max_shots} shots, {shots} were asked for; "
                f"ask for at most {self.max_shots}, or train with more shots"
            )


def best_available(decoder: Decoder, decoding: Decoding, logits: Tensor) -> Tensor:
    """(B, P) of the best candidate that can be chosen, or -1 where none can."""
    available = decoder.available(decoding)
    best = logits.masked_fill(~available, -torch.inf).argmax(-1)
    return torch.where(available.any(-1), best, -1)
