"""Whether rewards differ is one question with one answer: in generation, data health, filters and both losses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engine.rl.health.rates import health
from engine.rl.reading.file import read_rl_file
from engine.rl.rewards import alike
from engine.training.group_tensors import load_groups, normalize
from engine.training.losses import group_advantage
from tests import helpers_rl
from tests.helpers_training import small

PAIRS = [
    (0.0, 0.0, True),
    (0.3, 0.1 + 0.2, True),
    (4.6, 4.6 * (1 + 2e-7), True),
    (1.0, 1.0 + 1e-5, False),
    (0.0, 1e-7, False),
    (2e-7, 3e-7, False),
    (0.0, 1e-17, True),
    (-1.0, 1.0, False),
]


@pytest.mark.parametrize(("low", "high", "same"), PAIRS)
def test_numbers_arrays_and_tensors_agree(low: float, high: float, same: bool) -> None:
    assert bool(alike(high, low)) is same
    assert alike(np.array([high]), np.array([low])).tolist() == [same]
    assert alike(torch.tensor([high]), torch.tensor([low])).tolist() == [same]


@pytest.mark.parametrize(("low", "high", "same"), PAIRS)
def test_every_judge_of_a_group_says_the_same(low: float, high: float, same: bool, tmp_path: Path) -> None:
    candidates: list[dict[str, Any]] = [
        {"pointer": [10 + at, 20 + at], "vqa_correct": 0, "vqa_acc_score": value}
        for at, value in enumerate((low, high))
    ]
    document = {str(query): {"query": {"image_id": query}, "pointer_candidates": candidates} for query in range(2)}
    file = read_rl_file(helpers_rl.write(tmp_path / "rl.json", document))
    measures = health(file)
    assert (measures["signal_rate"], measures["reward_range"]["zero_share"]) == ((0, 1) if same else (1, 0))
    assert measures["top_3_signal_rate"] == measures["signal_rate"]
    spec = small({"rl_data": str(file.path), "embeddings": ""}, train_ratio=0.5, skip_no_signal=False)
    assert load_groups(file, spec, candidate_rows=60, query_rows=60).train.signal().tolist() == [not same]
    reward = np.array([[low, high]])
    spread = normalize(reward, np.ones((1, 2), np.bool_), "z_score", 5.0)
    assert np.array_equal(spread, reward) is same
    assert bool((group_advantage(torch.tensor([[low, high]])) == 0).all()) is same


def test_an_empty_group_is_alike() -> None:
    assert alike(-np.inf, np.inf)
    assert alike(torch.tensor(-torch.inf), torch.tensor(torch.inf))
