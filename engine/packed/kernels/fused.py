"""Attention on a GPU in half precision: fused kernels over all sequences of a pass. Imported on a GPU only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import pad

from engine.packed.kernels.beam_slots import Answering
from engine.packed.kernels.cuda import attend_beams
from engine.packed.transfer import send


@dataclass(frozen=True)
class Packed:
    """Where sequences begin, for the fused kernel."""

    new: Tensor
    longest_new: int
    read: Tensor
    longest_read: int
    slots: Tensor | None = None


class FusedAttention:
    """CUDA in half precision: one call of the fused variable-length kernel for all sequences."""

    def __init__(self, device: torch.device) -> None:
        self._device = device

    def stretches(self, starts: Tensor) -> Packed:
        """See `Attention`."""
        begin, longest = send(starts, self._device, torch.int32), int(starts.diff().max())
        return Packed(begin, longest, begin, longest)

    def within(self, q: Tensor, k: Tensor, v: Tensor, plan: Packed, scale: float) -> Tensor:
        """See `Attention`."""
        return self._fused(q, k, v, plan, scale, causal=False)

    def reading(self, lengths: Sequence[int], contexts: Sequence[Tensor]) -> Packed:
        """See `Attention`."""
        read = [len(slots) for slots in contexts]
        slots = send(torch.cat(list(contexts)), self._device)
        return Packed(self._starts(lengths), max(lengths), self._starts(read), max(read), slots)

    def prefill(self, q: Tensor, keys: Tensor, values: Tensor, plan: Packed, scale: float) -> Tensor:
        """See `Attention`."""
        assert plan.slots is not None, "a plan for reading has slots"
        k, v = keys.index_select(0, plan.slots), values.index_select(0, plan.slots)
        return self._fused(q, k, v, plan, scale, causal=True)

    def decode(self, q: Tensor, keys: Tensor, values: Tensor, plan: Answering, scale: float) -> Tensor:
        """See `Attention`."""
        return attend_beams(q, keys, values, plan, scale)

    def _starts(self, lengths: Sequence[int]) -> Tensor:
        return send(pad(torch.tensor(list(lengths)).cumsum(0), (1, 0)), self._device, torch.int32)

    @staticmethod
    def _fused(q: Tensor, k: Tensor, v: Tensor, plan: Packed, scale: float, *, causal: bool) -> Tensor:
        """A key side that is longer than the query side is aligned at its end, and may have fewer heads."""
        made: Tensor = torch.ops.aten._flash_attention_forward(
            q, k, v, plan.new, plan.read, plan.longest_new, plan.longest_read, 0.0, causal, False, scale=scale
        )[0]
        return made
