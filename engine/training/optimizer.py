"""AdamW over the flat weights: one fused step for each run, with learning rates that live on the device."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from engine.training.stack import Stack


class FlatAdamW:
    """AdamW (betas .9 and .999, epsilon 1e-8) over the first `count` weights of each run of a stack."""

    def __init__(self, stack: Stack, count: int, weight_decay: Sequence[float]) -> None:
        device = stack.flat.device
        self.lr = torch.zeros(stack.runs, device=device)
        """(R,) learning rates, read at each step."""
        self.mean, self.square = (torch.zeros(stack.runs, count, device=device) for _ in range(2))
        """(R, count) running averages of the gradient and of its square."""
        self.steps = torch.zeros(stack.runs, device=device)
        """(R,) steps taken."""
        groups = []
        for run in range(stack.runs):
            weights = nn.Parameter(stack.flat[run, :count])
            weights.grad = stack.grad[run, :count]
            groups.append({"params": [weights], "lr": self.lr[run], "weight_decay": weight_decay[run]})
        # fused: one kernel for a whole run; capturable: the step count may live inside a CUDA graph
        self._adamw = torch.optim.AdamW(groups, fused=True, capturable=device.type == "cuda")
        for run, group in enumerate(self._adamw.param_groups):
            self._adamw.state[group["params"][0]] = {
                "step": self.steps[run],
                "exp_avg": self.mean[run],
                "exp_avg_sq": self.square[run],
            }

    def step(self) -> None:
        """Update the weights by the gradient that the stack holds."""
        self._adamw.step()

    def tensors(self) -> dict[str, Tensor]:
        """Everything that changes from step to step, beside the weights."""
        return {"mean": self.mean, "square": self.square, "steps": self.steps}
