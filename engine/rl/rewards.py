"""The reward of a candidate, from what its answer scored. One table of formulas serves single candidates (generation) and
whole columns (training, data health), so that the two can never disagree."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from db.specs.base import UserError

Column = NDArray[np.float64]
REWARD_BOUND = 5.0
"""Rewards are clamped to plus and minus this, in every mode."""


SAME_SHARE, SAME = 1e-6, 1e-12
"""Rewards that differ by no more than this share of the larger one, or by this much, are one reward: rounding (also to 32
bits) parts them by less, and rewards made of tiny probabilities by more."""


@dataclass(frozen=True, slots=True)
class Weights:
    """What the formulas are weighted by; only `legacy` reads the last four."""

    hard: float = 1.0
    soft: float = 1.0
    rel: float = 0.1
    alpha: float = 0.0
    beta: float = 0.0
    correctness_mode: Literal["01", "pm1"] = "01"
    use_logprob: bool = False


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What the answers of some candidates scored, one entry each; a value that is absent is NaN. Each (n,)."""

    correct: Column
    accuracy: Column
    gt_prob: Column
    relevance: Column
    beam_score: Column
    logprob: Column


def _or_zero(values: Column) -> Column:
    return np.where(np.isnan(values), 0.0, values)


def _absent_is_zero(outcomes: Outcomes) -> Outcomes:
    return replace(
        outcomes,
        correct=_or_zero(outcomes.correct),
        accuracy=_or_zero(outcomes.accuracy),
        gt_prob=_or_zero(outcomes.gt_prob),
        relevance=_or_zero(outcomes.relevance),
    )


def _hard_plus_soft(c: Outcomes, w: Weights) -> Column:
    return w.hard * c.correct + w.soft * c.accuracy


def _hard_doubled_plus_soft(c: Outcomes, w: Weights) -> Column:
    return 2 * w.hard * c.correct + w.soft * c.accuracy


def _separated(c: Outcomes, w: Weights) -> Column:
    return np.where(c.correct == 1, 2 * w.hard, 0.0) + w.soft * c.accuracy


def _hard_only(c: Outcomes, w: Weights) -> Column:
    return w.hard * c.correct


def _soft_only(c: Outcomes, w: Weights) -> Column:
    return w.soft * c.accuracy


def _hard_plus_gtprob(c: Outcomes, w: Weights) -> Column:
    return w.hard * c.correct + w.soft * c.gt_prob


def _separated_plus_gtprob(c: Outcomes, w: Weights) -> Column:
    return np.where(c.correct == 1, 2 * w.hard, 0.0) + w.soft * c.gt_prob


def _hard_plus_gtprob_plus_rel(c: Outcomes, w: Weights) -> Column:
    return w.hard * c.correct + w.soft * c.gt_prob + w.rel * (1 - c.correct) * c.relevance


FORMULAS: dict[str, Callable[[Outcomes, Weights], Column]] = {
    "hard_plus_soft": _hard_plus_soft,
    "hard_plus_soft_v2": _hard_doubled_plus_soft,
    "separated": _separated,
    "hard_only": _hard_only,
    "soft_only": _soft_only,
    "hard01_plus_gtprob": _hard_plus_gtprob,
    "hard01_plus_gtprob_separated": _separated_plus_gtprob,
    "hard_plus_gtprob_plus_rel": _hard_plus_gtprob_plus_rel,
}
"""Mode -> reward before the clamp, where absent values are 0. `legacy` stands apart: it tells absent from 0."""


def _legacy(c: Outcomes, w: Weights) -> Column:
    """Quality (an unlikely pointer scores high) plus correctness, as the first published trainers had it."""
    quality = _or_zero(c.beam_score)
    if w.use_logprob:
        quality = np.where(np.isnan(c.logprob), quality, -c.logprob)
    correctness = _or_zero(np.where(np.isnan(c.correct), c.accuracy, c.correct))
    if w.correctness_mode == "pm1":
        correctness = 2 * correctness - 1
    return w.alpha * quality + w.beta * correctness


def rewards(outcomes: Outcomes, *, mode: str, weights: Weights) -> Column:
    """Rewards (n,) of candidates, clamped to [-5, 5]. UserError for a mode that does not exist (`hybrid` is one)."""
    if mode == "legacy":
        raw = _legacy(outcomes, weights)
    elif mode in FORMULAS:
        raw = FORMULAS[mode](_absent_is_zero(outcomes), weights)
    else:
        known = ", ".join([*FORMULAS, "legacy"])
        raise UserError(f"reward_mode {mode!r} has no formula; choose one of {known}")
    return np.clip(raw, -REWARD_BOUND, REWARD_BOUND)


def alike(high: Any, low: Any) -> Any:
    """Whether the highest and the lowest reward of a group are the same, so that the group teaches nothing.

    For two numbers, two arrays or two tensors of any shape; -inf and inf, of an empty group, are alike.
    """
    span = high - low
    return (span <= SAME) | (span <= SAME_SHARE * abs(high)) | (span <= SAME_SHARE * abs(low))


def _column(candidate: Mapping[str, Any], name: str) -> Column:
    value = candidate.get(name)
    return np.array([np.nan if value is None else value], dtype=np.float64)


def reward(
    candidate: Mapping[str, Any],
    *,
    mode: str,
    hard_weight: float = 1.0,
    soft_weight: float = 1.0,
    rel_weight: float = 0.1,
    alpha: float = 0.0,
    beta: float = 0.0,
    correctness_mode: Literal["01", "pm1"] = "01",
    use_logprob: bool = False,
) -> float:
    """Reward of one candidate record of an RL file; absent or null fields count as 0. In [-5, 5]."""
    outcomes = Outcomes(
        correct=_column(candidate, "vqa_correct"),
        accuracy=_column(candidate, "vqa_acc_score"),
        gt_prob=_column(candidate, "vqa_gt_prob"),
        relevance=_column(candidate, "vqa_rel_score"),
        beam_score=_column(candidate, "beam_score"),
        logprob=_column(candidate, "logprob_score"),
    )
    weights = Weights(hard_weight, soft_weight, rel_weight, alpha, beta, correctness_mode, use_logprob)
    return float(rewards(outcomes, mode=mode, weights=weights)[0])
