"""Keys and values of all tokens that are alive, each in a numbered slot."""

from __future__ import annotations

import torch
from torch import Tensor


class KeyValues:
    """Slots for `size` tokens. Slots are taken and given back in any order; what they held stays until they are written."""

    def __init__(
        self, size: int, *, layers: int, heads: int, width: int, dtype: torch.dtype, device: torch.device
    ) -> None:
        """`heads` key heads of `width` numbers in each of `layers` layers."""
        self.size = size
        self.keys = [torch.empty(size, heads, width, dtype=dtype, device=device) for _ in range(layers)]
        self.values = [torch.empty_like(keys) for keys in self.keys]
        self._free = torch.arange(size, dtype=torch.int32)
        self._taken = 0

    @staticmethod
    def bytes_per_token(*, layers: int, heads: int, width: int, dtype: torch.dtype) -> int:
        """What one slot costs."""
        return 2 * layers * heads * width * dtype.itemsize

    @property
    def free(self) -> int:
        """Slots that can be taken."""
        return self.size - self._taken

    def take(self, count: int) -> Tensor:
        """Numbers of `count` slots (int32, on the CPU). Raises torch.OutOfMemoryError where there are not as many."""
        if count > self.free:
            raise torch.OutOfMemoryError(f"{count} tokens do not fit beside the {self._taken} that are alive")
        slots = self._free[self._taken : self._taken + count].clone()
        self._taken += count
        return slots

    def give_back(self, slots: Tensor) -> None:
        """The slots may be taken again."""
        self._taken -= len(slots)
        self._free[self._taken : self._taken + len(slots)] = slots
