"""The command that makes the shipped RL data, embeddings and selector, on a few queries; and what was shipped."""

import json
from pathlib import Path
from typing import Any

import pytest

from engine.demo import recipe
from engine.demo.shipped import FILES, trained_dir
from engine.demo_build.selector import build
from engine.features.embedding_file import read_embeddings
from engine.rl.reading.file import read_rl_file
from engine.selector.checkpoint import read_manifest

RL_DATA, SELECTOR = FILES["rl-data"], FILES["checkpoint"]


def built(out: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, ...]:
    """What a build wrote, without the times of writing."""
    monkeypatch.setattr("engine.training.inputs.trained_dir", lambda: out)
    build(out, seed=7, cache=out.with_name("cache"), queries=8, rce_epochs=1)
    data = json.loads((out / RL_DATA).read_text())
    data["_meta"].pop("created_at")
    manifest = read_manifest(out / SELECTOR)
    assert manifest is not None
    rows = read_embeddings(out / FILES["embeddings"])
    return (
        data,
        manifest.hashes["tensors"],
        manifest.lineage["spec"],
        rows.candidates.sum().item(),
        rows.queries.sum().item(),
    )


def test_one_seed_builds_the_same_twice_and_names_no_path_of_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = built(tmp_path / "first", monkeypatch)
    assert built(tmp_path / "second", monkeypatch) == first
    assert first[0]["_meta"]["selector"]["path"] == "selector-a/checkpoints/rce_best.safetensors"


def test_what_is_shipped_was_made_of_the_shipped_world_by_the_recipe() -> None:
    manifest = read_manifest(trained_dir() / SELECTOR)
    data = read_rl_file(trained_dir() / RL_DATA)
    assert manifest is not None
    assert manifest.parts == recipe.PARTS_B
    asked = recipe.two_shot_data(data.meta["selector"]["path"], data.meta["spec"]["seed"])
    assert data.meta["spec"] == asked.model_dump(mode="json")
    trained = recipe.selector_b("builtin", "builtin", manifest.lineage["spec"]["seed"])
    assert manifest.lineage["spec"] == trained.model_dump(mode="json")
