"""Image files: content hash, decoding, and a least-recently-used store bounded by bytes. Free of torch."""

from __future__ import annotations

import hashlib
import io
import math
import struct
import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Generic, Literal, TypeVar

from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageOps,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

from engine.common.files import gate
from engine.common.models.fingerprint import content_key

Value = TypeVar("Value")

FORMATS = tuple(plugin.format for plugin in (
    JpegImagePlugin.JpegImageFile, PngImagePlugin.PngImageFile, WebPImagePlugin.WebPImageFile, BmpImagePlugin.BmpImageFile,
    GifImagePlugin.GifImageFile, TiffImagePlugin.TiffImageFile,
))  # fmt: skip
"""Formats that are read, told by content; JPEG includes MPO, its form for several pictures. Some others make Pillow start
programs: Ghostscript for EPS."""
MOST_BYTES = 256 << 20
MOST_PIXELS = 89_478_485
"""Where Pillow begins to speak of a decompression bomb; in memory a third of a gigabyte."""
MOST_WORK = 5_000_000_000
"""Pixels times passes over them; an honest progressive JPEG makes about ten passes."""
DECODER_ERRORS = (
    OSError, ValueError, SyntaxError, TypeError, ArithmeticError, LookupError, EOFError, RuntimeError, AttributeError,
    AssertionError, MemoryError, struct.error, zlib.error, Image.DecompressionBombError, Image.DecompressionBombWarning,
)  # fmt: skip
_BITS_PER_SAMPLE, _PHOTOMETRIC = 258, 262

Conversion = Literal["", "high-bits", "white-ground"]
"""What is done to an image beyond the ordinary: of more than 8 bits the highest are taken, or a white ground is put below it."""

_ORIENTATION = 0x0112  # EXIF tag
_FIRST_ON_ITS_SIDE = 5
MISSING_SHA = "missing"  # stands in a prompt's hash for a file that cannot be read; such a prompt is never answered


class ImageProblem(Exception):
    """An image that cannot be used; concerns the questions that show it, never the whole run."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason

    def __reduce__(self) -> tuple[type[ImageProblem], tuple[Path, str]]:
        return ImageProblem, (self.path, self.reason)  # so that it can be told by another process


def image_sha(path: Path) -> str:
    """SHA-256 (hex) of the file's bytes, or MISSING_SHA; remembered while path, size, times and inode stay."""
    try:
        return _file_sha(path, content_key(path.stat()))
    except (OSError, ValueError, gate.NotReadable):
        return MISSING_SHA


@lru_cache(maxsize=1 << 20)
def _file_sha(path: Path, _content_key: str) -> str:
    with gate.opened(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def image_size(path: Path) -> tuple[int, int]:
    """Width and height of the upright image, from its header. Raises ImageProblem.

    Passes over it are not counted, which takes longer than all else here: nothing is decoded.
    """
    with _opened(path) as (image, _):
        turned = image.getexif().get(_ORIENTATION, 1) >= _FIRST_ON_ITS_SIDE
        return (image.height, image.width) if turned else image.size


def shown_sha(path: Path) -> str:
    """What decides how a model sees an image: its bytes, and the rule that brings it to RGB where that is not the plain one."""
    sha, rule = image_sha(path), conversion(path)
    return f"{sha}:{rule}" if rule and sha != MISSING_SHA else sha


def load_image(path: Path) -> Image.Image:
    """The decoded image, upright, in RGB; what is transparent shows a white ground, and of 16 bits the high 8 count.

    Raises ImageProblem for a file that is missing, no image of a format in FORMATS, truncated or implausibly large.
    """
    with open_image(path) as image:
        return as_rgb(ImageOps.exif_transpose(image))[0]


@contextmanager
def open_image(path: Path) -> Iterator[Image.Image]:
    """The image with its header read, its size and the work of decoding it found plausible. Raises ImageProblem, for what fails
    inside as well."""
    with _opened(path) as (image, content):
        scans = content.count(b"\xff\xda") if image.format in ("JPEG", "MPO") else 1
        if scans * image.width * image.height > MOST_WORK:
            raise ImageProblem(path, f"the image would be decoded {scans:,} times over, which no honest file asks for")
        yield image


@contextmanager
def _opened(path: Path) -> Iterator[tuple[Image.Image, bytes]]:
    """The image with its header read and its size found plausible, and the bytes of the file. Raises ImageProblem, for what fails
    inside as well: a decoder of a stranger's bytes may raise nearly anything, and none of it is more than this image's fault."""
    try:
        content = gate.read_bytes(path, MOST_BYTES)
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            if (pixels := image.width * image.height) > MOST_PIXELS:
                raise ImageProblem(
                    path, f"the image has {pixels:,} pixels, more than the {MOST_PIXELS:,} that are decoded"
                )
            yield image, content
    except gate.NotReadable as error:
        gone = "the image file does not exist" if isinstance(error.__cause__, FileNotFoundError) else ""
        raise ImageProblem(path, gone or str(error).removeprefix(f"{path} ")) from None
    except UnidentifiedImageError:
        raise ImageProblem(path, f"not an image file in a format that is read ({', '.join(FORMATS)})") from None
    except DECODER_ERRORS as error:
        raise ImageProblem(path, f"the image cannot be decoded ({str(error)[:200] or type(error).__name__})") from None


def as_rgb(image: Image.Image) -> tuple[Image.Image, Conversion]:
    """The image in RGB, and which conversion that took. Raises ValueError for numbers whose range nobody knows."""
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PNG"):
        bits = _bits(image)
        # whole numbers, scaled and cut towards zero: of 16 bits the high 8, as Pillow does in colour
        return image.convert("I").point(lambda value: value * 0.5 ** (bits - 8)).convert("L").convert(
            "RGB"
        ), "high-bits"
    if image.mode in ("I", "F"):
        raise ValueError(f"its numbers (mode {image.mode}) have no stated range; save it with 8 bits for each channel")
    if not _may_be_transparent(image):
        return image.convert("RGB"), ""
    with_alpha = image.convert("RGBA")
    if with_alpha.getchannel("A").getextrema()[0] == 255:
        return image.convert("RGB"), ""
    ground = Image.new("RGBA", with_alpha.size, "white")
    return Image.alpha_composite(ground, with_alpha).convert("RGB"), "white-ground"


def _bits(image: Image.Image) -> int:
    """Bits of a grey value. A TIFF says so, and whether zero is white, which Pillow does not heed beyond 8 bits."""
    tags = getattr(image, "tag_v2", {})
    if tags.get(_PHOTOMETRIC, 1) != 1:
        raise ValueError("more than 8 bits, with zero for white; save it with 8 bits")
    stated = tags.get(_BITS_PER_SAMPLE, 16)
    return int(stated[0] if isinstance(stated, tuple) else stated)


def _may_be_transparent(image: Image.Image) -> bool:
    return image.mode in ("RGBA", "RGBa", "LA", "La", "PA") or "transparency" in image.info


def conversion(path: Path) -> Conversion:
    """Which conversion beyond the ordinary one `load_image` does to an image; empty for none, and for one that cannot be read.

    Remembered while path, size, times and inode stay.
    """
    try:
        return _conversion(path, content_key(path.stat()))
    except (OSError, ValueError):
        return ""


@lru_cache(maxsize=1 << 16)
def _conversion(path: Path, _content_key: str) -> Conversion:
    try:
        if gate.read_head(path, 2) == b"\xff\xd8":
            return ""  # JPEG has neither transparency nor more than 8 bits here; nearly all images are of that kind
        with open_image(path) as image:
            plain = image.mode in ("1", "L", "RGB", "CMYK", "YCbCr") and "transparency" not in image.info
            return "" if plain else as_rgb(image)[1]
    except (gate.NotReadable, ImageProblem):
        return ""


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
