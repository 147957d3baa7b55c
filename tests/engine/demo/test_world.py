"""The built-in data set: complete in the official layout, the same every time, true to its own conventions."""

import json
import os
from hashlib import sha256
from pathlib import Path

import pytest
from PIL import Image

from db.specs import UserError
from engine.data.datasets import open_dataset
from engine.demo.language import NAMED, SPEAKERS, Question
from engine.demo.scene import SIZE, VALUES, Scene
from engine.demo.shipped import SYNTHETIC_NOTE
from engine.demo.world import (
    MARKER,
    WITH_TWINS,
    ensure_world,
    reference_answers,
    world_conventions,
    world_entries,
    write_world,
)

SCENE = Scene("red", "ring", "top")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data set, written once."""
    return ensure_world(tmp_path_factory.mktemp("cache"))


def load(path: Path) -> dict[str, object]:
    """A JSON object from a file."""
    content = json.loads(path.read_text())
    assert isinstance(content, dict)
    return content


def rows(path: Path, field: str) -> list[dict[str, object]]:
    """The list of objects in one field of a JSON file."""
    found = load(path)[field]
    assert isinstance(found, list)
    return found


@pytest.mark.parametrize(("split", "fewest"), [("train", 600), ("val", 400)])
def test_the_official_layout_is_complete(world: Path, split: str, fewest: int) -> None:
    questions = rows(world / f"OpenEnded_mscoco_{split}2014_questions.json", "questions")
    annotations = rows(world / f"mscoco_{split}2014_annotations.json", "annotations")
    assert len(questions) >= fewest
    assert [row["question_id"] for row in questions] == [row["question_id"] for row in annotations]
    for row in questions:
        assert isinstance(row["image_id"], int)
        assert (world / f"mscoco2014/{split}2014/COCO_{split}2014_{row['image_id']:012d}.jpg").is_file()


def test_every_question_has_ten_numbered_answers_in_pairs(world: Path) -> None:
    for row in rows(world / "mscoco_val2014_annotations.json", "annotations"):
        answers = row["answers"]
        assert isinstance(answers, list)
        assert [answer["answer_id"] for answer in answers] == list(range(1, 11))
        said = [answer["answer"] for answer in answers]
        assert all(said.count(answer) % 2 == 0 for answer in said)


def test_the_splits_share_neither_images_nor_questions() -> None:
    train, val = world_entries("train"), world_entries("val")
    assert not {entry.image_id for entry in train} & {entry.image_id for entry in val}
    assert not {entry.question_id for entry in train} & {entry.question_id for entry in val}


def named_scenes(split: str, **world: int) -> list[tuple[str, str, str]]:
    """(speaker, colour, shape) of every question about words."""
    questions = [entry.question for entry in world_entries(split, **world)]
    asked = [question for question in questions if question.kind in ("word", "pair")]
    return [(question.speaker, question.scene.colour, question.scene.shape) for question in asked]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_no_question_about_words_has_a_twin_to_copy_from(seed: int) -> None:
    train, val = named_scenes("train", seed=seed), named_scenes("val", seed=seed)
    assert not set(train) & set(val)
    scenes = {(colour, shape) for _, colour, shape in train}
    assert len(scenes) == len(VALUES["colour"]) * len(VALUES["shape"])  # by the other speaker all are shown
    assert len(set(val)) == 20


def test_train_shows_every_word_that_validation_asks_for() -> None:
    asked = [entry.question for entry in world_entries("train") if entry.question.kind == "word"]
    shown = {key for question in asked for key in question.word_keys}
    assert len(shown) == len(SPEAKERS) * sum(len(VALUES[attribute]) for attribute in NAMED)


def test_the_world_of_earlier_runs_is_still_drawn(tmp_path: Path) -> None:
    train, val = (set(named_scenes(split, generator=WITH_TWINS)) for split in ("train", "val"))
    assert val <= train
    first = open_dataset("builtin-2", cache_dir=tmp_path)
    assert (first.name, first.sha) == (
        "builtin-2", "d515628a73fed76fe1757431a394c9e8c3f0b5cac683cce2d4c844250ab7ef8c"
    )  # fmt: skip
    assert first.sha != open_dataset("builtin", cache_dir=tmp_path).sha


def test_pictures_are_small_jpeg_files_of_one_size(world: Path) -> None:
    with Image.open(next((world / "mscoco2014/val2014").iterdir())) as picture:
        assert (picture.format, picture.mode, picture.size) == ("JPEG", "RGB", (SIZE, SIZE))


def test_the_marker_says_synthetic(world: Path) -> None:
    marker = load(world / MARKER)
    assert marker["synthetic"] is True
    assert marker["note"] == SYNTHETIC_NOTE
    assert {"generator", "seed"} <= marker.keys()


def digest(world: Path) -> str:
    """Hash over every file's name and bytes."""
    files = sorted(path for path in world.rglob("*") if path.is_file())
    return sha256(b"".join(str(path.relative_to(world)).encode() + path.read_bytes() for path in files)).hexdigest()


def test_writing_twice_gives_the_same_bytes(world: Path, tmp_path: Path) -> None:
    write_world(tmp_path / "again")
    assert digest(tmp_path / "again") == digest(world)


def test_another_seed_gives_another_world() -> None:
    assert world_entries("val", seed=1) != world_entries("val", seed=0)
    assert world_conventions(1).words != world_conventions(0).words


def test_a_written_world_is_left_alone(world: Path) -> None:
    marker = world / MARKER
    os.utime(marker, (1, 1))
    assert ensure_world(world.parent) == world
    assert marker.stat().st_mtime == 1


def test_a_folder_with_other_things_is_refused_and_untouched(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(UserError, match="something other than the built-in world"):
        write_world(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_nothing_half_written_stays_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(image: object) -> bytes:
        raise OSError("disk full")

    monkeypatch.setattr("engine.demo.world.encode", fail)
    with pytest.raises(OSError, match="disk full"):
        write_world(tmp_path / "world")
    assert list(tmp_path.iterdir()) == []


def test_a_pair_needs_both_words_for_the_whole_score() -> None:
    conventions = world_conventions()
    question = Question("pair", SCENE, ("colour", "shape"), "Ada")
    colour, shape = (conventions.words[key] for key in question.word_keys)
    answers = reference_answers(question, conventions)
    assert answers.count(f"{colour} {shape}") == 6
    assert answers.count(f"{colour} ring") == answers.count(f"red {shape}") == 2
    assert "red ring" not in answers


def test_who_has_heard_nothing_answers_in_plain_english() -> None:
    conventions = world_conventions()
    nobody: frozenset[str] = frozenset()
    habit, word = Question("habit", SCENE, speaker="Bo"), Question("word", SCENE, ("shape",), "Bo")
    assert conventions.parts(habit, nobody, frozenset()) == ("red",)
    assert conventions.parts(habit, frozenset({"Bo"}), frozenset()) == ("top",)
    assert conventions.parts(word, nobody, frozenset()) == ("ring",)
    assert conventions.parts(word, nobody, frozenset(word.word_keys)) == (conventions.answer(word),)
