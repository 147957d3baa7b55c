"""Rewards against the published numbers and by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from db.specs import UserError
from engine.rl.rewards import FORMULAS, Outcomes, Weights, reward, rewards

GOLDEN: list[dict[str, Any]] = json.loads((Path(__file__).parents[2] / "golden/rewards.json").read_text())
CASES = ((1, 1.0), (1, 0.6), (0, 0.0), (None, 0.6))
BY_HAND = {
    "hard_plus_soft": (2, 1.6, 0, 0.6),
    "hard_plus_soft_v2": (3, 2.6, 0, 0.6),
    "separated": (3, 2.6, 0, 0.6),
    "hard_only": (1, 1, 0, 0),
    "soft_only": (1, 0.6, 0, 0.6),
    "hard01_plus_gtprob": (1.2, 1.2, 0.2, 0.2),
    "hard01_plus_gtprob_separated": (2.2, 2.2, 0.2, 0.2),
    "hard_plus_gtprob_plus_rel": (1.2, 1.2, 0.25, 0.25),
}


def test_every_published_reward_is_reproduced() -> None:
    for case in GOLDEN:
        arguments = dict(case["args"])
        mode = arguments.pop("reward_mode")
        assert reward(case["candidate"], mode=mode, **arguments) == pytest.approx(case["reward"], abs=1e-12), case


def test_the_table_of_formulas_and_the_hand_computed_table_have_the_same_modes() -> None:
    assert set(FORMULAS) == set(BY_HAND)


@pytest.mark.parametrize("mode", BY_HAND)
def test_default_weights_by_hand(mode: str) -> None:
    for (correct, accuracy), expected in zip(CASES, BY_HAND[mode], strict=True):
        candidate = {"vqa_correct": correct, "vqa_acc_score": accuracy, "vqa_gt_prob": 0.2, "vqa_rel_score": 0.5}
        assert reward(candidate, mode=mode) == pytest.approx(expected)


def test_legacy_mode_by_hand() -> None:
    candidate = {"beam_score": 0.3, "logprob_score": -5.0, "vqa_correct": 1}
    assert reward(candidate, mode="legacy", alpha=0.2, beta=1.0, correctness_mode="pm1") == pytest.approx(1.06)
    assert reward(candidate, mode="legacy", alpha=0.2, beta=1.0, use_logprob=True) == pytest.approx(2.0)
    assert reward({"beam_score": 0.3}, mode="legacy", alpha=1.0, use_logprob=True) == pytest.approx(0.3)
    assert reward({"vqa_acc_score": 0.6}, mode="legacy", beta=1.0) == pytest.approx(0.6)
    assert reward(candidate, mode="legacy") == 0


def test_rewards_are_clamped_in_every_mode() -> None:
    candidate = {"vqa_correct": 1, "vqa_acc_score": 1.0, "logprob_score": -400.0}
    assert reward(candidate, mode="hard_plus_soft", hard_weight=100) == 5
    assert reward(candidate, mode="soft_only", soft_weight=-100) == -5
    assert reward(candidate, mode="legacy", alpha=1.0, use_logprob=True) == 5


def test_an_empty_candidate_is_worth_nothing() -> None:
    assert reward({}, mode="hard_plus_soft") == 0


def test_hybrid_is_refused_with_the_list_of_modes() -> None:
    with pytest.raises(UserError, match="'hybrid' has no formula; choose one of hard_plus_soft"):
        reward({}, mode="hybrid")


def test_columns_and_single_candidates_agree() -> None:
    rng = np.random.default_rng(0)
    columns = {name: rng.random(50) for name in ("accuracy", "gt_prob", "relevance", "beam_score")}
    columns |= {"correct": rng.integers(0, 2, 50).astype(float), "logprob": -rng.random(50)}
    for values in columns.values():
        values[rng.integers(0, 50, 10)] = np.nan
    names = {"correct": "vqa_correct", "accuracy": "vqa_acc_score", "gt_prob": "vqa_gt_prob",
             "relevance": "vqa_rel_score", "beam_score": "beam_score", "logprob": "logprob_score"}  # fmt: skip
    for mode in [*FORMULAS, "legacy"]:
        whole = rewards(Outcomes(**columns), mode=mode, weights=Weights(alpha=0.5, beta=0.7, use_logprob=True))
        for i in range(50):
            record = {names[k]: None if np.isnan(v[i]) else float(v[i]) for k, v in columns.items()}
            single = reward(record, mode=mode, alpha=0.5, beta=0.7, use_logprob=True)
            assert whole[i] == pytest.approx(single, abs=1e-15)
