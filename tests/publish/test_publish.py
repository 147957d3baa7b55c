"""`leverplus publish`: what others get, what they do not get, and that a run is there once."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from db import rows, store
from db.session import reading, writing
from engine.selector.checkpoint import load_selector, read_manifest
from leverplus_tui.publish.content import Published, published
from leverplus_tui.report.privacy import EVERYTHING, Shown, hidden
from tests.helpers_cli import Desk
from tests.helpers_db import a_finding

NOTHING = Shown()


def _content(desk: Desk, run_id: int, shown: Shown = NOTHING) -> Published:
    with reading(desk.database) as session:
        return published(session, run_id, shown)


def _bytes(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _told(run: Published) -> str:
    return "\n".join([str(vars(run)), *(content.decode("latin1") for content in run.files.values())])


def test_what_tells_of_the_machine_is_left_out(filled: Desk) -> None:
    run = _content(filled, 1)
    assert set(run.files) == {
        "report.md",
        "report.html",
        "run.json",
        "selector.safetensors",
        "selector.safetensors.json",
    }
    assert "secret" not in _told(run)
    assert run.note == "see notes.txt on host"
    assert run.params["rl_data"] == "rl.json"
    assert "secret" not in _told(_content(filled, 4))


def test_paths_and_servers_are_found_in_settings_and_sentences() -> None:
    said = "see '/home/A B/my data', /home/A B/my data/x.json, /tmp/z/a.json: 3 of 4, and/or 1 / 2 on box-3 (box-31) at ~/x/y.pt"
    told = {
        "dataset": "/home/A B/my data",
        "vlm": "http://10.0.0.7:8000/v1",
        "env": {"host": "box-3"},
        "short": "/data",
    }
    assert hidden({**told, "said": said, "kept": "Qwen/Qwen2.5-VL"}, NOTHING) == {
        "dataset": "my data", "vlm": "http://server/v1", "env": {}, "short": "data", "kept": "Qwen/Qwen2.5-VL",
        "said": "see 'my data', x.json, a.json: 3 of 4, and/or 1 / 2 on host (box-31) at y.pt",
    }  # fmt: skip
    assert hidden(told, EVERYTHING) is told


@pytest.mark.parametrize(
    ("flag", "told"),
    [("host", "secret-host-7"), ("paths", "/secret/place"), ("command", "secret-word"), ("diff", "secret-line")],
)
def test_each_flag_shows_one_thing(filled: Desk, flag: str, told: str) -> None:
    text = _told(_content(filled, 1, Shown(**{flag: True})))
    assert told in text
    others = {"secret-host-7", "/secret/place", "secret-word", "secret-line"} - {told}
    assert [other for other in others if other in text] == []
    assert told in _told(_content(filled, 1, EVERYTHING))


def test_the_selector_is_whole_without_its_secrets(filled: Desk, tmp_path: Path) -> None:
    run = _content(filled, 1)
    for name in ("selector.safetensors", "selector.safetensors.json"):
        (tmp_path / name).write_bytes(run.files[name])
    own = load_selector(filled.detail(1).checkpoints[0].path).state_dict()
    read = load_selector(tmp_path / "selector.safetensors").state_dict()
    assert all(bool((own[name] == read[name]).all()) for name in own)
    manifest = read_manifest(tmp_path / "selector.safetensors")
    assert manifest is not None
    assert manifest.lineage["rl_data"] == {"path": "rl.json"}


def test_a_run_has_one_identity_and_knows_when_it_changed(filled: Desk) -> None:
    first, again, other = _content(filled, 2), _content(filled, 2), _content(filled, 3)
    assert (first.uid, first.sha) == (again.uid, again.sha)
    assert first.uid != other.uid
    with writing(filled.database) as session:
        store.add_rows(session, run_id=2, process_id=None, rows=[a_finding("answers-cut")])
    changed = _content(filled, 2)
    assert (changed.uid, changed.sha != first.sha) == (first.uid, True)


def test_figures_have_their_intervals_and_points_that_are_no_numbers_are_counted(filled: Desk) -> None:
    with writing(filled.database) as session:
        bad = rows.Metric("rce", 4, 4, "val_loss", float("nan"))
        store.add_rows(session, run_id=1, process_id=None, rows=[bad])
    assert (_content(filled, 1).left_out, len(_content(filled, 1).points)) == (1, 12)
    assert _content(filled, 2).figures == {
        "accuracy/2_shot/all": 50.0, "accuracy/2_shot/all/ci_low": 47.0, "accuracy/2_shot/all/ci_high": 53.0,
        "accuracy/2_shot/all/n": 80.0,
    }  # fmt: skip


def test_a_folder_for_the_hub_is_a_model_with_its_results(filled: Desk, tmp_path: Path) -> None:
    hub = pytest.importorskip("huggingface_hub", reason="an extra: leverplus[hub]")
    out = tmp_path / "models"
    [told] = filled.json("publish", "r1", "--to", "hub-folder", "--out", str(out))["published"]
    folder = Path(told["where"])
    card = hub.ModelCard.load(folder / "README.md")
    [result] = card.data.eval_results
    assert (result.metric_value, result.metric_type, result.dataset_split) == (90.0, "vqa_accuracy", "val")
    assert result.metric_args == {"shots": 2, "ci_low": 87.0, "ci_high": 93.0, "model": "builtin"}
    assert result.dataset_args == {"questions": "all", "n": 80}
    assert card.data.library_name == "leverplus"
    assert "off-the-map" in card.text
    assert "Synthetic" in card.text
    assert load_selector(folder / "selector.safetensors")
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["training"]["grpo/val_loss"] == {"step": 3, "epoch": 3, "value": 1.7}
    assert b"secret" not in b"".join(_bytes(folder).values())
    before = _bytes(out)
    [again] = filled.json("publish", "r1", "--to", "hub-folder", "--out", str(out))["published"]
    assert (again["already"], _bytes(out)) == (True, before)


def test_a_changed_run_gives_way_only_when_asked(filled: Desk, tmp_path: Path) -> None:
    pytest.importorskip("huggingface_hub", reason="an extra: leverplus[hub]")
    out = tmp_path / "models"
    words = ("publish", "r1", "--to", "hub-folder", "--out", str(out))
    [first] = filled.json(*words)["published"]
    filled.call("note", "r1", "another thought")
    before = _bytes(out)
    assert "--replace publishes it anew" in filled.call(*words, code=2).stderr
    assert _bytes(out) == before
    [second] = filled.json(*words, "--replace")["published"]
    assert first["where"] == second["where"]
    assert "another thought" in (Path(second["where"]) / "README.md").read_text()
    assert [path.name for path in out.iterdir()] == [Path(first["where"]).name]
    (Path(first["where"]) / "leverplus.json").unlink()
    assert "holds something else" in filled.call(*words, "--replace", code=2).stderr


def test_a_renamed_run_is_known_where_it_stands(filled: Desk, tmp_path: Path) -> None:
    pytest.importorskip("huggingface_hub", reason="an extra: leverplus[hub]")
    words = ("publish", "r1", "--to", "hub-folder", "--out", str(tmp_path / "models"))
    [first] = filled.json(*words)["published"]
    filled.call("rename", "r1", "another name")
    assert "--replace publishes it anew" in filled.call(*words, code=2).stderr
    [second] = filled.json(*words, "--replace")["published"]
    assert first["where"] == second["where"]


def test_an_evaluation_carries_the_selector_that_chose(filled: Desk, tmp_path: Path) -> None:
    pytest.importorskip("huggingface_hub", reason="an extra: leverplus[hub]")
    [told] = filled.json("publish", "r4", "--to", "hub-folder", "--out", str(tmp_path))["published"]
    assert load_selector(Path(told["where"]) / "selector.safetensors")
    said = filled.call("publish", "r2", "--to", "hub-folder", "--out", str(tmp_path), code=2).stderr
    assert "r2 has no selector" in said


def test_a_library_that_is_missing_is_named(filled: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    for to, extra in (("mlflow", "mlflow"), ("hub-folder", "hub")):
        assert f"pip install 'leverplus[{extra}]'" in filled.call("publish", "r2", "--to", to, code=2).stderr
