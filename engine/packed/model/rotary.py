"""Rotary positions of Qwen2.5-VL from its configuration alone, equal to those of transformers' own modules to the bit."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def _frequencies(base: float, width: int, device: torch.device) -> Tensor:
    """(width / 2,) float32, computed on the CPU as transformers does it."""
    inverse: Tensor = 1.0 / (base ** (torch.arange(0, width, 2, dtype=torch.float) / width))
    return inverse.to(device)


class TextRotary:
    """Of the language model: its sections turn by the position in time, height or width."""

    def __init__(self, config: Any, device: torch.device) -> None:
        """`config`: that of the text part."""
        width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
        self._sections = list(config.rope_parameters["mrope_section"])
        self._inverse = _frequencies(config.rope_parameters["rope_theta"], width, device)

    def __call__(self, x: Tensor, positions: Tensor) -> tuple[Tensor, Tensor]:
        """cos and sin (1, T, width) of positions (3, 1, T), in the precision of `x`."""
        angles = positions[..., None].float() * self._inverse
        return self._laid(angles.cos()).to(x.dtype), self._laid(angles.sin()).to(x.dtype)

    def _laid(self, values: Tensor) -> Tensor:
        parts = torch.split(values, self._sections, -1)
        half = torch.cat([part[at % 3] for at, part in enumerate(parts)], -1)
        return torch.cat((half, half), -1)


class TowerRotary:
    """Of the vision tower: half of the numbers turn by the row, half by the column."""

    def __init__(self, config: Any, device: torch.device) -> None:
        """`config`: that of the vision part."""
        stated = getattr(config, "rope_parameters", None) or {}
        width = config.hidden_size // config.num_heads // 2
        self._inverse = _frequencies(stated.get("rope_theta", 10_000.0), width, device)

    def __call__(self, x: Tensor, positions: Tensor) -> tuple[Tensor, Tensor]:
        """cos and sin (T, head width) float32 of rows and columns (T, 2)."""
        angles = (positions[..., None].float() * self._inverse).flatten(1)
        return self._laid(angles.cos()), self._laid(angles.sin())

    @staticmethod
    def _laid(values: Tensor) -> Tensor:
        return torch.cat((values, values), -1)
