"""`leverplus run`, `stop`, `resume`, `rerun` and `logs` with real job processes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from db.specs import Finding
from leverplus_tui.jobs import preflight
from tests.helpers_cli import FAKE_WORKER, Desk
from tests.helpers_training import write_world
from tests.helpers_worker import QUESTIONS

ERROR = Finding(
    code="d-model", severity="error", subject="x.pt", message="512 is not 768.", fix="Take another checkpoint."
)
WARNING = Finding(code="prompt-mismatch", severity="warning", subject="prompt", message="Prompts differ.")
CHECK = preflight.check
"""The real one, which a desk replaces."""


def found_by_preflight(monkeypatch: pytest.MonkeyPatch, *findings: Finding) -> None:
    monkeypatch.setattr(preflight, "check", lambda spec, place, quiet=False, on="": preflight.Checked(findings))


def test_run_prints_the_contract(desk: Desk) -> None:
    document = desk.json("run", "eval", "--vlm", "plain", "--shot", "1", "--shot", "2", "--name", "mine")
    assert document["run"] == "r1"
    assert (document["status"], document["kind"], document["findings"]) == ("done", "eval", [])
    assert [cell["shot"] for cell in document["matrix"]] == [1, 2]
    assert document["matrix"][0] == {
        "subset": "all", "n": QUESTIONS, "shot": 1, "accuracy": 50.0, "ci_low": 35.0, "ci_high": 65.0,
    }  # fmt: skip
    assert desk.detail(1).row.name == "mine"


def test_a_run_that_chooses_ends_with_the_controls_that_are_missing(desk: Desk) -> None:
    document = desk.json("run", "eval", "--vlm", "plain", "--retriever", "t2t")
    assert [finding["code"] for finding in document["findings"]] == ["baseline-missing"] * 3
    assert "leverplus run eval --vlm plain --retriever fixed" in document["findings"][2]["fix"]
    for control in ("random", "fixed"):
        desk.call("run", "eval", "--vlm", "plain", "--retriever", control)
    desk.call("run", "eval", "--vlm", "plain", "--retriever", "zero-shot", "--shot", "0")
    said = {finding["code"] for finding in desk.json("show", "r1")["findings"]}
    assert said == {"control-not-beaten"}


def test_people_get_the_matrix_and_what_to_type_next(desk: Desk) -> None:
    result = desk.call("run", "eval", "--vlm", "plain")
    assert "50.00 ±15.0" in result.stdout
    assert "leverplus tui --run r1" in result.stderr
    again = desk.call("run", "eval", "--vlm", "plain", "--seed", "7")
    assert "leverplus compare r1 r2" in again.stderr


def test_the_users_fault_in_a_job_is_exit_2_with_its_sentence(desk: Desk) -> None:
    result = desk.call("run", "eval", "--vlm", "user-error", code=2)
    assert "leverplus: r1 failed: no data set at /nowhere: give a folder with --dataset" in result.stderr
    assert str(desk.home.log(1)) in result.stderr
    assert "start again with that put right (it was: `leverplus run eval --vlm user-error`)" in result.stderr
    document = desk.json("run", "eval", "--vlm", "user-error", code=2)
    assert (document["status"], document["error"]) == (
        "failed",
        "no data set at /nowhere: give a folder with --dataset",
    )


def test_our_fault_in_a_job_is_exit_1(desk: Desk) -> None:
    result = desk.call("run", "eval", "--vlm", "bug", code=1)
    assert "ZeroDivisionError: a bug" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_job_that_dies_is_lost_and_exit_1(desk: Desk) -> None:
    result = desk.call("run", "eval", "--vlm", "die", code=1)
    assert "leverplus: r1 lost" in result.stderr
    assert "`leverplus resume r1`" in result.stderr


def test_preflight_blocks_before_anything_is_stored(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    found_by_preflight(monkeypatch, ERROR)
    result = desk.call("run", "eval", "--vlm", "plain", code=3)
    assert "--force" in result.stderr
    assert not desk.home.root.exists()
    document = desk.json("run", "eval", "--vlm", "plain", code=3)
    assert (document["run"], document["status"]) == (None, "blocked")
    assert document["findings"][0]["code"] == "d-model"


def test_a_forced_run_says_so_for_ever(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    found_by_preflight(monkeypatch, ERROR, WARNING)
    document = desk.json("run", "eval", "--vlm", "plain", "--force")
    assert {finding["code"] for finding in document["findings"]} == {"d-model", "prompt-mismatch", "forced"}
    [listed] = desk.json("runs")
    assert listed["forced"] is True
    assert "!forced" in desk.call("runs").stdout


def test_a_warning_is_stored_and_does_not_block(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    found_by_preflight(monkeypatch, WARNING)
    assert desk.json("run", "eval", "--vlm", "plain")["findings"][0]["code"] == "prompt-mismatch"
    assert not desk.detail(1).row.forced


def test_a_registered_file_that_changed_since_blocks_until_it_is_registered_again(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preflight, "check", CHECK)
    files = write_world(tmp_path / "world")
    desk.call("data", "add", files["rl_data"], "--name", "mine")
    asked = ("run", "rce", "--data", "mine", "--embeddings", files["embeddings"], "--json")
    assert "file-changed" not in desk.call(*asked, "--detach").stdout
    Path(files["rl_data"]).write_text(Path(files["rl_data"]).read_text() + " ")
    refused = desk.call(*asked, code=3)
    (found,) = [one for one in json.loads(refused.stdout)["findings"] if one["code"] == "file-changed"]
    assert f"leverplus data add {files['rl_data']}" in found["fix"]
    desk.call("data", "add", files["rl_data"])
    assert "file-changed" not in desk.call(*asked, "--detach").stdout


def test_a_detached_run_goes_on_by_itself(desk: Desk) -> None:
    assert desk.call("run", "eval", "--vlm", "pause", "--detach").stdout.strip() == "r1"
    desk.until_paused(1)
    assert desk.json("runs")[0]["state"] == "running"
    assert desk.json("stop", "r1") == {"r1": "stopped"}
    assert desk.call("resume", "r1").stdout.startswith("r1 ")
    assert desk.state(1) == "done"
    assert desk.json("run", "eval", "--vlm", "plain", "--detach")["status"] == "queued"
    desk.until(2, "done")


def test_ctrl_c_stops_the_job_and_exits_130(desk: Desk) -> None:
    program = (  # who starts tests in the background has them ignore the signal, and children with them
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "from leverplus_tui.jobs import launcher, preflight; from leverplus_tui.cli import app; "
        f"launcher.WORKER = {FAKE_WORKER!r}; preflight.check = lambda *_, **__: preflight.Checked(()); app()"
    )
    words = ["run", "eval", "--vlm", "pause", "--home", str(desk.home.root)]
    with subprocess.Popen([sys.executable, "-c", program, *words], stderr=subprocess.PIPE, text=True) as terminal:
        assert terminal.stderr is not None
        assert any(line.startswith("r1 ") for line in terminal.stderr), "it watches the run"
        desk.until_paused(1)
        terminal.send_signal(signal.SIGINT)
        _, said = terminal.communicate()
    assert terminal.returncode == 130
    assert "leverplus resume r1" in said
    assert "Traceback" not in said
    assert desk.state(1) == "stopped"


def test_rerun_repeats_the_whole_specification(desk: Desk) -> None:
    desk.call("run", "eval", "--vlm", "plain", "--seed", "3", "--set", "decode.num_beams=1", "--name", "first")
    result = desk.call("rerun", "r1", "--json")
    assert json.loads(result.stdout)["run"] == "r2"
    first, second = desk.detail(1), desk.detail(2)
    assert second.spec == first.spec
    assert (second.row.parent, second.row.name) == (1, "first")
    assert "code, versions and data are those of r1" in result.stderr


def test_logs_prints_the_log_and_its_tail(desk: Desk) -> None:
    desk.call("run", "eval", "--vlm", "plain")
    assert desk.call("logs", "r1").stdout == desk.log(1)
    assert desk.call("logs", "r1", "-n", "1").stdout == desk.log(1).splitlines(keepends=True)[-1]
    assert desk.call("logs", "r1", "-f").stdout == desk.log(1)


def test_a_spec_file_makes_a_run(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "job.toml"
    path.write_text('vlm = "plain"\nshots = [1]\nseed = 5\n')
    desk.call("run", "eval", "--spec", str(path), "--seed", "6")
    assert (desk.detail(1).spec["seed"], desk.detail(1).spec["shots"]) == (6, [1])


def test_relative_paths_and_registered_names_become_absolute(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    desk.call("run", "eval", "--vlm", "plain", "--dataset", "data")
    assert desk.detail(1).spec["dataset"] == str(tmp_path / "data")
    result = desk.call("run", "eval", "--vlm", "plain", "--selector", "r1", code=2)
    assert "selector = r1: that run (eval, done) wrote nothing of the kind" in result.stderr


@pytest.mark.parametrize(
    ("option", "value"),
    [("--dataset", "/nowhere"), ("--dataset", "okvqa"), ("--vlm", "./model"), ("--selector", "x.pt")],
)
def test_a_file_that_is_not_there_starts_no_job(desk: Desk, option: str, value: str) -> None:
    assert f"{option[2:]} = {value}: there is no /" in desk.call("run", "eval", option, value, code=2).stderr
    assert not desk.home.root.exists()
