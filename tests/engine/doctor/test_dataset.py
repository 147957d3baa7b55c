"""What the doctor says of a set of questions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from engine.doctor.dataset import asked_findings, dataset_facts, dataset_findings, highest_score


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
    assert codes([Asked(1, 1, images[0], ("dog",) * 9)], sound) == ["references-few"]
    assert codes([Asked(1, 1, images[0], ("dog",) * 11)], sound) == ["answers-not-ten"]
    assert codes([Asked(1, 9, images[0])], sound) == ["images-shared"]


def test_all_images_missing_is_an_error_and_some_a_warning(images: list[Path], tmp_path: Path) -> None:
    gone = Asked(1, 1, tmp_path / "gone.jpg")
    (all_gone,) = dataset_findings("d", [gone], [])
    (one_gone,) = dataset_findings("d", [gone, Asked(2, 2, images[0])], [])
    assert (all_gone.severity, one_gone.severity) == ("error", "warning")
    assert "gone.jpg" in all_gone.message


@pytest.mark.parametrize(
    ("references", "highest"),
    [
        (("a",), 0.0),
        (("a", "b"), 1 / 6),
        (("a",) * 2, 1 / 3),
        (("a",) * 3, 2 / 3),
        (("a",) * 4, 1.0),
        (("a", "A", "b"), 4 / 9),
    ],
)
def test_few_references_say_what_can_be_reached(
    images: list[Path], references: tuple[str, ...], highest: float
) -> None:
    """Leave-one-out: of n equal references each leaves n - 1, and three are wanted."""
    assert highest_score(references) == pytest.approx(highest)
    (finding,) = asked_findings("val", [Asked(1, 1, images[0], references)])
    assert (finding.code, finding.severity, finding.subject) == ("references-few", "warning", "val questions")
    assert f"the highest reachable score on them is {100 * highest:.1f} %" in finding.message


def test_of_a_job_the_questions_asked_are_looked_at(images: list[Path], tmp_path: Path) -> None:
    gone = Asked(1, 1, tmp_path / "gone.jpg", ("dog",))
    assert [one.code for one in asked_findings("val", [gone])] == ["images-missing", "references-few"]
    (shown,) = asked_findings("train", [gone], scored=False)
    assert (shown.severity, shown.subject) == ("error", "train images")
    assert str(gone.image) in shown.message
    assert [one.code for one in asked_findings("val", [gone], shown=False)] == ["references-few"]
    many = [Asked(i, i, images[i % 4]) for i in range(100)]
    assert asked_findings("val", many, checked=2) == []
