"""The pointer selector: chooses an ordered list of demonstrations (a pointer) from a query's pool, one step at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn

from db.specs.base import UserError
from db.specs.selector import MAX_SHOTS, SelectorParts, SelectorSizes, forms
from engine.selector.decode import Decoder, Decoding
from engine.selector.diversity import DIVERSITY
from engine.selector.encode import encode
from engine.selector.inputs import batch_size, check_pointers, check_shots, check_widths
from engine.selector.scorers import SCORERS
from engine.selector.tensors import SMALL, SelectorTensors, embedding
from engine.selector.update import UPDATES


class Greedy(NamedTuple):
    """What the selector would pick: candidates (B, S) and the logits they were the best of (B, S, K)."""

    pointers: Tensor
    logits: Tensor


class PointerSelector(SelectorTensors):
    """One module for all published selectors and their combinations; `parts` says which.

    Each pool is encoded once per query, then P trajectories are scored against it. `mask` (B, K) is true where a
    candidate is real: a candidate that is not there has probability zero, so pools of unequal size can share a batch.
    One query, one pool or one set of pointers serves the whole batch; embeddings come in any precision.
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
        UPDATES[parts.state_update].build(self)
        if parts.step_embedding:
            self.step_emb = embedding(parts.step_rows or shots, self.width)
        SCORERS[parts.scorer].build(self)
        if parts.diversity != "none":
            DIVERSITY[parts.diversity].build(self)
        if parts.stop:
            self.stop_token = nn.Parameter(SMALL * torch.randn(1, self.width))
        if parts.learn_temperature:
            self.temperature = nn.Parameter(torch.tensor([parts.temperature]))

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
        return min(rows, self.shots) if any(form.per_shot for form in forms(self.parts)) else rows

    def logits(self, query_emb: Tensor, cand_emb: Tensor, pointers: Tensor, mask: Tensor | None = None) -> Tensor:
        """Teacher-forced logits (B, P, S, K) of pointers (B, P, S), for queries (B, d) and pools (B, K, d).

        Before each step the pointer's earlier candidates count as chosen (their logit is -100, as published).
        """
        forced = self._forced(query_emb, cand_emb, pointers, mask)
        steps = [decoder.logits(*at).expand(-1, labels.shape[1], -1) for decoder, at, labels in forced]  # S x (B, P, K)
        return torch.stack(steps, dim=2)

    def label_log_probs(
        self, query_emb: Tensor, cand_emb: Tensor, pointers: Tensor, mask: Tensor | None = None
    ) -> Tensor:
        """Log-probability of each pointer's candidate at each step, (B, P, S); needs less memory than the logits."""
        forced = self._forced(query_emb, cand_emb, pointers, mask)
        return torch.stack([decoder.log_probs(*at, labels) for decoder, at, labels in forced], dim=2)

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
        query_emb = query_emb.expand(batch_size(queries=query_emb, pools=cand_emb), -1)
        check_widths(query_emb, cand_emb, self.sizes.d_model)
        check_shots(shots, self.max_shots)
        dtype = next(self.parameters()).dtype
        return Decoder(self, encode(self, query_emb.to(dtype), cand_emb.to(dtype), mask, shots))

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
    ) -> Iterator[tuple[Decoder, tuple[Decoding, int], Tensor]]:
        """The decoder, where it stands before each step of the pointers (B, P, S), and what they take then (B, P)."""
        batch, shots = batch_size(queries=query_emb, pools=cand_emb, pointers=pointers), pointers.shape[-1]
        pointers = pointers.expand(batch, -1, -1)
        decoder = self.decoder(query_emb.expand(batch, -1), cand_emb, shots, mask)
        check_pointers(pointers, len(decoder.places))
        decoding = decoder.start()
        for step in range(shots):
            yield decoder, (decoding, step), pointers[..., step]
            if step + 1 < shots:
                decoding = decoder.choose(decoding, pointers[..., step])


def best_available(decoder: Decoder, decoding: Decoding, logits: Tensor) -> Tensor:
    """(B, P) of the best candidate that can be chosen, or -1 where none can."""
    available = decoder.available(decoding)
    best = logits.masked_fill(~available, -torch.inf).argmax(-1)
    return torch.where(available.any(-1), best, -1)
