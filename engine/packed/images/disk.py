"""Visual tokens on disk: what one run encoded, the next one reads. One file for each image content and pixel caps.

A file is written whole or not at all, names its key, and bears a checksum; one that is not what it should be is deleted and the
image encoded again. The files of all models and versions share one budget, and the ones that were not read for longest go first.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import struct
import threading
import zlib
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import torch
from torch import Tensor

from engine.common.files.atomic import make_folder, replacing
from engine.packed.transfer import Arriving

MOST_BYTES = 24 << 30
"""All 14,031 images of OKVQA take 22.5 GB for a width of 2,048 in half precision."""
SHARE_OF_DISK = 0.1
"""Of what is free and what is used by these files, at most."""
AHEAD = 256
"""Files read ahead of the one that is needed."""
WAITING = 256
"""Tokens that wait to be written, at most; further ones are not kept."""
READERS = 8
DISK_SPEED = 1e9
"""Bytes a second: an NVMe disk gave 1.3e9 to 1.6e9, its files in memory 4e9 and more."""
SPEEDS = {"cuda": 5e14, "cpu": 1e11}
"""Operations a second of a tower, about."""
_HEAD = struct.Struct("<8s32sIIII")
"""Mark, SHA-256 of the key, depth, places, width, CRC-32 of the tokens."""
_MARK = b"lvptokn1"


def worth_keeping(operations: float, size: int, device: torch.device) -> bool:
    """Whether an image's tokens are read sooner than made: not where a tower makes many of them with little work."""
    return operations / SPEEDS.get(device.type, SPEEDS["cpu"]) > size / DISK_SPEED


class OnDisk:
    """Visual tokens by key, (depth, places, width) each of one precision."""

    def __init__(self, root: Path, name: str, dtype: torch.dtype, *, pinned: bool, budget: int | None = None) -> None:
        """`name`: of everything that decides tokens beside the image. `pinned`: whether a GPU is to read them. `budget` in bytes,
        in place of a share of the disk."""
        self._root, self._folder = root, root / name
        self._dtype, self._pinned = dtype, pinned
        self._files = OrderedDict(_by_age(root))
        self._used = sum(self._files.values())
        self._budget = _budget(root, self._used) if budget is None else budget
        self._lock = threading.Lock()
        self._reader = ThreadPoolExecutor(READERS, thread_name_prefix="tokens")
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="kept")
        self._reading: dict[str, Future[Tensor | None]] = {}
        self._announced: OrderedDict[str, None] = OrderedDict()
        self._writing = 0

    def __contains__(self, key: str) -> bool:
        return self._path(key) in self._files

    @property
    def waiting(self) -> int:
        """Announced images that nobody has taken."""
        return len(self._announced) + len(self._reading)

    def announce(self, keys: Sequence[str]) -> None:
        """These, which are there, will be needed in this order."""
        self._announced |= dict.fromkeys(key for key in keys if key not in self._reading)
        self._go_on()

    def take(self, key: str) -> Tensor | None:
        """The tokens in the host's memory; None where they are not there, or not whole."""
        self._announced.pop(key, None)
        reading = self._reading.pop(key, None) or self._reader.submit(self._read, key)
        self._go_on()
        return reading.result()

    def skip(self, key: str) -> None:
        """The tokens are not needed any more: they are in memory by now."""
        self._announced.pop(key, None)
        if reading := self._reading.pop(key, None):
            reading.cancel()
            self._go_on()

    def forget(self) -> None:
        """Nothing that was announced is needed any more."""
        self._announced.clear()
        for reading in self._reading.values():
            reading.cancel()
        self._reading.clear()

    def put(self, key: str, tokens: Arriving) -> None:
        """Keeps tokens as soon as they are in the host's memory, while there is room and the disk follows."""
        size = tokens.nbytes + _HEAD.size
        if key in self or self._writing >= WAITING or size > self._budget:
            return
        self._writing += 1
        self._writer.submit(self._keep, key, tokens)

    def written(self) -> None:
        """Waits until everything that was to be kept is."""
        self._writer.submit(bool).result()

    def _go_on(self) -> None:
        while self._announced and len(self._reading) < AHEAD:
            key, _ = self._announced.popitem(last=False)
            self._reading[key] = self._reader.submit(self._read, key)

    def _read(self, key: str) -> Tensor | None:
        """In a thread of the readers."""
        path = self._path(key)
        try:
            with path.open("rb") as file:
                mark, named, *shape, checksum = _HEAD.unpack(file.read(_HEAD.size))
                size = shape[0] * shape[1] * shape[2] * self._dtype.itemsize
                sound = (mark, named) == (_MARK, _digest(key)) and os.fstat(file.fileno()).st_size == _HEAD.size + size
                if sound:
                    tokens = torch.empty(size, dtype=torch.uint8, pin_memory=self._pinned)
                    sound = file.readinto(tokens.numpy().data) == size and zlib.crc32(tokens.numpy().data) == checksum
            if sound:
                os.utime(path)  # read last, so deleted last
                return tokens.view(self._dtype).view(shape)
        except (OSError, struct.error):
            pass  # gone, or no file of tokens
        self._delete(path)
        return None

    def _keep(self, key: str, arriving: Arriving) -> None:
        """In the writer's thread. A disk that is full, or not to be written, keeps nothing."""
        try:
            tokens = arriving.values()
            content = tokens.reshape(-1).view(torch.uint8).numpy().data
            head = _HEAD.pack(_MARK, _digest(key), *tokens.shape, zlib.crc32(content))
            self._make_room(len(head) + len(content))
            with replacing(self._path(key)) as draft, draft.open("wb") as file:
                file.write(head)
                file.write(content)
            with self._lock:
                self._files[self._path(key)] = len(head) + len(content)
                self._used += len(head) + len(content)
        except OSError:
            self._budget = 0
        finally:
            self._writing -= 1

    def _make_room(self, size: int) -> None:
        while self._files and self._used + size > self._budget:
            with self._lock:
                oldest = next(iter(self._files))
            self._delete(oldest)

    def _delete(self, path: Path) -> None:
        with self._lock:
            self._used -= self._files.pop(path, 0)
        with suppress(OSError):
            path.unlink()

    def _path(self, key: str) -> Path:
        return self._folder / _digest(key).hex()


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


def _budget(root: Path, used: int) -> int:
    """Bytes; none where the place cannot be written."""
    try:
        make_folder(root)
        return min(MOST_BYTES, int(SHARE_OF_DISK * (shutil.disk_usage(root).free + used)))
    except OSError:
        return 0


def _by_age(root: Path) -> Iterator[tuple[Path, int]]:
    """Files with their sizes, the one that was not read for longest first."""
    found: list[tuple[float, Path, int]] = []
    with suppress(OSError):
        for folder in root.iterdir():
            for entry in os.scandir(folder):
                with suppress(OSError):  # deleted meanwhile
                    status = entry.stat()
                    found.append((status.st_mtime, Path(entry.path), status.st_size))
    return ((path, size) for _, path, size in sorted(found))
