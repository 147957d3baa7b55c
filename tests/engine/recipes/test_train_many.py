"""Runs that train as one batch have the losses that each has alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from db.rows import Row
from db.specs import TrainSpec, UserError
from db.specs.selector import PUBLISHED
from engine.recipes.run_context import RunContext
from engine.recipes.train import train, train_many
from engine.selector.checkpoint import load_selector
from tests.helpers_training import Metrics, checkpoints_of, codes_of, golden_spec, metrics_of, small, write_world


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    return write_world(tmp_path / "world")


def together(specs: list[TrainSpec], contexts: list[RunContext] | None = None) -> list[list[Row]]:
    rows: list[list[Row]] = [[] for _ in specs]
    for run, row in train_many(specs, contexts):
        rows[run].append(row)
    return rows


def agree(many: Metrics, alone: Metrics) -> None:
    assert many.keys() == alone.keys()
    for key, value in alone.items():
        assert many[key] == pytest.approx(value, rel=1e-5, abs=1e-6), key


@pytest.mark.parametrize("variant", PUBLISHED)
def test_runs_with_other_numbers_agree_with_separate_runs(files: dict[str, str], variant: str) -> None:
    common: dict[str, Any] = {
        "variant": variant, "dropout": 0.0, "attn_dropout": 0.0, "rce_epochs": 2, "grpo_epochs": 2, "rce_lr": 1e-3,
    }  # fmt: skip
    specs = [
        small(files, **common),
        small(files, **{**common, "rce_lr": 3e-3, "kl_beta": 0.5, "temperature_start": 1.0}),
        small(files, **{**common, "seed": 7, "grpo_lr": 3e-4, "weight_decay": 0.1}),
    ]
    for spec, rows in zip(specs, together(specs), strict=True):
        agree(metrics_of(rows), metrics_of(train(spec)))


def test_runs_that_share_their_order_agree_too(files: dict[str, str]) -> None:
    specs = [small(files, dropout=0.0, attn_dropout=0.0, rce_lr=rate) for rate in (1e-3, 1e-2)]
    for spec, rows in zip(specs, together(specs), strict=True):
        agree(metrics_of(rows), metrics_of(train(spec)))


def test_a_published_run_comes_out_of_a_batch(tmp_path: Path) -> None:
    specs = [golden_spec("train_legacy_pool", tmp_path, rce_lr=rate) for rate in (1e-3, 2e-3)]
    rows = together(specs)
    agree(metrics_of(rows[0]), metrics_of(train(specs[0])))


def test_each_run_writes_its_own_checkpoints(files: dict[str, str], tmp_path: Path) -> None:
    specs = [small(files, rce_lr=rate) for rate in (1e-3, 1e-2)]
    contexts = [RunContext(tmp_path / name, tmp_path / "cache") for name in "ab"]
    rows = together(specs, contexts)
    paths = [{Path(row.path).parent for row in checkpoints_of(part)} for part in rows]
    assert paths == [{tmp_path / name / "checkpoints"} for name in "ab"]
    one, two = (load_selector(tmp_path / name / "checkpoints/rce_last.safetensors").state_dict() for name in "ab")
    assert not torch.equal(one["query_proj.weight"], two["query_proj.weight"])


def test_patience_ends_each_run_for_itself(files: dict[str, str]) -> None:
    specs = [small(files, rce_epochs=40, rce_lr=rate, patience=2, dropout=0.0, best_by="loss") for rate in (0.1, 1e-5)]
    fast, slow = (max(epoch for _, epoch, _ in metrics_of(rows)) for rows in together(specs))
    assert fast < slow
    assert fast == max(epoch for _, epoch, _ in metrics_of(train(specs[0])))


def test_one_diverging_run_does_not_touch_the_others(files: dict[str, str]) -> None:
    common: dict[str, Any] = {"gradient_clip": 0.0, "weight_decay": 0.0, "dropout": 0.0, "attn_dropout": 0.0}
    specs = [small(files, rce_epochs=4, rce_lr=rate, **common) for rate in (1e38, 1e-3)]
    broken, sound = together(specs)
    assert "non-finite" in codes_of(broken)
    agree(metrics_of(sound), metrics_of(train(specs[1])))


def test_runs_of_different_shapes_are_refused_by_field(files: dict[str, str]) -> None:
    with pytest.raises(UserError, match="hidden_dim is 8 in one run and 16 in another"):
        together([small(files), small(files, hidden_dim=16)])
