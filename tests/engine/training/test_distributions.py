"""Rewards and advantages of single candidates, counted once before a training begins."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from db.rows import Fact
from engine.recipes.train import train_many
from engine.statistics.histogram import Histogram
from engine.training.distributions import distributions
from engine.training.group_tensors import GroupTensors
from engine.training.objectives import PolicyGradient
from tests.engine.training.test_parts import groups_of, resident
from tests.helpers_training import small, write_world

RAW = torch.tensor([[2.0, 0.0, 0.0, 0.0], [1.0, 1.0, 1.0, 9.0], [2.0, 1.0, 0.0, 9.0]])
MASK = torch.tensor([[True] * 4, [True, True, True, False], [True, True, True, False]])


def told(groups: GroupTensors, **fields: Any) -> dict[str, Any]:
    return distributions(groups, small({"rl_data": "a", "embeddings": "b"}, **fields))


def counts(stored: dict[str, Any]) -> dict[float, int]:
    return {round(value, 4): n for value, _, n in Histogram.read(stored).bars()}


def test_rewards_are_of_every_candidate_and_of_no_padding() -> None:
    found = told(groups_of(RAW, MASK))
    assert (found["groups"], found["no_signal"], found["advantages"]) == (3, 1, [])
    assert counts(found["rewards"]) == {0.0: 4, 1.0: 4, 2.0: 2}


def test_advantages_are_clipped_and_of_those_that_take_part() -> None:
    (found,) = told(groups_of(RAW.repeat(2, 1), MASK.repeat(2, 1)), grpo_epochs=1, advantage_clip=1.25)["advantages"]
    assert counts(found["histogram"]) == {-1.0: 2, -0.5: 6, 0.0: 2, 1.0: 2, 1.25: 2}
    assert (found["clipped"], found["clip"], found["no_signal"], found["top_k"]) == (2, 1.25, 2, None)
    (every,) = told(groups_of(RAW, MASK), grpo_epochs=1, skip_no_signal=False)["advantages"]
    assert sum(every["histogram"]["counts"]) == int(MASK.sum()), "no_signal groups take part, at 0"


def test_early_and_late_advantages_are_told_apart_where_other_candidates_take_part() -> None:
    early, late = told(groups_of(RAW, MASK), grpo_epochs=3, early_epochs=1, early_top_k=2)["advantages"]
    assert [(one["epochs"], one["top_k"]) for one in (early, late)] == [("early", 2), ("late", None)]
    assert sum(early["histogram"]["counts"]) == 4
    assert sum(late["histogram"]["counts"]) == 7
    for fields in ({"early_epochs": 3, "early_top_k": 2}, {"early_epochs": 1, "early_top_k": 2, "late_top_k": 2}):
        (alone,) = told(groups_of(RAW, MASK), grpo_epochs=3, **fields)["advantages"]
        assert (alone["epochs"], alone["top_k"]) == ("", 2)


def test_groups_without_any_signal_leave_nothing_to_count() -> None:
    found = told(groups_of(torch.ones(3, 2)), grpo_epochs=1)
    assert found["no_signal"] == 3
    assert found["advantages"][0]["histogram"]["counts"] == []
    assert json.loads(json.dumps(found)) == found


@pytest.mark.parametrize("reward", ["raw", "normalized"])
def test_they_are_the_advantages_that_training_takes(reward: str) -> None:
    groups = groups_of(torch.rand(8, 40).round(decimals=1), torch.arange(40).expand(8, 40) < 35)
    spec = small({"rl_data": "a", "embeddings": "b"}, grpo_epochs=1, grpo_reward=reward, advantage_clip=1.0)
    objective = PolicyGradient(resident(groups), spec, torch.zeros(1, 8, 40), torch.tensor([0.1]))
    taken = objective._advantage[objective._used & (objective._advantage != 0).any(1)[:, None]]
    found = distributions(groups, spec)["advantages"][0]
    assert sum(found["histogram"]["counts"]) == len(taken)
    assert found["histogram"]["mean"] == pytest.approx(float(taken.mean()), abs=1e-6)
    assert found["clipped"] >= int((taken.abs() == 1).sum()) > 0


def test_each_run_of_a_batch_states_them_once(tmp_path: Path) -> None:
    files = write_world(tmp_path)
    specs = [small(files, seed=seed, grpo_epochs=1) for seed in (1, 2)]
    stated = [(run, row) for run, row in train_many(specs) if isinstance(row, Fact) and row.name == "distributions"]
    assert [run for run, _ in stated] == [0, 1]
    assert stated[0][1].value == stated[1][1].value
    assert sum(stated[0][1].value["rewards"]["counts"]) == 32 * 6
