"""Rotary positions of the Qwen-VL families from its configuration alone, equal to those of transformers' own modules to the bit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

ALTERNATING = "qwen3_vl_text"
"""The text part whose kinds of positions alternate."""


def _frequencies(base: float, width: int, device: torch.device) -> Tensor:
    """(width / 2,) float32, computed on the CPU as transformers does it."""
    inverse: Tensor = 1.0 / (base ** (torch.arange(0, width, 2, dtype=torch.float) / width))
    return inverse.to(device)


class TextRotary:
    """Of the language model: some of its numbers turn by the position in time, some by height, some by width. They stand in
    sections, or alternate (Qwen3-VL) as far as the sections of height and width reach."""

    def __init__(self, config: Any, device: torch.device) -> None:
        """`config`: that of the text part."""
        width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
        sections = list(config.rope_parameters["mrope_section"])
        self._kinds = _alternating(sections, width // 2) if config.model_type == ALTERNATING else _in_a_row(sections)
        self._kinds = self._kinds.to(device)
        self._inverse = _frequencies(config.rope_parameters["rope_theta"], width, device)

    def __call__(self, x: Tensor, positions: Tensor) -> tuple[Tensor, Tensor]:
        """cos and sin (1, T, width) of positions (3, 1, T), in the precision of `x`."""
        angles = positions[..., None].float() * self._inverse
        return self._laid(angles.cos()).to(x.dtype), self._laid(angles.sin()).to(x.dtype)

    def _laid(self, values: Tensor) -> Tensor:
        half = values.gather(0, self._kinds.expand(1, *values.shape[1:]))[0]
        return torch.cat((half, half), -1)


def _in_a_row(sections: Sequence[int]) -> Tensor:
    """(width / 2,) whether a number turns by time (0), height (1) or width (2)."""
    return torch.cat([torch.full((size,), at % 3) for at, size in enumerate(sections)])


def _alternating(sections: Sequence[int], count: int) -> Tensor:
    kinds = torch.zeros(count, dtype=torch.long)
    for kind in (1, 2):
        kinds[kind : 3 * sections[kind] : 3] = kind
    return kinds


class TowerRotary:
    """Of the vision tower: half of the numbers turn by the row, half by the column."""

    def __init__(self, config: Any, device: torch.device) -> None:
        """`config`: that of the vision part."""
        stated = getattr(config, "rope_parameters", None) or {}
        width = (
            getattr(config, "embed_dim", config.hidden_size) // config.num_heads // 2
        )  # where both are, one is what it makes
        self._inverse = _frequencies(stated.get("rope_theta", 10_000.0), width, device)

    def __call__(self, x: Tensor, positions: Tensor) -> tuple[Tensor, Tensor]:
        """cos and sin (T, head width) float32 of rows and columns (T, 2)."""
        angles = (positions[..., None].float() * self._inverse).flatten(1)
        return self._laid(angles.cos()), self._laid(angles.sin())

    @staticmethod
    def _laid(values: Tensor) -> Tensor:
        return torch.cat((values, values), -1)
