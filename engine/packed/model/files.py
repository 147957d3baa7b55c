"""Tensors of safetensors files straight to a device: several threads read into pinned memory and send from there.

This is what a start waits for: 7.5 GB from the page cache take 0.4 s, through mapped files 1.3 s.
"""

from __future__ import annotations

import os
import struct
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import safe_open
from torch import Tensor

from engine.common.files.gate import MOST_JSON, parse_json
from engine.packed.model.source import place_of

THREADS = 8
PIECE = 16 << 20
"""Bytes that a thread reads at a time."""
DTYPES = {"BF16": torch.bfloat16, "F16": torch.float16, "F32": torch.float32}


@dataclass(frozen=True)
class Stored:
    """A tensor in a file."""

    place: str
    """transformers' name of it."""
    name: str
    """Its name there."""
    file: Path
    start: int
    dtype: torch.dtype
    shape: tuple[int, ...]


def stored(files: Sequence[Path]) -> list[Stored]:
    """The tensors of some files. Raises ValueError for what is no safetensors file of plain numbers, OSError for none at all."""
    return [one for file in files for one in _of_file(file)]


def _of_file(file: Path) -> Iterator[Stored]:
    with file.open("rb") as stream:
        [length] = struct.unpack("<Q", stream.read(8))
        if length > MOST_JSON:
            raise ValueError(f"{file.name} has a header of {length} bytes")
        header = parse_json(stream.read(length))
    for name, entry in header.items():
        if name != "__metadata__":
            if entry["dtype"] not in DTYPES:
                raise ValueError(f"{name} in {file.name} is {entry['dtype']}")
            start = 8 + length + int(entry["data_offsets"][0])
            yield Stored(place_of(name), name, file, start, DTYPES[entry["dtype"]], tuple(entry["shape"]))


def read(tensors: Sequence[Stored], device: torch.device, dtype: torch.dtype) -> dict[str, Tensor]:
    """The tensors on the device in one precision, by transformers' names. Raises OSError.

    Beside no GPU they are mapped, as transformers maps them: products depend on where a tensor begins, in the last digit.
    """
    if device.type != "cuda":
        return {one.place: _mapped(one).to(dtype) for one in tensors}
    made = {one.place: torch.empty(one.shape, dtype=one.dtype, device=device) for one in tensors}
    reader = _Reader(device)
    try:
        with ThreadPoolExecutor(THREADS, thread_name_prefix="weights") as pool:
            largest_first = sorted(tensors, key=lambda one: -made[one.place].nbytes)
            for done in [pool.submit(reader.fill, made[one.place], one) for one in largest_first]:
                done.result()
    finally:
        reader.close()
    return {place: tensor.to(dtype) for place, tensor in made.items()}


class _Reader:
    """Fills tensors; each thread has its own buffer and stream, each file one descriptor for all."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._own = threading.local()
        self._open: dict[Path, int] = {}
        self._lock = threading.Lock()

    def fill(self, tensor: Tensor, source: Stored) -> None:
        """In a thread."""
        flat = tensor.reshape(-1).view(torch.uint8)
        file = self._descriptor(source.file)
        buffer, stream = self._buffer()
        with torch.cuda.stream(stream):
            for at in range(0, len(flat), PIECE):
                piece = flat[at : at + PIECE]
                stream.synchronize()  # the buffer is still being sent
                _read(file, buffer[: len(piece)].numpy().data, source.start + at)
                piece.copy_(buffer[: len(piece)], non_blocking=True)
            stream.synchronize()

    def close(self) -> None:
        """Closes the files."""
        for file in self._open.values():
            os.close(file)

    def _descriptor(self, path: Path) -> int:
        with self._lock:
            if path not in self._open:
                self._open[path] = os.open(path, os.O_RDONLY)
            return self._open[path]

    def _buffer(self) -> tuple[Tensor, torch.cuda.Stream]:
        if not hasattr(self._own, "buffer"):
            self._own.buffer = torch.empty(PIECE, dtype=torch.uint8, pin_memory=True)
            self._own.stream = torch.cuda.Stream(self._device)  # type: ignore[no-untyped-call]
        return self._own.buffer, self._own.stream


def _mapped(tensor: Stored) -> Tensor:
    with safe_open(str(tensor.file), framework="pt") as file:
        mapped: Tensor = file.get_tensor(tensor.name)
        return mapped


def _read(file: int, into: memoryview, start: int) -> None:
    while into:
        count = os.preadv(file, [into], start)
        if not count:
            raise OSError("a file of weights ends too early")
        into, start = into[count:], start + count
