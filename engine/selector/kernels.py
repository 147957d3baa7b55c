"""Triton kernels for what a training step does between its matrix products: one where PyTorch needs five to twenty.

Sums run in a fixed order, so that a seed repeats a run to the bit. Imported on a GPU only; the same functions in plain
PyTorch, which serve the CPU and the compiler, stand in `engine.selector.fused` and `engine.training.optimizer`.
"""

from __future__ import annotations

import math
from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

LARGEST_ROW = 8192
"""Numbers in the longest row that one program holds."""
TILE = 2048
"""Numbers of the smaller rows that one program takes together, and of the weights that one program steps."""


@triton.jit
def _unit_forward(vectors, units, lengths, count, width, least, ROWS: tl.constexpr, WIDTH: tl.constexpr):
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    column = tl.arange(0, WIDTH)[None, :]
    inside = (row < count)[:, None] & (column < width)
    place = row[:, None] * width + column
    values = tl.load(vectors + place, inside, 0.0)
    length = tl.sqrt_rn(tl.sum(values * values, 1))
    tl.store(units + place, values / tl.maximum(length, least)[:, None], inside)
    tl.store(lengths + row, length, row < count)


@triton.jit
def _unit_backward(gradient, units, lengths, result, count, width, least, ROWS: tl.constexpr, WIDTH: tl.constexpr):
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    column = tl.arange(0, WIDTH)[None, :]
    inside = (row < count)[:, None] & (column < width)
    place = row[:, None] * width + column
    grad = tl.load(gradient + place, inside, 0.0)
    unit = tl.load(units + place, inside, 0.0)
    length = tl.load(lengths + row, row < count, 1.0)
    along = tl.where(length >= least, tl.sum(grad * unit, 1), 0.0)
    tl.store(result + place, (grad - unit * along[:, None]) / tl.maximum(length, least)[:, None], inside)


@triton.jit
def _logits(
    scores, blocked, mask, row, group, column, inside, size, fill, padding,
    BLOCKED: tl.constexpr, MASKED: tl.constexpr,
):  # fmt: skip
    """A row of logits, and which of them are scores."""
    logits = tl.load(scores + row * size + column, inside, -float("inf"))
    scored = inside
    if BLOCKED:
        closed = tl.load(blocked + row * size + column, inside, 0) != 0
        logits = tl.where(closed & inside, fill, logits)
        scored = scored & (closed == 0)
    if MASKED:
        real = tl.load(mask + group * size + column, inside, 1) != 0
        logits = tl.where(real | (inside == 0), logits, padding)
        scored = scored & real
    return logits, scored


@triton.jit
def _log_probs_forward(
    scores, labels, blocked, mask, result, norms, paths, size, fill, padding,
    SHARED: tl.constexpr, BLOCKED: tl.constexpr, MASKED: tl.constexpr, SIZE: tl.constexpr,
):  # fmt: skip
    item = tl.program_id(0).to(tl.int64)
    group = item // paths
    row = group if SHARED else item
    column = tl.arange(0, SIZE)
    inside = column < size
    logits, _ = _logits(scores, blocked, mask, row, group, column, inside, size, fill, padding, BLOCKED, MASKED)
    highest = tl.max(logits, 0)
    spread = tl.log(tl.sum(tl.exp(logits - highest), 0))
    picked = tl.sum(tl.where(column == tl.load(labels + item), logits, 0.0), 0)
    tl.store(result + item, picked - highest - spread)
    tl.store(norms + item, highest + spread)


@triton.jit
def _log_probs_backward(
    gradient, scores, labels, blocked, mask, norms, result, paths, size, fill, padding,
    SHARED: tl.constexpr, BLOCKED: tl.constexpr, MASKED: tl.constexpr, SIZE: tl.constexpr,
):  # fmt: skip
    row = tl.program_id(0).to(tl.int64)
    group = row if SHARED else row // paths
    column = tl.arange(0, SIZE)
    inside = column < size
    logits, scored = _logits(scores, blocked, mask, row, group, column, inside, size, fill, padding, BLOCKED, MASKED)
    first = row * paths if SHARED else row
    total = tl.zeros((SIZE,), tl.float32)
    for path in range(paths if SHARED else 1):
        grad = tl.load(gradient + first + path)
        label = tl.load(labels + first + path)
        norm = tl.load(norms + first + path)
        total += grad * (tl.where(column == label, 1.0, 0.0) - tl.exp(logits - norm))
    tl.store(result + row * size + column, tl.where(scored, total, 0.0), inside)


@triton.jit
def _gate_forward(
    of_state, of_chosen, state, chosen, units, lengths, paths, width, least, SHARED: tl.constexpr, WIDTH: tl.constexpr
):
    item = tl.program_id(0).to(tl.int64)
    row = item // paths if SHARED else item
    column = tl.arange(0, WIDTH)
    inside = column < width
    old, new = row * width + column, item * width + column
    opened = tl.load(of_state + old, inside, 0.0) + tl.load(of_chosen + new, inside, 0.0)
    share = 1 / (1 + tl.exp(-opened))
    mixed = share * tl.load(state + old, inside, 0.0) + (1 - share) * tl.load(chosen + new, inside, 0.0)
    length = tl.sqrt_rn(tl.sum(mixed * mixed, 0))
    tl.store(units + new, mixed / tl.maximum(length, least), inside)
    tl.store(lengths + item, length)


@triton.jit
def _gate_backward(
    gradient, of_state, of_chosen, state, chosen, units, lengths,
    for_state_gate, for_chosen_gate, for_state, for_chosen, paths, width, least,
    SHARED: tl.constexpr, WIDTH: tl.constexpr,
):  # fmt: skip
    row = tl.program_id(0).to(tl.int64)
    column = tl.arange(0, WIDTH)
    inside = column < width
    old = row * width + column
    gate, before = tl.load(of_state + old, inside, 0.0), tl.load(state + old, inside, 0.0)
    first = row * paths if SHARED else row
    gate_total, state_total = tl.zeros((WIDTH,), tl.float32), tl.zeros((WIDTH,), tl.float32)
    for path in range(paths if SHARED else 1):
        item = first + path
        new = item * width + column
        grad, unit = tl.load(gradient + new, inside, 0.0), tl.load(units + new, inside, 0.0)
        length = tl.load(lengths + item)
        along = tl.where(length >= least, tl.sum(grad * unit, 0), 0.0)
        mixed = (grad - unit * along) / tl.maximum(length, least)
        share = 1 / (1 + tl.exp(-(gate + tl.load(of_chosen + new, inside, 0.0))))
        opened = mixed * (before - tl.load(chosen + new, inside, 0.0)) * share * (1 - share)
        tl.store(for_chosen_gate + new, opened, inside)
        tl.store(for_chosen + new, mixed * (1 - share), inside)
        gate_total += opened
        state_total += mixed * share
    tl.store(for_state_gate + old, gate_total, inside)
    tl.store(for_state + old, state_total, inside)


@triton.jit
def _squares(gradient, partial, stride, count, BLOCK: tl.constexpr):
    run = tl.program_id(1).to(tl.int64)
    place = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    values = tl.load(gradient + run * stride + place, place < count, 0.0)
    tl.store(partial + run * tl.num_programs(0) + tl.program_id(0), tl.sum(values * values, 0))


@triton.jit
def _adamw(
    weights, gradient, mean, square, steps, rates, decays, partial, norms, stride, count, clip, parts,
    BETA1: tl.constexpr, BETA2: tl.constexpr, LOG1: tl.constexpr, LOG2: tl.constexpr, EPSILON: tl.constexpr,
    BLOCK: tl.constexpr, PARTS: tl.constexpr,
):  # fmt: skip
    run = tl.program_id(1).to(tl.int64)
    part = tl.arange(0, PARTS)
    norm = tl.sqrt_rn(tl.sum(tl.load(partial + run * parts + part, part < parts, 0.0), 0))
    if tl.program_id(0) == 0:
        tl.store(norms + run, norm)
    step = tl.load(steps + run).to(tl.float64)
    rate = tl.load(rates + run)
    first = (rate.to(tl.float64) / (1 - tl.exp(step * LOG1))).to(tl.float32)
    second = tl.sqrt(1 - tl.exp(step * LOG2)).to(tl.float32)
    place = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = place < count
    grad = tl.load(gradient + run * stride + place, inside, 0.0)
    grad *= tl.where(clip > 0, tl.minimum(clip / (norm + 1e-6), 1.0), 1.0)
    average = tl.load(mean + run * count + place, inside, 0.0)
    average += (grad - average) * (1 - BETA1)
    variance = tl.load(square + run * count + place, inside, 0.0) * BETA2 + grad * grad * (1 - BETA2)
    value = tl.load(weights + run * stride + place, inside, 0.0)
    value -= rate * tl.load(decays + run) * value
    value -= first * average / (tl.sqrt_rn(variance) / second + EPSILON)
    tl.store(mean + run * count + place, average, inside)
    tl.store(square + run * count + place, variance, inside)
    tl.store(weights + run * stride + place, value, inside)


class _Kernel(Function):
    """A differentiable kernel over any leading dimensions; batched over runs (torch.func), it takes them as one more."""

    @classmethod
    def vmap(cls, info: Any, in_dims: tuple[int | None, ...], *values: Any) -> Any:
        """Bring the runs to the front of each tensor; what all runs share is repeated."""
        moved = [
            value
            if not isinstance(value, Tensor)
            else value.expand(info.batch_size, *value.shape)
            if place is None
            else value.movedim(place, 0)
            for value, place in zip(values, in_dims, strict=True)
        ]
        results = cls.apply(*moved)
        return results, (0,) * len(results)


class _Unit(_Kernel):
    @staticmethod
    def forward(vectors: Tensor, least: float) -> tuple[Tensor, Tensor]:
        vectors = vectors.contiguous()
        units, lengths = torch.empty_like(vectors), vectors.new_empty(vectors.shape[:-1])
        _rows(_unit_forward, vectors.shape[-1], lengths.numel(), vectors, units, lengths, least)
        return units, lengths

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        ctx.save_for_backward(*output)
        ctx.mark_non_differentiable(output[1])
        ctx.least = inputs[1]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor, _: Any) -> tuple[Tensor, None]:
        units, lengths = ctx.saved_tensors
        gradient, result = gradient.contiguous(), torch.empty_like(units)
        _rows(_unit_backward, units.shape[-1], lengths.numel(), gradient, units, lengths, result, ctx.least)
        return result, None


class _LogProbs(_Kernel):
    @staticmethod
    def forward(
        scores: Tensor, labels: Tensor, blocked: Tensor | None, mask: Tensor | None, fill: float, padding: float
    ) -> tuple[Tensor, Tensor]:
        parts = [None if part is None else part.contiguous() for part in (scores, labels, blocked, mask)]
        result = scores.new_empty(labels.shape)
        norms = torch.empty_like(result)
        paths, size = labels.shape[-1], scores.shape[-1]
        _log_probs_forward[(labels.numel(),)](
            *parts, result, norms, paths, size, fill, padding, **_log_prob_options(scores, blocked, mask)
        )
        return result, norms

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        scores, labels, blocked, mask, *ctx.fills = inputs
        ctx.mark_non_differentiable(output[1])
        ctx.save_for_backward(scores, labels, blocked, mask, output[1])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor, _: Any) -> tuple[Any, ...]:
        scores, labels, blocked, mask, norms = ctx.saved_tensors
        parts = [None if part is None else part.contiguous() for part in (gradient, scores, labels, blocked, mask)]
        result = torch.empty_like(scores, memory_format=torch.contiguous_format)
        paths, size = labels.shape[-1], scores.shape[-1]
        _log_probs_backward[(scores.numel() // size,)](
            *parts, norms, result, paths, size, *ctx.fills, **_log_prob_options(scores, blocked, mask)
        )
        return result, None, None, None, None, None


class _GatedUnit(_Kernel):
    @staticmethod
    def forward(
        of_state: Tensor, of_chosen: Tensor, state: Tensor, chosen: Tensor, least: float
    ) -> tuple[Tensor, Tensor]:
        parts = [part.contiguous() for part in (of_state, of_chosen, state, chosen)]
        units, lengths = torch.empty_like(parts[1]), chosen.new_empty(chosen.shape[:-1])
        paths, width = chosen.shape[-2:]
        _gate_forward[(lengths.numel(),)](
            *parts, units, lengths, paths, width, least, SHARED=state.shape[-2] == 1, **_row_options(width)
        )
        return units, lengths

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        *tensors, ctx.least = inputs
        ctx.mark_non_differentiable(output[1])
        ctx.save_for_backward(*tensors, *output)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor, _: Any) -> tuple[Any, ...]:
        parts = [part.contiguous() for part in (gradient, *ctx.saved_tensors)]
        _, of_state, of_chosen, state, chosen, _, _ = parts
        results = [torch.empty_like(part) for part in (of_state, of_chosen, state, chosen)]
        paths, width = chosen.shape[-2:]
        _gate_backward[(state.numel() // width,)](
            *parts, *results, paths, width, ctx.least, SHARED=state.shape[-2] == 1, **_row_options(width)
        )
        return (*results, None)


def unit(vectors: Tensor, least: float) -> Tensor:
    """Rows (..., H) divided by their length, or by `least` where they are shorter."""
    result: Tensor = _Unit.apply(vectors, least)[0]
    return result


def picked_log_probs(
    scores: Tensor, labels: Tensor, blocked: Tensor | None, mask: Tensor | None, fill: float, padding: float
) -> Tensor:
    """Log-probabilities (..., P) of labels (..., P) under the softmax of scores (..., 1 or P, K), in which what is `blocked`
    counts as `fill` and what `mask` (..., K) leaves out as `padding`."""
    result: Tensor = _LogProbs.apply(scores, labels, blocked, mask, fill, padding)[0]
    return result


def gated_unit(of_state: Tensor, of_chosen: Tensor, state: Tensor, chosen: Tensor, least: float) -> Tensor:
    """Rows g⊙state + (1-g)⊙chosen of length one, g = sigmoid(of_state + of_chosen); those of the state (..., 1 or P, H),
    those of the choice (..., P, H)."""
    result: Tensor = _GatedUnit.apply(of_state, of_chosen, state, chosen, least)[0]
    return result


def adamw(
    weights: Tensor, gradient: Tensor, mean: Tensor, square: Tensor, steps: Tensor, rates: Tensor, decays: Tensor,
    *, clip: float, betas: tuple[float, float], epsilon: float,
) -> Tensor:  # fmt: skip
    """One AdamW step over the first columns of `weights` (R, N), as many as `mean` and `square` (R, count) have, by
    gradients (R, N) clipped to the norm `clip` (0: not at all); returns the norms (R,). `steps` (R,) counts this one."""
    runs, count = mean.shape
    blocks = triton.cdiv(count, TILE)
    partial, norms = mean.new_empty(runs, blocks), mean.new_empty(runs)
    stride = weights.stride(0)
    assert gradient.stride(0) == stride, "weights and gradients are rows of one length"
    _squares[(blocks, runs)](gradient, partial, stride, count, BLOCK=TILE)
    _adamw[(blocks, runs)](
        weights, gradient, mean, square, steps, rates, decays, partial, norms, stride, count, clip, blocks,
        BETA1=betas[0], BETA2=betas[1], LOG1=math.log(betas[0]), LOG2=math.log(betas[1]), EPSILON=epsilon,
        BLOCK=TILE, PARTS=triton.next_power_of_2(blocks),
    )  # fmt: skip
    return norms


def _row_options(width: int) -> dict[str, int]:
    size = triton.next_power_of_2(width)
    return {"WIDTH": size, "num_warps": _warps(size)}


def _warps(size: int) -> int:
    return max(1, min(8, size // 128))


def _log_prob_options(scores: Tensor, blocked: Tensor | None, mask: Tensor | None) -> dict[str, Any]:
    size = triton.next_power_of_2(scores.shape[-1])
    shared = scores.shape[-2] == 1
    return {
        "SHARED": shared, "BLOCKED": blocked is not None, "MASKED": mask is not None, "SIZE": size,
        "num_warps": _warps(size),
    }  # fmt: skip


def _rows(kernel: Any, width: int, count: int, *arguments: Any) -> None:
    size = triton.next_power_of_2(width)
    rows = max(1, TILE // size)
    *tensors, least = arguments
    kernel[(triton.cdiv(count, rows),)](*tensors, count, width, least, ROWS=rows, WIDTH=size)
