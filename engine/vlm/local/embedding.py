"""What a model's features of texts are: means of its input embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

TEXTS_AT_ONCE = 512


def text_means(tokenizer: Any, table: Tensor, texts: Sequence[str]) -> Tensor:
    """(n, width) float32 on the CPU: the mean of each text's rows of the `table` (words, width). Order plays no part, equal words
    mean likeness."""
    pooled = [torch.empty(0, table.shape[1])]
    for start in range(0, len(texts), TEXTS_AT_ONCE):
        ids = tokenizer(list(texts[start : start + TEXTS_AT_ONCE]), add_special_tokens=False)["input_ids"]
        lengths = torch.tensor([len(one) for one in ids], device=table.device)
        rows = table[torch.tensor([token for one in ids for token in one], device=table.device, dtype=torch.long)]
        owner = torch.arange(len(ids), device=table.device).repeat_interleave(lengths)
        sums = torch.zeros(len(ids), table.shape[1], device=table.device).index_add_(0, owner, rows.float())
        pooled.append((sums / lengths.clamp(min=1)[:, None]).cpu())
    return torch.cat(pooled)
