"""Each tracker's own library reads what was published, once, and finds nothing that was to be left out."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.helpers_cli import Desk

VAL_LOSS = [(1, 1.9), (2, 1.8), (3, 1.7)]
"""Step and value of `grpo/val_loss` of the training."""
TOLD = (b"secret-host-7", b"Linux-secret", b"/secret/place", b"secret-word", b"secret-line")
FIGURE = "accuracy/2_shot/all"


def _published(desk: Desk, to: str, place: Path) -> list[dict[str, Any]]:
    """The training and an evaluation, published twice; the second time nothing is written."""
    words = ("publish", "r1", "r2", "--to", to, "--out", str(place))
    first = desk.json(*words)["published"]
    again = desk.json(*words)["published"]
    assert [(one["where"], one["already"]) for one in again] == [(one["where"], True) for one in first]
    assert not any(one["already"] for one in first)
    found: list[dict[str, Any]] = first
    return found


def _secrets(folder: Path) -> list[str]:
    files = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return [f"{path}: {one!r}" for path, content in files.items() for one in TOLD if one in content]


def test_mlflow(filled: Desk, tmp_path: Path) -> None:
    mlflow = pytest.importorskip("mlflow", reason="an extra: leverplus[mlflow]")
    _published(filled, "mlflow", tmp_path / "mlflow")
    client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{tmp_path / 'mlflow' / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("leverplus")
    runs = {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}
    assert set(runs) == {"the training", "random ones"}
    training, evaluation = runs["the training"], runs["random ones"]
    history = client.get_metric_history(training.info.run_id, "grpo/val_loss")
    assert [(point.step, point.value) for point in history] == VAL_LOSS
    assert training.info.status == "FINISHED"
    assert training.data.params["rl_data"] == "rl.json"
    assert training.data.tags["leverplus.finding.legacy-keys"].startswith("warning: all the same")
    assert training.data.tags["mlflow.note.content"] == "see notes.txt on host"
    assert "mlflow.user" not in training.data.tags
    assert evaluation.data.metrics[FIGURE] == 50.0
    assert evaluation.data.metrics[f"{FIGURE}/ci_low"] == 47.0
    names = {file.path for file in client.list_artifacts(training.info.run_id)}
    assert names == {"report.md", "report.html", "run.json", "selector.safetensors", "selector.safetensors.json"}
    assert _secrets(tmp_path / "mlflow") == []
    filled.call("note", "r2", "changed")
    said = filled.call("publish", "r2", "--to", "mlflow", "--out", str(tmp_path / "mlflow"), code=2).stderr
    assert "before it changed" in said
    filled.call("publish", "r2", "--to", "mlflow", "--out", str(tmp_path / "mlflow"), "--replace")
    assert len(client.search_runs([experiment.experiment_id])) == 2


def test_tensorboard(filled: Desk, tmp_path: Path) -> None:
    accumulator = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator", reason="an extra: leverplus[tensorboard]"
    )
    from tensorboard.plugins.hparams.metadata import SESSION_START_INFO_TAG, parse_session_start_info_plugin_data

    first, second = (Path(one["where"]) for one in _published(filled, "tensorboard", tmp_path / "tb"))
    training = accumulator.EventAccumulator(str(first)).Reload()
    assert [(e.step, round(e.value, 6)) for e in training.Scalars("grpo/val_loss")] == VAL_LOSS
    content = training.SummaryMetadata(SESSION_START_INFO_TAG).plugin_data.content
    parameters = parse_session_start_info_plugin_data(content).hparams
    assert parameters["rl_data"].string_value == "rl.json"
    assert parameters["seed"].number_value == 42
    [text] = training.Tensors("findings")
    assert b"legacy-keys" in text.tensor_proto.string_val[0]
    evaluation = accumulator.EventAccumulator(str(second)).Reload()
    assert [e.value for e in evaluation.Scalars(f"{FIGURE}/ci_high")] == [53.0]
    assert (first / "selector.safetensors").exists()
    assert _secrets(tmp_path / "tb") == []


def test_wandb(filled: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("wandb", reason="an extra: leverplus[wandb]")
    for name in ("WANDB_CONFIG_DIR", "WANDB_CACHE_DIR", "WANDB_DATA_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "own"))
    folders = [one["where"] for one in _published(filled, "wandb", tmp_path / "wandb")]
    program = [str(Path(sys.executable).parent / "wandb"), "leet", "inspect"]

    def inspected(*words: str) -> str:
        return subprocess.run([*program, *words], capture_output=True, text=True, check=True, timeout=120).stdout

    records = [json.loads(line) for line in inspected("--json", folders[0]).splitlines()]
    [run] = [record["run"] for record in records if record["type"] == "run"]
    assert run["config"]["update"]["rl_data"] == "rl.json"
    assert "legacy-keys" in run["notes"]
    assert not run.get("host")
    history = [record["history"]["item"] for record in records if record["type"] == "history"]
    assert [(line["step"], line["grpo/val_loss"]) for line in history if "grpo/val_loss" in line] == pytest.approx(
        VAL_LOSS
    )
    assert f'"{FIGURE}' in inspected("--json", folders[1])
    assert _secrets(tmp_path / "wandb") == []
    assert {path.name for path in (Path(folders[0]) / "files").iterdir()} >= {"report.md", "selector.safetensors"}


def test_trackio(filled: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if "trackio" not in sys.modules:
        monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "trackio"))
    trackio = pytest.importorskip("trackio", reason="an extra: leverplus[trackio]")
    place = Path(str(trackio.TRACKIO_DIR))
    first, second = _published(filled, "trackio", place)
    runs = {run.name: run for run in trackio.Api().runs("leverplus")}
    assert {where["where"].rpartition(" ")[2] for where in (first, second)} == set(runs)
    training = next(run for name, run in runs.items() if name.startswith("the-training"))
    lines = trackio.SQLiteStorage.get_logs("leverplus", training.name)
    assert [(line["step"], line["grpo/val_loss"]) for line in lines if "grpo/val_loss" in line] == pytest.approx(
        VAL_LOSS
    )
    config = trackio.SQLiteStorage.get_run_config("leverplus", training.name)
    assert config["rl_data"] == "rl.json"
    assert "legacy-keys" in config["findings"]
    evaluation = next(run for name, run in runs.items() if name.startswith("random-ones"))
    assert [line[FIGURE] for line in trackio.SQLiteStorage.get_logs("leverplus", evaluation.name)] == [50.0]
    assert {artifact["name"].rpartition("-")[0] for artifact in trackio.SQLiteStorage.list_artifacts("leverplus")} == {
        "leverplus-files"
    }
    assert _secrets(place) == []
