"""Commands over stored runs: list, show, tag, delete, compare, report, import, doctor."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from db import store
from db.rows import Metric, Question, Row
from db.session import writing
from db.specs import Finding
from tests.helpers_cli import Desk, store_eval
from tests.helpers_tui import DISTRIBUTIONS, training

GOLDEN = Path(__file__).parent.parent / "golden"
HALF = {q: float(q % 2) for q in range(1, 41)}
MOST = {q: float(q % 4 > 0) for q in range(1, 41)}


def test_runs_prints_the_contract(desk: Desk) -> None:
    finding = Finding(code="pool-degenerate", severity="warning", subject="pool", message="All alike.")
    store_eval(desk, HALF, name="half", findings=[finding])
    [entry] = desk.json("runs")
    names = {"id", "name", "kind", "state", "dataset", "vlm", "created", "duration_s", "matrix", "tags", "findings"}
    assert names <= entry.keys()
    assert (entry["id"], entry["name"], entry["kind"], entry["state"]) == ("r1", "half", "eval", "done")
    assert entry["matrix"][0]["accuracy"] == 50.0
    assert entry["findings"][0]["code"] == "pool-degenerate"


def test_runs_are_filtered_sorted_and_cut(desk: Desk) -> None:
    store_eval(desk, HALF, name="half")
    store_eval(desk, MOST, name="most")
    assert [run["id"] for run in desk.json("runs", "--where", "acc@2>60")] == ["r2"]
    assert [run["id"] for run in desk.json("runs", "--sort", "acc@2 asc")] == ["r1", "r2"]
    cut = desk.call("runs", "--limit", "1")
    assert "first 1 of 2" in cut.stderr
    assert "no runs match" in desk.call("runs", "--where", "kind:grpo").stderr


def test_an_empty_home_says_what_to_do(desk: Desk) -> None:
    assert "leverplus run eval --shot 2" in desk.call("runs").stderr
    assert desk.json("runs") == []


def test_show_has_everything(desk: Desk) -> None:
    store_eval(desk, HALF, name="half", facts={"prompt_sha": "abc"}, seed=3)
    document = desk.json("show", "half")
    assert {"spec", "environment", "lineage", "checkpoints", "metrics"} <= document.keys()
    assert document["spec"]["seed"] == 3
    assert document["lineage"] == {"prompt_sha": "abc"}
    text = desk.call("show", "1").stdout
    assert "50.00" in text
    assert "prompt_sha" in text


def test_show_tells_how_rewards_and_advantages_are_distributed(desk: Desk) -> None:
    training(desk.database, name="told")
    training(desk.database, name="older", told=False)
    said = desk.call("show", "told").stdout
    assert "candidate rewards       8 201" in said
    assert "no signal in 208 of 800 groups, 31 advantages cut at 2" in said
    assert "distributions" not in said, "lists of counts are no lineage"
    document = desk.json("show", "told")
    assert document["distributions"] == DISTRIBUTIONS
    assert "distributions" not in document["lineage"]
    assert "not stored: trained by an older version" in desk.call("show", "older").stdout
    assert desk.json("show", "older")["distributions"] is None


def test_an_unknown_run_names_near_ones(desk: Desk) -> None:
    store_eval(desk, HALF, name="baseline")
    assert "baseline (r1)" in desk.call("show", "baselime", code=2).stderr


def test_tags_come_and_go(desk: Desk) -> None:
    store_eval(desk, HALF)
    assert desk.call("tag", "r1", "paper", "smoke").stdout.strip() == "r1 paper smoke"
    assert desk.json("runs", "--where", "tag:paper")[0]["tags"] == ["paper", "smoke"]
    assert desk.call("tag", "r1", "--", "-smoke").stdout.strip() == "r1 paper"


def test_a_run_is_renamed(desk: Desk) -> None:
    store_eval(desk, HALF, name="first")
    assert desk.call("rename", "first", " the baseline ").stdout == "r1 the baseline\n"
    assert desk.json("show", "the baseline")["name"] == "the baseline"
    assert desk.json("rename", "r1", "again") == {"run": "r1", "name": "again"}
    assert "the new name of r1 is empty" in desk.call("rename", "r1", " ", code=2).stderr
    assert desk.json("runs")[0]["name"] == "again"


def test_a_note_is_written_read_and_taken_away(desk: Desk) -> None:
    store_eval(desk, HALF)
    assert "r1 has no note" in desk.call("note", "r1").stderr
    assert desk.call("note", "r1", "of", "table 2").stdout == "of table 2\n"
    assert desk.call("note", "r1").stdout == "of table 2\n"
    assert "  of table 2" in desk.call("show", "r1").stdout
    assert desk.json("runs", "--where", 'note:"table 2"')[0]["id"] == "r1"
    assert desk.json("note", "r1", "another") == {"run": "r1", "note": "another"}
    assert desk.json("note", "r1", "") == {"run": "r1", "note": ""}
    assert desk.json("show", "r1")["note"] == ""


def test_delete_hides_and_undo_brings_back(desk: Desk) -> None:
    store_eval(desk, HALF)
    assert "--yes" in desk.call("delete", "r1", code=2).stderr
    desk.call("delete", "r1", "--yes")
    assert desk.json("runs") == []
    desk.call("delete", "r1", "--undo")
    assert len(desk.json("runs")) == 1


def test_compare_in_every_form(desk: Desk) -> None:
    store_eval(desk, HALF, name="half")
    store_eval(desk, MOST, name="most")
    document = desk.json("compare", "half", "r2")
    assert document["cells"][0]["pairs"][0]["n_paired"] == 40
    assert "better" in desk.call("compare", "r1", "r2").stdout
    assert desk.call("compare", "r1", "r2", "--markdown").stdout.startswith("## Comparison")
    assert desk.call("compare", "r1", "r2", "--csv").stdout.startswith("subset,n,shot")
    assert "two different runs" in desk.call("compare", "r1", "1", code=2).stderr
    assert "exclude each other" in desk.call("compare", "r1", "r2", "--csv", "--json", code=2).stderr


@pytest.mark.parametrize(("language", "word"), [("en", "Paired comparisons"), ("zh", "成对比较")])
def test_a_report_is_written_in_both_languages(desk: Desk, tmp_path: Path, language: str, word: str) -> None:
    store_eval(desk, HALF, name="a <b>")
    store_eval(desk, MOST)
    text = desk.call("report", "r1", "r2", "--lang", language).stdout
    assert word in text
    assert "leverplus run eval" in text
    desk.call("report", "r1", "r2", "--lang", language, "--out", str(tmp_path / "report.html"))
    page = (tmp_path / "report.html").read_text()
    assert f'<html lang="{language}">' in page
    assert "a &lt;b&gt;" in page
    assert word in page


def test_a_report_of_one_run_labels_what_is_synthetic(desk: Desk, tmp_path: Path) -> None:
    store_eval(desk, HALF)
    desk.call("report", "r1", "--out", str(tmp_path / "report.md"))
    text = (tmp_path / "report.md").read_text()
    assert "built-in" in text
    assert "| all | 2 | 40 | 50.00 ±3.0 |" in text


def test_import_stores_one_run_per_matrix(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "matrices.json"
    rows = [{"n": 100, "shot": 1, "accuracy": 64.8}, {"n": 100, "shot": 2, "accuracy": 64.9}]
    path.write_text(
        json.dumps([{"method": "v1", "dataset": "OKVQA", "model": "Qwen", "date": "2025-12-08", "rows": rows}])
    )
    document = desk.json("import", str(path))
    [entry] = document["imported"]
    assert (entry["run"], entry["label"], entry["dataset"], entry["vlm"]) == ("r1", "v1", "OKVQA", "Qwen")
    assert [cell["accuracy"] for cell in entry["cells"]] == [64.8, 64.9]
    assert [finding["code"] for finding in document["findings"]] == ["off-lattice"]
    [listed] = desk.json("runs", "--where", "kind:import")
    assert listed["matrix"][0]["subset"] == "first 100"
    assert listed["matrix"][0]["ci_low"] == pytest.approx(55.0, abs=1)
    assert listed["findings"][0]["code"] == "off-lattice"
    assert desk.json("show", "r1")["spec"]["kind"] == "import"
    assert "cannot be repeated" in desk.call("rerun", "r1", code=2).stderr
    assert "imported" in desk.call("report", "r1").stdout
    assert desk.json("import", str(path))["imported"][0] == entry | {"already": True}
    assert len(desk.json("runs")) == 1


def test_predictions_with_references_are_scored_and_compared(desk: Desk, tmp_path: Path) -> None:
    for name, answer in (("right", "cat"), ("wrong", "dog")):
        rows = [{"question_id": q, "prediction": answer, "answers": ["cat"] * 10, "image_id": q} for q in range(1, 41)]
        (tmp_path / f"{name}.json").write_text(json.dumps(rows))
    document = desk.json("import", str(tmp_path / "wrong.json"), str(tmp_path / "right.json"), "--shot", "2")
    assert [entry["cells"][0]["accuracy"] for entry in document["imported"]] == [0.0, 100.0]
    [pair] = desk.json("compare", "r1", "r2")["cells"][0]["pairs"]
    assert (pair["verdict"], pair["n_paired"]) == ("better", 40)


def test_predictions_without_references_ask_for_the_data_set(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "bare.json").write_text(json.dumps([{"question_id": 1, "answer": "cat"}]))
    assert "--dataset" in desk.call("import", str(tmp_path / "bare.json"), code=2).stderr


def test_lists_name_missing_controls_until_there_are_some(desk: Desk) -> None:
    store_eval(desk, HALF, retriever="i2i", facts={"retriever": "i2i"})
    store_eval(desk, HALF, retriever="fixed", facts={"retriever": "fixed"})
    fixed, chosen = desk.json("runs")
    assert fixed["findings"] == []
    assert chosen["findings"] == desk.json("show", "r1")["findings"][: len(chosen["findings"])]
    assert [(f["code"], "random" in f["message"]) for f in chosen["findings"]] == [
        ("baseline-missing", False),
        ("baseline-missing", True),
    ]
    assert "!2 baseline-missing" in desk.call("runs").stdout
    store_eval(desk, HALF, retriever="random", facts={"retriever": "random"})
    store_eval(desk, HALF, retriever="zero-shot", shot=0, facts={"retriever": "zero-shot"})
    assert [run["findings"] for run in desk.json("runs")] == [[], [], [], []]


def test_the_doctor_asks_for_controls(desk: Desk) -> None:
    store_eval(desk, HALF, retriever="i2i", facts={"retriever": "i2i"})
    [report] = desk.json("doctor", "r1")
    assert (report["path"], report["kind"]) == ("r1", "run")
    assert [finding["code"] for finding in report["findings"]] == ["baseline-missing"] * 3
    store_eval(desk, HALF, retriever="random", facts={"retriever": "random"})
    codes = {finding["code"] for finding in desk.json("doctor", "r1")[0]["findings"]}
    assert "control-not-beaten" in codes


SAME = [
    "leverplus run eval --dataset /data/okvqa --limit 40 --shot 0 --vlm qwen --retriever zero-shot --seed 3",
    "leverplus run eval --dataset /data/okvqa --limit 40 --shot 1 --vlm qwen --retriever fixed --seed 3",
    "leverplus run eval --dataset /data/okvqa --limit 40 --shot 1 --vlm qwen --retriever qi2qi --selector x.pt --seed 3",
    "leverplus run eval --dataset /data/okvqa --limit 40 --shot 1 --vlm qwen --retriever untrained --selector x.pt --seed 3",
]


def test_what_lacks_is_advised_on_the_same_questions_everywhere(desk: Desk) -> None:
    """One command for each control that lacks, with the run's data, subset, seed and model; the same in every view."""
    fields: dict[str, Any] = {"dataset": "/data/okvqa", "limit": 40, "seed": 3, "vlm": "qwen", "shot": 1}
    store_eval(desk, HALF, retriever="selector", selector="x.pt", facts={"retriever": "selector"}, **fields)
    store_eval(desk, HALF, retriever="random", facts={"retriever": "random"}, **fields)
    shown = desk.json("show", "r1")["findings"]
    assert [finding["fix"] for finding in shown if finding["code"] == "baseline-missing"] == SAME
    assert desk.json("doctor", "r1")[0]["findings"] == shown
    assert desk.json("compare", "r1", "r2")["findings"] == {"r1": shown, "r2": []}
    for words in (
        ("show", "r1"),
        ("compare", "r1", "r2"),
        ("compare", "r1", "r2", "--markdown"),
        ("report", "r1", "r2"),
    ):
        text = desk.call(*words).stdout
        assert all(command in text for command in SAME)
    assert "Nothing was found to be wrong" in desk.call("report", "r2").stdout


def test_the_toy_model_on_real_data_is_a_finding(desk: Desk) -> None:
    store_eval(desk, HALF, dataset="/data/okvqa", retriever="random", facts={"retriever": "random"})
    [finding] = desk.json("show", "r1")["findings"]
    assert finding["code"] == "builtin-model"
    assert "--vlm" in finding["fix"]


@pytest.mark.parametrize("state", ["failed", "lost"])
def test_a_run_that_did_not_end_well_is_an_error_of_the_doctor(desk: Desk, state: str) -> None:
    store_eval(desk, HALF, retriever="random", state=state)
    [report] = desk.json("doctor", "r1", code=1)
    [finding] = report["findings"]
    assert (finding["code"], finding["severity"]) == (f"run-{state}", "error")
    assert "leverplus resume r1" in finding["fix"]
    assert "nothing is wrong" not in desk.call("doctor", "r1", code=1).stdout


def test_an_expectation_of_a_run_is_held_against_its_checkpoint(desk: Desk) -> None:
    store_eval(desk, HALF, selector=str(GOLDEN / "selector_l1.pt"), retriever="selector")
    _, checkpoint = desk.json("doctor", "r1", "--expect", "d_model=768", code=1)
    assert checkpoint["kind"] == "checkpoint"
    assert "d-model" in {finding["code"] for finding in checkpoint["findings"]}
    store_eval(desk, HALF, retriever="random")
    assert "r2 (eval, done) has no checkpoint" in desk.call("doctor", "r2", "--expect", "d_model=768", code=2).stderr


def test_tiny_p_values_are_written_as_such(desk: Desk) -> None:
    ids = range(1, 41)
    store_eval(desk, dict.fromkeys(ids, 0.0))
    store_eval(desk, dict.fromkeys(ids, 1.0))
    for words in (("compare", "r1", "r2"), ("report", "r1", "r2")):
        text = desk.call(*words).stdout
        assert "<.0001" in text
        assert "0.0000 " not in text


def test_validation_figures_say_over_how_many_queries(desk: Desk) -> None:
    run_id = store_eval(desk, {}, facts={"groups": {"train": 32, "val": 8, "shots": 2}})
    metrics: list[Row] = [Metric("rce", 1, 1, name, 0.5) for name in ("rce_loss", "greedy_reward", "top1_agreement")]
    with writing(desk.database) as session:
        store.add_rows(session, run_id=run_id, process_id=None, rows=metrics)
    lines = desk.call("show", "r1").stdout.splitlines()
    ends = {line.split()[1]: line.split()[-1] for line in lines if line.startswith("rce ")}
    assert ends == {"rce_loss": "0.5", "greedy_reward": "8", "top1_agreement": "<=8"}
    assert "validation is over 8 queries, fewer than 50: too few" in "\n".join(lines)
    assert "rce greedy_reward" in desk.call("show", "r1", "--curve", "greedy_reward").stdout
    said = desk.call("show", "r1", "--curve", "speed", code=2).stderr
    assert "no such metric; it has rce_loss, greedy_reward, top1_agreement" in said


def test_small_documents_for_programs(desk: Desk) -> None:
    store_eval(desk, HALF)
    assert desk.json("tag", "r1", "paper") == {"run": "r1", "tags": ["paper"]}
    assert desk.json("delete", "r1", "--yes") == {"runs": ["r1"], "deleted": True}
    assert desk.json("delete", "r1", "--undo") == {"runs": ["r1"], "deleted": False}
    assert desk.json("logs", "r1") == {"run": "r1", "log": str(desk.home.log(1)), "lines": []}
    assert "exclude each other" in desk.call("logs", "r1", "-f", "--json", code=2).stderr
    assert desk.json("init") == {"home": str(desk.home.root), "made": False}


def test_a_tag_that_is_not_there_cannot_be_taken_off(desk: Desk) -> None:
    store_eval(desk, HALF)
    desk.call("tag", "r1", "paper")
    assert "r1 has no tag 'pape' (it has paper)" in desk.call("tag", "r1", "new", "--", "-pape", code=2).stderr
    assert desk.json("runs")[0]["tags"] == ["paper"]


def test_show_compare_and_report_say_what_was_copied(desk: Desk) -> None:
    for _ in range(2):
        store_eval(desk, HALF, retriever="random", facts={"retriever": "random"})
    shown = [Question("world", "train", q, q, "?", ("a",) * 10, label, "") for q, label in ((1, "a"), (2, "b"))]
    with writing(desk.database) as session:
        store.add_rows(session, run_id=1, process_id=None, rows=shown)
    [row] = desk.json("show", "r1")["copying"]
    assert (row["shot"], row["n"]) == (2, len(HALF))
    assert (row["copied"]["value"], row["majority"]["value"]) == (100.0, 0.0)
    assert row["accuracy_not_shown"] == {"n": 0, "value": None, "ci_low": 0.0, "ci_high": 100.0}
    assert [one["run"] for one in desk.json("compare", "r1", "r2")["copying"]] == ["r1", "r2"]
    assert "Learning or copying" in desk.call("report", "r1").stdout
    assert "学习还是复制" in desk.call("report", "r1", "--lang", "zh").stdout
