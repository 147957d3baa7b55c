"""The commands find what runs wrote after the home folder was moved between two of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from db import rows, store
from db.home import Home
from db.session import writing
from leverplus_tui.jobs.named_paths import files_of, resolved
from leverplus_tui.jobs.spec_building import build_spec
from tests.helpers_checkpoints import make_tensors, write_upstream
from tests.helpers_cli import Desk, make_desk


def _trained(desk: Desk) -> int:
    """A finished run with a log and a checkpoint, and a registered file in the home."""
    run = desk.launch("plain")
    desk.until(run, "done")
    path = desk.home.run_dir(run) / "checkpoints" / "best.pt"
    path.parent.mkdir()
    write_upstream(path, make_tensors("v3", d_model=24, hidden_dim=16))
    with writing(desk.database) as session:
        checkpoint = rows.Checkpoint(str(path), "rce", 4, "sha", 1, True, {})
        store.add_rows(session, run_id=run, process_id=None, rows=[checkpoint])
        store.add_data(session, path=path, kind="checkpoint", size=1, sha256="sha", name="kept")
    return run


def test_commands_find_what_runs_wrote_after_a_move(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = make_desk(tmp_path, monkeypatch)
    run = _trained(desk)
    chosen = desk.launch("plain", selector=str(desk.home.run_dir(run) / "checkpoints" / "best.pt"))
    desk.until(chosen, "done")
    desk.database.dispose()
    new = tmp_path / "another disk" / "home"
    new.parent.mkdir()
    desk.home.root.rename(new)
    moved = Desk(Home(new))

    best = str(new / "runs" / "r1" / "checkpoints" / "best.pt")
    assert "r1: done" in moved.call("logs", "r1").stdout
    shown = moved.json("show", "r1")
    assert shown["log"] == str(new / "runs" / "r1" / "log.txt")
    assert [row["path"] for row in shown["checkpoints"]] == [best]
    assert moved.json("show", f"r{chosen}")["spec"]["selector"] == best
    for name in ("r1", "kept"):
        assert files_of(resolved(build_spec("eval", {"selector": name}), moved.home)) == {"selector": best}
        assert best in moved.call("doctor", name, *(["--expect", "d_model=24"] if name == "r1" else [])).stdout
    moved.call("convert", "r1", str(tmp_path / "out.safetensors"))
    assert (tmp_path / "out.safetensors").exists()
    assert str(tmp_path / "home") not in moved.call("doctor", "r1", f"r{chosen}").stdout


def test_a_moved_run_goes_on_where_it_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = make_desk(tmp_path, monkeypatch)
    run = desk.launch("pause")
    desk.until_paused(run)
    desk.call("stop", f"r{run}")
    before = len(desk.answers(run))
    desk.database.dispose()
    desk.home.root.rename(tmp_path / "elsewhere")
    moved = Desk(Home(tmp_path / "elsewhere"))
    moved.call("resume", f"r{run}")
    assert moved.detail(run).facts["answered_before"] == before >= 10
    assert len(moved.answers(run)) == 30
