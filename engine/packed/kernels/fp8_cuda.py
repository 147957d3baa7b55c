"""Triton kernels that round to fp8 in the pass that makes the numbers: `fp8` says the same in plain PyTorch.

One program has a whole row, so that its largest number is known before anything is written. Imported on a GPU only.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from engine.packed.kernels import fp8
from engine.packed.kernels.cuda import power
from engine.packed.kernels.fp8 import Rows

LARGEST = tl.constexpr(fp8.LARGEST)
LEAST = tl.constexpr(fp8.LEAST)
WIDE = 4096
"""Columns above which a row is shared by more threads."""
GATE_WARPS = 8


@triton.jit
def _store(row, values, scales, number, width, column, inside):
    """A row (float32, zeros outside) rounded, and its scale."""
    scale = tl.maximum(tl.max(tl.abs(row), 0), LEAST) / LARGEST
    tl.store(scales + number, scale)
    tl.store(values + number * width + column, (row / scale).to(values.dtype.element_ty), inside)


@triton.jit
def _round(x, values, scales, width, WIDTH: tl.constexpr):
    number = tl.program_id(0).to(tl.int64)
    column = tl.arange(0, WIDTH)
    inside = column < width
    row = tl.load(x + number * width + column, inside, 0.0).to(tl.float32)
    _store(row, values, scales, number, width, column, inside)


@triton.jit
def _norm_round(x, more, weight, total, values, scales, width, eps, ADDED: tl.constexpr, WIDTH: tl.constexpr):
    number = tl.program_id(0).to(tl.int64)
    column = tl.arange(0, WIDTH)
    inside = column < width
    place = number * width + column
    value = tl.load(x + place, inside, 0.0)
    if ADDED:
        added = tl.load(more + place, inside, 0.0)
        value = (value.to(tl.float32) + added.to(tl.float32)).to(x.dtype.element_ty)
        tl.store(total + place, value, inside)
    wide = value.to(tl.float32)
    unit = (wide * tl.rsqrt(tl.sum(wide * wide, 0) / width + eps)).to(x.dtype.element_ty)
    scaled = unit.to(tl.float32) * tl.load(weight + column, inside, 0.0).to(tl.float32)
    row = scaled.to(x.dtype.element_ty).to(tl.float32)
    _store(row, values, scales, number, width, column, inside)


@triton.jit
def _gated(both, number, width, column, inside):
    gate = tl.load(both + number * 2 * width + column, inside, 0.0).to(tl.float32)
    up = tl.load(both + number * 2 * width + width + column, inside, 0.0).to(tl.float32)
    opened = (gate / (1.0 + tl.exp(-gate))).to(both.dtype.element_ty).to(tl.float32)
    return (opened * up).to(both.dtype.element_ty).to(tl.float32)


@triton.jit
def _gate_round(both, values, scales, width, FIRST: tl.constexpr, REST: tl.constexpr):
    """A row in two parts, since the power of two above its width may be far above it."""
    number = tl.program_id(0).to(tl.int64)
    first, rest = tl.arange(0, FIRST), FIRST + tl.arange(0, REST)
    inside, inside_rest = first < width, rest < width
    row, more = _gated(both, number, width, first, inside), _gated(both, number, width, rest, inside_rest)
    scale = tl.maximum(tl.maximum(tl.max(tl.abs(row), 0), tl.max(tl.abs(more), 0)), LEAST) / LARGEST
    tl.store(scales + number, scale)
    place = values + number * width
    tl.store(place + first, (row / scale).to(values.dtype.element_ty), inside)
    tl.store(place + rest, (more / scale).to(values.dtype.element_ty), inside_rest)


class FusedRounding:
    """See `engine.packed.kernels.pointwise.Feeding`; rows must lie one after the other."""

    def norm(self, x: Tensor, weight: Tensor, eps: float) -> Rows:
        """See `Feeding`."""
        made, width = _empty(x, x.shape[1])
        _norm_round[(len(x),)](
            x, x, weight, x, made.values, made.scales, width, eps, False, power(width), num_warps=_warps(width)
        )
        return made

    def add_norm(self, x: Tensor, more: Tensor, weight: Tensor, eps: float) -> tuple[Tensor, Rows]:
        """See `Feeding`."""
        total = torch.empty_like(x)
        made, width = _empty(x, x.shape[1])
        _norm_round[(len(x),)](
            x, more, weight, total, made.values, made.scales, width, eps, True, power(width), num_warps=_warps(width)
        )
        return total, made

    def gate(self, both: Tensor) -> Rows:
        """See `Feeding`."""
        made, width = _empty(both, both.shape[1] // 2)
        first = power(width) // 2
        _gate_round[(len(both),)](
            both, made.values, made.scales, width, first, power(width - first), num_warps=GATE_WARPS
        )
        return made

    def rows(self, x: Tensor) -> Rows:
        """See `Feeding`."""
        made, width = _empty(x, x.shape[1])
        _round[(len(x),)](x.contiguous(), made.values, made.scales, width, power(width), num_warps=_warps(width))
        return made


def _empty(like: Tensor, width: int) -> tuple[Rows, int]:
    values = torch.empty(len(like), width, dtype=torch.float8_e4m3fn, device=like.device)
    return Rows(values, torch.empty(len(like), 1, device=like.device)), width


def _warps(width: int) -> int:
    return 4 if width <= WIDE else 16
