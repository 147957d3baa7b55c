"""Visual tokens by image: on the device, in the host's memory, in common with other processes, on disk; within budgets."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from engine.packed.images.disk import OnDisk, worth_keeping
from engine.packed.images.shared import Shared
from engine.packed.transfer import Arriving, fetch, send


class Kept:
    """The most recently used ones on the device, older ones in the host's memory."""

    def __init__(
        self,
        device: torch.device,
        on_device: int,
        on_host: int,
        shared: Shared | None = None,
        disk: OnDisk | None = None,
    ) -> None:
        """Budgets in bytes. On a CPU both are one memory. `shared`: what other processes encoded as well; `disk`: what earlier
        runs did."""
        self.device = device
        self.shared, self.disk = shared, disk
        self.limits = (on_device, on_host)
        self._levels: tuple[OrderedDict[str, Tensor], OrderedDict[str, Tensor]] = (OrderedDict(), OrderedDict())
        self._used = [0, 0]

    def __contains__(self, key: str) -> bool:
        return any(key in level for level in self._levels) or (self.shared is not None and key in self.shared)

    def get(self, key: str) -> Tensor | None:
        """The tokens on the device, or None where they are not in memory."""
        tokens = self._in_memory(key)
        if tokens is not None and self.disk is not None:
            self.disk.skip(key)
        return tokens

    def _in_memory(self, key: str) -> Tensor | None:
        for number, level in enumerate(self._levels):
            if key in level:
                tokens = level.pop(key)
                self._used[number] -= tokens.nbytes
                tokens = send(tokens, self.device) if tokens.device.type != self.device.type else tokens
                self._put(0, key, tokens)
                return tokens
        common = self.shared.get(key) if self.shared is not None else None
        if common is None:
            return None
        tokens = send(common, self.device) if self.device.type == "cuda" else common.clone()
        self._put(0, key, tokens)
        return tokens

    def on_disk(self, keys: Sequence[str]) -> set[str]:
        """Those of the keys that lie on disk; they are read from now on, in this order."""
        if self.disk is None:
            return set()
        there = [key for key in keys if key in self.disk]
        self.disk.announce(there)
        return set(there)

    def from_disk(self, key: str) -> Tensor | None:
        """The tokens on the device as an earlier run made them; None where none did, or what it left is not sound."""
        if self.disk is None or key not in self.disk or (read := self.disk.take(key)) is None:
            return None
        tokens = read.to(self.device, non_blocking=True)
        self._put(0, key, tokens)
        if self.shared is not None:
            self.shared.put(key, Arriving(read))
        return tokens

    def put(self, made: Mapping[str, Tensor], operations: Sequence[float]) -> None:
        """Keeps the tokens of some images, each of which took so many operations, while there is room."""
        for key, tokens in made.items():
            self._put(0, key, tokens.clone())  # apart from its neighbours, so that it can be dropped alone
        stored = {key: self._worth_storing(made[key], one) for key, one in zip(made, operations, strict=True)}
        wanted = [key for key in made if stored[key] or self.shared is not None]
        for key, arriving in zip(wanted, fetch([made[key] for key in wanted]), strict=True):
            if self.shared is not None:
                self.shared.put(key, arriving)
            if self.disk is not None and stored[key]:
                self.disk.put(key, arriving)

    def _worth_storing(self, tokens: Tensor, operations: float) -> bool:
        return self.disk is not None and worth_keeping(operations, tokens.nbytes, self.device)

    def forget(self) -> None:
        """Nothing that was announced is needed any more."""
        if self.disk is not None:
            self.disk.forget()

    def _put(self, number: int, key: str, tokens: Tensor) -> None:
        level = self._levels[number]
        level[key] = tokens
        self._used[number] += tokens.nbytes
        while self._used[number] > self.limits[number] and level:
            oldest, dropped = level.popitem(last=False)
            self._used[number] -= dropped.nbytes
            if number == 0:
                self._put(1, oldest, dropped.cpu())
