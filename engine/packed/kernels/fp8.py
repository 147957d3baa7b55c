"""Rounding to fp8 (e4m3) before a product, in plain PyTorch: each row gets a scale that makes its largest number the format's.

`fp8_cuda` does the same in one pass together with what stands before the product.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from engine.packed.kernels.pointwise import Pointwise

LARGEST = 448.0
"""Of e4m3."""
LEAST = 1e-12
"""What the largest number of a row counts as at least: a row of zeros has a scale too."""


@dataclass(frozen=True)
class Rows:
    """Rounded rows: the number that one stands for is the value times the scale of its row."""

    values: Tensor
    """(T, D) e4m3."""
    scales: Tensor
    """(T, 1) float32."""


def rounded(x: Tensor) -> Rows:
    """(T, D) rounded row by row."""
    wide = x.float()
    scales = wide.abs().amax(-1, keepdim=True).clamp(min=LEAST) / LARGEST
    return Rows((wide / scales).to(torch.float8_e4m3fn), scales)


class PlainRounding:
    """See `engine.packed.kernels.pointwise.Feeding`, for any device."""

    def __init__(self, ops: Pointwise) -> None:
        self._ops = ops

    def norm(self, x: Tensor, weight: Tensor, eps: float) -> Rows:
        """See `Feeding`."""
        return rounded(self._ops.norm(x, weight, eps))

    def add_norm(self, x: Tensor, more: Tensor, weight: Tensor, eps: float) -> tuple[Tensor, Rows]:
        """See `Feeding`."""
        total, normed = self._ops.add_norm(x, more, weight, eps)
        return total, rounded(normed)

    def gate(self, both: Tensor) -> Rows:
        """See `Feeding`."""
        return rounded(self._ops.gate(both))

    def rows(self, x: Tensor) -> Rows:
        """See `Feeding`."""
        return rounded(x)
