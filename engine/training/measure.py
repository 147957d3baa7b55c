"""What a researcher looks at after each epoch: loss against the uniform policy, entropy, and the reward of the model's pick
on validation groups against a random pick and the best one."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from db.specs import TrainSpec
from engine.training.batches import Resident, Where
from engine.training.group_tensors import GroupTensors
from engine.training.losses import pick_losses, reward_weights
from engine.training.stack import Stack

LOGITS_AT_ONCE = 1 << 24


def uniform_loss(groups: GroupTensors) -> float:
    """Loss of the policy that picks uniformly among what is left: mean over queries of the sum of ln(K - s), s = 0 .. S-1."""
    lengths = [
        sum(math.log(max(size - step, 1)) for step in range(groups.shots)) for size in groups.pool_sizes.tolist()
    ]
    return sum(lengths) / max(len(lengths), 1)


@torch.no_grad()
def validate(stack: Stack, data: Resident, spec: TrainSpec) -> dict[str, list[float]]:
    """Measures over all groups of `data` without dropout, one value for each run:

    `val_loss` (RCE with raw rewards at temperature 1), `entropy` (of one pick, nats), `greedy_reward` (of the candidate
    that the model finds most probable), `expected_reward` (candidates drawn as probable as the model finds them),
    `random_reward`, `oracle_reward`, and `top1_agreement` (share of groups with signal whose most probable candidate
    is a best one).
    """
    stack.train(False)
    widest = data.groups.pointers[0].numel() * int(data.groups.pool_sizes.max()) * stack.runs
    rows = max(1, min(512, LOGITS_AT_ONCE // widest))
    parts = []
    for start in range(0, len(data), rows):
        where = data.where(np.arange(start, min(start + rows, len(data)))[None])
        parts.append(_group_values(stack, data, where, spec))
    values = {name: torch.cat([part[name] for part in parts], dim=1) for name in parts[0]}  # each (R, Q)
    signal = torch.from_numpy(data.groups.signal()).to(data.device)
    agreement = values.pop("agrees")
    means = {name: value.mean(1).tolist() for name, value in values.items()}
    agreed = (agreement * signal).sum(1) / signal.sum().clamp(min=1)
    return means | {"top1_agreement": agreed.tolist(), "uniform_loss": [uniform_loss(data.groups)] * stack.runs}


def _group_values(stack: Stack, data: Resident, where: Where, spec: TrainSpec) -> dict[str, Tensor]:
    """Measures of each group of a batch, each (R, B)."""
    batch = data.batch(where)
    logits = stack.logits(batch)  # (R, B, P, S, K)
    pointers = batch.pointers.expand(stack.runs, -1, -1, -1)
    losses = pick_losses(logits, pointers, spec.label_smoothing).sum(-1)  # (R, B, P)
    log_probs = -pick_losses(logits, pointers).sum(-1)
    raw = data.take(data.groups.raw, where).expand_as(losses)
    mask = torch.ones_like(raw, dtype=torch.bool) if batch.mask is None else batch.mask.expand_as(raw)
    count = mask.sum(-1)
    absent = ~mask
    greedy = raw.gather(-1, log_probs.masked_fill(absent, -torch.inf).argmax(-1, keepdim=True)).squeeze(-1)
    oracle = raw.masked_fill(absent, -torch.inf).amax(-1)
    entropy = _entropy(logits).mean(-1)  # (R, B, P)
    return {
        "val_loss": (losses * reward_weights(raw, 1.0, mask)).sum(-1),
        "entropy": (entropy * mask).sum(-1) / count,
        "greedy_reward": greedy,
        "expected_reward": (raw * log_probs.masked_fill(absent, -torch.inf).softmax(-1)).sum(-1),
        "random_reward": (raw * mask).sum(-1) / count,
        "oracle_reward": oracle,
        "agrees": (greedy >= oracle).float(),
    }


def _entropy(logits: Tensor) -> Tensor:
    """Entropy of the distributions that logits (..., K) stand for, in nats (...)."""
    log_probs = logits.log_softmax(-1)
    return -(log_probs.exp() * log_probs).sum(-1)
