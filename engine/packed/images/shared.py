"""Visual tokens that several processes have in common: what one encoded, the others read. In memory that is gone with them.

A file in memory holds the tokens one behind the other. A second one says how much of it is taken, and which tokens are there; it
is locked while a place is taken or an entry added, never while tokens are copied: whoever looks something up would wait.
"""

from __future__ import annotations

import fcntl
import hashlib
import mmap
import os
import struct
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Lock

import torch
from torch import Tensor

from engine.packed.transfer import Arriving

_ENTRY = struct.Struct("<32sQIII")
"""SHA-256 of the key, where its tokens begin, depth, places, width."""
_TAKEN = struct.Struct("<Q")
"""Bytes of the tokens' file that are taken; stands before the entries."""


class Shared:
    """Visual tokens by key, (depth, places, width) each of one precision. Full is full: nothing is dropped."""

    def __init__(self, index: int, tokens: int, dtype: torch.dtype) -> None:
        """Descriptors of both files; that of the tokens has its full size."""
        self._index = index
        self._memory = mmap.mmap(tokens, 0)
        self._dtype = dtype
        self._known: dict[bytes, tuple[int, int, int, int]] = {}
        self._read = _TAKEN.size
        self._lock = Lock()
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="shared")

    def __contains__(self, key: str) -> bool:
        digest = _digest(key)
        if digest not in self._known:
            with self._lock:
                self._read_on()
        return digest in self._known

    def get(self, key: str) -> Tensor | None:
        """The tokens in shared memory, which is not to be written."""
        if key not in self:
            return None
        start, *shape = self._known[_digest(key)]
        count = shape[0] * shape[1] * shape[2]
        return torch.frombuffer(self._memory, dtype=self._dtype, count=count, offset=start).view(shape)

    def put(self, key: str, tokens: Arriving) -> None:
        """Shares tokens as soon as they are in the host's memory."""
        self._writer.submit(self._write, key, tokens)

    def written(self) -> Future[None]:
        """Done once everything that was to be written until now is."""
        return self._writer.submit(lambda: None)

    def _write(self, key: str, arriving: Arriving) -> None:
        """In the writer's thread."""
        tokens = arriving.values()
        digest = _digest(key)
        if (start := self._take(digest, tokens.nbytes)) is None:
            return
        place = torch.frombuffer(self._memory, dtype=self._dtype, count=tokens.numel(), offset=start)
        place.copy_(tokens.flatten())
        depth, places, width = tokens.shape
        with self._alone():
            os.pwrite(self._index, _ENTRY.pack(digest, start, depth, places, width), self._read)

    def _take(self, digest: bytes, size: int) -> int | None:
        """Where tokens of this size are to be written; None where they are there already, or do not fit."""
        with self._alone():
            start = _TAKEN.unpack(os.pread(self._index, _TAKEN.size, 0))[0] if self._exists() else 0
            if digest in self._known or start + size > len(self._memory):
                return None
            os.pwrite(self._index, _TAKEN.pack(start + size), 0)
            return int(start)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """No other thread and no other process, and all that they added is known. A lock on a file keeps processes away only."""
        with self._lock:
            fcntl.lockf(self._index, fcntl.LOCK_EX)
            try:
                self._read_on()
                yield
            finally:
                fcntl.lockf(self._index, fcntl.LOCK_UN)

    def _exists(self) -> bool:
        return os.fstat(self._index).st_size >= _TAKEN.size

    def _read_on(self) -> None:
        """What has been added since."""
        count = (os.fstat(self._index).st_size - self._read) // _ENTRY.size
        if count > 0:
            added = os.pread(self._index, count * _ENTRY.size, self._read)
            for digest, *entry in _ENTRY.iter_unpack(added):
                self._known.setdefault(digest, (entry[0], entry[1], entry[2], entry[3]))
            self._read += len(added)


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
