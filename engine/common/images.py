"""Image files: content hash, decoding, and a least-recently-used store bounded by bytes. Free of torch."""

from __future__ import annotations

import hashlib
import math
from collections import OrderedDict
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Generic, TypeVar

from PIL import Image, ImageOps, UnidentifiedImageError

from engine.common.fingerprint import content_key

Value = TypeVar("Value")

MISSING_SHA = "missing"  # stands in a prompt's hash for a file that cannot be read; such a prompt is never answered


class ImageProblem(Exception):
    """An image that cannot be used; concerns the questions that show it, never the whole run."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


def image_sha(path: Path) -> str:
    """SHA-256 (hex) of the file's bytes, or MISSING_SHA; remembered while path, size, times and inode stay."""
    try:
        return _file_sha(path, content_key(path.stat()))
    except OSError:
        return MISSING_SHA


@lru_cache(maxsize=1 << 20)
def _file_sha(path: Path, _content_key: str) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def shown_sha(path: Path) -> str:
    """What decides how a model sees an image: its bytes, and the rule that brings it to RGB where that is not the plain one."""
    sha, rule = image_sha(path), conversion(path)
    return f"{sha}:{rule}" if rule and sha != MISSING_SHA else sha


def conversion(path: Path) -> str:
    """Name of the rule that brings an image to RGB; empty for Pillow's plain one, which serves all images so far."""
    return ""


def load_image(path: Path) -> Image.Image:
    """The decoded image, upright, in RGB.

    Raises ImageProblem for a file that is missing, no image, truncated or implausibly large.
    """
    try:
        with Image.open(path) as image:
            return ImageOps.exif_transpose(image).convert("RGB")
    except FileNotFoundError:
        raise ImageProblem(path, "the image file does not exist") from None
    except UnidentifiedImageError:
        raise ImageProblem(path, "not an image file that Pillow can read") from None
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise ImageProblem(path, f"the image cannot be decoded ({error})") from None


def within_pixels(image: Image.Image, min_pixels: int, max_pixels: int) -> Image.Image:
    """The image, its sides scaled alike (bicubic) where it has fewer or more pixels than allowed."""
    pixels = image.width * image.height
    if min_pixels <= pixels <= max_pixels:
        return image
    bound, whole = (max_pixels, math.floor) if pixels > max_pixels else (min_pixels, math.ceil)
    scale = math.sqrt(bound / pixels)
    width, height = (min(bound, max(1, whole(side * scale))) for side in image.size)  # a line stays one pixel thick
    return image.resize((width, height), Image.Resampling.BICUBIC)


class ByteStore(Generic[Value]):
    """Keeps the most recently used values while their sizes sum to at most `limit` bytes."""

    def __init__(self, limit: int, size: Callable[[Value], int]) -> None:
        self._limit = limit
        self._size = size
        self._values: OrderedDict[str, Value] = OrderedDict()
        self.used = 0
        """Bytes kept."""

    def get(self, key: str) -> Value | None:
        """The value kept under `key`, which becomes the most recent one."""
        if key not in self._values:
            return None
        self._values.move_to_end(key)
        return self._values[key]

    def put(self, key: str, value: Value) -> None:
        """Keep `value`, dropping the least recently used ones; a value larger than the limit is not kept."""
        if key in self._values or self._size(value) > self._limit:
            return
        self._values[key] = value
        self.used += self._size(value)
        while self.used > self._limit:
            _, dropped = self._values.popitem(last=False)
            self.used -= self._size(dropped)
