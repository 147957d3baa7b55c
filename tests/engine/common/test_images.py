"""Decoding, size limits and the bounded store."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from engine.common.images import ByteStore, ImageProblem, load_image, within_pixels


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
