"""What a step minimises: RCE or GRPO over one batch, for all runs at once, with the numbers that are logged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from db.specs import TrainSpec
from engine.training.batches import Batch, Resident, Where
from engine.training.group_tensors import GroupTensors
from engine.training.losses import (
    advantage_statistics,
    best_candidates,
    group_advantage,
    group_mean,
    policy_terms,
    reward_weights,
)
from engine.training.stack import Stack

KL_HIGH, KL_LOW, BETA_STEP = 0.1, 0.01, 1.5
BETA_BOUNDS = (0.001, 10.0)


class Objective(Protocol):
    """A loss over a batch."""

    names: tuple[str, ...]
    """What `terms` measures."""

    def terms(self, stack: Stack, where: Where) -> tuple[Tensor, Tensor]:
        """(losses of the runs (R,), measured numbers (len(names), R))."""
        ...

    def after_step(self, measured: Tensor) -> None:
        """Adapt what adapts from step to step."""
        ...

    def tensors(self) -> dict[str, Tensor]:
        """What adapts, to be stored and restored."""
        ...


class Imitation:
    """RCE: the cross-entropy of each candidate, weighted by softmax(reward / temperature) in its group."""

    names: tuple[str, ...] = ("rce_loss",)

    def __init__(self, data: Resident, spec: TrainSpec, runs: int) -> None:
        self._data, self._spec = data, spec
        self._rewards = data.groups.raw if spec.rce_reward == "raw" else data.groups.normalized
        self.temperature = torch.ones(runs, device=data.device)
        """(R,) set before each step."""

    def terms(self, stack: Stack, where: Where) -> tuple[Tensor, Tensor]:
        """The losses themselves are what is measured."""
        batch = self._data.batch(where)
        losses = self._first_listed(stack, batch) if self._spec.rce_top1_only else self._weighted(stack, batch, where)
        return losses, losses.detach()[None]

    def after_step(self, measured: Tensor) -> None:
        """Nothing adapts."""

    def tensors(self) -> dict[str, Tensor]:
        """Nothing adapts."""
        return {}

    def _weighted(self, stack: Stack, batch: Batch, where: Where) -> Tensor:
        temperature = self.temperature[:, None, None]
        weights = reward_weights(self._data.take(self._rewards, where), temperature, batch.mask)  # (R, B, P)
        scores = stack.training_scores(batch, self._spec.label_smoothing)  # (R, B, P, S)
        # groups are never empty here, so the mean over them is part of the weights: fewer kernels than `weighted_loss`
        return (scores * (weights / -weights.shape[1])[..., None]).sum((1, 2, 3))

    def _first_listed(self, stack: Stack, batch: Batch) -> Tensor:
        mask = None if batch.mask is None else batch.mask[..., :1]
        first = Batch(batch.query, batch.pool, batch.pool_mask, batch.pointers[..., :1, :], mask)
        return -group_mean(stack.training_scores(first, self._spec.label_smoothing).mean(-1), mask)


@dataclass(frozen=True)
class Selected:
    """The candidates of each group that take part in GRPO, and what they are worth."""

    used: Tensor
    """(Q, P)"""
    advantage: Tensor
    """(Q, P)"""

    def signal(self) -> Tensor:
        """(Q,) groups in which some candidate is better than another; the others have no advantage at all."""
        return (self.advantage != 0).any(1)

    def spreads(self) -> Tensor:
        """(Q,) deviation of the advantage in each group."""
        return advantage_statistics(self.advantage[:, None], self.used[:, None])[1].cpu()


def grpo_rewards(groups: GroupTensors, spec: TrainSpec) -> Tensor:
    """(Q, P) rewards that the advantages are made of."""
    return groups.raw if spec.grpo_reward == "raw" else groups.normalized


def tops(spec: TrainSpec) -> list[int | None]:
    """How many of the best candidates of a group take part, for each epoch of GRPO; none are all of them."""
    return [spec.early_top_k if epoch < spec.early_epochs else spec.late_top_k for epoch in range(spec.grpo_epochs)]


def select_candidates(groups: GroupTensors, spec: TrainSpec, top_k: int | None) -> Selected:
    """The `top_k` best candidates of each group and their advantages. Rewards do not change, so neither do these."""
    rewards = grpo_rewards(groups, spec)
    # on the host: which of equal rewards topk prefers depends on the device too, and a run should not
    used = _best_by_size(rewards.cpu(), groups.mask.cpu(), top_k).to(rewards.device)
    return Selected(used, group_advantage(rewards, clip=spec.advantage_clip, mask=used))


def _best_by_size(rewards: Tensor, mask: Tensor, top_k: int | None) -> Tensor:
    """`best_candidates`, group size by group size: which of equal rewards topk prefers depends on the length of the row,
    so that padding must not take part."""
    used = mask.clone()
    sizes = mask.sum(1)
    for size in torch.unique(sizes).tolist():
        rows = sizes == size
        used[rows, :size] = best_candidates(rewards[rows, :size], top_k)
    return used


class PolicyGradient:
    """GRPO: the clipped ratio to the old policy times the group advantage, plus an adaptive KL penalty."""

    names: tuple[str, ...] = (
        "grpo_loss", "ppo_loss", "kl_loss", "kl", "mean_ratio", "mean_advantage", "std_advantage", "max_advantage",
        "clip_fraction",
    )  # fmt: skip

    def __init__(self, data: Resident, spec: TrainSpec, old: Tensor, betas: Tensor) -> None:
        self._data, self._spec = data, spec
        self.old = old
        """(R, Q, P) log-probabilities under the reference policy."""
        self.beta = betas
        """(R,) weights of the KL penalty."""
        everything = select_candidates(data.groups, spec, None)
        self._used, self._advantage = everything.used.clone(), everything.advantage.clone()

    def use(self, selected: Selected) -> None:
        """Take these candidates from now on. In place, so that a recorded graph sees them."""
        self._used.copy_(selected.used)
        self._advantage.copy_(selected.advantage)

    def terms(self, stack: Stack, where: Where) -> tuple[Tensor, Tensor]:
        """The loss and its parts."""
        data, epsilon = self._data, self._spec.clip_epsilon
        log_probs = stack.training_scores(data.batch(where)).sum(-1)  # (R, B, P)
        advantage, used = data.take(self._advantage, where), data.take(self._used, where)
        ppo, kl, ratio = policy_terms(log_probs, data.take(self.old, where), advantage, clip_epsilon=epsilon, mask=used)
        kl_loss = self.beta.to(kl.dtype) * kl
        loss = ppo + kl_loss if self._spec.use_kl else ppo
        ratio = ratio.detach()
        clipped = group_mean(((ratio - 1).abs() > epsilon).float(), used)
        shown = [loss, ppo, kl_loss, kl, group_mean(ratio, used), *advantage_statistics(advantage, used), clipped]
        return loss, torch.stack([value.detach().expand(stack.runs) for value in shown])

    def after_step(self, measured: Tensor) -> None:
        """Adapt the KL weight: times 1.5 above 0.1, divided by 1.5 below 0.01, inside [0.001, 10]."""
        if not (self._spec.adaptive_kl and self._spec.use_kl):
            return
        kl = measured[3]
        lowered = torch.where(kl < KL_LOW, self.beta / BETA_STEP, self.beta)
        self.beta.copy_(torch.where(kl > KL_HIGH, self.beta * BETA_STEP, lowered).clamp(*BETA_BOUNDS))

    def tensors(self) -> dict[str, Tensor]:
        """The KL weights."""
        return {"beta": self.beta}


@torch.no_grad()
def sequence_log_probs(stack: Stack, data: Resident, rows: int = 256) -> Tensor:
    """Log-probabilities of all stored pointers under the current weights, without dropout: (R, Q, P), 0 where padded."""
    stack.train(False)
    found = torch.zeros(stack.runs, *data.groups.mask.shape, device=data.device)
    for start in range(0, len(data), rows):
        index = np.arange(start, min(start + rows, len(data)))
        where = data.where(index[None])
        log_probs = stack.log_probs(data.batch(where)).sum(-1)
        found[:, start : start + rows, : where.candidates] = log_probs
    return found.masked_fill(~data.groups.mask, 0.0)
