"""Commands over files: the registry, RL-data health, the doctor, conversion, and preflight as `run` meets it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from db import rows, store
from db.session import writing
from engine.doctor.request import expectations
from leverplus_tui.cli import app
from leverplus_tui.commands.files import convert, data_make
from tests import helpers_rl
from tests.helpers_cli import Desk, store_eval
from tests.helpers_data import write_official

GOLDEN = Path(__file__).parent.parent / "golden"
RL_DATA = GOLDEN / "train_pool.rl_data.json"


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    return Path(shutil.copy(RL_DATA, tmp_path / "rl data.json"))


def test_data_is_registered_by_reference(desk: Desk, copied: Path) -> None:
    added = desk.json("data", "add", str(copied), "--name", "small")
    assert (added["id"], added["name"], added["kind"], added["path"]) == ("d1", "small", "rl-data", str(copied))
    assert [row["name"] for row in desk.json("data", "list")] == ["small"]
    shown = desk.json("data", "show", "small")
    assert (shown["changed"], shown["missing"]) == (False, False)
    assert shown["facts"]["queries"] == 40


def test_a_registered_file_is_forgotten_and_stays(desk: Desk, copied: Path) -> None:
    desk.call("data", "add", str(copied), "--name", "small")
    assert desk.json("data", "forget", "small")["id"] == "d1"
    assert desk.json("data", "list") == []
    assert copied.exists()
    assert "no data is registered as 'small'" in desk.call("data", "forget", "small", code=2).stderr


def test_what_a_run_wrote_is_not_forgotten(desk: Desk, copied: Path) -> None:
    run_id = store_eval(desk, {})
    with writing(desk.database) as session:
        made = rows.Artifact("rl-data", str(copied), "0" * 64, {})
        store.add_rows(session, run_id=run_id, process_id=None, rows=[made])
    assert "these data were written by r1: `leverplus delete r1`" in desk.call("data", "forget", "r1", code=2).stderr


def test_a_changed_or_missing_file_is_noticed(desk: Desk, copied: Path) -> None:
    desk.call("data", "add", str(copied), "--name", "small")
    copied.write_text(copied.read_text() + " ")
    assert desk.json("data", "list")[0]["changed"] is True
    assert desk.json("data", "show", "small")["changed"] is True
    copied.unlink()
    assert desk.json("data", "show", "d1")["missing"] is True
    assert desk.json("data", "list")[0]["missing"] is True


def test_health_prints_the_contract(desk: Desk, copied: Path) -> None:
    document = desk.json("data", "health", str(copied))
    names = {"queries", "candidates", "positive_rate", "query_positive_rate", "signal_rate", "predicted_advantage_std",
             "groups", "gen_methods", "eval_modes", "findings"}  # fmt: skip
    assert names <= document.keys()
    assert set(document["groups"]) == {"all_zero", "all_one", "mixed"}
    assert 0 <= document["positive_rate"] <= 1
    desk.call("data", "add", str(copied), "--name", "small")
    assert "signal_rate" in desk.call("data", "health", "small").stdout


def test_health_of_something_else_is_exit_2(desk: Desk) -> None:
    assert "is checkpoint, not RL data" in desk.call("data", "health", str(GOLDEN / "selector_l1.pt"), code=2).stderr


def test_the_doctor_prints_a_list_of_reports(desk: Desk) -> None:
    reports = desk.json("doctor", str(GOLDEN / "selector_l1.pt"), str(RL_DATA))
    assert [report["kind"] for report in reports] == ["checkpoint", "rl-data"]
    assert {"format", "variant", "d_model", "hidden_dim", "num_layers", "parameters", "sha256"} <= reports[0][
        "facts"
    ].keys()


def test_an_error_finding_is_exit_1(desk: Desk) -> None:
    words = ("doctor", str(GOLDEN / "selector_l1.pt"), "--expect", "variant=v3", "--expect", "num_layers=3")
    [report] = desk.json(*words, code=1)
    assert "layers-missing" in {finding["code"] for finding in report["findings"]}
    assert 0 < report["facts"]["parameters_random"] < 1
    assert "layers-missing" in desk.call(*words, code=1).stdout


def test_expectations_are_pairs() -> None:
    assert expectations(["variant=v3", "d_model=768"]) == {"variant": "v3", "d_model": "768"}


@pytest.mark.parametrize("value", ["abc", "0", "²", "9" * 30])
def test_expectations_are_judged_before_any_file(desk: Desk, tmp_path: Path, value: str) -> None:
    (tmp_path / "notes.txt").write_text("no checkpoint")
    said = desk.call("doctor", str(tmp_path / "notes.txt"), "--expect", f"d_model={value}", code=2).stderr
    assert f"--expect d_model={value}: give a whole number from 1" in said


def test_a_file_cannot_steer_the_terminal(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    header = json.dumps({"query_proj.weight": {"dtype": "\x1b[31m", "shape": [2, 2], "data_offsets": [0, 16]},
                         "__metadata__": {"phase": "\x1b[2J\x9b\ud800"}}).encode()  # fmt: skip
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(16))
    shown = desk.call("doctor", str(path), code=1).stdout
    assert "\x1b" not in shown
    assert r"phase" in shown
    [report] = desk.json("doctor", str(path), code=1)
    assert report["facts"]["phase"] == r"\u001b[2J\u009b\ud800"


def test_preflight_blocks_a_selector_of_another_shape(tmp_path: Path) -> None:
    """The real preflight, in this process: exit 3, no home made."""
    home = tmp_path / "home"
    words = ["run", "rce", "--data", str(RL_DATA), "--embeddings", str(GOLDEN / "train_pool.weights.safetensors"),
             "--init", str(GOLDEN / "selector_l3.pt"), "--home", str(home), "--json"]  # fmt: skip
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 3, result.stderr
    document = json.loads(result.stdout)
    assert document["run"] is None
    assert "error" in {finding["severity"] for finding in document["findings"]}
    assert not home.exists()


def test_convert_and_its_exit_code_are_those_of_the_engine(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    source = str(GOLDEN / "selector_l1.pt")
    called: list[tuple[str, ...]] = []
    monkeypatch.setattr(convert, "run_program", lambda *words: called.append(words))
    desk.call("convert", source, "b.safetensors", "--set", "num_heads=4", "--json")
    assert called == [
        ("engine.selector.convert", source, "b.safetensors", "--to", "leverplus", "--set", "num_heads=4", "--json")
    ]
    assert "upstream" in desk.call("convert", source, "b.pt", "--to", "elsewhere", code=2).stderr


def test_a_registered_name_stands_for_its_path(desk: Desk, tmp_path: Path) -> None:
    folder = write_official(tmp_path / "questions", train=4, val=4)
    desk.call("data", "add", str(folder), "--name", "okvqa")
    desk.call("run", "eval", "--vlm", "plain", "--dataset", "okvqa")
    assert desk.detail(1).spec["dataset"] == str(folder)
    assert "registered: okvqa" in desk.call("run", "eval", "--dataset", "vqav2", code=2).stderr


def test_a_damaged_file_is_not_registered(desk: Desk, tmp_path: Path) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text("[1,2")
    document = desk.json("data", "add", str(bad), code=1)
    assert (document["id"], document["kind"]) == (None, "unknown")
    assert document["findings"][0]["severity"] == "error"
    assert "was not registered" in desk.call("data", "add", str(bad), code=1).stderr
    assert desk.json("data", "list") == []


def test_data_with_an_error_is_registered_and_says_so(desk: Desk, tmp_path: Path) -> None:
    content = helpers_rl.pooled()
    query = next(name for name in content if name.isdigit())
    content[query]["pointer_candidates"][0]["pointer"] = [0, 0]
    path = helpers_rl.write(tmp_path / "repeats.json", content)
    document = desk.json("data", "add", str(path), code=1)
    assert document["id"] == "d1"
    assert [finding["severity"] for finding in document["findings"]] == ["error"]
    assert "although an error was found" in desk.call("data", "add", str(path), code=1).stderr


def test_builtin_is_taken_by_every_command_over_data(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    spawned: list[tuple[str, ...]] = []
    for module in (convert, data_make):
        monkeypatch.setattr(module, "run_program", lambda *words: spawned.append(words))
    monkeypatch.setattr(data_make, "register_made", lambda *_: None)
    assert [report["kind"] for report in desk.json("doctor", "builtin")] == ["rl-data", "embeddings", "checkpoint"]
    assert desk.json("data", "health", "builtin")["queries"] == 1000
    shown = desk.json("data", "show", "builtin")
    assert (shown["id"], shown["kind"], shown["missing"]) == ("builtin", "rl-data", False)
    desk.call("data", "export", "builtin", "rows.jsonl", "--format", "jsonl")
    desk.call("convert", "builtin", "out.pt")
    assert [Path(words[1]).name for words in spawned] == ["rl_data.json", "selector.safetensors"]


def test_a_run_stands_for_what_it_wrote(desk: Desk, copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spawned: list[tuple[str, ...]] = []
    monkeypatch.setattr(convert, "run_program", lambda *words: spawned.append(words))
    store_eval(desk, {1: 1.0})
    written: list[rows.Row] = [
        rows.Artifact("rl-data", str(copied), "0" * 64, {}),
        rows.Checkpoint(str(GOLDEN / "selector_l1.pt"), "rce", 1, "0" * 64, 10, is_best=True, metrics={}),
    ]
    with writing(desk.database) as session:
        store.add_rows(session, run_id=1, process_id=None, rows=written)
    assert desk.json("data", "health", "r1")["queries"] == 40
    assert desk.json("data", "show", "r1")["path"] == str(copied)
    desk.call("convert", "r1", "out.pt")
    assert spawned[0][1] == str(GOLDEN / "selector_l1.pt")
    store_eval(desk, {1: 1.0})
    assert "r2 (eval, done) wrote no data" in desk.call("data", "show", "r2", code=2).stderr


def test_health_says_how_sure_each_share_is(desk: Desk, tmp_path: Path) -> None:
    """Ten queries of eight candidates are ten observations, not eighty."""
    path = helpers_rl.write(tmp_path / "small.json", helpers_rl.pooled())
    document = desk.json("data", "health", str(path))
    for row in document["gen_methods"].values():
        low, high = row["interval"]
        assert row["queries"] <= 10
        assert low <= row["positive_rate"] <= high
        assert high - low > 0.3
    text = desk.call("data", "health", str(path)).stdout
    assert "of 10 queries" in text
    assert "too few queries to tell" in text
