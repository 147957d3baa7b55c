"""Batches that become smaller where memory runs short."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import NoReturn, TypeVar

import torch

from engine.vlm.protocol import always

Item = TypeVar("Item")
Made = TypeVar("Made")


class Batches:
    """How many items go together from now on."""

    def __init__(self, size: int, refuse: Callable[[], NoReturn]) -> None:
        """`refuse` raises what is said where not even one item fits."""
        self.asked = self.size = size
        self._refuse = refuse

    def each(
        self, items: Sequence[Item], work: Callable[[Sequence[Item]], Made], go_on: Callable[[], bool] = always
    ) -> Iterator[tuple[Sequence[Item], Made]]:
        """Batches of the items in order, and what `work` made of each; none is begun once `go_on` says no."""
        start = 0
        while start < len(items) and go_on():
            batch = items[start : start + self.size]
            made: list[Made] = []
            with suppress(torch.OutOfMemoryError):  # the memory is free only once the exception is gone
                made.append(work(batch))
            if made:
                yield batch, made[0]
                start += len(batch)
            else:
                self._halve(len(batch))

    def _halve(self, tried: int) -> None:
        if tried == 1:
            self._refuse()
        self.size = tried // 2
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
