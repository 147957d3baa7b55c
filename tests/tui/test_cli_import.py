"""`leverplus import` of reports: shown before it is stored, stored with its lines, compared as published figures are."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from leverplus_tui.cli import app
from leverplus_tui.commands.results import imports
from tests.engine.figures.test_trackers import mlflow_files
from tests.helpers_cli import Desk

REPORTS = Path(__file__).parent.parent / "engine" / "figures" / "reports"
FORMATS = REPORTS.parent / "formats"
REPORT = REPORTS / "selector_report.zh.md"


def test_a_report_becomes_two_runs_that_cannot_be_told_apart(desk: Desk) -> None:
    document = desk.json("import", str(REPORT), "--yes")
    assert [(one["label"], one["date"], len(one["cells"])) for one in document["imported"]] == [
        ("12-10 v3", "2025-12-10", 16), ("12-12 v3", "2025-12-12", 16),
    ]  # fmt: skip
    left_out = [one["subject"] for one in document["findings"] if one["code"] == "left-out"]
    assert left_out == [f"{REPORT.name}:{line}" for line in (30, 66, 77, 122, 182)]
    cells = desk.json("compare", "r1", "r2")["cells"]
    assert len(cells) == 16
    pairs = [pair for cell in cells for pair in cell["pairs"]]
    assert [pair["verdict"] for pair in pairs] == ["not distinguishable"] * 16
    assert all(pair["visible_from"] > 2 and "unpaired" in pair["reason"] for pair in pairs)
    again = desk.json("import", str(REPORT), "--yes")["imported"]
    assert [(one["run"], one["already"]) for one in again] == [("r1", True), ("r2", True)]


def test_source_lines_and_hash_are_stored(desk: Desk) -> None:
    desk.call("import", str(REPORT), "--yes")
    lineage = desk.json("show", "r2")["lineage"]
    assert lineage["source_sha"] == hashlib.sha256(REPORT.read_bytes()).hexdigest()
    assert lineage["source_path"] == str(REPORT)
    assert lineage["source_lines"]["first 100, shot 1"] == 79
    assert lineage["source_lines"]["first 800, shot 4"] == 94


def test_a_guessed_reading_is_shown_and_not_stored(desk: Desk) -> None:
    result = desk.call("import", str(REPORT), code=2)
    for words in ("Markdown report, 32 figures in 2 runs", "12-10 v3 结果", "accuracies of 12-10 v3", "number of questions",
                  "differences: checked, left out", "questions 100, 200, 400, 800; shots 1, 2, 3, 4", "line 122"):  # fmt: skip
        assert words in result.stdout
    assert "add --yes" in result.stderr
    document = desk.json("import", str(REPORT), code=2)
    assert document["imported"] == []
    assert document["would_import"][0]["runs"][1]["figures"][0] == {"n": 100, "shot": 1, "accuracy": 64.2, "line": 79}
    assert desk.json("runs") == []


def test_the_doctor_says_what_would_be_imported(desk: Desk) -> None:
    [report] = desk.json("doctor", str(REPORT))
    assert (report["kind"], report["facts"]["layout"], report["facts"]["figures"]) == ("report", "Markdown report", 32)
    assert (report["facts"]["shots"], report["facts"]["questions"]) == ("1, 2, 3, 4", "100, 200, 400, 800")
    assert sum(one["code"] == "left-out" for one in report["findings"]) == 5
    assert "Line 122" in desk.call("doctor", str(REPORT)).stdout


def test_off_lattice_figures_are_told_by_what_was_printed(desk: Desk, tmp_path: Path) -> None:
    """Over 300 questions 62.3 % with one decimal may be 62.27 %, and 62.30 % with two cannot be."""
    text = "# OKVQA（300条）\n\n| Shot | acc |\n|-|-|\n| 1 | 62.3{}% |\n"
    for end, wrong in (("", False), ("0", True)):
        (tmp_path / "r.md").write_text(text.format(end))
        found = desk.json("doctor", str(tmp_path / "r.md"), code=int(wrong))[0]["findings"]
        assert any(one["code"] == "off-lattice" for one in found) == wrong


def test_samples_of_a_harness_are_scored_and_held_against_its_scores(desk: Desk) -> None:
    samples = FORMATS / "lmms-eval" / "20251212_101112_samples_ok_vqa_val2014.jsonl"
    document = desk.json("import", str(samples))
    [entry] = document["imported"]
    [cell] = entry["cells"]
    assert (cell["n"], cell["shot"], entry["dataset"], entry["vlm"]) == (20, 0, "OKVQA", "Qwen/Qwen2.5-VL-3B-Instruct")
    shown = desk.json("show", "r1")
    [finding] = [one for one in shown["findings"] if one["code"] == "scores-differ"]
    assert "scores-differ" in [one["code"] for one in document["findings"]]
    assert "60.00 % there" in finding["message"]
    assert f"{cell['accuracy']:.2f} % by the official metric" in finding["message"]
    assert shown["lineage"]["source_layout"] == "lm-eval or lmms-eval samples"


def test_the_same_answers_are_one_run_and_others_of_the_same_name_another(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "p.jsonl"
    rows = [{"question_id": q, "shot": 1, "prediction": "cat", "answers": ["cat"] * 10} for q in range(1, 9)]
    file.write_text("\n".join(map(json.dumps, rows)))
    first, again = (desk.json("import", str(file))["imported"][0] for _ in range(2))
    assert ("already" in first, again["already"], again["run"]) == (False, True, first["run"])
    file.write_text("\n".join(map(json.dumps, rows[:6])))
    assert desk.json("import", str(file))["imported"][0]["run"] != first["run"]
    assert [run["id"] for run in desk.json("runs")] == ["r2", "r1"]


def test_answers_at_several_numbers_of_shots_are_one_run(desk: Desk, tmp_path: Path) -> None:
    rows = [
        {
            "question_id": question,
            "shot": shot,
            "prediction": "cat" if question > shot else "dog",
            "answers": ["cat"] * 10,
        }
        for shot in (1, 4)
        for question in range(1, 9)
    ]
    (tmp_path / "p.jsonl").write_text("\n".join(map(json.dumps, rows)))
    [entry] = desk.json("import", str(tmp_path / "p.jsonl"))["imported"]
    assert [(cell["shot"], cell["n"], cell["accuracy"]) for cell in entry["cells"]] == [(1, 8, 87.5), (4, 8, 50.0)]


def test_a_training_log_becomes_a_run_with_metrics(desk: Desk) -> None:
    log = FORMATS / "logs" / "train_v3.log"
    document = desk.json("import", str(log))["imported"]
    assert [(one["label"], one["metrics"]) for one in document] == [("train_v3", 3)]
    assert desk.json("import", str(log))["imported"][0]["already"]
    shown = desk.json("show", "r1")
    assert {name: one["value"] for name, one in shown["metrics"].items()} == {
        "rce/rce_loss": 5.4321, "rce/val_loss": 5.1444, "rce/temperature": 2.0,
    }  # fmt: skip
    assert "train_v3" in desk.call("runs").stdout
    assert "rce_loss" in desk.call("show", "r1").stdout


def test_runs_of_another_tracker_come_with_parameters_and_metrics(desk: Desk, tmp_path: Path) -> None:
    root = mlflow_files(tmp_path / "mlruns")
    [report] = desk.json("doctor", str(root))
    assert (report["kind"], report["facts"]["layout"], report["facts"]["metrics"]) == ("run", "folder of MLflow", 4)
    [entry] = desk.json("import", str(root))["imported"]
    assert (entry["label"], entry["source"], entry["metrics"]) == ("first", "mlflow:abc", 4)
    shown = desk.json("show", "r1")
    assert shown["lineage"]["parameters"] == {"lr": "0.1"}
    assert len(shown["lineage"]["source_sha"]) == 64
    assert shown["metrics"]["rce/loss"]["value"] == 4.0
    assert shown["metrics"]["train/val_loss"]["value"] is None
    assert desk.json("import", str(root))["imported"][0]["already"]


@pytest.mark.parametrize(("answer", "code", "stored"), [("y\n", 0, 2), ("n\n", 1, 0)])
def test_in_a_terminal_it_is_asked(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, answer: str, code: int, stored: int
) -> None:
    monkeypatch.setattr(imports, "asks", lambda: True)
    result = CliRunner().invoke(app, ["--home", str(desk.home.root), "import", str(REPORT)], input=answer)
    assert result.exit_code == code
    assert "Import this?" in result.stderr
    assert len(desk.json("runs")) == stored
