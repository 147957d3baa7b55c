"""The language model in other precisions than its own: prompts read in fp8, and scores in float32 that both are held against."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from engine.packed.kernels.attention import PaddedAttention
from engine.packed.kernels.fp8 import Rows, rounded
from engine.packed.kernels.pointwise import Feeding, PlainPointwise
from engine.packed.model.language import Language, Stack
from engine.packed.model.memory import KeyValues
from engine.packed.model.weights import Layer, Linear


@dataclass(frozen=True)
class Fp8Product:
    """A linear layer whose weights are rounded once, each output with a scale of its own."""

    weight: Tensor
    """(out, in) e4m3."""
    scales: Tensor
    """(1, out) float32."""
    bias: Tensor | None
    precision: torch.dtype
    """Of what it makes."""

    @classmethod
    def of(cls, product: Linear) -> Fp8Product:
        """A layer in half precision, rounded."""
        rows = rounded(product.weight)
        return cls(rows.values, rows.scales.T.contiguous(), product.bias, product.weight.dtype)

    def __call__(self, x: Rows) -> Tensor:
        """(T, in) to (T, out). Sums are taken as the tensor cores take them, in a little less than float32."""
        return torch._scaled_mm(
            x.values, self.weight.T, scale_a=x.scales, scale_b=self.scales, bias=self.bias, out_dtype=self.precision,
            use_fast_accum=True,
        )  # fmt: skip


@dataclass(frozen=True)
class ExactProduct:
    """A linear layer whose weights are made float32 for the moment of the product."""

    weight: Tensor
    bias: Tensor | None

    @classmethod
    def of(cls, product: Linear) -> ExactProduct:
        """A layer in any precision."""
        return cls(product.weight, product.bias)

    def __call__(self, x: Tensor) -> Tensor:
        """(T, in) to (T, out)."""
        return torch.nn.functional.linear(x, self.weight.float(), None if self.bias is None else self.bias.float())


def _with_products(layers: Sequence[Layer], make: Callable[[Linear], Linear]) -> list[Layer]:
    return [
        replace(one, qkv=make(one.qkv), out=make(one.out), gate_up=make(one.gate_up), down=make(one.down))
        for one in layers
    ]


def fp8_stack(language: Language, ops: Feeding) -> Stack:
    """Its layers in fp8; memory for all their weights again, in half of their size. `ops` round what products read."""
    return Stack(_with_products(language.weights.layers, Fp8Product.of), ops)


def in_float32(language: Language, tokens: int) -> Language:
    """The same language model computing in float32 by plain PyTorch, with memory for so many tokens. The weights are not copied
    but for the embedding."""
    weights = language.weights
    device = weights.embedding.device
    memory = KeyValues(
        tokens, layers=len(weights.layers), heads=weights.kept_heads, width=weights.head_width, dtype=torch.float32,
        device=device,
    )  # fmt: skip
    wide = replace(
        weights, layers=_with_products(weights.layers, ExactProduct.of), embedding=weights.embedding.float(),
        head=ExactProduct.of(weights.head),
    )  # fmt: skip
    return Language(wide, memory, PaddedAttention(device), PlainPointwise())
