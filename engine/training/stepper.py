"""Runs training steps: eagerly, or as one recorded CUDA graph that is replayed without any work of the host."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.training.batches import Resident, Where
from engine.training.objectives import Objective
from engine.training.optimizer import FlatAdamW
from engine.training.stack import Stack

Ints = NDArray[np.int64]
WARM_UP_STEPS = 3
WORTH_SHARING = 4e8
"""Multiply-adds of a step from which two threads are faster than one, even beside another busy process."""


@contextmanager
def precision(device: torch.device, kind: str) -> Iterator[None]:
    """Arithmetic of the forward pass: `float32`, `tf32` or `bfloat16`; leaves the process as it was."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high" if kind == "tf32" else "highest")
    try:
        # no cache of cast weights: a recorded graph would keep the first ones
        with torch.autocast(device.type, torch.bfloat16, enabled=kind == "bfloat16", cache_enabled=False):
            yield
    finally:
        torch.set_float32_matmul_precision(before)


@contextmanager
def threads_for(work: float, device: torch.device) -> Iterator[None]:
    """One thread where a step's products (`work` multiply-adds) are too small to share: a second thread would cost more
    than it computes, the more so when other jobs want the core. Leaves the process as it was."""
    before = torch.get_num_threads()
    if device.type == "cpu" and work < WORTH_SHARING:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class Stepper:
    """One optimiser step after another over batches of groups."""

    def __init__(
        self,
        stack: Stack,
        data: Resident,
        objective: Objective,
        optimizer: FlatAdamW,
        *,
        freeze_backbone: bool,
        use_graph: bool,
    ) -> None:
        device = stack.flat.device
        self.stack, self.data, self.objective, self.optimizer = stack, data, objective, optimizer
        self.freeze_backbone = freeze_backbone
        self._sums = torch.zeros(len(objective.names) + 1, stack.runs, dtype=torch.float64, device=device)
        self._groups = 0
        self._use_graph = use_graph and device.type == "cuda"
        self._graphs: dict[int, tuple[Tensor, torch.cuda.CUDAGraph]] = {}

    def step(self, index: Ints, place: Tensor) -> None:
        """One step over groups (R or 1, B), given on the host and on the device."""
        self._groups += index.shape[1]
        if not self._use_graph:
            self._body(self.data.anywhere(place) if self.stack.compiled else self.data.where(index))
            return
        if index.shape[1] not in self._graphs:
            self._graphs[index.shape[1]] = self._record(place.clone())
        inputs, graph = self._graphs[index.shape[1]]
        inputs.copy_(place)
        graph.replay()

    def read(self) -> dict[str, list[float]]:
        """Means over the groups since the last call, one for each run; the only time the host waits for the device."""
        means = (self._sums / max(self._groups, 1)).tolist()
        self._sums.zero_()
        self._groups = 0
        return dict(zip((*self.objective.names, "gradient_norm"), means, strict=True))

    def _body(self, where: Where) -> None:
        loss, measured = self.objective.terms(self.stack, where)
        self.stack.differentiate(loss, self.freeze_backbone)
        norms = self.optimizer.step()
        self.objective.after_step(measured)
        self._sums.add_(torch.cat([measured, norms[None]]), alpha=where.index.shape[1])

    def _record(self, inputs: Tensor) -> tuple[Tensor, torch.cuda.CUDAGraph]:
        """Record the step over `inputs`, groups (R or 1, B). It is run a few times first, as recording demands, and all
        that this changed is put back."""
        device = self.stack.flat.device
        where = self.data.anywhere(inputs)
        changed = [self.stack.flat, self._sums]
        changed += [*self.optimizer.tensors().values(), *self.objective.tensors().values()]
        kept = [tensor.detach().clone() for tensor in changed]
        random_state = torch.cuda.get_rng_state(device)
        stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream(device))
        with torch.cuda.stream(stream):
            for _ in range(WARM_UP_STEPS):
                self._body(where)
        torch.cuda.current_stream(device).wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=stream):
            self._body(where)
        with torch.no_grad():
            for tensor, value in zip(changed, kept, strict=True):
                tensor.copy_(value)
        torch.cuda.set_rng_state(random_state, device)
        return inputs, graph
