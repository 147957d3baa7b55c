"""What the doctor says of a set of questions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from engine.doctor.dataset import dataset_facts, dataset_findings


@dataclass(frozen=True)
class Asked:
    question_id: int
    image_id: int
    image: Path
    answers: tuple[str, ...] = ("dog",) * 10


@pytest.fixture
def images(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"{i}.jpg" for i in range(4)]
    for path in paths:
        path.write_bytes(b"x")
    return paths


def codes(train: list[Asked], val: list[Asked]) -> list[str]:
    return [finding.code for finding in dataset_findings("d", train, val)]


def test_a_sound_data_set_gives_no_finding(images: list[Path]) -> None:
    train, val = [Asked(1, 1, images[0]), Asked(2, 1, images[0])], [Asked(3, 2, images[1])]
    assert codes(train, val) == []
    assert dataset_facts(train, val) == {
        "train": 2, "val": 1, "train_images": 1, "val_images": 1, "images_shared": 0,
    }  # fmt: skip


def test_each_fault_is_found(images: list[Path], tmp_path: Path) -> None:
    sound = [Asked(9, 9, images[3])]
    assert codes([Asked(1, 1, tmp_path / "gone.jpg")], sound) == ["images-missing"]
    assert codes([Asked(1, 1, images[0]), Asked(1, 2, images[1])], sound) == ["duplicate-ids"]
    assert codes([Asked(1, 1, images[0], ("dog",) * 9)], sound) == ["answers-not-ten"]
    assert codes([Asked(1, 9, images[0])], sound) == ["images-shared"]


def test_all_images_missing_is_an_error_and_some_a_warning(images: list[Path], tmp_path: Path) -> None:
    gone = Asked(1, 1, tmp_path / "gone.jpg")
    (all_gone,) = dataset_findings("d", [gone], [])
    (one_gone,) = dataset_findings("d", [gone, Asked(2, 2, images[0])], [])
    assert (all_gone.severity, one_gone.severity) == ("error", "warning")
    assert "gone.jpg" in all_gone.message
