"""Getting numbers to the device and back without waiting for it: what a pass needs is sent while the passes before still run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

PINNED_BYTES = 32 << 20
"""A buffer of what is fetched, at most."""


def send(values: Tensor, device: torch.device, dtype: torch.dtype | None = None) -> Tensor:
    """The values on the device. From pinned memory, since a copy from other memory waits until the GPU is idle."""
    if dtype is not None:
        values = values.to(dtype)
    return values.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else values.to(device)


def send_numbers(numbers: Sequence[int], device: torch.device, dtype: torch.dtype = torch.long) -> Tensor:
    """(n,) on the device."""
    return send(torch.tensor(list(numbers), dtype=dtype), device)


def send_all(tensors: Sequence[Tensor], device: torch.device) -> list[Tensor]:
    """Tensors of one precision on the device, through one pinned buffer; see `fetch`."""
    if device.type != "cuda":
        return [one.to(device) for one in tensors]
    sizes = [one.numel() for one in tensors]
    buffer = torch.empty(sum(sizes), dtype=tensors[0].dtype, pin_memory=True)
    sent = torch.cat([one.flatten() for one in tensors], out=buffer).to(device, non_blocking=True)
    return [part.view(one.shape) for part, one in zip(torch.split(sent, sizes), tensors, strict=True)]


@dataclass(frozen=True)
class Arriving:
    """A tensor on its way to the host's memory."""

    _values: Tensor
    _sent: torch.cuda.Event | None = None
    """Behind the copy; None where the values are there."""

    @property
    def nbytes(self) -> int:
        """Bytes of the values."""
        return self._values.nbytes

    def values(self) -> Tensor:
        """The values, once they are there."""
        if self._sent is not None:
            self._sent.synchronize()
        return self._values


def fetch(tensors: Sequence[Tensor]) -> list[Arriving]:
    """Copies in the host's memory, of which a GPU's are still under way. Many go into one pinned buffer, since each new buffer
    holds launches up for as long as its pages take to be pinned."""
    if not tensors or tensors[0].device.type != "cuda":
        return [Arriving(one.clone()) for one in tensors]
    at_once = max(1, PINNED_BYTES // max(one.nbytes for one in tensors))
    return [one for start in range(0, len(tensors), at_once) for one in _fetched(tensors[start : start + at_once])]


def _fetched(tensors: Sequence[Tensor]) -> list[Arriving]:
    sizes = [one.numel() for one in tensors]
    buffer = torch.empty(sum(sizes), dtype=tensors[0].dtype, pin_memory=True)
    places = [place.view(one.shape) for place, one in zip(torch.split(buffer, sizes), tensors, strict=True)]
    for place, one in zip(places, tensors, strict=True):
        place.copy_(one, non_blocking=True)
    sent = torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call]
    sent.record()
    return [Arriving(place, sent) for place in places]
