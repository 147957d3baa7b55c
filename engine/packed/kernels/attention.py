"""Attention of packed queries: each sequence of queries reads its own list of slots, whatever their lengths.

`Stretches` are sequences that read themselves (images, windows). `Reading` are new tokens of a prompt that read the prompt so
far and themselves. `Answering` are the beams of prompts: all read the prompt, each its own answer so far.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from engine.packed.kernels.beam_slots import Answering


class Attention(Protocol):
    """One way to compute attention. Plans are made once and used by every layer."""

    def stretches(self, starts: Tensor) -> Any:
        """Plan for sequences that read themselves: (n + 1,) where each begins."""
        ...

    def within(self, q: Tensor, k: Tensor, v: Tensor, plan: Any, scale: float) -> Tensor:
        """(T, H, W) each: every token reads its whole sequence."""
        ...

    def reading(self, lengths: Sequence[int], contexts: Sequence[Tensor]) -> Any:
        """Plan for new tokens: how many each sequence has, and the slots that it reads, its new tokens last."""
        ...

    def prefill(self, q: Tensor, keys: Tensor, values: Tensor, plan: Any, scale: float) -> Tensor:
        """(T, H, W) queries over (size, K, W) slots: a token reads what stands before it, and itself."""
        ...

    def decode(self, q: Tensor, keys: Tensor, values: Tensor, plan: Answering, scale: float) -> Tensor:
        """(B * W, H, D) queries, one of each beam."""
        ...


SCORES_AT_ONCE = 1 << 25
"""Scores that padded attention holds at a time."""


@dataclass(frozen=True)
class _Padded:
    """Sequences of like lengths as one rectangle."""

    rows: Tensor
    """(B, L) packed positions of the queries; padding repeats the first."""
    real: Tensor
    """(sum of lengths,) flat positions of the real ones in (B, L)."""
    places: Tensor
    """(sum of lengths,) packed positions of the same."""
    slots: Tensor
    """(B, M) slots read."""
    mask: Tensor | None
    """(B, 1, L, M) what may be read; None for all."""


class PaddedAttention:
    """Plain PyTorch on any device: sequences of like lengths are padded to a rectangle."""

    def __init__(self, device: torch.device) -> None:
        self._device = device

    def stretches(self, starts: Tensor) -> list[Tensor]:
        """(B, L) packed positions for each length that occurs."""
        lengths = starts.diff()
        return [
            (starts[:-1][lengths == length, None] + torch.arange(length)).to(self._device)
            for length in sorted(set(lengths.tolist()))
        ]

    def within(self, q: Tensor, k: Tensor, v: Tensor, plan: list[Tensor], scale: float) -> Tensor:
        """See `Attention`."""
        result = torch.empty_like(q)
        for rows in plan:
            of_each = [one[rows].transpose(1, 2) for one in (q, k, v)]  # (B, H, L, W)
            read = scaled_dot_product_attention(of_each[0], of_each[1], of_each[2], scale=scale)
            result[rows] = read.transpose(1, 2)
        return result

    def reading(self, lengths: Sequence[int], contexts: Sequence[Tensor]) -> list[_Padded]:
        """See `Attention`."""
        starts = torch.tensor([0, *lengths]).cumsum(0)
        order = sorted(range(len(lengths)), key=lambda at: (len(contexts[at]), lengths[at]))
        plans, start = [], 0
        while start < len(order):
            end = start + 1
            while end < len(order) and self._fit(lengths, contexts, order[start : end + 1]):
                end += 1
            plans.append(self._rectangle(starts, lengths, contexts, order[start:end]))
            start = end
        return plans

    def _fit(self, lengths: Sequence[int], contexts: Sequence[Tensor], chosen: Sequence[int]) -> bool:
        """Whether the sequences make one rectangle: small enough, and at least two thirds of it real."""
        area = max(lengths[at] for at in chosen) * len(contexts[chosen[-1]])
        last = lengths[chosen[-1]] * len(contexts[chosen[-1]])
        first = lengths[chosen[0]] * len(contexts[chosen[0]])
        return (area * len(chosen) <= SCORES_AT_ONCE and 3 * min(first, last) >= 2 * area) or area <= 4096

    def _rectangle(
        self, starts: Tensor, lengths: Sequence[int], contexts: Sequence[Tensor], chosen: Sequence[int]
    ) -> _Padded:
        device = self._device
        new = torch.tensor([lengths[at] for at in chosen])[:, None]  # (B, 1)
        read = torch.tensor([len(contexts[at]) for at in chosen])[:, None]
        column = torch.arange(int(new.max()))
        row = torch.arange(int(read.max()))
        real = column < new  # (B, L)
        rows = starts[list(chosen)][:, None] + column * real
        slots = torch.nn.utils.rnn.pad_sequence([contexts[at] for at in chosen], batch_first=True)
        mask = row <= (column + read - new)[:, :, None]  # (B, L, M): the newest token of a row reads all of its context
        return _Padded(
            rows.to(device), real.flatten().nonzero()[:, 0].to(device), rows[real].to(device), slots.long().to(device),
            mask[:, None].to(device),
        )  # fmt: skip

    def prefill(self, q: Tensor, keys: Tensor, values: Tensor, plan: list[_Padded], scale: float) -> Tensor:
        """See `Attention`."""
        result = torch.empty_like(q)
        repeats = q.shape[1] // keys.shape[1]
        for one in plan:
            k, v = (slots[one.slots].transpose(1, 2).repeat_interleave(repeats, 1) for slots in (keys, values))
            read = scaled_dot_product_attention(q[one.rows].transpose(1, 2), k, v, attn_mask=one.mask, scale=scale)
            result[one.places] = read.transpose(1, 2).flatten(0, 1)[one.real]
        return result

    def decode(self, q: Tensor, keys: Tensor, values: Tensor, plan: Answering, scale: float) -> Tensor:
        """See `Attention`. Prompts are taken a few at a time, so that their gathered keys stay small."""
        prompts, width, _ = plan.own.shape
        kept, size = keys.shape[1:]
        grouped = q.view(prompts, width, kept, -1, size)
        at_once = max(1, SCORES_AT_ONCE // (plan.longest * kept * size))
        parts = [
            self._decode_some(grouped, keys, values, plan, scale, start, min(start + at_once, prompts))
            for start in range(0, prompts, at_once)
        ]
        return torch.cat(parts).view_as(q)

    def _decode_some(
        self, q: Tensor, keys: Tensor, values: Tensor, plan: Answering, scale: float, start: int, end: int
    ) -> Tensor:
        column = torch.arange(plan.longest, device=q.device)
        real = column < plan.lengths[start:end, None]  # (b, M)
        slots = plan.slots[(plan.begins[start:end, None] + column).clamp(max=len(plan.slots) - 1)].long()
        own = plan.own[start:end].long()
        q = q[start:end]
        scores = torch.einsum("bwkgd,bmkd->bkwgm", q, keys[slots]) * scale
        scores = scores.masked_fill(~real[:, None, None, None], float("-inf"))
        own_scores = torch.einsum("bwkgd,bwskd->bkwgs", q, keys[own]) * scale
        weights = torch.cat((scores, own_scores), -1).softmax(-1, dtype=torch.float32).to(q.dtype)
        first, second = weights[..., : slots.shape[1]], weights[..., slots.shape[1] :]
        return torch.einsum("bkwgm,bmkd->bwkgd", first, values[slots]) + torch.einsum(
            "bkwgs,bwskd->bwkgd", second, values[own]
        )
