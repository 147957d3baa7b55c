"""OKVQA and VQAv2 in the official files: joins, order, labels, image folders, and what is said of damaged ones."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from db.specs.base import UserError, sha256_text
from engine.data.datasets import open_dataset
from engine.data.sample import most_frequent
from tests.helpers_data import edit_json, write_json, write_official

OKVQA_QUESTIONS = "OpenEnded_mscoco_val2014_questions.json"
OKVQA_ANNOTATIONS = "mscoco_val2014_annotations.json"


@pytest.fixture(autouse=True)
def no_coco_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COCO_PATH", raising=False)


@pytest.fixture
def okvqa(tmp_path: Path) -> Path:
    return write_official(tmp_path / "okvqa")


@pytest.mark.parametrize("kind", ["okvqa", "vqav2"])
def test_official_layout_is_joined_and_sorted(tmp_path: Path, kind: str) -> None:
    data = open_dataset(write_official(tmp_path / "data", kind=kind), cache_dir=tmp_path / "cache")
    assert (data.name, data.kind, len(data.train), len(data.val)) == (kind, kind, 40, 24)
    assert list(data.val.ids) == sorted(data.val.ids)
    assert data.val.order_sha == sha256_text(",".join(map(str, data.val.ids)))
    first = data.val.questions[0]
    assert first.image.name == f"COCO_val2014_{first.image_id:012d}.jpg"
    assert first.answers[6:] == ("grey", "grey", "a shade", "a shade")
    assert first.label == first.answers[0]
    assert data.val.index_of[first.question_id] == 0


def test_every_image_of_the_test_folder_is_a_real_one(okvqa: Path, tmp_path: Path) -> None:
    data = open_dataset(okvqa, cache_dir=tmp_path)
    sizes = set()
    for sample in (*data.train.questions, *data.val.questions):
        with Image.open(sample.image) as image:
            image.load()
            sizes.add(image.size)
    assert {(1, 200), (200, 1), (2, 2)} <= sizes


def test_questions_keep_their_characters(okvqa: Path, tmp_path: Path) -> None:
    questions = {sample.question for sample in open_dataset(okvqa, cache_dir=tmp_path).val.questions}
    assert "Qué color es “esto”? 🙂" in questions
    assert 'Is it "red",\nor\tblue?' in questions


def test_question_types_get_readable_names(okvqa: Path, tmp_path: Path) -> None:
    types = {sample.question_type for sample in open_dataset(okvqa, cache_dir=tmp_path).val.questions}
    assert types == {"Vehicles & Transportation", "Plants & Animals", "Other"}


def test_label_is_the_most_frequent_answer_and_ties_go_to_the_first() -> None:
    assert most_frequent(["b", "a", "a", "b", "c"]) == "b"
    assert most_frequent(["c", "a", "a"]) == "a"


def test_label_of_vqav2_is_its_multiple_choice_answer(tmp_path: Path) -> None:
    root = write_official(tmp_path / "v2", kind="vqav2")

    def other(content: Any) -> None:
        content["annotations"][0]["multiple_choice_answer"] = "grey"

    edit_json(root / f"v2_{OKVQA_ANNOTATIONS}", other)
    assert "grey" in {sample.label for sample in open_dataset(root, cache_dir=tmp_path).val.questions}


def test_content_hash_follows_the_answers(okvqa: Path, tmp_path: Path) -> None:
    before = open_dataset(okvqa, cache_dir=tmp_path)

    def other(content: Any) -> None:
        content["annotations"][0]["answers"][0]["answer"] = "something else"

    edit_json(okvqa / OKVQA_ANNOTATIONS, other)
    after = open_dataset(okvqa, cache_dir=tmp_path)
    assert after.val.order_sha == before.val.order_sha
    assert after.val.sha != before.val.sha
    assert after.train.sha == before.train.sha
    assert after.sha != before.sha


@pytest.mark.parametrize("images", ["mscoco2014", ".", "images", "coco/mscoco2014", "../mscoco2014", "../coco"])
def test_image_folders(tmp_path: Path, images: str) -> None:
    data = open_dataset(write_official(tmp_path / "data", images=images), cache_dir=tmp_path)
    assert all(sample.image.is_file() for sample in data.val.questions)


def test_coco_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = write_official(tmp_path / "data")
    shutil.move(root / "mscoco2014", tmp_path / "elsewhere" / "mscoco2014")
    monkeypatch.setenv("COCO_PATH", str(tmp_path / "elsewhere"))
    assert open_dataset(root, cache_dir=tmp_path).val.questions[0].image.is_file()


def test_of_several_image_folders_the_one_with_the_images_is_taken(okvqa: Path, tmp_path: Path) -> None:
    (okvqa / "val2014").mkdir()
    shutil.move(okvqa / "mscoco2014", okvqa / "images" / "mscoco2014")
    (okvqa / "mscoco2014" / "val2014").mkdir(parents=True)
    assert open_dataset(okvqa, cache_dir=tmp_path).val.questions[0].image.is_file()


def test_annotation_files_may_lie_in_a_folder_of_their_own(okvqa: Path, tmp_path: Path) -> None:
    (okvqa / "annotations").mkdir()
    for path in okvqa.glob("*.json"):
        path.rename(okvqa / "annotations" / path.name)
    assert len(open_dataset(okvqa, cache_dir=tmp_path).val) == 24


def test_a_single_missing_image_is_no_matter_for_the_data_set(okvqa: Path, tmp_path: Path) -> None:
    next((okvqa / "mscoco2014" / "val2014").iterdir()).unlink()
    assert len(open_dataset(okvqa, cache_dir=tmp_path).val) == 24


def refusal(root: Path, tmp_path: Path) -> str:
    with pytest.raises(UserError) as caught:
        open_dataset(root, cache_dir=tmp_path / "cache")
    return str(caught.value)


def test_no_such_folder(tmp_path: Path) -> None:
    assert str(tmp_path / "nowhere") in refusal(tmp_path / "nowhere", tmp_path)


def test_empty_folder_names_the_files_and_places(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    sentence = refusal(tmp_path / "empty", tmp_path)
    assert OKVQA_QUESTIONS in sentence
    assert OKVQA_ANNOTATIONS in sentence
    assert str(tmp_path / "empty" / "annotations") in sentence


def test_half_a_split_names_the_missing_file_and_every_place(okvqa: Path, tmp_path: Path) -> None:
    (okvqa / OKVQA_ANNOTATIONS).unlink()
    sentence = refusal(okvqa, tmp_path)
    assert f"lacks {OKVQA_ANNOTATIONS}" in sentence
    for folder in (okvqa, okvqa / "annotations", okvqa / "Annotations"):
        assert str(folder / OKVQA_ANNOTATIONS) in sentence


def test_a_missing_split_is_refused_when_it_is_asked_for(okvqa: Path, tmp_path: Path) -> None:
    for path in okvqa.glob("*train2014*.json"):
        path.unlink()
    data = open_dataset(okvqa, cache_dir=tmp_path)
    assert len(data.val) == 24
    assert not data.has("train")
    with pytest.raises(UserError, match=r"lacks OpenEnded_mscoco_train2014_questions\.json and mscoco_train2014_annot"):
        data.train  # noqa: B018


def test_missing_image_folders_name_every_place(okvqa: Path, tmp_path: Path) -> None:
    shutil.rmtree(okvqa / "mscoco2014")
    sentence = refusal(okvqa, tmp_path)
    for folder in (okvqa / "mscoco2014" / "val2014", okvqa / "val2014", tmp_path / "mscoco2014" / "val2014"):
        assert str(folder) in sentence
    assert "COCO_PATH" in sentence


def test_both_data_sets_in_one_folder_are_ambiguous(okvqa: Path, tmp_path: Path) -> None:
    write_official(okvqa, kind="vqav2")
    assert "of OKVQA and of VQAv2" in refusal(okvqa, tmp_path)


def _duplicate(content: Any) -> None:
    content["questions"].append(content["questions"][0])


def _no_text(content: Any) -> None:
    del content["questions"][3]["question"]


def _number_for_text(content: Any) -> None:
    content["questions"][3]["question"] = 7


def _empty(content: Any) -> None:
    content["questions"] = []


def _lost_question(content: Any) -> None:
    content["questions"].pop(0)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_duplicate, "occurs twice"),
        (_no_text, "field `question`"),
        (_number_for_text, "field `question` of question"),
        (_empty, "`questions` is empty"),
        (_lost_question, "is not in"),
        (lambda content: content.pop("questions"), "`questions`"),
    ],
)
def test_damaged_questions(okvqa: Path, tmp_path: Path, change: Callable[[Any], None], said: str) -> None:
    edit_json(okvqa / OKVQA_QUESTIONS, change)
    sentence = refusal(okvqa, tmp_path)
    assert OKVQA_QUESTIONS in sentence
    assert said in sentence


def _no_answer(content: Any) -> None:
    del content["annotations"][2]["answers"][4]["answer"]


def _no_answers(content: Any) -> None:
    content["annotations"][2]["answers"] = []


def _other_image(content: Any) -> None:
    content["annotations"][2]["image_id"] += 1


def _lost_annotation(content: Any) -> None:
    content["annotations"].pop(2)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_no_answer, "field `answers` of question {id}: Object missing required field `answer`"),
        (_no_answers, "`answers` of question_id {id} is empty"),
        (_other_image, "of question_id {id} differs"),
        (_lost_annotation, "question_id {id} has no entry in"),
    ],
)
def test_damaged_annotations_name_the_question(
    okvqa: Path, tmp_path: Path, change: Callable[[Any], None], said: str
) -> None:
    ids: list[int] = []

    def remember(content: Any) -> None:
        ids.append(content["annotations"][2]["question_id"])
        change(content)

    edit_json(okvqa / OKVQA_ANNOTATIONS, remember)
    sentence = refusal(okvqa, tmp_path)
    assert OKVQA_ANNOTATIONS in sentence
    assert said.format(id=ids[0]) in sentence


@pytest.mark.parametrize("content", [b"", b"  \n", b'{"questions": [', b"<html>", b"\xff\xfe\x00", b"[]", b"null"])
def test_what_is_no_json_object_is_named(okvqa: Path, tmp_path: Path, content: bytes) -> None:
    (okvqa / OKVQA_QUESTIONS).write_bytes(content)
    assert OKVQA_QUESTIONS in refusal(okvqa, tmp_path)


def test_byte_order_mark_is_ignored(okvqa: Path, tmp_path: Path) -> None:
    path = okvqa / OKVQA_QUESTIONS
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert len(open_dataset(okvqa, cache_dir=tmp_path).val) == 24


def test_builtin_world(tmp_path: Path) -> None:
    data = open_dataset("builtin", cache_dir=tmp_path)
    assert data.name == "builtin"
    assert len(data.train) >= 600
    assert len(data.val) >= 400
    assert data.val.questions[0].image.is_file()


def test_a_file_that_is_no_data(tmp_path: Path) -> None:
    write_json(tmp_path / "notes.json", {})
    assert "is no data set" in refusal(tmp_path / "notes.json", tmp_path)
