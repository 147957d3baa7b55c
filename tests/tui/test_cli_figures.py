"""Imported figures and figures over unlike questions on the command line: what is unknown stays so, and n stands beside all."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest

from engine.data.datasets import open_dataset
from tests.helpers_cli import Desk, store_eval


def _predictions(path: Path, *, references: bool = True) -> Path:
    answers = {"answers": ["cat"] * 10} if references else {}
    path.write_text(
        json.dumps([{"question_id": q, "prediction": "cat", "image_id": q, **answers} for q in range(1, 9)])
    )
    return path


def _published(path: Path, *figures: tuple[int, int, float], **told: str) -> Path:
    rows = [{"n": n, "shot": shot, "accuracy": value} for n, shot, value in figures]
    path.write_text(json.dumps([{"method": path.stem, "rows": rows, **told}]))
    return path


def test_unknown_shots_stay_unknown(desk: Desk, tmp_path: Path) -> None:
    path = _predictions(tmp_path / "p.json")
    [entry] = desk.json("import", str(path))["imported"]
    assert [cell["shot"] for cell in entry["cells"]] == [None]
    [listed] = desk.json("runs")
    assert listed["matrix"][0]["shot"] is None
    assert "acc@?" in desk.call("runs").stdout
    assert [cell["shot"] for cell in desk.json("show", "r1")["matrix"]] == [None]
    desk.call("import", str(_predictions(tmp_path / "again.json")))
    for command in (("show", "r1"), ("report", "r1"), ("compare", "r1", "r2")):
        told = desk.call(*command).stdout
        assert "?" in told
        assert not re.search(r"(^|\s|@)-1(\s|$)", told)
    [known] = desk.json("import", str(path), "--shot", "0")["imported"]
    assert [cell["shot"] for cell in known["cells"]] == [0]
    assert {cell["shot"] for cell in desk.json("compare", "r1", "r3")["cells"]} == {None, 0}


def test_predictions_with_one_reference_say_what_can_be_reached(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text(json.dumps([{"question_id": 1, "prediction": "cat", "answers": ["cat"]}]))
    desk.call("import", str(tmp_path / "p.json"), "--shot", "2")
    [finding] = desk.json("show", "r1")["findings"]
    assert finding["code"] == "references-few"
    assert "0.0 %" in finding["message"]


def test_a_refused_import_leaves_no_run(desk: Desk, tmp_path: Path) -> None:
    table = _published(tmp_path / "table.json", (100, 1, 50.0))
    bare = _predictions(tmp_path / "bare.json", references=False)
    said = desk.call("import", str(table), str(bare), code=2).stderr
    assert "bare.json has no reference answers for 8 of 8 predictions" in said
    assert not desk.home.runs.exists() or not list(desk.home.runs.iterdir())  # no job was started
    asked = open_dataset("builtin", cache_dir=tmp_path / "cache").val.questions[0].question_id
    good, stray = tmp_path / "good.json", tmp_path / "stray.json"
    good.write_text(json.dumps([{"question_id": asked, "answer": "cat"}]))
    stray.write_text(json.dumps([{"question_id": 1, "answer": "cat"}]))
    said = desk.call("import", str(good), str(stray), "--dataset", "builtin", code=2).stderr
    assert "stray.json answers question 1, which builtin (val) does not have" in said
    assert desk.json("runs") == []
    assert desk.json("runs", "--where", "deleted:yes") == []
    assert list(desk.home.runs.iterdir()) == []


def test_what_is_said_of_figures_is_kept_or_refused(desk: Desk, tmp_path: Path) -> None:
    path = _published(tmp_path / "table.json", (100, 1, 50.0))
    [entry] = desk.json("import", str(path), "--dataset", "okvqa", "--vlm", "Qwen")["imported"]
    assert (entry["dataset"], entry["vlm"], entry["path"]) == ("OKVQA", "Qwen", str(path))
    [listed] = desk.json("runs")
    assert (listed["dataset"], listed["vlm"]) == ("OKVQA", "Qwen")
    assert desk.json("show", "r1")["lineage"]["source_path"] == str(path)
    assert "--shot is for predictions" in desk.call("import", str(path), "--shot", "2", code=2).stderr
    other = _published(tmp_path / "b.json", dataset="OKVQA")
    assert "not of VQAv2" in desk.call("import", str(other), "--dataset", "vqav2", code=2).stderr
    assert len(desk.json("runs")) == 1


def test_each_figure_of_unlike_questions_has_its_n(desk: Desk, tmp_path: Path) -> None:
    store_eval(desk, dict.fromkeys(range(100), 1.0), name="few")
    store_eval(desk, dict.fromkeys(range(200, 5246), 0.6), name="many", dataset_sha="another")
    cells = desk.json("compare", "r1", "r2")["cells"]
    assert [cell["sizes"] for cell in cells] == [{"r1": 100, "r2": 5046}, {"r1": 100}, {"r2": 5046}]
    for form in ((), ("--markdown",)):
        told = desk.call("compare", "r1", "r2", *form).stdout
        assert "n=100" in told
        assert "n=5 046" in told
        assert "unlike" in told
    line = next(csv.DictReader(desk.call("compare", "r1", "r2", "--csv").stdout.splitlines()))
    assert (line["n"], line["n_a"], line["n_b"]) == ("", "100", "5046")
    assert "n=5 046" in desk.call("report", "r1", "r2").stdout


def test_an_order_over_unlike_questions_says_so(desk: Desk) -> None:
    store_eval(desk, dict.fromkeys(range(100), 1.0), name="few")
    one = desk.call("runs", "--sort", "acc@2 desc")
    assert "unlike" not in one.stderr
    store_eval(desk, dict.fromkeys(range(5046), 0.6), name="many")
    both = desk.call("runs", "--sort", "acc@2 desc")
    assert "acc@2 is over unlike questions (n = 100 to 5 046)" in both.stderr
    assert "unlike" not in desk.call("runs").stderr
    lines = [line for line in both.stdout.splitlines() if " few " in line or " many " in line]
    assert [("5 046" in line, "100" in line) for line in lines] == [(False, True), (True, False)]


def test_every_number_goes_through_import_and_compare(desk: Desk, tmp_path: Path) -> None:
    """What was read is printed by everything that prints, in strict JSON."""
    values = (0.0, 0.004, 0.92, 1, 52.31, 99.996, 100)
    _published(tmp_path / "table.json", *((n, shot, value) for n in (0, 7) for shot, value in enumerate(values)))
    _published(tmp_path / "other.json", *((n, 0, 33.333) for n in (0, 8)))
    document = desk.json("import", str(tmp_path / "table.json"), str(tmp_path / "other.json"))
    assert [cell["accuracy"] for cell in document["imported"][0]["cells"]] == [*values, *values]
    assert "unit-unclear" in {finding["code"] for finding in document["findings"]}
    text = desk.call("compare", "r1", "r2", "--json").stdout
    cells = json.loads(text, parse_constant=pytest.fail)["cells"]
    assert all(0 <= value <= 100 for cell in cells for value in cell["accuracy"].values())
    for form in ((), ("--markdown",), ("--csv",)):
        assert "nan" not in desk.call("compare", "r1", "r2", *form).stdout.lower()
    assert json.loads(desk.call("runs", "--json").stdout, parse_constant=pytest.fail)


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-1", "105.32", '"x"', "null", "[1]"])
def test_a_value_that_is_no_accuracy_stores_nothing(desk: Desk, tmp_path: Path, value: str) -> None:
    path = tmp_path / "okvqa_metrics.json"
    path.write_text(f'{{"test_data_num=400-x": {{"shot_num=1": 0.5, "shot_num=2": {value}}}}}')
    assert "shot_num=2" in desk.call("import", str(path), code=2).stderr
    assert desk.json("runs") == []
