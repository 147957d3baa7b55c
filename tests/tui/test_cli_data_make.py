"""`leverplus data derive` and `data export`, from the command line to the process that does the work."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.rl.reading.file import read_rl_file
from leverplus_tui.commands.files import data_make
from tests import helpers_rl
from tests.helpers_cli import Desk
from tests.helpers_rl import write


@pytest.fixture
def spawned(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    calls: list[tuple[str, ...]] = []
    monkeypatch.setattr(data_make, "run_program", lambda *words: calls.append(words))
    monkeypatch.setattr(data_make, "register_made", lambda *_: None)
    return calls


def test_derive_passes_everything_on(desk: Desk, tmp_path: Path, spawned: list[tuple[str, ...]]) -> None:
    source = write(tmp_path / "source.json", helpers_rl.pooled())
    desk.call("data", "derive", str(source), "--out", "new.json", "--step", "balanced", "--step", "drop-transfers",
              "--set", "balanced.min_positive=2", "--overwrite", "--json")  # fmt: skip
    assert spawned == [
        (
            "engine.rl.writing.derive", str(source), "--out", "new.json", "--step", "balanced", "--step", "drop-transfers",
            "--set", "balanced.min_positive=2", "--overwrite", "--json",
        )
    ]  # fmt: skip


def test_export_takes_registered_names(desk: Desk, tmp_path: Path, spawned: list[tuple[str, ...]]) -> None:
    source = write(tmp_path / "source.json", helpers_rl.pooled())
    desk.call("data", "add", str(source), "--name", "mine")
    desk.call("data", "export", "mine", "rows.jsonl", "--format", "jsonl")
    assert spawned == [("engine.rl.writing.export", str(source), "rows.jsonl", "--format", "jsonl")]


def test_unknown_data_is_one_sentence(desk: Desk, spawned: list[tuple[str, ...]]) -> None:
    assert (
        "nothing is registered by that name"
        in desk.call("data", "export", "nowhere", "x.json", "--format", "r2", code=2).stderr
    )
    assert not spawned


def test_the_work_is_done_by_a_process(desk: Desk, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    source, out = write(tmp_path / "source.json", helpers_rl.pooled()), tmp_path / "new.json"
    desk.call("data", "derive", str(source), "--out", str(out), "--step", "balanced", "--json")
    assert json.loads(capfd.readouterr().out)["queries"][0] == 10
    assert read_rl_file(out).meta["lineage"]["source"] == str(source)
    assert desk.json("data", "show", "new")["facts"]["lineage"] == f"balanced of {source}"
    rows = tmp_path / "rows.json"
    desk.call("data", "export", str(out), str(rows), "--format", "r2")
    assert "read back and compared: identical" in capfd.readouterr().out
    desk.call("data", "export", str(out), str(rows), "--format", "r2", code=2)
    assert "--overwrite" in capfd.readouterr().err


def test_a_missing_step_is_wrong_usage(desk: Desk, tmp_path: Path) -> None:
    source = write(tmp_path / "source.json", helpers_rl.pooled())
    assert "--step" in desk.call("data", "derive", str(source), "--out", "x.json", code=2).stderr
    assert "pool-repair" in desk.call("data", "derive", "--help").stdout
