"""The GPU kernels against the plain formulas they stand for, forward and backward, alone and batched over runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.func import vmap

from engine.selector import fused
from engine.training.optimizer import BETAS, EPSILON

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
Function = Callable[..., Tensor]


def draw(*shape: int) -> Tensor:
    return torch.randn(*shape, device="cuda", requires_grad=True)


def agree(ours: Function, plain: Function, *values: Tensor) -> None:
    """Results and gradients of both."""
    found = []
    for function in (ours, plain):
        result = function(*values)
        weights = torch.linspace(-1, 1, result.numel(), device="cuda").view(result.shape)
        found.append([result, *torch.autograd.grad(result, values, weights)])
    for one, two in zip(*found, strict=True):
        torch.testing.assert_close(one, two, atol=2e-6, rtol=2e-5)


def plainly(function: Function) -> Function:
    """The same in double precision, which no kernel takes."""

    def call(*values: Tensor) -> Tensor:
        return function(*(value.double() for value in values)).float()

    return call


def over_runs(function: Function) -> Function:
    return lambda *values: torch.stack([function(*parts) for parts in zip(*values, strict=True)])


@pytest.mark.parametrize("shape", [(7, 256), (2, 3, 100), (5, 1), (3, 4096)])
def test_unit(shape: tuple[int, ...]) -> None:
    values = draw(*shape)
    with torch.no_grad():
        values.view(-1, shape[-1])[1] = 0
    agree(fused.unit, plainly(fused.unit), values)


@pytest.mark.parametrize("rows", [1, 4])
def test_gated_unit(rows: int) -> None:
    values = draw(3, rows, 96), draw(3, 4, 96), draw(3, rows, 96), draw(3, 4, 96)
    agree(fused.gated_unit, plainly(fused.gated_unit), *values)
    runs = [draw(5, 3, count, 96) for count in (rows, 4, rows, 4)]
    agree(vmap(fused.gated_unit), over_runs(plainly(fused.gated_unit)), *runs)


def log_probs(labels: Tensor, blocked: Tensor | None, mask: Tensor | None) -> Function:
    return lambda scores: fused.picked_log_probs(scores, labels, blocked, mask, -100.0, -1e4)


@pytest.mark.parametrize("rows", [1, 4])
@pytest.mark.parametrize("blocking", [None, 1, 4])
@pytest.mark.parametrize("masking", [False, True])
def test_log_probabilities_of_picks(rows: int, blocking: int | None, masking: bool) -> None:
    if rows == 4 and blocking == 1:
        pytest.skip("trajectories that differ block differently")
    labels = torch.randint(0, 70, (3, 4), device="cuda")
    blocked = None if blocking is None else torch.rand(3, blocking, 70, device="cuda") < 0.3
    mask = torch.rand(3, 70, device="cuda") < 0.8 if masking else None
    function = log_probs(labels, blocked, mask)
    agree(function, plainly(function), draw(3, rows, 70))
    agree(vmap(function), over_runs(plainly(function)), draw(5, 3, rows, 70))


def test_adamw_with_clipping() -> None:
    runs, length, count, clip = 3, 5000, 4700, 1.0
    weights, rates = draw(runs, length).detach(), torch.tensor([1e-3, 1e-2, 0.0], device="cuda")
    decays, steps = torch.tensor([0.01, 0.1, 0.0], device="cuda"), torch.zeros(runs, device="cuda")
    mean, square = (torch.zeros(runs, count, device="cuda") for _ in range(2))
    before = weights.clone()
    parameters = [torch.nn.Parameter(row[:count].double()) for row in weights]
    plain = [
        torch.optim.AdamW([parameter], lr=float(rate), weight_decay=float(decay))
        for parameter, rate, decay in zip(parameters, rates, decays, strict=True)
    ]
    kernels: Any = fused.gpu_kernels()
    for scale in (3.0, 0.001, 1.0, 0.01):
        gradient = draw(runs, length).detach() * scale
        steps += 1
        norms = kernels.adamw(
            weights, gradient, mean, square, steps, rates, decays, clip=clip, betas=BETAS, epsilon=EPSILON
        )
        for parameter, row, optimizer in zip(parameters, gradient, plain, strict=True):
            parameter.grad = row[:count].double()
            torch.nn.utils.clip_grad_norm_([parameter], clip)
            optimizer.step()
        torch.testing.assert_close(norms, gradient[:, :count].norm(dim=1), rtol=1e-5, atol=0)
    for row, parameter in zip(weights, parameters, strict=True):
        torch.testing.assert_close(row[:count].double(), parameter.data, rtol=1e-5, atol=2e-6)
    assert torch.equal(weights[:, count:], before[:, count:])
    assert torch.equal(weights[2], before[2])
