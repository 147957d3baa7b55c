"""Answers behind prefixes: the prompt is read once for all beams, and each beam adds its own tokens."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from engine.packed.attention import Answering
from engine.packed.decoding import Decoding, start
from engine.packed.language import Language
from engine.packed.prefill import Prefix


def decode(
    language: Language,
    decoding: Decoding,
    prefixes: Sequence[Prefix],
    prompts: Sequence[Sequence[int]],
    hidden: Tensor,
) -> dict[int, tuple[int, ...]]:
    """The tokens of each answer by position. `hidden` (B, D) stands behind the `prefixes`; `prompts` are their tokens."""
    device = hidden.device
    reading = _Reading(prefixes, device)
    state = start(decoding, prompts, device)
    own = torch.empty(len(prefixes), 1, 0, dtype=torch.int32, device=device)  # (b, W, S) slots of the beams' tokens
    taken: list[Tensor] = []
    answers: dict[int, tuple[int, ...]] = {}
    try:
        while True:
            step = state.advance(language.logits(hidden))
            answers |= step.known
            if not len(step.alive):
                return answers
            alive, width, length = state.tokens.shape
            taken.append(language.memory.take(alive * width))
            slots = taken[-1].to(device)
            kept = own[step.alive].gather(1, step.parents[:, :, None].expand(-1, -1, own.shape[2]))
            own = torch.cat((kept, slots.view(alive, width, 1)), 2)
            position = (reading.positions[state.prompts] + length - 1).repeat_interleave(width).expand(3, -1)
            x = language.weights.embedding[state.tokens[:, :, -1].flatten()]
            hidden = language.decode(x, position, slots.long(), reading.of(state.prompts, own))
    finally:
        for slots in taken:
            language.memory.give_back(slots)


class _Reading:
    """Where the prompts' keys and values lie."""

    def __init__(self, prefixes: Sequence[Prefix], device: torch.device) -> None:
        lengths = torch.tensor([len(one.slots) for one in prefixes])
        self._slots = torch.cat([one.slots for one in prefixes]).to(device)
        self._begins = (lengths.cumsum(0) - lengths).to(device, torch.int32)
        self._lengths = lengths.to(device, torch.int32)
        self._longest = int(lengths.max())
        self.positions = torch.tensor([one.position for one in prefixes], device=device)

    def of(self, prompts: Tensor, own: Tensor) -> Answering:
        """What the beams of these prompts read."""
        return Answering(self._slots, self._begins[prompts], self._lengths[prompts], self._longest, own)
