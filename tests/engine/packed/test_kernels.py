"""The kernels against plain PyTorch. On a GPU; elsewhere by Triton's interpreter where that is asked for."""

from __future__ import annotations

import os

import pytest
import torch
from torch import Tensor

from engine.packed.kernels.attention import Attention, PaddedAttention
from engine.packed.kernels.beam_slots import Answering
from engine.packed.kernels.fp8 import PlainRounding, Rows
from engine.packed.kernels.pointwise import PlainPointwise

INTERPRETED = bool(os.environ.get("TRITON_INTERPRET"))
pytestmark = pytest.mark.skipif(not (torch.cuda.is_available() or INTERPRETED), reason="needs a GPU")
DEVICE = torch.device("cpu" if INTERPRETED else "cuda")
PRECISIONS = [torch.float32] if INTERPRETED else [torch.float32, torch.bfloat16]
TOLERANCES = {torch.float32: 2e-3, torch.bfloat16: 2e-2}
"""A dot product of float32 may run in TF32."""


def draw(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(*shape, device=DEVICE).to(dtype)


def close(found: Tensor, expected: Tensor, dtype: torch.dtype) -> None:
    assert (found.float() - expected.float()).norm() <= TOLERANCES[dtype] * expected.float().norm()


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize("width", [32, 1280, 100])
def test_norms_and_gates(dtype: torch.dtype, width: int) -> None:
    from engine.packed.kernels.cuda import FusedPointwise

    ours, plain = FusedPointwise(), PlainPointwise()
    x, more, weight = draw(5, width, dtype=dtype), draw(5, width, dtype=dtype), draw(width, dtype=dtype)
    close(ours.norm(x, weight, 1e-6), plain.norm(x, weight, 1e-6), dtype)
    for one, two in zip(ours.add_norm(x, more, weight, 1e-6), plain.add_norm(x, more, weight, 1e-6), strict=True):
        close(one, two, dtype)
    both = draw(4, 2 * width, dtype=dtype)
    close(ours.gate(both), plain.gate(both), dtype)


def alike(found: Rows, expected: Rows) -> None:
    """Rounded alike, but for a few numbers that lay between two steps."""
    close(found.scales, expected.scales, torch.float32)
    assert (found.values.float() != expected.values.float()).float().mean() < 0.01


@pytest.mark.skipif(INTERPRETED, reason="the interpreter does not carry when it rounds up to a power of two")
@pytest.mark.skipif(
    torch.cuda.is_available() and torch.cuda.get_device_capability() < (8, 9), reason="needs a GPU that multiplies fp8"
)
@pytest.mark.parametrize("width", [32, 100, 2048, 11008])
def test_rounding_to_fp8(width: int) -> None:
    from engine.packed.kernels.cuda import FusedPointwise
    from engine.packed.kernels.fp8_cuda import FusedRounding

    ours, plain, dtype = FusedRounding(), PlainRounding(FusedPointwise()), torch.bfloat16
    x, more, weight = draw(5, width, dtype=dtype), draw(5, width, dtype=dtype), draw(width, dtype=dtype)
    x[3], more[3] = 0, 0
    alike(ours.rows(x), plain.rows(x))
    alike(ours.norm(x, weight, 1e-6), plain.norm(x, weight, 1e-6))
    (total, normed), (expected, expected_normed) = (one.add_norm(x, more, weight, 1e-6) for one in (ours, plain))
    assert torch.equal(total, expected)
    alike(normed, expected_normed)
    both = draw(4, 2 * width, dtype=dtype)
    alike(ours.gate(both), plain.gate(both))


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize(("heads", "width"), [(4, 80), (3, 16)])
def test_rotation_in_place(dtype: torch.dtype, heads: int, width: int) -> None:
    from engine.packed.kernels.cuda import FusedPointwise

    x, cos, sin = draw(6, heads + 2, width, dtype=dtype), draw(6, width), draw(6, width)
    expected, untouched = PlainPointwise().rotate(x[:, :heads], cos, sin), x[:, heads:].clone()
    close(FusedPointwise().rotate(x[:, :heads], cos, sin), expected, dtype)
    assert torch.equal(x[:, heads:], untouched)


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize(("queries", "kept", "width"), [(16, 2, 128), (4, 2, 8), (3, 3, 24)])
def test_rotation_with_keys_and_values_to_their_slots(dtype: torch.dtype, queries: int, kept: int, width: int) -> None:
    from engine.packed.kernels.cuda import FusedPointwise

    x, cos, sin = (
        draw(5, queries + 2 * kept, width, dtype=dtype),
        draw(5, width, dtype=dtype),
        draw(5, width, dtype=dtype),
    )
    slots = torch.tensor([7, 0, 3, 9, 4], device=DEVICE)
    filled = [draw(11, kept, width, dtype=dtype) for _ in range(2)]
    theirs = [one.clone() for one in filled]
    expected = PlainPointwise().rotate_and_keep(x.clone(), cos, sin, theirs[0], theirs[1], slots)
    close(FusedPointwise().rotate_and_keep(x, cos, sin, filled[0], filled[1], slots), expected, dtype)
    for one, two in zip(filled, theirs, strict=True):
        close(one, two, dtype)


@pytest.mark.skipif(INTERPRETED, reason="the interpreter does not loop over a number that it has loaded")
@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize(("beams", "heads", "kept", "width"), [(3, 16, 2, 128), (1, 4, 4, 16), (5, 6, 2, 24)])
@pytest.mark.parametrize("steps", [1, 4])
def test_beams_read_their_prompt_and_their_own_answer(
    dtype: torch.dtype, beams: int, heads: int, kept: int, width: int, steps: int
) -> None:
    from engine.packed.kernels.cuda import attend_beams

    lengths = torch.tensor([130, 1, 64, 77])
    places = torch.randperm(500)[: int(lengths.sum()) + 4 * beams * steps].to(DEVICE, torch.int32)
    keys, values = draw(500, kept, width, dtype=dtype), draw(500, kept, width, dtype=dtype)
    plan = Answering(
        slots=places[: int(lengths.sum())],
        begins=(lengths.cumsum(0) - lengths).to(DEVICE, torch.int32),
        lengths=lengths.to(DEVICE, torch.int32),
        longest=200,
        own=places[int(lengths.sum()) :].view(4, beams, steps),
    )
    q = draw(4 * beams, heads + 2 * kept, width, dtype=dtype)[:, :heads]
    expected = PaddedAttention(DEVICE).decode(q.contiguous(), keys, values, plan, width**-0.5)
    close(attend_beams(q, keys, values, plan, width**-0.5), expected, dtype)


@pytest.mark.skipif(INTERPRETED, reason="the fused attention needs a GPU")
@pytest.mark.parametrize("heads", [2, 16])
def test_fused_attention_reads_what_padded_attention_reads(heads: int) -> None:
    from engine.packed.kernels.fused import FusedAttention

    fused: Attention = FusedAttention(DEVICE)
    padded: Attention = PaddedAttention(DEVICE)
    keys, values = (draw(300, 2, 128, dtype=torch.bfloat16) for _ in range(2))
    lengths = [5, 1, 40, 17]
    contexts = [
        torch.randperm(300)[: length + more].int() for length, more in zip(lengths, (0, 30, 3, 150), strict=True)
    ]
    q = draw(sum(lengths), heads, 128, dtype=torch.bfloat16)
    found, expected = (
        one.prefill(q, keys, values, one.reading(lengths, contexts), 128**-0.5) for one in (fused, padded)
    )
    close(found, expected, torch.bfloat16)
    starts = torch.tensor([0, 4, 12, 63])
    q, k, v = (draw(63, heads, 80, dtype=torch.bfloat16) for _ in range(3))
    found, expected = (one.within(q, k, v, one.stretches(starts), 80**-0.5) for one in (fused, padded))
    close(found, expected, torch.bfloat16)
