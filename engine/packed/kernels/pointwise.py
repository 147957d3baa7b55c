"""What stands between the matrix products of a layer, in plain PyTorch; `kernels` has the same for CUDA in one pass each."""

from __future__ import annotations

from typing import Any, Protocol

import torch
from torch import Tensor
from torch.nn import functional


class Feeding(Protocol):
    """What makes the input of a layer's products: tensors, or rows rounded to fp8 (`engine.packed.kernels.fp8.Rows`)."""

    def norm(self, x: Tensor, weight: Tensor, eps: float) -> Any:
        """See `Pointwise`."""
        ...

    def add_norm(self, x: Tensor, more: Tensor, weight: Tensor, eps: float) -> tuple[Tensor, Any]:
        """See `Pointwise`; the sum stays as it is."""
        ...

    def gate(self, both: Tensor) -> Any:
        """See `Pointwise`."""
        ...

    def rows(self, x: Tensor) -> Any:
        """(T, D) that something else has made."""
        ...


class Pointwise(Feeding, Protocol):
    """Normalisation, rotation and gating over packed tokens."""

    def norm(self, x: Tensor, weight: Tensor, eps: float) -> Tensor:
        """Root-mean-square norm of (T, D) over D, in float32."""
        ...

    def add_norm(self, x: Tensor, more: Tensor, weight: Tensor, eps: float) -> tuple[Tensor, Tensor]:
        """The sum of both, and its norm."""
        ...

    def gate(self, both: Tensor) -> Tensor:
        """silu(a) * b for (T, 2 I) = [a | b], (T, I)."""
        ...

    def rows(self, x: Tensor) -> Tensor:
        """The same."""
        ...

    def rotate(self, heads: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """Rotary embedding of (T, H, W) with cos and sin (T, W); may be in place."""
        ...

    def rotate_and_keep(
        self, heads: Tensor, cos: Tensor, sin: Tensor, keys: Tensor, values: Tensor, slots: Tensor
    ) -> Tensor:
        """Rotates queries and keys of (T, Q + 2 K, W) = [queries | keys | values]; writes keys and values (size, K, W) at
        `slots` (T,); returns the queries (T, Q, W)."""
        ...


class PlainPointwise:
    """For any device and precision."""

    def norm(self, x: Tensor, weight: Tensor, eps: float) -> Tensor:
        """See `Pointwise`."""
        wide = x.float()
        return weight * (wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + eps)).to(x.dtype)

    def add_norm(self, x: Tensor, more: Tensor, weight: Tensor, eps: float) -> tuple[Tensor, Tensor]:
        """See `Pointwise`."""
        total = x + more
        return total, self.norm(total, weight, eps)

    def gate(self, both: Tensor) -> Tensor:
        """See `Pointwise`."""
        gate, up = both.chunk(2, -1)
        return functional.silu(gate) * up

    def rows(self, x: Tensor) -> Tensor:
        """See `Pointwise`."""
        return x

    def rotate(self, heads: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """See `Pointwise`."""
        first, second = heads.float().chunk(2, -1)
        turned = torch.cat((-second, first), -1)
        return (heads * cos[:, None].float() + turned * sin[:, None].float()).to(heads.dtype)

    def rotate_and_keep(
        self, heads: Tensor, cos: Tensor, sin: Tensor, keys: Tensor, values: Tensor, slots: Tensor
    ) -> Tensor:
        """See `Pointwise`."""
        kept = keys.shape[1]
        turned = self.rotate(heads[:, :-kept], cos, sin)
        keys[slots] = turned[:, -kept:]
        values[slots] = heads[:, -kept:]
        return turned[:, :-kept]
