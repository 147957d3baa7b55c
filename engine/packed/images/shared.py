"""Visual tokens that several processes have in common: what one encoded, the others read. In memory that is gone with them.

A file in memory holds the tokens one behind the other, a second one says which they are and is locked while it grows.
"""

from __future__ import annotations

import fcntl
import hashlib
import mmap
import os
import struct
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock

import torch
from torch import Tensor

_ENTRY = struct.Struct("<32sQIII")
"""SHA-256 of the key, where its tokens begin, depth, places, width."""


class Shared:
    """Visual tokens by key, (depth, places, width) each of one precision. Full is full: nothing is dropped."""

    def __init__(self, index: int, tokens: int, dtype: torch.dtype) -> None:
        """Descriptors of both files; that of the tokens has its full size."""
        self._index = index
        self._memory = mmap.mmap(tokens, 0)
        self._dtype = dtype
        self._known: dict[bytes, tuple[int, int, int, int]] = {}
        self._read = self._end = 0
        self._lock = Lock()
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="shared")
        self._under_way: list[tuple[str, Tensor, torch.cuda.Event]] = []

    def __contains__(self, key: str) -> bool:
        with self._lock:
            self._read_on()
        return _digest(key) in self._known

    def get(self, key: str) -> Tensor | None:
        """The tokens in shared memory, which is not to be written."""
        if key not in self:
            return None
        start, *shape = self._known[_digest(key)]
        count = shape[0] * shape[1] * shape[2]
        return torch.frombuffer(self._memory, dtype=self._dtype, count=count, offset=start).view(shape)

    def put(self, key: str, tokens: Tensor) -> None:
        """Shares tokens as soon as they are computed; see `settle`."""
        if tokens.device.type != "cuda":
            self._writer.submit(self._write, key, tokens.clone())
            return
        copy = torch.empty(tokens.shape, dtype=tokens.dtype, pin_memory=True)
        copy.copy_(tokens, non_blocking=True)
        done = torch.cuda.Event()  # type: ignore[no-untyped-call]
        done.record()
        self._under_way.append((key, copy, done))

    def settle(self) -> None:
        """Has what a GPU has computed meanwhile written; waits for nothing."""
        while self._under_way and self._under_way[0][2].query():  # type: ignore[no-untyped-call]
            key, copy, _ = self._under_way.pop(0)
            self._writer.submit(self._write, key, copy)

    def written(self) -> Future[None]:
        """Done once everything that was to be written until now is."""
        return self._writer.submit(lambda: None)

    def _write(self, key: str, tokens: Tensor) -> None:
        """In the writer's thread. A lock on a file keeps other processes away, not other threads."""
        with self._lock:
            fcntl.lockf(self._index, fcntl.LOCK_EX)
            try:
                self._append(key, tokens)
            finally:
                fcntl.lockf(self._index, fcntl.LOCK_UN)

    def _append(self, key: str, tokens: Tensor) -> None:
        self._read_on()
        start, size = self._end, tokens.nbytes
        if _digest(key) not in self._known and start + size <= len(self._memory):
            place = torch.frombuffer(self._memory, dtype=self._dtype, count=tokens.numel(), offset=start)
            place.copy_(tokens.flatten())  # other threads go on meanwhile
            depth, places, width = tokens.shape
            os.pwrite(self._index, _ENTRY.pack(_digest(key), start, depth, places, width), self._read)

    def _read_on(self) -> None:
        """What has been added since."""
        size = os.fstat(self._index).st_size
        if size <= self._read:
            return
        for digest, *entry in _ENTRY.iter_unpack(os.pread(self._index, size - self._read, self._read)):
            self._known[digest] = (entry[0], entry[1], entry[2], entry[3])
            self._end = entry[0] + entry[1] * entry[2] * entry[3] * self._dtype.itemsize
        self._read = size


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
