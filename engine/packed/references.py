"""Log-probabilities of given answers behind prompts that are in memory: only the answers' own tokens are read."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from engine.packed.model.language import Language
from engine.packed.prefill import Prefix
from engine.packed.transfer import send, send_numbers

ROWS_AT_ONCE = 512
"""Tokens whose scores of all words are in memory at a time."""

Tokens = tuple[int, ...]


def log_probabilities(
    language: Language, prefixes: Sequence[Prefix], hidden: Tensor, references: Sequence[Sequence[Tokens]]
) -> list[tuple[float, ...]]:
    """For each prefix the sum of the log-probabilities of the tokens of each of its references (at temperature 1).

    `hidden` (B, D) stands behind the prefixes.
    """
    flat = [(at, tokens) for at, some in enumerate(references) for tokens in some]
    if not flat:
        return [()] * len(references)
    first = send_numbers([at for at, _ in flat], hidden.device)
    behind = _behind(language, [(prefixes[at], tokens[:-1]) for at, tokens in flat])
    states = torch.cat((hidden[first], behind))
    targets = [tokens[0] for _, tokens in flat] + [token for _, tokens in flat for token in tokens[1:]]
    owners = [*range(len(flat)), *(number for number, (_, tokens) in enumerate(flat) for _ in tokens[1:])]
    sums = torch.zeros(len(flat), device=hidden.device)
    sums.index_add_(0, send_numbers(owners, hidden.device), _picked(language, states, targets))
    found = iter(sums.tolist())
    return [tuple(next(found) for _ in some) for some in references]


def _behind(language: Language, parts: Sequence[tuple[Prefix, Tokens]]) -> Tensor:
    """Hidden states (sum of lengths, D) behind each token of some texts that stand behind prefixes."""
    parts = [(prefix, tokens) for prefix, tokens in parts if tokens]
    device = language.weights.embedding.device
    lengths = [len(tokens) for _, tokens in parts]
    slots = language.memory.take(sum(lengths))
    try:
        if not parts:
            return language.weights.embedding[:0]
        contexts = [torch.cat((one[0].slots, own)) for one, own in zip(parts, torch.split(slots, lengths), strict=True)]
        positions = torch.cat([torch.arange(len(tokens)) + prefix.position for prefix, tokens in parts])
        ids = send_numbers([token for _, tokens in parts for token in tokens], device)
        return language.prefill(
            language.weights.embedding[ids], send(positions, device).expand(3, -1), send(slots, device, torch.long),
            language.attention.reading(lengths, contexts), torch.arange(len(ids), device=device),
        )  # fmt: skip
    finally:
        language.memory.give_back(slots)


def _picked(language: Language, states: Tensor, targets: Sequence[int]) -> Tensor:
    """(T,) log-probabilities of the targets."""
    wanted = send_numbers(targets, states.device)
    parts = zip(torch.split(states, ROWS_AT_ONCE), torch.split(wanted, ROWS_AT_ONCE), strict=True)
    return torch.cat([language.logits(some).log_softmax(-1).gather(1, ids[:, None])[:, 0] for some, ids in parts])
