"""Image files to pixels of the size that the model reads; also as a process of its own. Free of torch.

`python -m engine.packed.images.reading` reads a request (JSON) from each line of its input and writes one line of JSON, followed by
the pixels. Many processes read as fast as they are many; threads would wait for one another, and let the GPU wait.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from engine.common.images import ImageProblem, load_image

READERS = min(16, os.cpu_count() or 1)
"""Images read at a time."""
LARGEST_RATIO = 200
"""Of width and height, as the processor has it."""
Pixels = np.ndarray[Any, np.dtype[np.uint8]]


@dataclass(frozen=True)
class ImageFile:
    """Where an image comes from and the size that it is brought to."""

    path: Path
    min_pixels: int
    max_pixels: int


@dataclass(frozen=True)
class Sizing:
    """How images are brought to size."""

    unit: int
    """Width and height become multiples of this."""
    resample: int
    """Pillow's filter."""

    def fitted(self, source: ImageFile, height: int, width: int) -> tuple[int, int]:
        """Height and width as Qwen's processors choose them: near the image's own, within the source's pixels.

        Raises ImageProblem.
        """
        if max(height, width) / min(height, width) > LARGEST_RATIO:
            raise ImageProblem(source.path, f"the image cannot be processed (an aspect ratio above {LARGEST_RATIO})")
        unit = self.unit
        high, wide = round(height / unit) * unit, round(width / unit) * unit
        if high * wide > source.max_pixels:
            scale = math.sqrt(height * width / source.max_pixels)
            high, wide = (max(unit, math.floor(side / scale / unit) * unit) for side in (height, width))
        elif high * wide < source.min_pixels:
            scale = math.sqrt(source.min_pixels / (height * width))
            high, wide = (math.ceil(side * scale / unit) * unit for side in (height, width))
        return high, wide


def read(source: ImageFile, sizing: Sizing) -> Pixels:
    """(height, width, 3) of the image at its size. Raises ImageProblem."""
    image = load_image(source.path)
    high, wide = sizing.fitted(source, image.height, image.width)
    return np.array(image.resize((wide, high), resample=Image.Resampling(sizing.resample)))


_ready: list[ReadingProcess] = []


def begin_processes(count: int) -> None:
    """Starts processes for readers to come, which need a second that may as well pass while a model is loaded."""
    _ready.extend(ReadingProcess() for _ in range(count - len(_ready)))


def end_begun() -> None:
    """Nobody will ask those that were begun."""
    while _ready:
        _ready.pop().end()


def reading_process() -> ReadingProcess:
    """One that was begun and that nobody has yet, or a new one."""
    return _ready.pop() if _ready else ReadingProcess()


class ReadingProcess:
    """One process that reads images; asked by one thread at a time. It ends with whoever started it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "engine.packed.images.reading"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
        )

    def read(self, source: ImageFile, sizing: Sizing) -> Pixels:
        """(height, width, 3) of the image at its size. Raises ImageProblem, and OSError where the process is gone."""
        asked = {**asdict(source), **asdict(sizing), "path": str(source.path)}
        given, answered = self._process.stdin, self._process.stdout
        assert given is not None, "the process has an input"
        assert answered is not None, "the process has an output"
        given.write(json.dumps(asked).encode() + b"\n")
        head = answered.readline()
        if not head:
            raise OSError("a process that reads images has ended")
        told = json.loads(head)
        if "problem" in told:
            raise ImageProblem(source.path, told["problem"])
        pixels = np.empty((*told["size"], 3), np.uint8)
        rest = memoryview(pixels.data).cast("B")
        while rest:
            count = answered.readinto(rest)  # type: ignore[attr-defined]
            if not count:
                raise OSError("a process that reads images has ended")
            rest = rest[count:]
        return pixels

    def end(self) -> None:
        """Ends the process."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


def main() -> None:
    """Answers requests until its input ends, as it does when whoever asks is gone."""
    for line in sys.stdin.buffer:
        asked = json.loads(line)
        source = ImageFile(Path(asked["path"]), asked["min_pixels"], asked["max_pixels"])
        try:
            pixels = read(source, Sizing(asked["unit"], asked["resample"]))
        except ImageProblem as problem:
            sys.stdout.buffer.write(json.dumps({"problem": problem.reason}).encode() + b"\n")
        else:
            sys.stdout.buffer.write(json.dumps({"size": pixels.shape[:2]}).encode() + b"\n")
            sys.stdout.buffer.write(pixels.data)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
