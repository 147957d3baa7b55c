"""The layouts that the Hugging Face hub hands out: field names, split names, images inside rows."""

from __future__ import annotations

import base64
import importlib
import io
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from db.specs.base import UserError
from engine.data import huggingface
from engine.data.datasets import open_dataset
from tests.helpers_data import write_json, write_official

WORDS = ["red"] * 6 + ["blue"] * 4


def jpeg(shade: int = 0) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (16, 16), (shade, 0, 0)).save(buffer, "JPEG")
    return buffer.getvalue()


def row(number: int, **fields: Any) -> dict[str, Any]:
    return {"question_id": 10 + number, "image_id": 1, "question": "What?", "answers": WORDS, **fields}


def write_lines(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(one) + "\n" for one in rows), encoding="utf-8")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "OK-VQA"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(jpeg())
    return folder


@pytest.mark.parametrize(
    "answers",
    [
        WORDS,
        [{"answer": word, "answer_id": 1} for word in WORDS],
        [{"answer": word, "raw_answer": "x"} for word in WORDS],
        {"answer": WORDS, "answer_id": list(range(10))},
    ],
)
def test_answers_as_texts_objects_or_columns(root: Path, tmp_path: Path, answers: Any) -> None:
    write_json(root / "val.json", [row(1, answers=answers, image="a.jpg")])
    sample = open_dataset(root, cache_dir=tmp_path).val.questions[0]
    assert sample.answers == tuple(WORDS)
    assert sample.label == "red"
    assert sample.image == root / "a.jpg"


def test_other_field_names(root: Path, tmp_path: Path) -> None:
    fields = {"id": "17", "id_image": "5", "question": "What?", "answers_original": [{"answer": "x"}], "image": "a.jpg"}
    write_json(root / "val.json", [fields])
    sample = open_dataset(root, cache_dir=tmp_path).val.questions[0]
    assert (sample.question_id, sample.image_id, sample.answers) == (17, 5, ("x",))


@pytest.mark.parametrize("name", ["val2014", "validation", "val", "test", "lite"])
def test_split_names(root: Path, tmp_path: Path, name: str) -> None:
    write_json(root / "data" / f"{name}-00000-of-00001.json", [row(1, image=str(root / "a.jpg"))])
    write_json(root / "train" / "data.json", [row(2, image=str(root / "a.jpg"))])
    data = open_dataset(root, cache_dir=tmp_path)
    assert data.val.ids == (11,)
    assert data.train.ids == (12,)


def test_validation_goes_before_test(root: Path, tmp_path: Path) -> None:
    write_json(root / "test.json", [row(1, image="a.jpg")])
    write_json(root / "validation.json", [row(2, image="a.jpg")])
    assert open_dataset(root, cache_dir=tmp_path).val.ids == (12,)


def test_several_files_make_one_split(root: Path, tmp_path: Path) -> None:
    for part in (1, 0):
        write_lines(root / "data" / f"val-{part:05}-of-00002.jsonl", [row(part, image=str(root / "a.jpg"))])
    assert open_dataset(root, cache_dir=tmp_path).val.ids == (10, 11)


@pytest.mark.parametrize("wrapper", ["data", "annotations", "rows", "questions"])
def test_rows_inside_an_object(root: Path, tmp_path: Path, wrapper: str) -> None:
    rows = [row(1, image="a.jpg")]
    write_json(root / "vqav2_mscoco_val2014.json", {"info": {}, wrapper: [{"row": one} for one in rows]})
    assert len(open_dataset(root, cache_dir=tmp_path).val) == 1


def test_json_lines_under_the_name_json(root: Path, tmp_path: Path) -> None:
    write_lines(root / "val.json", [row(1, image="a.jpg"), row(2, image="a.jpg")])
    assert len(open_dataset(root, cache_dir=tmp_path).val) == 2


def test_a_single_file_can_be_opened(root: Path, tmp_path: Path) -> None:
    write_lines(root / "val.jsonl", [row(1, image="a.jpg")])
    assert len(open_dataset(root / "val.jsonl", cache_dir=tmp_path).val) == 1


def test_embedded_images_are_written_once(root: Path, tmp_path: Path) -> None:
    text = base64.b64encode(jpeg(1)).decode()
    forms = [text, {"bytes": text}, f"data:image/jpeg;base64,{text}", base64.b64encode(jpeg(2)).decode()]
    write_lines(root / "val.jsonl", [row(number, image=image) for number, image in enumerate(forms)])
    samples = open_dataset(root, cache_dir=tmp_path / "cache").val.questions
    assert [sample.image.read_bytes() for sample in samples] == [jpeg(1), jpeg(1), jpeg(1), jpeg(2)]
    assert len([path for path in (tmp_path / "cache").rglob("*") if path.is_file()]) == 2


def test_images_without_an_id_get_one_from_their_content(root: Path, tmp_path: Path) -> None:
    rows = [
        row(number, image=base64.b64encode(jpeg(100 * (number // 2))).decode(), image_id=None) for number in range(4)
    ]
    write_lines(root / "val.jsonl", rows)
    ids = [sample.image_id for sample in open_dataset(root, cache_dir=tmp_path).val.questions]
    assert ids[0] == ids[1] != ids[2] == ids[3]


def test_images_without_an_id_get_the_number_in_their_name(root: Path, tmp_path: Path) -> None:
    write_lines(root / "val.jsonl", [row(1, image="COCO_val2014_000000000042.jpg", image_id=None)])
    assert open_dataset(root, cache_dir=tmp_path).val.questions[0].image_id == 42


def test_without_image_fields_the_coco_file_is_meant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COCO_PATH", str(write_official(tmp_path / "coco")))
    write_lines(tmp_path / "hf" / "val.jsonl", [row(1, image_id=5000)])
    image = open_dataset(tmp_path / "hf", cache_dir=tmp_path).val.questions[0].image
    assert image == tmp_path / "coco" / "mscoco2014" / "val2014" / "COCO_val2014_000000005000.jpg"
    assert image.is_file()


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"question_id": None}, "row 0: field `question_id` is missing"),
        ({"question_id": 1.5}, "row 0: field `question_id` must be a whole number or a text, not 1.5"),
        (
            {"question_id": 2**64},
            "row 0: field `question_id` must be a whole number or a text, not 18446744073709551616",
        ),
        ({"question": None}, "question_id 11: field `question`"),
        ({"answers": []}, "question_id 11: field `answers` is missing or empty"),
        ({"answers": [1, 2]}, "question_id 11: field `answers` must hold texts"),
        ({"image": 5}, "question_id 11: field `image` holds neither"),
        ({"image": "x" * 300}, "question_id 11: field `image` holds neither"),
        ({"image": "a/" * 3000}, "question_id 11: field `image` holds neither"),
        ({"image": None, "image_id": None}, "question_id 11: no field image,"),
        ({"image_id": [1]}, "question_id 11: field `image_id` must be a whole number or a text, not [1]"),
    ],
)
def test_bad_rows_name_file_question_and_field(root: Path, tmp_path: Path, fields: dict[str, Any], said: str) -> None:
    write_json(root / "val.json", [row(1, image="a.jpg") | fields])
    with pytest.raises(UserError) as caught:
        open_dataset(root, cache_dir=tmp_path)
    assert str(root / "val.json") in str(caught.value)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [("{", "not valid JSON"), ('{"a": 1}', "no list of rows"), ("[1]", "expected an object"), ("[]", "no rows")],
)
def test_files_without_rows(root: Path, tmp_path: Path, content: str, said: str) -> None:
    (root / "val.json").write_text(content)
    with pytest.raises(UserError, match=said):
        open_dataset(root, cache_dir=tmp_path)


def test_a_broken_line_is_counted(root: Path, tmp_path: Path) -> None:
    (root / "val.jsonl").write_text(json.dumps(row(1, image="a.jpg")) + "\n{oops\n")
    with pytest.raises(UserError, match=r"val\.jsonl: line 2 is not valid JSON"):
        open_dataset(root, cache_dir=tmp_path)


def test_a_line_that_would_fill_the_memory_is_refused(root: Path, tmp_path: Path) -> None:
    (root / "val.jsonl").write_text('{"a": [' + "[]," * 3_300_000 + "[]]}\n")
    with pytest.raises(UserError, match="line 1 holds more lists and objects than any honest row"):
        open_dataset(root, cache_dir=tmp_path)


def test_duplicate_ids_are_refused(root: Path, tmp_path: Path) -> None:
    write_json(root / "val.json", [row(1, image="a.jpg"), row(1, image="a.jpg")])
    with pytest.raises(UserError, match="question_id 11 occurs twice"):
        open_dataset(root, cache_dir=tmp_path)


def test_a_folder_without_train_says_so_when_asked(root: Path, tmp_path: Path) -> None:
    write_json(root / "val.json", [row(1, image="a.jpg")])
    with pytest.raises(UserError, match="has no train split: looked for"):
        open_dataset(root, cache_dir=tmp_path).train  # noqa: B018


def test_parquet_without_pyarrow_says_what_to_install(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", refuse)
    (root / "val.parquet").write_bytes(b"PAR1")
    with pytest.raises(UserError, match="pip install pyarrow"):
        open_dataset(root, cache_dir=tmp_path)


def test_tables_are_remembered_until_they_change(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Path] = []

    def fake_table(path: Path, without: Any = ()) -> list[dict[str, Any]]:
        read.append(path)
        return [row(1, image={"bytes": jpeg(), "path": "x.jpg"})]

    monkeypatch.setattr(huggingface, "read_table", fake_table)
    table = root / "val.parquet"
    table.write_bytes(b"one")
    first = open_dataset(root, cache_dir=tmp_path / "cache")
    again = open_dataset(root, cache_dir=tmp_path / "cache")
    assert len(read) == 1
    assert first.sha == again.sha
    assert first.val.questions == again.val.questions
    table.write_bytes(b"other")
    open_dataset(root, cache_dir=tmp_path / "cache")
    assert len(read) == 2
    again.val.questions[0].image.unlink()
    assert open_dataset(root, cache_dir=tmp_path / "cache").val.questions[0].image.is_file()


@pytest.mark.parametrize("suffix", ["parquet", "arrow"])
def test_real_tables(root: Path, tmp_path: Path, suffix: str) -> None:
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    rows = [row(number, image={"bytes": jpeg(number), "path": None}) for number in range(3)]
    table, path = arrow.Table.from_pylist(rows), root / f"val2014-00000-of-00001.{suffix}"
    if suffix == "parquet":
        parquet.write_table(table, path)
    else:
        with arrow.OSFile(str(path), "wb") as sink, arrow.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
    samples = open_dataset(root, cache_dir=tmp_path / "cache").val.questions
    assert [sample.image.read_bytes() for sample in samples] == [jpeg(number) for number in range(3)]
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(UserError, match="cannot be read"):
        open_dataset(root, cache_dir=tmp_path / "cache")
