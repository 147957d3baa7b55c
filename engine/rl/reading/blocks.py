"""What the builder of an index has gathered so far, in files beside the index to be: after a kill it goes on from there.

Blocks are worth their disk space (about a quarter of the file's, until the index is there) only where a build takes long,
so the first one is written after some seconds. Where none can be written, the build goes on without.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeVar
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from engine.common.files.atomic import replacing
from engine.rl.reading import index_place

EVERY_S = 3.0
"""Seconds of work that a kill may cost."""
Block = Mapping[str, NDArray[np.generic]]
Number = TypeVar("Number", bound=np.generic)


class Blocks:
    """The blocks of one index, in order; for one process at a time (`index_place.alone`)."""

    def __init__(self, side: Path) -> None:
        self._side = side
        self._count = 0
        self._next = time.monotonic() + EVERY_S

    def stored(self) -> Iterator[Block]:
        """Blocks that an earlier builder left, up to the first that is damaged."""
        while (path := index_place.block_file(self._side, self._count)).exists():
            try:
                with np.load(path, allow_pickle=False) as file:
                    block = dict(file)
            except (OSError, ValueError, EOFError, BadZipFile):
                return
            yield block
            self._count += 1

    @property
    def in_use(self) -> bool:
        """Whether there is a block: then the rest is worth keeping too."""
        return self._count > 0

    def due(self) -> bool:
        """Whether enough was gathered since the last block."""
        return time.monotonic() >= self._next

    def put(self, block: Block) -> None:
        """Keep a block; without room for it there is none, and no further one is tried."""
        try:
            with replacing(index_place.block_file(self._side, self._count)) as draft, draft.open("wb") as file:
                np.savez(file, allow_pickle=False, **block)
        except OSError:
            self._next = float("inf")
            return
        self._count += 1
        self._next = time.monotonic() + EVERY_S


def packed(values: NDArray[np.generic]) -> NDArray[np.generic]:
    """The same numbers in fewer bytes: one where all are equal, half as many where 32 bits hold them."""
    absent = values.dtype.kind == "f" and np.isnan(values).all()
    if len(values) > 1 and (absent or (values == values[0]).all()):
        return values[:1]
    if values.dtype == np.int64 and np.abs(values).max(initial=0) < 2**31:
        return values.astype(np.int32)
    return values


def unpacked(values: NDArray[np.generic], count: int, kind: type[Number]) -> NDArray[Number]:
    """`count` numbers of a kind from what `packed` made of them."""
    wide = values.astype(kind)
    return np.repeat(wide, count) if len(wide) == 1 and count != 1 else wide
