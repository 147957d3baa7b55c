"""Training on a GPU, where there is one: recorded, eager and CPU steps agree, seeds repeat to the bit, runs resume."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from db.rows import Progress
from engine.recipes.run_context import RunContext
from engine.recipes.train import train, train_many
from engine.selector import fused
from engine.selector.checkpoint import load_selector
from tests.helpers_training import Metrics, golden_spec, metrics_of, small, write_world

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
DETERMINISTIC: dict[str, Any] = {
    "dropout": 0.0, "attn_dropout": 0.0, "rce_epochs": 3, "grpo_epochs": 3, "rce_lr": 1e-3, "grpo_lr": 1e-4,
}  # fmt: skip
"""Without dropout, and with steps so small that no ratio reaches the clip, where rounding would decide."""


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    return write_world(tmp_path / "world", queries=45)


COUNTED = ("clip_fraction", "top1_agreement", "greedy_reward")
"""Measures that a rounding error at a threshold moves by a whole candidate."""


def agree(one: Metrics, two: Metrics, tolerance: float) -> None:
    assert one.keys() == two.keys()
    for key, value in one.items():
        assert key[2] in COUNTED or two[key] == pytest.approx(value, rel=tolerance, abs=tolerance), key


@pytest.mark.parametrize("name", ["train_pool", "train_legacy_pool"])
@pytest.mark.parametrize("cuda_graph", [True, False])
def test_published_runs_come_out_on_a_gpu(name: str, cuda_graph: bool, tmp_path: Path) -> None:
    expected = metrics_of(train(golden_spec(name, tmp_path)))
    found = metrics_of(train(golden_spec(name, tmp_path, device="cuda", cuda_graph=cuda_graph)))
    agree(expected, found, 2e-5)


def test_recorded_and_eager_steps_agree(files: dict[str, str]) -> None:
    eager = metrics_of(train(small(files, **DETERMINISTIC).model_copy(update={"device": "cuda", "cuda_graph": False})))
    recorded = metrics_of(train(small(files, **DETERMINISTIC).model_copy(update={"device": "cuda"})))
    agree(eager, recorded, 1e-5)


@pytest.mark.parametrize("cuda_graph", [True, False])
def test_a_seed_repeats_to_the_bit_and_a_cut_run_goes_on(
    files: dict[str, str], tmp_path: Path, cuda_graph: bool
) -> None:
    fields: dict[str, Any] = {"dropout": 0.3, "rce_epochs": 3, "grpo_epochs": 2, "grpo_dropout": True}
    spec = small(files, **fields).model_copy(update={"device": "cuda", "cuda_graph": cuda_graph})
    whole = metrics_of(train(spec, RunContext(tmp_path / "whole", tmp_path / "cache")))
    assert metrics_of(train(spec)) == whole
    before = []
    for row in train(spec, RunContext(tmp_path / "cut", tmp_path / "cache")):
        before.append(row)
        if isinstance(row, Progress) and row.note.startswith("grpo epoch 2"):
            break
    after = list(train(spec, RunContext(tmp_path / "cut", tmp_path / "cache")))
    assert metrics_of(before) | metrics_of(after) == whole
    one, two = (
        load_selector(tmp_path / run / "checkpoints/grpo_last.safetensors").state_dict() for run in ("whole", "cut")
    )
    assert all(torch.equal(one[key], two[key]) for key in one)


@pytest.mark.parametrize("variant", ["v3", "v4_2", "v4_9"])
def test_runs_in_one_graph_agree_with_separate_runs(files: dict[str, str], variant: str) -> None:
    specs = [
        small(files, **{**DETERMINISTIC, "variant": variant, "rce_lr": rate, "seed": seed}).model_copy(
            update={"device": "cuda"}
        )
        for rate, seed in ((1e-3, 1), (3e-3, 2))
    ]
    rows: list[list[Any]] = [[], []]
    for run, row in train_many(specs):
        rows[run].append(row)
    for spec, found in zip(specs, rows, strict=True):
        agree(metrics_of(train(spec)), metrics_of(found), 1e-4)


@pytest.mark.parametrize("kind", ["tf32", "bfloat16"])
def test_other_precisions_come_near(files: dict[str, str], kind: str) -> None:
    fields = {**DETERMINISTIC, "hidden_dim": 32}
    exact = metrics_of(train(small(files, **fields).model_copy(update={"device": "cuda"})))
    near = metrics_of(train(small(files, **fields).model_copy(update={"device": "cuda", "precision": kind})))
    assert near["rce", 3, "rce_loss"] == pytest.approx(exact["rce", 3, "rce_loss"], rel=0.02)


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two GPUs")
def test_another_gpu_gives_the_same_numbers(files: dict[str, str]) -> None:
    spec = small(files, **DETERMINISTIC)
    try:
        second = metrics_of(train(spec.model_copy(update={"device": "cuda:1"})))
    finally:
        torch.cuda.set_device(0)
    assert second == metrics_of(train(spec.model_copy(update={"device": "cuda:0"})))


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two GPUs")
def test_a_selector_on_another_gpu_than_the_process_takes_the_plain_formulas() -> None:
    vectors = torch.randn(3, 8)
    torch.testing.assert_close(fused.unit(vectors.to("cuda:1")).cpu(), fused.unit(vectors))
