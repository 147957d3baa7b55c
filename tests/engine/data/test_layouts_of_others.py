"""Data sets as other programs keep them: A-OKVQA, LAVIS, VLMEvalKit, `save_to_disk`, decorated names, images elsewhere."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from db.specs.base import UserError
from engine.data.datasets import open_dataset
from engine.data.rows import LARGEST_ID
from engine.doctor.examine import examine
from tests.helpers_data import edit_json, write_json, write_official

ANSWERS = ["race"] * 6 + ["ride"] * 4


def picture(path: Path, shade: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (16, 16), (shade, 0, 0)).save(path, "JPEG")
    return path


def png(shade: int) -> str:
    buffer = io.BytesIO()
    Image.new("RGB", (16, 16), (shade, 0, 0)).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def aokvqa(text_id: str, image_id: int, **more: Any) -> dict[str, Any]:
    return {
        "split": "val", "image_id": image_id, "question_id": text_id, "question": "What is it?", "choices": ["a", "b"],
        "correct_choice_idx": 1, "direct_answers": ANSWERS, "rationales": ["because"], **more,
    }  # fmt: skip


@pytest.mark.parametrize("place", ["coco/val2017/{:012d}.jpg", "val2014/COCO_val2014_{:012d}.jpg"])
def test_aokvqa_with_text_ids_and_direct_answers(tmp_path: Path, place: str) -> None:
    root = tmp_path / "aokvqa"
    image = picture(root / place.format(42))
    rows = [aokvqa("22MexNkBPpdZGX6sxbxVBH", 42), aokvqa("2aFNPcqHUfEqKtnsW6F4gd", 42, direct_answers=str(ANSWERS))]
    write_json(root / "aokvqa_v1p0_val.json", rows)
    write_json(root / "aokvqa_v1p0_test.json", [aokvqa("x", 42) | {"direct_answers": None}])
    val = open_dataset(root, cache_dir=tmp_path).val
    assert [sample.answers for sample in val.questions] == [tuple(ANSWERS)] * 2
    assert {sample.image for sample in val.questions} == {image}
    assert all(2**18 < number < LARGEST_ID for number in val.ids)
    assert open_dataset(root, cache_dir=tmp_path).val.ids == val.ids


def test_multiple_choice_without_direct_answers_is_refused(tmp_path: Path) -> None:
    write_json(tmp_path / "aokvqa_v1p0_test.json", [aokvqa("x", 42) | {"direct_answers": None}])
    with pytest.raises(UserError, match="question_id x: it is a multiple-choice question without direct answers"):
        open_dataset(tmp_path, cache_dir=tmp_path)


def lavis(number: int) -> dict[str, Any]:
    image = f"val2014/COCO_val2014_{number:012d}.jpg"
    return {"question_id": number, "question": "What?", "answer": ANSWERS, "image": image, "dataset": "okvqa"}


def test_lavis(tmp_path: Path) -> None:
    """Annotations and images have folders of their own, the same questions stand in two files, answers in a third."""
    cache = tmp_path / "lavis"
    notes = cache / "okvqa" / "annotations"
    for number in (7, 8):
        picture(cache / "coco" / "images" / "val2014" / f"COCO_val2014_{number:012d}.jpg")
    write_json(notes / "okvqa_train.json", [lavis(8)])
    write_json(notes / "okvqa_val.json", [lavis(7)])
    write_json(notes / "okvqa_val_eval.json", [lavis(7)])
    write_json(notes / "okvqa_answer_list_train.json", ["race", "ride"])
    data = open_dataset(cache / "okvqa", cache_dir=tmp_path)
    assert (data.train.ids, data.val.ids) == ((8,), (7,))
    assert all(sample.image.is_file() for sample in (*data.train.questions, *data.val.questions))
    assert data.val.questions[0].answers == tuple(ANSWERS)


def test_train_of_lavis_completes_an_official_val(tmp_path: Path) -> None:
    root = write_official(tmp_path / "okvqa")
    for file in root.glob("*train2014*.json"):
        file.unlink()
    picture(root / "mscoco2014" / "val2014" / "COCO_val2014_000000000008.jpg")
    write_json(root / "annotations" / "okvqa_train.json", [lavis(8)])
    data = open_dataset(root, cache_dir=tmp_path)
    assert data.train.ids == (8,)
    assert data.train.questions[0].image.is_file()
    assert (data.kind, len(data.val)) == ("okvqa", 24)


def test_other_files_beside_official_ones_are_no_split(tmp_path: Path) -> None:
    root = write_official(tmp_path / "okvqa")
    for file in root.glob("*train2014*.json"):
        file.unlink()
    write_json(root / "metrics_train.json", {"accuracy": 52.0})
    write_json(root / "annotations" / "val_predictions.json", [{"question_id": 1, "answer": "red"}])
    data = open_dataset(root, cache_dir=tmp_path)
    assert (data.has("train"), len(data.val)) == (False, 24)


def test_vlmevalkit(tmp_path: Path) -> None:
    """A TSV: an image in base64 stands once, later rows name the row that has it; answers are a list as text."""
    rows = [("0", "What?", str(ANSWERS), png(1)), ("1", 'Is it "red"?', "yes", "0"), ("2", "A\nB?", "['no']", png(2))]
    table = "".join("\t".join(f'"{one.replace(chr(34), chr(34) * 2)}"' for one in row) + "\n" for row in rows)
    for name, given in (("TextVQA_VAL.tsv", tmp_path), ("Mine.tsv", tmp_path / "Mine.tsv")):
        (tmp_path / name).write_text("index\tquestion\tanswer\timage\n" + table, encoding="utf-8")
        one, two, three = open_dataset(given, cache_dir=tmp_path / "cache").val.questions
        assert (one.answers, two.answers, three.answers) == (tuple(ANSWERS), ("yes",), ("no",))
        assert (two.question, three.question) == ('Is it "red"?', "A\nB?")
        assert one.image == two.image != three.image
        assert one.image_id == two.image_id


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("index\tquestion\tanswer\timage\n0\tq?\ta\tb\tc\n", "line 2 has more fields than the first line names"),
        ("index\tquestion\tA\tB\tanswer\timage_path\n0\tq?\tx\ty\tA\ta.jpg\n", "multiple-choice question"),
        ("index\tquestion\tanswer\timage\n\x00\xff", "cannot be read as TSV"),
        ("index\tquestion\tanswer\n0\tq?\ta\n", "says which image"),
    ],
)
def test_a_tsv_that_cannot_be_asked_is_one_sentence(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "X_VAL.tsv").write_bytes(content.encode("latin-1"))
    with pytest.raises(UserError, match=said):
        open_dataset(tmp_path, cache_dir=tmp_path)


def test_what_save_to_disk_wrote(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets", reason="pip install datasets: it writes the folder that is read here")
    rows = [{"question_id": i, "image_id": 1, "question": "q", "answers": ANSWERS, "image": "a.jpg"} for i in (3, 4)]
    split = datasets.Dataset.from_list(rows, split="validation")
    split.save_to_disk(tmp_path / "one")
    datasets.DatasetDict(train=split, validation=split).save_to_disk(tmp_path / "both")
    (tmp_path / "one" / "cache-0123.arrow").write_bytes(b"left by map")
    assert open_dataset(tmp_path / "one", cache_dir=tmp_path / "cache").val.ids == (3, 4)
    both = open_dataset(tmp_path / "both", cache_dir=tmp_path / "cache")
    assert (both.train.ids, both.val.ids) == ((3, 4), (3, 4))


URL = "http://images.cocodataset.org/val2014/COCO_val2014_000000000007.jpg?size=1"


@pytest.mark.parametrize("place", ["val2014/", "images/val2014/", "", "images/", "coco/train2017/"])
def test_urls_are_taken_for_paths(tmp_path: Path, place: str) -> None:
    name = "000000000007.jpg" if "2017" in place else "COCO_val2014_000000000007.jpg"
    image = picture(tmp_path / place / name)
    write_json(tmp_path / "val.json", [{"question_id": 1, "question": "q", "answers": ANSWERS, "coco_url": URL}])
    sample = open_dataset(tmp_path, cache_dir=tmp_path / "cache").val.questions[0]
    assert (sample.image, sample.image_id) == (image, 7)


@pytest.mark.parametrize("inside", ["", "val2014", "mscoco2014/val2014"])
def test_images_elsewhere(tmp_path: Path, inside: str) -> None:
    """For official files, for ids and for paths; the folder that is named goes before all others."""
    root = write_official(tmp_path / "okvqa")
    elsewhere = tmp_path / "pictures"
    (elsewhere / inside).parent.mkdir(parents=True, exist_ok=True)
    (root / "mscoco2014" / "val2014").rename(elsewhere / inside)
    val = open_dataset(root, cache_dir=tmp_path, images=str(elsewhere)).val
    assert all(sample.image.is_file() for sample in val.questions)
    one = val.questions[0]
    fields = {"question": "q", "answers": ANSWERS}
    rows = [
        {"question_id": 1, "image_id": one.image_id, **fields},
        {"question_id": 2, "image": f"/nowhere/val2014/{one.image.name}", **fields},
    ]
    write_json(tmp_path / "rows" / "val.json", rows)
    found = open_dataset(tmp_path / "rows", cache_dir=tmp_path, images=str(elsewhere)).val
    assert [sample.image for sample in found.questions] == [one.image] * 2
    with pytest.raises(UserError, match="there is no such folder; give the one that holds the images"):
        open_dataset(root, cache_dir=tmp_path, images=str(tmp_path / "gone"))


@pytest.mark.parametrize("pattern", ["OKVQA_v1.1_{}", "ok-vqa_{}", "v2_{}"])
def test_names_that_speak_of_a_version_are_read(tmp_path: Path, pattern: str) -> None:
    plain = open_dataset(write_official(tmp_path / "okvqa"), cache_dir=tmp_path)
    for file in (tmp_path / "okvqa").glob("*.json"):
        edit_json(file, lambda content: content.update(info={"description": "This is v1.1 of the OK-VQA dataset."}))
        content = json.loads(file.read_text())
        file.write_text(json.dumps({"info": content.pop("info"), **content}))
        file.rename(file.with_name(pattern.format(file.name)))
    again = open_dataset(tmp_path / "okvqa", cache_dir=tmp_path)
    assert (again.sha, again.name, again.kind) == (plain.sha, "okvqa", "okvqa")


def test_vqav2_keeps_its_name(tmp_path: Path) -> None:
    root = write_official(tmp_path / "VQA", kind="vqav2")
    for file in root.glob("*.json"):
        file.rename(file.with_name("vqa_" + file.name))
    assert open_dataset(root, cache_dir=tmp_path).kind == "vqav2"


def test_a_folder_that_nearly_fits_says_what_to_rename(tmp_path: Path) -> None:
    root = write_official(tmp_path / "okvqa")
    (root / "mscoco2014" / "val2014").rename(root / "valid_images")
    for file in root.glob("*.json"):
        file.rename(file.with_name(file.name.replace("OpenEnded_mscoco_", "").replace("mscoco_", "my_")))
    with pytest.raises(UserError) as caught:
        open_dataset(root, cache_dir=tmp_path)
    said = str(caught.value)
    assert "my_val2014_annotations.json to mscoco_val2014_annotations.json" in said
    assert "val2014_questions.json to OpenEnded_mscoco_val2014_questions.json" in said
    assert "the folder valid_images to val2014" in said


def test_half_a_split_says_what_to_rename(tmp_path: Path) -> None:
    root = write_official(tmp_path / "okvqa")
    (root / "mscoco_val2014_annotations.json").rename(root / "answers_val.json")
    with pytest.raises(UserError, match=r"; rename answers_val\.json to mscoco_val2014_annotations\.json$"):
        open_dataset(root, cache_dir=tmp_path)


def test_who_registers_such_a_folder_is_told_as_well(tmp_path: Path) -> None:
    root = write_official(tmp_path / "okvqa")
    for file in root.glob("*.json"):
        file.rename(file.with_name("q_" + file.name) if "questions" in file.name else file.with_name("a_" + file.name))
    for file in list(root.glob("*train*.json")):
        file.unlink()
    [finding] = examine(root).findings
    told = finding.message + finding.fix
    assert "q_OpenEnded_mscoco_val2014_questions.json to OpenEnded_mscoco_val2014_questions.json" in told
    assert "a_mscoco_val2014_annotations.json to mscoco_val2014_annotations.json" in told
