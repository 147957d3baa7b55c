"""Log-probabilities of given texts behind prompts through a family's own `generate`, which is made to say them.

Padding, positions and images are then those of answering, for every family; the packed engine has a way of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

Tokens = Sequence[int]


class _Forced:
    """A logits processor that allows the next given token alone, and keeps what the model thought of it."""

    def __init__(self, tokens: Tensor) -> None:
        self._tokens = tokens  # (B, S)
        self.picked: list[Tensor] = []

    def __call__(self, _: Tensor, scores: Tensor) -> Tensor:
        wanted = self._tokens[:, len(self.picked), None]
        self.picked.append(scores.float().log_softmax(-1).gather(1, wanted)[:, 0])
        return torch.full_like(scores, float("-inf")).scatter(1, wanted, 0.0)


def mean_log_probabilities(model: Any, inputs: Mapping[str, Any], texts: Sequence[Tokens], pad: int) -> list[float]:
    """For each prompt (B of them, left padded, as `generate` takes them) the mean log-probability, at temperature 1, of the
    tokens of its text. No text is empty."""
    # hub access is cut (loading.load_model) before transformers is imported
    from transformers import GenerationConfig, LogitsProcessorList

    device = inputs["input_ids"].device
    lengths = torch.tensor([len(text) for text in texts], device=device)
    longest = max(map(len, texts))
    tokens = torch.tensor([[*text, *[pad] * (longest - len(text))] for text in texts], device=device)
    forced = _Forced(tokens)
    config = GenerationConfig(max_new_tokens=longest, do_sample=False, num_beams=1, use_cache=True, pad_token_id=pad)
    model.generate(**inputs, generation_config=config, logits_processor=LogitsProcessorList([forced]))
    picked = torch.stack(forced.picked, 1)  # (B, S)
    own = torch.arange(longest, device=device) < lengths[:, None]
    means: list[float] = ((picked * own).sum(1) / lengths).tolist()
    return means
