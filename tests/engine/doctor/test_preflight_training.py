"""Preflight of a training: the checkpoint it starts from, embeddings and RL data, each alone and against each other."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from db.specs import TrainSpec
from engine.doctor.preflight import Preflight, preflight
from engine.features.embedding_file import write_embeddings
from tests import helpers_checkpoints as make
from tests import helpers_rl
from tests.helpers_preflight import codes, levels, message, trained

WIDTH = 32
UNRECORDED = {"encoder-unverified"}
"""What a bare matrix is always told."""


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    return {"rl_data": str(helpers_rl.write(tmp_path / "rl.json", helpers_rl.strict())), "embeddings": bare(tmp_path)}


def rows(count: int = helpers_rl.TRAIN_SIZE, width: int = WIDTH) -> np.ndarray[Any, np.dtype[np.float32]]:
    drawn = np.random.default_rng(0).normal(size=(count, width)).astype(np.float32)
    return np.asarray(drawn / np.linalg.norm(drawn, axis=1, keepdims=True))


def bare(folder: Path, count: int = helpers_rl.TRAIN_SIZE, width: int = WIDTH) -> str:
    np.save(folder / f"{count}x{width}.npy", rows(count, width))
    return str(folder / f"{count}x{width}.npy")


def recorded(path: Path, encoder: str, **manifest: Any) -> str:
    write_embeddings(path, {"embeddings": torch.from_numpy(rows())}, {"embedding": {"encoder": encoder}, **manifest})
    return str(path)


def checked(files: Mapping[str, str], **fields: Any) -> Preflight:
    return preflight(TrainSpec.model_validate({**files, **fields}))


def test_sound_files_give_no_finding(files: dict[str, str], tmp_path: Path) -> None:
    assert codes(checked(files)) == UNRECORDED
    assert checked(files, embeddings=recorded(tmp_path / "e.safetensors", "clip")).findings == []
    assert checked({"rl_data": "builtin", "embeddings": "builtin"}).findings == []


def test_a_published_start_is_asked_nothing_that_nobody_asked(files: dict[str, str], tmp_path: Path) -> None:
    start = make.write_upstream(tmp_path / "v42.pt", make.make_tensors("v4_2", d_model=WIDTH), "v4_2")
    assert codes(checked(files, init=str(start))) == UNRECORDED
    assert not checked(files, init=str(start), num_heads=1).blocked


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"variant": "v2"}, "variant-mismatch"),
        ({"hidden_dim": 32}, "hidden-dim"),
        ({"num_layers": 3}, "layers-missing"),
        ({"variant": "v4_2", "parts": {"diversity": "mmr"}}, "hyperparameter-mismatch"),
    ],
)
def test_a_start_is_held_against_what_was_asked_for(
    files: dict[str, str], tmp_path: Path, fields: dict[str, Any], code: str
) -> None:
    start = trained(tmp_path / "v42.safetensors", variant="v4_2", width=WIDTH)
    assert codes(checked(files, init=str(start))) == UNRECORDED
    result = checked(files, init=str(start), **fields)
    assert (code in codes(result), result.blocked) == (True, True)


def test_a_start_from_embeddings_of_another_width_or_encoder_blocks(files: dict[str, str], tmp_path: Path) -> None:
    assert "d-model" in codes(checked(files, init=str(trained(tmp_path / "a.safetensors", width=24))))
    start = str(trained(tmp_path / "b.safetensors", width=WIDTH, encoder="clip/b32"))
    result = checked(files, init=start, embeddings=recorded(tmp_path / "e.safetensors", "clip/b16"))
    assert "clip/b32, the request embeds with clip/b16" in message(result, "encoder-unverified")
    assert levels(result)["encoder"] == "block"
    alike = checked(files, init=start, embeddings=recorded(tmp_path / "f.safetensors", "clip/b32"))
    assert alike.findings == []


def test_data_without_signal_blocks(tmp_path: Path) -> None:
    document = helpers_rl.strict()
    for record in list(document.values())[1:]:
        for candidate in record["pointer_candidates"]:
            candidate |= {"vqa_correct": 0, "vqa_acc_score": 0.0}
    result = checked({"rl_data": str(helpers_rl.write(tmp_path / "rl.json", document)), "embeddings": "builtin"})
    assert result.blocked
    assert {"positive-rate-low", "signal-rate-low"} <= codes(result)


def test_signal_is_that_of_the_reward_and_the_candidates_that_are_trained_on(
    files: dict[str, str], tmp_path: Path
) -> None:
    document = helpers_rl.strict()
    for record in list(document.values())[1:]:
        for place, candidate in enumerate(record["pointer_candidates"]):
            candidate |= {"gen_method": "beam" if place < 2 else "random", "beam_score": 0.1 * place}
            candidate |= {"vqa_correct": int(place < 2), "vqa_acc_score": float(place < 2)}
    files |= {"rl_data": str(helpers_rl.write(tmp_path / "rl.json", document))}
    by_score = {"reward_mode": "legacy", "reward_alpha": 1.0}
    assert not checked(files).blocked
    assert not checked(files, **by_score, filter_gen_methods=("beam",)).blocked
    for fields in ({"reward_mode": "legacy"}, {"filter_gen_methods": ("beam",)}, {"hard_weight": 0, "soft_weight": 0}):
        assert "signal-rate-low" in codes(checked(files, **fields)), fields


@pytest.mark.parametrize("name", ["embeddings.npy", "selector.safetensors", "notes.json", "notes.txt"])
def test_only_rl_data_is_taken_for_rl_data(files: dict[str, str], tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if path.suffix == ".npy":
        np.save(path, rows())
    elif path.suffix == ".safetensors":
        trained(path)
    else:
        path.write_text("<html>")
    result = checked(files, rl_data=str(path))
    assert (result.blocked, levels(result)["RL data"]) == (True, "block")
    assert not any("?" in check.checkpoint for check in result.checks)


def test_a_cut_file_is_named_as_such(files: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "cut.json"
    path.write_text(Path(files["rl_data"]).read_text()[:-40])
    assert "truncated" in codes(checked(files, rl_data=str(path)))


def test_rows_that_the_embeddings_lack_block_as_the_job_would(files: dict[str, str], tmp_path: Path) -> None:
    result = checked(files, embeddings=bare(tmp_path, 50))
    assert "but the embeddings have 50 rows" in message(result, "rows-missing")
    few = checked(files, query_embeddings=bare(tmp_path, 2))
    assert "has no row in the query embeddings, which have 2 rows" in message(few, "rows-missing")
    assert "d-model" in codes(checked(files, query_embeddings=bare(tmp_path, width=8)))


def test_what_leaves_nothing_to_train_on_blocks(files: dict[str, str]) -> None:
    assert "no-signal" in codes(checked(files, filter_gen_methods=("none-such",)))
    assert "nothing-to-train" in codes(checked(files, rce_epochs=0))


def test_embeddings_of_other_train_questions_block(files: dict[str, str], tmp_path: Path) -> None:
    document = json.loads(Path(files["rl_data"]).read_text())
    document["_meta"] = {"dataset_order_sha": "a" * 64}
    made = {"rl_data": str(helpers_rl.write(tmp_path / "made.json", document))}
    for sha, found in (("a" * 64, set()), ("b" * 64, {"dataset-mismatch"})):
        embeddings = recorded(tmp_path / f"{sha[0]}.safetensors", "clip", dataset={"train_order_sha": sha})
        assert codes(checked(files | made, embeddings=embeddings)) == found


def test_queries_and_candidates_of_two_encoders_block(tmp_path: Path, files: dict[str, str]) -> None:
    both = [recorded(tmp_path / f"{name}.safetensors", name) for name in ("b32", "b16")]
    assert "encoders" in levels(checked(files, embeddings=both[0], query_embeddings=both[1]))
    assert codes(checked(files, embeddings=both[0], query_embeddings=both[1])) == {"encoder-unverified"}


def test_dropout_on_one_side_of_the_ratio_is_named_before_training(files: dict[str, str]) -> None:
    published = checked(files, kind="grpo", grpo_epochs=1, grpo_dropout=True)
    assert "dropout=0.1, attn_dropout=0.1" in message(published, "dropout-mismatch")
    assert not published.blocked
    for fields in ({"grpo_dropout": False}, {"grpo_dropout": True, "dropout": 0.0, "attn_dropout": 0.0}):
        assert "dropout-mismatch" not in codes(checked(files, kind="grpo", grpo_epochs=1, **fields))
    assert "dropout-mismatch" not in codes(checked(files, grpo_dropout=True))


def test_small_differences_that_are_normalised_twice_are_counted(files: dict[str, str], tmp_path: Path) -> None:
    document = helpers_rl.strict()
    for record in [record for key, record in document.items() if key != "_meta"][:4]:
        for place, candidate in enumerate(record["pointer_candidates"]):
            candidate |= {"vqa_acc_score": 0.0, "vqa_correct": 0, "vqa_rel_score": 0.01 * place}
    small = {**files, "rl_data": str(helpers_rl.write(tmp_path / "small.json", document))}
    asked = {"kind": "grpo", "grpo_epochs": 1, "reward_mode": "hard_plus_gtprob_plus_rel"}
    twice = checked(small, **asked, grpo_reward="normalized")
    assert "4 of 10 groups" in message(twice, "double-normalisation")
    assert "double-normalisation" not in codes(checked(small, **asked, grpo_reward="raw"))
    assert "double-normalisation" not in codes(checked(files, kind="grpo", grpo_epochs=1, grpo_reward="normalized"))
