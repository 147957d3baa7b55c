"""Getting numbers to the device without waiting for it: what a pass needs is sent while the passes before still run."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def send(values: Tensor, device: torch.device, dtype: torch.dtype | None = None) -> Tensor:
    """The values on the device. From pinned memory, since a copy from other memory waits until the GPU is idle."""
    if dtype is not None:
        values = values.to(dtype)
    return values.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else values.to(device)


def send_numbers(numbers: Sequence[int], device: torch.device, dtype: torch.dtype = torch.long) -> Tensor:
    """(n,) on the device."""
    return send(torch.tensor(list(numbers), dtype=dtype), device)
