"""What the launch form offers for a field: names that resolve, with what each is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from db import store
from db.home import Home
from db.session import open_database, writing
from leverplus_tui.jobs.named_paths import resolved
from leverplus_tui.jobs.spec_options import validated
from leverplus_tui.tui.screens.launch.known import entries
from leverplus_tui.tui.widgets.spec_fields import fields
from tests.helpers_tui import fill


def offered(home: Home, kind: str, path: str) -> dict[str, str]:
    """Value -> what it is."""
    field = next(field for field in fields(kind) if field.path == path)
    return {entry.value: entry.about for entry in entries(open_database(home.database), field)}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return fill(tmp_path_factory.mktemp("filled"), n=4)


def test_models_of_this_machine_are_told_apart_from_encoders(
    filled: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, kind in (("Qwen/Some-VL", "qwen2_5_vl"), ("openai/clip-small", "clip"), ("broken/one", None)):
        folder = tmp_path / f"models--{name.replace('/', '--')}"
        snapshot = folder / "snapshots" / "abc"
        snapshot.mkdir(parents=True)
        (folder / "refs").mkdir()
        (folder / "refs" / "main").write_text("abc")
        (snapshot / "config.json").write_text(json.dumps({"model_type": kind}) if kind else "{")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    models = offered(filled, "eval", "vlm")
    assert next(iter(models)) == "builtin"
    assert models["Qwen/Some-VL"] == "qwen2_5_vl, on this machine"
    assert "broken/one" in models
    assert "openai/clip-small" not in models
    assert list(offered(filled, "eval", "encoder")) == ["vlm", "openai/clip-small"]


def test_checkpoints_carry_their_recipe(filled: Home) -> None:
    found = offered(filled, "eval", "selector")
    assert found["r4"].startswith("grpo-k64, v3, 20+20 epochs")
    assert set(found) == {"builtin", "r4"}


def test_registered_files_are_offered_where_their_kind_fits_and_resolve(filled: Home, tmp_path: Path) -> None:
    path = tmp_path / "okvqa"
    path.mkdir()
    with writing(open_database(filled.database)) as session:
        store.add_data(
            session, path=path, kind="dataset", size=1, sha256="a" * 64, name="mine", facts={"questions": 1234}
        )
    assert offered(filled, "eval", "dataset")["mine"].startswith("1 234 questions, ")
    assert "mine" not in offered(filled, "rce", "rl_data")
    spec = resolved(validated("eval", {"dataset": "mine"}), filled)
    assert getattr(spec, "dataset", None) == str(path)


def test_every_allowed_value_is_offered_and_retrievers_say_what_they_do(filled: Home) -> None:
    field = next(field for field in fields("eval") if field.path == "retriever")
    assert tuple(offered(filled, "eval", "retriever")) == field.choices
    assert all(offered(filled, "eval", "retriever").values())
