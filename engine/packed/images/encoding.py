"""Images on their way to visual tokens: read ahead, encoded once for each content and size, kept within budgets.

Pixels are brought to size by Pillow as the model's own processor does it; scaling, normalising and cutting into patches happen
on the device, with a table of the 256 values that a byte can become, so that they are equal to the processor's to the bit.
"""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.common.images import ImageProblem, image_size
from engine.packed.images.kept import Kept
from engine.packed.images.reading import READERS, ImageFile, ReadingProcess, Sizing, read, reading_process
from engine.packed.model.tower import Grid, Tower
from engine.packed.transfer import send_all

AHEAD = 512
"""Images read ahead of the one that is needed: about 0.5 GB for images of 640x480 pixels."""
PATCHES_AT_ONCE = 65_536
"""Patches in one pass of the tower: about 40 images of 640x480 pixels."""


class Pixels:
    """The steps of the Qwen-VL image processors, for one image after the other."""

    def __init__(self, processor: Any, device: torch.device) -> None:
        self.patch, self.merge = int(processor.patch_size), int(processor.merge_size)
        self.sizing = Sizing(self.patch * self.merge, int(processor.resample))
        self._frames = int(processor.temporal_patch_size)
        self._device = device
        scaled = (np.arange(256).astype(np.float64) * processor.rescale_factor).astype(np.float32)
        mean, deviation = (np.array(one, np.float32) for one in (processor.image_mean, processor.image_std))
        self._table = torch.from_numpy((scaled - mean[:, None]) / deviation[:, None]).to(device)  # (3, 256)

    def grid(self, source: ImageFile) -> Grid:
        """Rows and columns of patches, from the file's head alone. Raises ImageProblem."""
        width, height = image_size(source.path)
        high, wide = self.sizing.fitted(source, height, width)
        return high // self.patch, wide // self.patch

    def patches(self, images: Sequence[Tensor]) -> Tensor:
        """(patches of all, patch values) float32 on the device."""
        return torch.cat([self._cut(image) for image in send_all(images, self._device)])

    def _cut(self, image: Tensor) -> Tensor:
        height, width, colours = image.shape
        m, p = self.merge, self.patch
        values = torch.stack([self._table[at][image[:, :, at].int()] for at in range(colours)])
        blocks = values.view(colours, height // (m * p), m, p, width // (m * p), m, p).permute(1, 4, 2, 5, 0, 3, 6)
        return blocks.unsqueeze(5).expand(-1, -1, -1, -1, -1, self._frames, -1, -1).reshape(
            height // p * (width // p), -1
        )  # fmt: skip


class Reader:
    """Reads images ahead of their use: beside a GPU in processes of its own, else in threads."""

    def __init__(self, pixels: Pixels, *, processes: bool, workers: int = 0) -> None:
        """`workers`: how many; 0 for `READERS`."""
        self.pixels = pixels
        self._processes = processes
        self._own = threading.local()
        self._under_way: dict[str, Future[Tensor]] = {}
        self._waiting: OrderedDict[str, ImageFile] = OrderedDict()
        self._pool = ThreadPoolExecutor(workers or READERS, thread_name_prefix="images")

    def read(self, source: ImageFile) -> Tensor:
        """The image at its size, (height, width, 3) bytes. Raises ImageProblem."""
        if self._processes:
            return torch.from_numpy(self._process().read(source, self.pixels.sizing))
        return torch.from_numpy(read(source, self.pixels.sizing))

    def _process(self) -> ReadingProcess:
        """The process of this thread."""
        if not hasattr(self._own, "process"):
            self._own.process = reading_process()
            weakref.finalize(self, self._own.process.end)
        process: ReadingProcess = self._own.process
        return process

    def announce(self, sources: Mapping[str, ImageFile]) -> None:
        """These will be needed, in this order."""
        for key, source in sources.items():
            if key not in self._under_way:
                self._waiting[key] = source
        self._go_on()

    def take(self, key: str, source: ImageFile) -> Tensor:
        """The image, which is then forgotten. Raises ImageProblem."""
        self._waiting.pop(key, None)
        reading = self._under_way.pop(key, None) or self._pool.submit(self.read, source)
        self._go_on()
        return reading.result()

    def skip(self, key: str) -> None:
        """The image is not needed any more: somebody else encoded it meanwhile."""
        self._waiting.pop(key, None)
        if reading := self._under_way.pop(key, None):
            reading.cancel()
            self._go_on()

    def forget(self) -> None:
        """Nothing that was announced is needed any more."""
        self._waiting.clear()
        for reading in self._under_way.values():
            reading.cancel()
        self._under_way.clear()

    def _go_on(self) -> None:
        while self._waiting and len(self._under_way) < AHEAD:
            key, source = self._waiting.popitem(last=False)
            self._under_way[key] = self._pool.submit(self.read, source)


@dataclass
class Features:
    """Visual tokens of images, each encoded once while there is memory for them."""

    reader: Reader
    tower: Tower
    kept: Kept
    sources: dict[str, ImageFile] = field(default_factory=dict)
    encoded: int = 0
    """Images that went through the tower."""
    from_disk: int = 0
    """Images whose tokens an earlier run had encoded."""
    operations: float = 0.0
    """Multiplications and additions that this took."""
    _grids: dict[str, Grid] = field(default_factory=dict)
    """Of tokens."""

    def grid(self, key: str, source: ImageFile) -> Grid:
        """Rows and columns of the image's tokens. Raises ImageProblem."""
        self.sources[key] = source
        if key not in self._grids:
            rows, columns = self.reader.pixels.grid(source)
            self._grids[key] = rows // self.tower.merge, columns // self.tower.merge
        return self._grids[key]

    def announce(self, keys: Sequence[str]) -> None:
        """These images will be asked for, in this order."""
        wanted = [key for key in keys if key and key not in self.kept]
        on_disk = self.kept.on_disk(wanted)
        self.reader.announce({key: self.sources[key] for key in wanted if key not in on_disk})

    def tokens(
        self, keys: Sequence[str], meanwhile: Callable[[], object] = bool
    ) -> tuple[dict[str, Tensor], dict[str, ImageProblem]]:
        """Visual tokens (depth, places, width) by key, and what is wrong with the images that have none.

        `meanwhile` is called behind each pass of the tower, which a GPU has only begun by then.
        """
        found: dict[str, Tensor] = {}
        problems: dict[str, ImageProblem] = {}
        missing: list[str] = []
        for key in dict.fromkeys(keys):
            kept = self.kept.get(key)
            if kept is None:
                kept = self.kept.from_disk(key)
                self.from_disk += kept is not None
            if kept is None:
                missing.append(key)
            else:
                found[key] = kept
                self.reader.skip(key)
        chunk: dict[str, Tensor] = {}
        for key in missing:
            try:
                chunk[key] = self.reader.take(key, self.sources[key])
            except ImageProblem as problem:
                problems[key] = problem
            if self._patches(chunk) >= PATCHES_AT_ONCE:
                found |= self._encode(chunk)
                chunk = {}
                meanwhile()
        return found | self._encode(chunk), problems

    def forget(self) -> None:
        """Nothing that was announced is needed any more."""
        self.reader.forget()
        self.kept.forget()

    def _patches(self, images: Mapping[str, Tensor]) -> int:
        return sum(image.shape[0] * image.shape[1] for image in images.values()) // self.reader.pixels.patch**2

    def _encode(self, images: Mapping[str, Tensor]) -> dict[str, Tensor]:
        if not images:
            return {}
        side = self.reader.pixels.patch
        grids = [(image.shape[0] // side, image.shape[1] // side) for image in images.values()]
        made = dict(zip(images, self.tower(self.reader.pixels.patches(list(images.values())), grids), strict=True))
        operations = [self.tower.operations(rows * columns) for rows, columns in grids]
        self.kept.put(made, operations)
        self.encoded += len(images)
        self.operations += sum(operations)
        return made
