"""What a training is given to learn from, candidate by candidate: how rewards and advantages are distributed."""

from __future__ import annotations

import math
from typing import Any

from torch import Tensor

from db.specs import TrainSpec
from engine.statistics.histogram import counted
from engine.training.group_tensors import GroupTensors
from engine.training.losses import group_advantage
from engine.training.objectives import grpo_rewards, select_candidates, tops


def distributions(groups: GroupTensors, spec: TrainSpec) -> dict[str, Any]:
    """Histograms over the candidates of train groups, as `Histogram.as_json` has them.

    `rewards` are those of `reward_mode`, of every candidate. `advantages` are those of the candidates that take part in
    GRPO, clipped: one entry, or an early and a late one where `early_top_k` differs from `late_top_k`. Nothing is drawn
    at random, and the groups stay where they are.
    """
    asked = tops(spec)
    parts = {"": asked} if len(set(asked)) == 1 else {"early": asked[:1], "late": asked[-1:]} if asked else {}
    return {
        "groups": len(groups),
        "no_signal": int((~groups.signal()).sum()),
        "rewards": _counted(groups.raw[groups.mask]),
        "advantages": [{"epochs": name, **_advantages(groups, spec, part[0])} for name, part in parts.items()],
    }


def _advantages(groups: GroupTensors, spec: TrainSpec, top_k: int | None) -> dict[str, Any]:
    """The advantages of `top_k` candidates of each group; groups that GRPO leaves out are not among them."""
    selected = select_candidates(groups, spec, top_k)
    signal = selected.signal()
    used = selected.used & signal[:, None] if spec.skip_no_signal else selected.used
    unclipped = group_advantage(grpo_rewards(groups, spec), clip=math.inf, mask=used)
    return {
        "top_k": top_k,
        "no_signal": int((~signal).sum()),
        "clipped": int((unclipped.abs() > spec.advantage_clip)[used].sum()),
        "clip": spec.advantage_clip,
        "histogram": _counted(selected.advantage[used]),
    }


def _counted(values: Tensor) -> dict[str, Any]:
    return counted(values.cpu().numpy()).as_json()
