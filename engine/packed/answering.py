"""Answers behind prefixes: the prompt is read once for all beams, and each beam adds its own tokens."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType

import torch
from torch import Tensor

from engine.packed.decoding import Decoding, start
from engine.packed.kernels.beam_slots import Answering
from engine.packed.model.language import Language
from engine.packed.prefill import Prefix
from engine.packed.transfer import send, send_numbers


def decode(
    language: Language,
    decoding: Decoding,
    prefixes: Sequence[Prefix],
    prompts: Sequence[Sequence[int]],
    hidden: Tensor,
) -> dict[int, tuple[int, ...]]:
    """The tokens of each answer by position. `hidden` (B, D) stands behind the `prefixes`; `prompts` are their tokens."""
    state = start(decoding, prompts, hidden.device)
    answers: dict[int, tuple[int, ...]] = {}
    with Continuations(language, prefixes, hidden.device) as under_way:
        while True:
            step = state.advance(language.logits(hidden))
            answers |= step.known
            if not len(step.alive):
                return answers
            under_way.keep(step.alive, step.parents)
            hidden = under_way.read(state.tokens[:, :, -1])


def read_forced(language: Language, prefixes: Sequence[Prefix], tokens: Tensor) -> Tensor:
    """Scores (B, W, S, V) behind each token of given continuations (B, W, S), read as beams are."""
    device = tokens.device
    prompts, width, length = tokens.shape
    with Continuations(language, prefixes, device) as under_way:
        rows = torch.arange(prompts, device=device)
        scores = []
        for step in range(length):
            parents = torch.arange(width, device=device).expand(prompts, -1)
            under_way.keep(rows, parents if step else torch.zeros_like(parents))
            scores.append(language.logits(under_way.read(tokens[:, :, step])))
    return torch.stack(scores, 1).view(prompts, width, length, -1)


class Continuations:
    """What beams have added to their prompts. Slots are given back at the end of the block."""

    def __init__(self, language: Language, prefixes: Sequence[Prefix], device: torch.device) -> None:
        lengths = torch.tensor([len(one.slots) for one in prefixes])
        self._language = language
        self._slots = send(torch.cat([one.slots for one in prefixes]), device)
        self._begins = send(lengths.cumsum(0) - lengths, device, torch.int32)
        self._lengths = send(lengths, device, torch.int32)
        self._longest = int(lengths.max())
        self._positions = send_numbers([one.position for one in prefixes], device)
        self._own = torch.empty(
            len(prefixes), 1, 0, dtype=torch.int32, device=device
        )  # (b, W, S) slots of their tokens
        self._taken: list[Tensor] = []

    def __enter__(self) -> Continuations:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for slots in self._taken:
            self._language.memory.give_back(slots)

    def keep(self, alive: Tensor, parents: Tensor) -> None:
        """Only the prompts in rows `alive` (b,) go on; their beams continue those of `parents` (b, W)."""
        self._own = self._own[alive].gather(1, parents[:, :, None].expand(-1, -1, self._own.shape[2]))
        self._begins, self._lengths = self._begins[alive], self._lengths[alive]
        self._positions = self._positions[alive]

    def read(self, tokens: Tensor) -> Tensor:
        """Reads the newest token (b, W) of each beam; hidden states (b W, D)."""
        language, device = self._language, tokens.device
        prompts, width = tokens.shape
        position = (self._positions + self._own.shape[2]).repeat_interleave(width).expand(3, -1)
        self._taken.append(language.memory.take(prompts * width))
        slots = send(self._taken[-1], device)
        self._own = torch.cat((self._own, slots.view(prompts, width, 1)), 2)
        plan = Answering(self._slots, self._begins, self._lengths, self._longest, self._own)
        return language.decode(language.weights.embedding[tokens.flatten()], position, slots.long(), plan)
