"""AdamW over the flat weights, clipped run by run, with learning rates that live on the device."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from engine.selector.fused import gpu_kernels, on_this_gpu
from engine.training.stack import Stack

BETAS, EPSILON = (0.9, 0.999), 1e-8


class FlatAdamW:
    """AdamW (betas .9 and .999, epsilon 1e-8) over the first `count` weights of each run of a stack, after its gradient was
    scaled down to the norm `clip` (0: as it is)."""

    def __init__(self, stack: Stack, count: int, weight_decay: Sequence[float], clip: float = 0.0) -> None:
        device = stack.flat.device
        self.lr = torch.zeros(stack.runs, device=device)
        """(R,) learning rates, read at each step."""
        self.mean, self.square = (torch.zeros(stack.runs, count, device=device) for _ in range(2))
        """(R, count) running averages of the gradient and of its square."""
        self.steps = torch.zeros(stack.runs, device=device)
        """(R,) steps taken."""
        self._weights, self._gradient, self._clip = stack.flat, stack.grad, clip
        self._decays = torch.tensor(weight_decay, device=device)
        self._kernels = gpu_kernels() if on_this_gpu(device) else None
        self._adamw = None if self._kernels else self._plain(weight_decay)

    def step(self) -> Tensor:
        """Update the weights by the gradient that the stack holds; returns the norms of the gradient (R,) as it was."""
        if self._adamw is None:
            return self._by_kernel()
        gradient = self._gradient[:, : self.mean.shape[1]]
        norms: Tensor = torch.linalg.vector_norm(gradient, dim=1)
        if self._clip:
            gradient.mul_((self._clip / (norms + 1e-6)).clamp(max=1.0)[:, None])
        self._adamw.step()
        return norms

    def tensors(self) -> dict[str, Tensor]:
        """Everything that changes from step to step, beside the weights."""
        return {"mean": self.mean, "square": self.square, "steps": self.steps}

    def _by_kernel(self) -> Tensor:
        """Norm, clipping and step of all runs in two launches: PyTorch's own takes one for each run, on a few processors."""
        assert self._kernels is not None
        self.steps.add_(1)
        norms: Tensor = self._kernels.adamw(
            self._weights, self._gradient, self.mean, self.square, self.steps, self.lr, self._decays,
            clip=self._clip, betas=BETAS, epsilon=EPSILON,
        )  # fmt: skip
        return norms

    def _plain(self, weight_decay: Sequence[float]) -> torch.optim.AdamW:
        runs, count = self.mean.shape
        groups = []
        for run in range(runs):
            weights = nn.Parameter(self._weights[run, :count])
            weights.grad = self._gradient[run, :count]
            groups.append({"params": [weights], "lr": self.lr[run], "weight_decay": weight_decay[run]})
        # fused: one kernel for a whole run; capturable: the step count may live inside a CUDA graph
        on_gpu = self._weights.is_cuda
        adamw = torch.optim.AdamW(groups, betas=BETAS, eps=EPSILON, fused=True, capturable=on_gpu)
        for run, group in enumerate(adamw.param_groups):
            adamw.state[group["params"][0]] = {
                "step": self.steps[run],
                "exp_avg": self.mean[run],
                "exp_avg_sq": self.square[run],
            }
        return adamw
