"""Triton kernels for what the packed engine does between its products, and for beams that read one prompt together.

Sums are taken in float32. Imported on a GPU only; `pointwise` and `attention` say the same in plain PyTorch.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from engine.packed.kernels.beam_slots import Answering
from engine.packed.kernels.pointwise import PlainPointwise

COLUMNS = 2048
"""Columns of a gate that one program takes."""
SLOTS = 64
"""Slots that a program of `attend_beams` reads at a time."""


@triton.jit
def _norm(x, more, weight, total, result, width, eps, ADDED: tl.constexpr, WIDTH: tl.constexpr):
    row = tl.program_id(0).to(tl.int64) * width
    column = tl.arange(0, WIDTH)
    inside = column < width
    value = tl.load(x + row + column, inside, 0.0)
    if ADDED:
        added = tl.load(more + row + column, inside, 0.0)
        value = (value.to(tl.float32) + added.to(tl.float32)).to(x.dtype.element_ty)
        tl.store(total + row + column, value, inside)
    wide = value.to(tl.float32)
    unit = (wide * tl.rsqrt(tl.sum(wide * wide, 0) / width + eps)).to(x.dtype.element_ty)
    scaled = unit.to(tl.float32) * tl.load(weight + column, inside, 0.0).to(tl.float32)
    tl.store(result + row + column, scaled.to(x.dtype.element_ty), inside)


@triton.jit
def _gate(both, result, width, COLUMNS: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    column = tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)
    inside = column < width
    gate = tl.load(both + row * 2 * width + column, inside, 0.0).to(tl.float32)
    up = tl.load(both + row * 2 * width + width + column, inside, 0.0).to(tl.float32)
    opened = (gate / (1.0 + tl.exp(-gate))).to(both.dtype.element_ty).to(tl.float32)
    tl.store(result + row * width + column, (opened * up).to(both.dtype.element_ty), inside)


@triton.jit
def _turned(x, cos, sin, place, column, inside, real, half):
    """Both halves of some heads, rotated."""
    first = tl.load(x + place, inside, 0.0).to(tl.float32)
    second = tl.load(x + place + half, inside, 0.0).to(tl.float32)
    cos_first = tl.load(cos + column, real, 0.0).to(tl.float32)
    cos_second = tl.load(cos + column + half, real, 0.0).to(tl.float32)
    sin_first = tl.load(sin + column, real, 0.0).to(tl.float32)
    sin_second = tl.load(sin + column + half, real, 0.0).to(tl.float32)
    return first * cos_first - second * sin_first, second * cos_second + first * sin_second


@triton.jit
def _rotate(x, cos, sin, stride, heads, WIDTH: tl.constexpr, HEADS: tl.constexpr, HALF: tl.constexpr):
    token = tl.program_id(0).to(tl.int64)
    head = tl.arange(0, HEADS)[:, None]
    column = tl.arange(0, HALF)[None, :]
    real = column < WIDTH // 2
    inside = (head < heads) & real
    place = token * stride + head * WIDTH + column
    angle = token * WIDTH
    first, second = _turned(x, cos + angle, sin + angle, place, column, inside, real, WIDTH // 2)
    tl.store(x + place, first.to(x.dtype.element_ty), inside)
    tl.store(x + place + WIDTH // 2, second.to(x.dtype.element_ty), inside)


@triton.jit
def _rotate_and_keep(
    x, cos, sin, keys, values, slots, queries, kept,
    WIDTH: tl.constexpr, HEADS: tl.constexpr, HALF: tl.constexpr, KEPT: tl.constexpr,
):  # fmt: skip
    token = tl.program_id(0).to(tl.int64)
    slot = tl.load(slots + token) * kept * WIDTH
    head = tl.arange(0, HEADS)[:, None]
    column = tl.arange(0, HALF)[None, :]
    real = column < WIDTH // 2
    inside = (head < queries + kept) & real
    row = token * (queries + 2 * kept) * WIDTH
    place = row + head * WIDTH + column
    angle = token * WIDTH
    first, second = _turned(x, cos + angle, sin + angle, place, column, inside, real, WIDTH // 2)
    first, second = first.to(x.dtype.element_ty), second.to(x.dtype.element_ty)
    query, key = inside & (head < queries), inside & (head >= queries)
    tl.store(x + place, first, query)
    tl.store(x + place + WIDTH // 2, second, query)
    target = slot + (head - queries) * WIDTH + column
    tl.store(keys + target, first, key)
    tl.store(keys + target + WIDTH // 2, second, key)
    flat = tl.arange(0, KEPT)
    value = tl.load(x + row + (queries + kept) * WIDTH + flat, flat < kept * WIDTH, 0.0)
    tl.store(values + slot + flat, value, flat < kept * WIDTH)


@triton.jit
def _attend_beams(
    q, keys, values, slots, begins, lengths, own, result, scale, stride, kept, beams, group, steps,
    WIDTH: tl.constexpr, COLUMNS: tl.constexpr, ROWS: tl.constexpr, SLOTS: tl.constexpr,
):  # fmt: skip
    """One program: all beams of a prompt, those of their heads that read one key head. A row is a beam and a head."""
    prompt, head = tl.program_id(0).to(tl.int64), tl.program_id(1)
    row = tl.arange(0, ROWS)
    column = tl.arange(0, COLUMNS)[None, :]
    beam = row // group
    real = row < beams * group
    inside = real[:, None] & (column < WIDTH)
    of_head = head * group + row % group
    query = tl.load(q + ((prompt * beams + beam) * stride + of_head * WIDTH)[:, None] + column, inside, 0.0)
    highest = tl.full((ROWS,), -float("inf"), tl.float32)
    weight = tl.zeros((ROWS,), tl.float32)
    read = tl.zeros((ROWS, COLUMNS), tl.float32)
    begin, length = tl.load(begins + prompt), tl.load(lengths + prompt)
    for start in range(0, length, SLOTS):
        at = start + tl.arange(0, SLOTS)
        there = at < length
        slot = tl.load(slots + begin + at, there, 0).to(tl.int64)
        place = (slot * kept + head)[:, None] * WIDTH + column
        both = there[:, None] & (column < WIDTH)
        scores = tl.dot(query, tl.trans(tl.load(keys + place, both, 0.0))) * scale
        scores = tl.where(there[None, :], scores, -float("inf"))
        top = tl.maximum(highest, tl.max(scores, 1))
        share, fade = tl.exp(scores - top[:, None]), tl.exp(highest - top)
        value = tl.load(values + place, both, 0.0)
        read = read * fade[:, None] + tl.dot(share.to(value.dtype), value)
        weight = weight * fade + tl.sum(share, 1)
        highest = top
    wide = query.to(tl.float32)
    for step in range(0, steps):
        slot = tl.load(own + (prompt * beams + beam) * steps + step, real, 0).to(tl.int64)
        place = (slot * kept + head)[:, None] * WIDTH + column
        score = tl.sum(wide * tl.load(keys + place, inside, 0.0).to(tl.float32), 1) * scale
        top = tl.maximum(highest, score)
        share, fade = tl.exp(score - top), tl.exp(highest - top)
        read = read * fade[:, None] + share[:, None] * tl.load(values + place, inside, 0.0).to(tl.float32)
        weight = weight * fade + share
        highest = top
    target = ((prompt * beams + beam) * kept * group + of_head)[:, None] * WIDTH + column
    tl.store(result + target, (read / weight[:, None]).to(q.dtype.element_ty), inside)


def attend_beams(q: Tensor, keys: Tensor, values: Tensor, plan: Answering, scale: float) -> Tensor:
    """(B W, H, D) what each beam's newest token reads: the slots of its prompt and of its own answer."""
    prompts, beams, steps = plan.own.shape
    kept, width = keys.shape[1:]
    group = q.shape[1] // kept
    result = torch.empty(q.shape, dtype=q.dtype, device=q.device)
    _attend_beams[(prompts, kept)](
        q, keys, values, plan.slots, plan.begins, plan.lengths, plan.own.contiguous(), result, scale, q.stride(0), kept,
        beams, group, steps, width, power(width), max(16, power(beams * group)), SLOTS, num_warps=4,
    )  # fmt: skip
    return result


class FusedPointwise(PlainPointwise):
    """See `engine.packed.kernels.pointwise.Pointwise`; rows must lie one after the other."""

    def norm(self, x: Tensor, weight: Tensor, eps: float) -> Tensor:
        """See `Pointwise`."""
        if x.dim() != 2:
            return super().norm(x, weight, eps)
        result = torch.empty_like(x)
        _norm[(len(x),)](x, x, weight, x, result, x.shape[1], eps, False, power(x.shape[1]), num_warps=4)
        return result

    def add_norm(self, x: Tensor, more: Tensor, weight: Tensor, eps: float) -> tuple[Tensor, Tensor]:
        """See `Pointwise`."""
        total, result = torch.empty_like(x), torch.empty_like(x)
        _norm[(len(x),)](x, more, weight, total, result, x.shape[1], eps, True, power(x.shape[1]), num_warps=4)
        return total, result

    def gate(self, both: Tensor) -> Tensor:
        """See `Pointwise`."""
        rows, width = both.shape[0], both.shape[1] // 2
        result = both.new_empty(rows, width)
        _gate[(rows, triton.cdiv(width, COLUMNS))](both, result, width, COLUMNS, num_warps=4)
        return result

    def rotate(self, heads: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """See `Pointwise`; in place."""
        count, width = heads.shape[1:]
        _rotate[(len(heads),)](
            heads, cos, sin, heads.stride(0), count, width, power(count), power(width // 2), num_warps=4
        )
        return heads

    def rotate_and_keep(
        self, heads: Tensor, cos: Tensor, sin: Tensor, keys: Tensor, values: Tensor, slots: Tensor
    ) -> Tensor:
        """See `Pointwise`; in place."""
        kept, width = keys.shape[1:]
        queries = heads.shape[1] - 2 * kept
        _rotate_and_keep[(len(heads),)](
            heads, cos, sin, keys, values, slots, queries, kept,
            width, power(queries + kept), power(width // 2), power(kept * width), num_warps=4,
        )  # fmt: skip
        return heads[:, :queries]


def power(number: int) -> int:
    """The next power of two."""
    return 1 << (number - 1).bit_length()
