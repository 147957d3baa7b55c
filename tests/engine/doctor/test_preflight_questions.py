"""Preflight looks at what a job is going to ask: images where they should be, and references enough."""

from __future__ import annotations

import io
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from db.specs import EmbedSpec, EvalSpec, GenerateSpec, Spec
from engine.data import huggingface
from engine.data.datasets import open_dataset
from engine.doctor.preflight import preflight, questions
from tests.helpers_data import write_official
from tests.helpers_preflight import codes, message


@pytest.fixture
def okvqa(tmp_path: Path) -> Path:
    return write_official(tmp_path / "okvqa")


def _remove(root: Path, split: str, keep: int = 0) -> list[Path]:
    gone = sorted((root / "mscoco2014" / f"{split}2014").iterdir())[keep:]
    for path in gone:
        path.unlink()
    return gone


def zero_shot(root: Path, **fields: Any) -> EvalSpec:
    return EvalSpec(dataset=str(root), retriever="zero-shot", shots=(0,), **fields)


@pytest.mark.parametrize("pieces", [False, True])
def test_no_image_blocks_and_names_place_and_file(okvqa: Path, pieces: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also of data sets so large that only pieces of them are read."""
    monkeypatch.setattr(questions, "MOST_BYTES", 0 if pieces else 1 << 20)
    assert not preflight(zero_shot(okvqa)).findings
    _remove(okvqa, "train")
    assert not preflight(zero_shot(okvqa)).findings, "no demonstration is shown"
    for spec in (
        EvalSpec(dataset=str(okvqa), shots=(1,)),
        GenerateSpec(dataset=str(okvqa)),
        EmbedSpec(dataset=str(okvqa)),
    ):
        found = preflight(spec)
        assert found.blocked
        assert str(okvqa / "mscoco2014" / "train2014" / "COCO_train2014_0000") in message(found, "images-missing")
    _remove(okvqa, "val")
    assert preflight(zero_shot(okvqa)).blocked


def test_some_missing_images_are_counted_and_block_nothing(okvqa: Path) -> None:
    _remove(okvqa, "val", keep=5)
    found = preflight(zero_shot(okvqa))
    assert not found.blocked
    assert "11 of 16 images are not there: looked for" in message(found, "images-missing")


def test_a_pool_that_train_does_not_fill_is_refused_before_the_job(okvqa: Path) -> None:
    count = len(open_dataset(okvqa, cache_dir=okvqa).train)
    for fits, made in ((count - 1, GenerateSpec), (count, EvalSpec)):
        asked: dict[str, Any] = {"dataset": str(okvqa), "pool": "rand-sampler"}
        assert "pool-too-large" not in codes(preflight(made(**asked, pool_size=fits)))
        found = preflight(made(**asked, pool_size=fits + 1))
        assert found.blocked
        assert f"train has {fits} questions" in message(found, "pool-too-large")


def test_only_the_questions_that_are_asked_are_looked_at(okvqa: Path) -> None:
    _remove(okvqa, "val", keep=5)
    assert not preflight(zero_shot(okvqa, first=(3,))).findings
    assert preflight(zero_shot(okvqa, first=(3,), split="train")).findings == []


def test_texts_alone_need_no_image(okvqa: Path) -> None:
    _remove(okvqa, "train")
    assert not preflight(EmbedSpec(dataset=str(okvqa), use_image=False)).findings


@pytest.mark.parametrize(("references", "highest"), [(1, "0.0"), (3, "66.7"), (4, "100.0"), (10, "")])
def test_few_references_say_how_high_a_score_can_be(tmp_path: Path, references: int, highest: str) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "a.jpg")
    rows = [{"question_id": i, "image": "a.jpg", "question": "q?", "answers": ["cat"] * references} for i in range(4)]
    (tmp_path / "val.json").write_text(json.dumps(rows))
    found = preflight(zero_shot(tmp_path))
    assert not found.blocked
    assert codes(found) == ({"references-few"} if highest else set())
    if highest:
        assert f"highest reachable score on them is {highest} %" in message(found, "references-few")


def test_a_data_set_that_the_job_would_refuse_is_refused_here(okvqa: Path) -> None:
    (okvqa / "mscoco_val2014_annotations.json").unlink()
    found = preflight(zero_shot(okvqa))
    assert found.blocked
    assert any("mscoco_val2014_annotations.json" in one.message for one in found.findings)


def test_what_blocks_already_is_not_read_further(okvqa: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "_findings", None)
    found = preflight(zero_shot(okvqa, device="abacus"))
    assert {one.subject for one in found.findings} == {"device"}


NAMES = {
    "official in val2017": ("val2017", "COCO_val2014_{:012d}.jpg"),
    "bare in val2014": ("val2014", "{:012d}.jpg"),
    "bare in val2017": ("val2017", "{:012d}.jpg"),
    "bare in train2017": ("train2017", "{:012d}.jpg"),
    "in a folder of the year": ("mscoco2017/train2017", "{:012d}.jpg"),
}


@pytest.mark.parametrize("layout", NAMES)
def test_images_of_either_year_are_found(okvqa: Path, tmp_path: Path, layout: str) -> None:
    folder, name = NAMES[layout]
    _rename(okvqa, folder, name)
    val = open_dataset(okvqa, cache_dir=tmp_path).val
    assert all(sample.image.is_file() for sample in val.questions)
    told = [finding.code for finding in preflight(zero_shot(okvqa)).findings]
    assert told == (["images-named-2017"] if layout == "bare in val2014" else [])


def test_images_dealt_out_anew_are_found_one_by_one(okvqa: Path, tmp_path: Path) -> None:
    """The 2017 download puts images of val2014 into train2017 and val2017."""
    _rename(okvqa, "train2017", "{:012d}.jpg")
    moved = sorted((okvqa / "train2017").iterdir())[3:]
    (okvqa / "val2017").mkdir()
    for path in moved:
        shutil.move(path, okvqa / "val2017" / path.name)
    val = open_dataset(okvqa, cache_dir=tmp_path).val
    assert all(sample.image.is_file() for sample in val.questions)
    assert len({sample.image.parent for sample in val.questions}) == 2


def test_a_hub_copy_with_image_ids_finds_them_too(okvqa: Path, tmp_path: Path) -> None:
    _rename(okvqa, "val2017", "{:012d}.jpg")
    hub = tmp_path / "hub"
    (hub / "val2017").parent.mkdir()
    shutil.move(okvqa / "val2017", hub / "val2017")
    ids = [int(path.stem) for path in (hub / "val2017").iterdir()]
    rows = [{"question_id": i, "image_id": i, "question": "q?", "answers": ["cat"] * 10} for i in ids]
    (hub / "val.json").write_text(json.dumps(rows))
    assert all(sample.image.is_file() for sample in open_dataset(hub, cache_dir=tmp_path).val.questions)


def _rename(root: Path, folder: str, name: str) -> None:
    place = root / folder
    place.mkdir(parents=True, exist_ok=True)
    for path in sorted((root / "mscoco2014" / "val2014").iterdir()):
        shutil.move(path, place / name.format(int(path.stem.rpartition("_")[2])))
    if not folder.startswith("mscoco2014"):
        (root / "mscoco2014" / "val2014").rmdir()


def test_every_kind_of_job_that_asks_is_looked_at() -> None:
    from engine.doctor.preflight import CHECKS

    asking: list[type[Spec]] = [EvalSpec, GenerateSpec, EmbedSpec]
    assert all([one for one in CHECKS[kind] if one != "server"][-1] == "images" for kind in asking)


def _rows(number: int, **more: Any) -> list[dict[str, Any]]:
    image = io.BytesIO()
    Image.new("RGB", (8, 8)).save(image, "JPEG")
    inside = {"bytes": image.getvalue(), "path": None}
    fields = {"question": "q?", "answers": ["cat"] * 10, "image": inside} | more
    return [{"question_id": str(i), **fields} for i in range(number)]


def _table(folder: Path, rows: list[dict[str, Any]]) -> Path:
    arrow = pytest.importorskip("pyarrow", reason="pip install 'leverplus[parquet]'")
    parquet = pytest.importorskip("pyarrow.parquet")
    folder.mkdir(exist_ok=True)
    parquet.write_table(arrow.Table.from_pylist(rows), folder / "val2014-00000-of-00001.parquet")
    return folder


def test_a_table_is_judged_before_the_job(tmp_path: Path) -> None:
    """Its split, its fields, its references and its images, without unpacking one of them."""
    sound = _table(tmp_path / "sound", _rows(30))
    assert not preflight(zero_shot(sound)).findings
    assert "has no train split" in message(preflight(EvalSpec(dataset=str(sound), shots=(1,))), "split-missing")
    few = preflight(zero_shot(_table(tmp_path / "few", _rows(30, answers=["cat"]))))
    assert (few.blocked, codes(few)) == (False, {"references-few"})
    for name, more, said in (
        ("nothing", {"question": None}, "field `question` is missing"),
        ("elsewhere", {"image": "gone.jpg"}, "None of the 1 images is there"),
        ("path", {"image": {"bytes": None, "path": "gone.jpg"}}, "None of the 1 images is there"),
    ):
        found = preflight(zero_shot(_table(tmp_path / name, _rows(30, **more))))
        assert found.blocked
        assert said in " ".join(one.message for one in found.findings)
    doubled = preflight(zero_shot(_table(tmp_path / "doubled", _rows(20) + _rows(20))))
    assert codes(doubled) == {"duplicate-ids"}


def test_of_a_long_table_the_start_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface, "PEEKED_ROWS", 10)
    root = _table(tmp_path / "long", _rows(30, answers=["cat"]))
    assert not preflight(zero_shot(root)).findings, "nothing is counted of which only a part was seen"
    lost = _table(tmp_path / "lost", _rows(30, image="gone.jpg"))
    assert "(the first were looked for)" in message(preflight(zero_shot(lost)), "images-missing")


def test_without_pyarrow_a_table_is_refused_before_the_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "val.parquet").write_bytes(b"PAR1")
    found = preflight(zero_shot(tmp_path))
    assert found.blocked
    assert "pip install 'leverplus[parquet]'" in " ".join(
        one.message + one.fix for one in found.findings if one.code == "missing-extra"
    )


@pytest.mark.parametrize("name", ["val.jsonl", "val.json", "X_VAL.tsv"])
def test_of_long_texts_the_start_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(huggingface, "PEEKED_BYTES", 10)
    row = {"question_id": "1", "question": "q?", "answer": "cat", "image_path": "gone.jpg"}
    texts = {
        "val.json": json.dumps([row]),
        "val.jsonl": json.dumps(row),
        "X_VAL.tsv": "\t".join(row) + "\n" + "\t".join(row.values()),
    }
    (tmp_path / name).write_text(texts[name])
    assert codes(preflight(zero_shot(tmp_path))) == (set() if name == "val.json" else {"images-missing"})


def test_images_that_lie_elsewhere_are_found_where_it_was_said(okvqa: Path, tmp_path: Path) -> None:
    shutil.move(okvqa / "mscoco2014", tmp_path / "pictures")
    assert preflight(zero_shot(okvqa)).blocked
    assert not preflight(zero_shot(okvqa, images=str(tmp_path / "pictures"))).findings
    assert "there is no such folder" in " ".join(
        one.message for one in preflight(zero_shot(okvqa, images=str(tmp_path / "gone"))).findings
    )


def test_demonstrations_of_another_data_set_are_judged_there(okvqa: Path, tmp_path: Path) -> None:
    """The evaluated one then needs no train split, and the other one needs its train images."""
    other = write_official(tmp_path / "other")
    _remove(okvqa, "train")
    spec = EvalSpec(dataset=str(okvqa), support=str(other), shots=(1,))
    assert not preflight(spec).blocked
    _remove(other, "train")
    assert "None of the" in message(preflight(spec), "images-missing")


def test_a_folder_that_nearly_fits_is_told_what_to_rename(okvqa: Path) -> None:
    for file in okvqa.glob("*.json"):
        file.rename(file.with_name("my_" + file.name))
    [finding] = preflight(zero_shot(okvqa)).findings
    assert "my_mscoco_val2014_annotations.json to mscoco_val2014_annotations.json" in finding.fix + finding.message


def test_a_folder_of_archives_is_told_what_to_unpack(okvqa: Path) -> None:
    for file in [*okvqa.glob("*val2014*.json"), okvqa / "v2_Questions_Train_mscoco.json"]:
        file.with_suffix(".json.zip").write_bytes(b"PK")
        file.unlink(missing_ok=True)
    (okvqa / "val2014.zip").write_bytes(b"PK")
    told = " ".join(one.message + one.fix for one in preflight(zero_shot(okvqa)).findings)
    assert (
        "npack OpenEnded_mscoco_val2014_questions.json.zip, mscoco_val2014_annotations.json.zip, val2014.zip there"
        in told
    )


def test_images_of_the_built_in_world_cannot_be_exchanged(tmp_path: Path) -> None:
    assert preflight(EvalSpec(images=str(tmp_path))).blocked
    assert not preflight(EvalSpec()).blocked
