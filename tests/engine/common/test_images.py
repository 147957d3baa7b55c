"""Decoding, size limits and the bounded store."""

from __future__ import annotations

import random
import subprocess
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from engine.common import images
from engine.common.images import ByteStore, ImageProblem, conversion, image_size, load_image, within_pixels


def test_an_image_comes_upright_and_in_rgb(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned
    Image.new("L", (30, 20), 9).save(tmp_path / "a.jpg", exif=exif)
    image = load_image(tmp_path / "a.jpg")
    assert (image.mode, image.size) == ("RGB", (20, 30))


def test_an_implausibly_large_image_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.new("1", (300, 300)).save(tmp_path / "bomb.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(ImageProblem, match="decompression bomb"):
        load_image(tmp_path / "bomb.png")
    monkeypatch.undo()
    monkeypatch.setattr(images, "MOST_PIXELS", 1000)
    with pytest.raises(ImageProblem, match="90,000 pixels"):
        load_image(tmp_path / "bomb.png")


def test_passes_over_an_image_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A few bytes of a progressive JPEG ask for a pass over all pixels, as often as the file likes."""
    noise().save(tmp_path / "a.jpg", progressive=True)
    load_image(tmp_path / "a.jpg")
    (tmp_path / "a.jpg").write_bytes((tmp_path / "a.jpg").read_bytes() + b"\xff\xda" * 2000)
    monkeypatch.setattr(images, "MOST_WORK", 1_000_000)
    with pytest.raises(ImageProblem, match="times over"):
        load_image(tmp_path / "a.jpg")
    assert image_size(tmp_path / "a.jpg") == (40, 30), "nothing is decoded for it"


def noise(mode: str = "RGB", size: tuple[int, int] = (40, 30)) -> Image.Image:
    channels = len(Image.new(mode, (1, 1)).getbands())
    values = np.random.default_rng(0).integers(0, 256, (size[1], size[0], channels), dtype=np.uint8)
    return Image.frombytes(mode, size, values.tobytes())


ORDINARY = [
    ("RGB", "JPEG"), ("L", "JPEG"), ("CMYK", "JPEG"), ("RGB", "PNG"), ("L", "PNG"), ("1", "PNG"), ("RGB", "WEBP"),
    ("RGB", "BMP"), ("L", "GIF"), ("RGB", "TIFF"), ("CMYK", "TIFF"), ("RGB", "MPO"),
]  # fmt: skip


@pytest.mark.parametrize(("mode", "kind"), ORDINARY)
def test_ordinary_images_are_what_they_were(tmp_path: Path, mode: str, kind: str) -> None:
    """Pillow's own conversion, bit for bit: stored answers belong to these pixels."""
    (noise("L").convert("1") if mode == "1" else noise(mode)).save(tmp_path / "a", kind)
    with Image.open(tmp_path / "a") as plain:
        assert load_image(tmp_path / "a").tobytes() == ImageOps.exif_transpose(plain).convert("RGB").tobytes()
    assert conversion(tmp_path / "a") == ""


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_of_sixteen_bits_the_high_ones_count(tmp_path: Path, kind: str) -> None:
    values = np.random.default_rng(0).integers(0, 65536, (20, 30), dtype=np.uint16)
    values[0, :4] = 0, 255, 256, 65535
    Image.fromarray(values).save(tmp_path / "a", kind)
    np.testing.assert_array_equal(np.asarray(load_image(tmp_path / "a"))[..., 1], values >> 8)
    assert conversion(tmp_path / "a") == "high-bits"


@pytest.mark.parametrize(("mode", "kind"), [("RGBA", "PNG"), ("LA", "PNG"), ("RGBA", "WEBP"), ("RGBA", "TIFF")])
def test_what_is_transparent_shows_white(tmp_path: Path, mode: str, kind: str) -> None:
    clear = noise(mode)
    clear.putalpha(0)
    clear.save(tmp_path / "clear", kind, **({"lossless": True, "exact": True} if kind == "WEBP" else {}))
    assert load_image(tmp_path / "clear").getextrema() == ((255, 255),) * 3
    assert conversion(tmp_path / "clear") == "white-ground"
    opaque = noise(mode)
    opaque.putalpha(255)
    opaque.save(tmp_path / "opaque", kind, **({"lossless": True} if kind == "WEBP" else {}))
    assert load_image(tmp_path / "opaque").tobytes() == opaque.convert("RGB").tobytes()
    assert conversion(tmp_path / "opaque") == ""


@pytest.mark.parametrize("kind", ["PNG", "GIF"])
def test_a_transparent_colour_of_a_palette_shows_white(tmp_path: Path, kind: str) -> None:
    picture = Image.new("P", (4, 2), 1)
    picture.putpalette([0, 0, 255, 10, 20, 30])
    picture.putpixel((0, 0), 0)
    picture.save(tmp_path / "a", kind, transparency=0)
    shown = load_image(tmp_path / "a")
    assert (shown.getpixel((0, 0)), shown.getpixel((1, 0))) == ((255, 255, 255), (10, 20, 30))
    assert conversion(tmp_path / "a") == "white-ground"


@pytest.mark.parametrize("mode", ["I", "F"])
def test_numbers_without_a_range_are_a_problem(tmp_path: Path, mode: str) -> None:
    Image.new(mode, (4, 4)).save(tmp_path / "a", "TIFF")
    with pytest.raises(ImageProblem, match="cannot be decoded"):
        load_image(tmp_path / "a")


def test_no_format_that_starts_programs_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    noise().save(tmp_path / "a.jpg", "EPS")
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("a program was started"))
    with pytest.raises(ImageProblem, match="not an image file in a format"):
        load_image(tmp_path / "a.jpg")
    assert conversion(tmp_path / "a.jpg") == ""


def test_whatever_a_decoder_raises_is_a_problem_of_that_image(tmp_path: Path) -> None:
    """Cut and flipped files of every format: each gives a picture or a sentence."""
    generator = random.Random(0)
    for mode, kind in [*ORDINARY, ("RGBA", "PNG"), ("LA", "PNG"), ("I;16", "TIFF"), ("P", "GIF"), ("P", "PNG")]:
        made = Image.new(mode, (16, 16)) if mode in ("I;16", "P", "1") else noise(mode, (16, 16))
        made.save(tmp_path / "whole", kind)
        whole = (tmp_path / "whole").read_bytes()
        for _ in range(40):
            damaged = bytearray(whole[: generator.randint(1, len(whole))] if generator.random() < 0.4 else whole)
            for _ in range(generator.randint(0, 8)):
                damaged[generator.randrange(min(len(damaged), 400))] = generator.randrange(256)
            (tmp_path / "a").write_bytes(damaged)
            with suppress(ImageProblem):
                assert load_image(tmp_path / "a").mode == "RGB"
            assert conversion(tmp_path / "a") in ("", "high-bits", "white-ground")


def test_a_folder_is_no_image(tmp_path: Path) -> None:
    with pytest.raises(ImageProblem, match=str(tmp_path)):
        load_image(tmp_path)


@pytest.mark.parametrize(
    ("size", "fitted"), [((10, 10), (10, 10)), ((100, 100), (20, 20)), ((5, 4), (8, 7)), ((4000, 1), (400, 1))]
)
def test_sides_are_scaled_alike_into_the_limits(size: tuple[int, int], fitted: tuple[int, int]) -> None:
    assert within_pixels(Image.new("RGB", size), 50, 400).size == fitted


def test_the_store_keeps_what_was_used_last() -> None:
    store: ByteStore[str] = ByteStore(10, len)
    store.put("a", "1234")
    store.put("b", "1234")
    assert store.get("a") == "1234"
    store.put("c", "1234")
    assert [store.get(key) for key in "abc"] == ["1234", None, "1234"]
    assert store.used == 8
    store.put("d", "longer than ten")
    assert (store.get("d"), store.used) == (None, 8)
    store.put("a", "other")
    assert (store.get("a"), store.used) == ("1234", 8)
