"""What changes from step to step and is known beforehand: temperature, learning rate, and the order of the queries."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Ints = NDArray[np.int64]


def temperatures(start: float, end: float, steps: int) -> list[float]:
    """Linear from start to end over all steps; a single step takes the end."""
    if steps <= 1:
        return [end] * steps
    return [start + (end - start) * step / (steps - 1) for step in range(steps)]


def learning_rates(peak: float, steps: int, warmup_ratio: float, schedule: str) -> list[float]:
    """Linear rise over the first share of the steps, then `constant`, or `cosine` down to 0."""
    rise = int(warmup_ratio * steps)
    rates = []
    for step in range(steps):
        if step < rise:
            rates.append(peak * (step + 1) / rise)
        elif schedule == "cosine":
            rates.append(peak * 0.5 * (1 + math.cos(math.pi * (step - rise) / max(steps - rise, 1))))
        else:
            rates.append(peak)
    return rates


def seed_of(seed: int, *place: str | int) -> int:
    """A seed for one place of a run, such as ("rce", 3): a resumed run draws there what an uninterrupted one draws."""
    digest = hashlib.sha256(repr((seed, *place)).encode()).digest()
    return int.from_bytes(digest[:7], "big")


def orders(seeds: list[int], groups: Ints, place: tuple[str, int], shuffle: bool) -> Ints:
    """The groups in the order of an epoch, (R or 1, n): one row where all runs share it."""
    if not shuffle or len(set(seeds)) == 1:
        seeds = seeds[:1]
    rows = []
    for seed in seeds:
        generator = torch.Generator().manual_seed(seed_of(seed, "order", *place))
        rows.append(groups[torch.randperm(len(groups), generator=generator).numpy()] if shuffle else groups)
    return np.stack(rows)


class Randomness:
    """A stream of random numbers for dropout that nothing outside disturbs, and that disturbs nothing outside."""

    def __init__(self, seed: int, device: torch.device) -> None:
        self._seed, self._device = seed, device
        self._state: tuple[Tensor, Tensor | None] | None = None

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Draw from the stream inside the block; the next block goes on where this one stopped."""
        on_gpu = self._device.type == "cuda"
        with torch.random.fork_rng(devices=[self._device] if on_gpu else []):
            if self._state is None:
                torch.default_generator.manual_seed(self._seed)
                if on_gpu:
                    torch.cuda.default_generators[self._device.index or 0].manual_seed(self._seed)
            else:
                torch.set_rng_state(self._state[0])
                if self._state[1] is not None:
                    torch.cuda.set_rng_state(self._state[1], self._device)
            yield
            self._state = torch.get_rng_state(), torch.cuda.get_rng_state(self._device) if on_gpu else None
