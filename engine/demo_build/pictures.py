"""The vision tower run over many one-token pictures in one go: what makes training on two cores a matter of minutes.

transformers attends to one picture after the other; here all are one batch. The numbers are the same (tested).
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

SIDE = 4  # patches along each side of a picture
PATCHES = SIDE * SIDE
_ATTENTION = "equal_pictures"


def picture_tokens(model: Any, pixels: Tensor) -> Tensor:
    """One token per picture, (N, width), from (N * 16, patch values)."""
    count = len(pixels) // PATCHES
    visual = model.model.visual
    _use_batched_attention(visual)
    rows, columns = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
    whole = torch.tensor([0, len(pixels)], dtype=torch.int32)
    tokens: Tensor = visual(
        pixels,
        grid_thw=torch.tensor([[1, SIDE, SIDE]]).expand(count, 3),
        position_ids=torch.stack([rows.flatten(), columns.flatten()], dim=-1).repeat(count, 1),
        cu_seqlens=whole,
        cu_window_seqlens=whole,
        window_index=torch.arange(count),
    ).pooler_output
    return tokens


def _use_batched_attention(visual: Any) -> None:
    # seconds that the episodes, which are made without a model, do not need
    from transformers import AttentionInterface

    AttentionInterface.register(_ATTENTION, _attend_within_pictures)
    visual.config._attn_implementation = _ATTENTION


def _attend_within_pictures(
    module: Any, query: Tensor, key: Tensor, value: Tensor, attention_mask: None, scaling: float, **_: object
) -> tuple[Tensor, None]:
    """Full attention among the 16 patches of each picture; states are (1, heads, N * 16, head width)."""
    heads, width = query.shape[1], query.shape[3]
    q, k, v = (states.view(heads, -1, PATCHES, width).transpose(0, 1) for states in (query, key, value))
    mixed = functional.scaled_dot_product_attention(q, k, v, scale=scaling)  # (N, heads, 16, head width)
    return mixed.transpose(1, 2).flatten(0, 1)[None], None
