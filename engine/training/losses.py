"""The two training losses of a pointer selector: RCE (imitation weighted by reward) and GRPO (clipped policy gradient against
the group's mean). Masks make groups of unequal size one tensor; a group that can teach nothing gives zeros, never a NaN."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from engine.rl.rewards import alike

LOGIT_FLOOR = -100.0
"""Chosen positions score this much; lower logits are raised to it before the cross-entropy."""
ABSENT_LOGIT = -1e3
"""A logit below this stands for a position that is not there (the selector writes -1e4)."""
LOG_RATIO_BOUND = 20.0
"""Largest log-ratio of two policies: beyond it exp() and the squares in AdamW leave float32."""


class GRPOTerms(NamedTuple):
    """Parts of the GRPO loss, each a scalar; the statistics carry no gradient."""

    loss: Tensor
    ppo_loss: Tensor
    kl_loss: Tensor
    kl: Tensor
    mean_ratio: Tensor
    mean_advantage: Tensor
    std_advantage: Tensor
    max_advantage: Tensor


def step_log_probs(logits: Tensor, pointers: Tensor) -> Tensor:
    """Log-probability of each pick under teacher forcing: logits (..., S, K), pointers (..., S) -> (..., S)."""
    picked = logits.gather(-1, pointers.unsqueeze(-1)).squeeze(-1)
    return picked - logits.logsumexp(-1)


def pick_losses(logits: Tensor, pointers: Tensor, label_smoothing: float = 0.0) -> Tensor:
    """Cross-entropy of each pick, (..., S). Smoothing spreads over the positions that exist."""
    floored = logits.clamp(min=LOGIT_FLOOR)
    loss = -step_log_probs(floored, pointers)
    if not label_smoothing:
        return loss
    exists = logits > ABSENT_LOGIT
    spread = (floored * exists).sum(-1) / exists.sum(-1)
    return (1 - label_smoothing) * loss + label_smoothing * (floored.logsumexp(-1) - spread)


def reward_weights(rewards: Tensor, temperature: float | Tensor, mask: Tensor | None = None) -> Tensor:
    """softmax(rewards / temperature) over each group (..., P); masked candidates and empty groups weigh nothing."""
    scaled = rewards / temperature
    if mask is None:
        return scaled.softmax(-1)
    return scaled.masked_fill(~mask, LOGIT_FLOOR * 1e3).softmax(-1) * mask


def group_mean(values: Tensor, mask: Tensor | None = None) -> Tensor:
    """Mean over each group (..., B, P), then over the groups that are not empty: every query counts alike. -> (...)."""
    if mask is None:
        return values.mean((-2, -1))
    size = mask.sum(-1)
    means = (values * mask).sum(-1) / size.clamp(min=1)
    return means.sum(-1) / (size > 0).sum(-1).clamp(min=1)


def rce_loss(
    logits: Tensor,
    pointers: Tensor,
    rewards: Tensor,
    *,
    temperature: float | Tensor,
    label_smoothing: float = 0.0,
    mask: Tensor | None = None,
) -> Tensor:
    """Reward-weighted cross-entropy: sum over candidates of softmax(R / temperature) times the summed cross-entropy of the
    picks, mean over queries. logits (B, P, S, K), pointers (B, P, S), rewards (B, P), mask (B, P) of real candidates."""
    if mask is not None:
        mask = mask.bool()
        logits = logits.masked_fill(~mask[..., None, None], 0.0)
    losses = pick_losses(logits, pointers, label_smoothing).sum(-1)  # (B, P)
    return weighted_loss(losses, reward_weights(rewards, temperature, mask), mask)


def weighted_loss(losses: Tensor, weights: Tensor, mask: Tensor | None = None) -> Tensor:
    """Sum over each group of weights times losses (..., B, P), mean over the groups that are not empty. -> (...)."""
    totals = (losses * weights).sum(-1)
    if mask is None:
        return totals.mean(-1)
    return totals.sum(-1) / mask.any(-1).sum(-1).clamp(min=1)


def group_advantage(rewards: Tensor, *, clip: float = 5.0, min_std: float = 0.1, mask: Tensor | None = None) -> Tensor:
    """(R - mean) / max(std, min_std) inside each group (..., P), unbiased deviation, clamped to plus and minus `clip`.
    Groups of one or of equal rewards, and masked candidates, get 0."""
    used = _present(rewards, mask)
    rewards = _real(rewards).masked_fill(~used, 0.0)
    present = used.to(rewards.dtype)
    size = present.sum(-1, keepdim=True)
    centred = (rewards - rewards.sum(-1, keepdim=True) / size.clamp(min=1)) * present
    variance = centred.square().sum(-1, keepdim=True) / (size - 1).clamp(min=1)
    advantage = (centred / variance.sqrt().clamp(min=min_std)).clamp(-clip, clip)
    return advantage.masked_fill(_flat(rewards, used), 0.0)


def _flat(rewards: Tensor, used: Tensor) -> Tensor:
    """(..., 1), true for groups (..., P) whose candidates are all worth the same, and for groups of one or none."""
    highest = rewards.masked_fill(~used, -torch.inf).amax(-1, keepdim=True)
    lowest = rewards.masked_fill(~used, torch.inf).amin(-1, keepdim=True)
    same: Tensor = alike(highest, lowest)
    return same


def _real(rewards: Tensor) -> Tensor:
    return rewards if rewards.is_floating_point() else rewards.float()


def _present(rewards: Tensor, mask: Tensor | None) -> Tensor:
    """The mask as truth values; all are present without one."""
    return torch.ones_like(rewards, dtype=torch.bool) if mask is None else mask.bool()


def best_candidates(rewards: Tensor, top_k: int | None, mask: Tensor | None = None) -> Tensor:
    """Mask (..., P) of each group's `top_k` candidates of best reward; None keeps all."""
    present = _present(rewards, mask)
    if top_k is None or top_k >= rewards.shape[-1]:
        return present
    best = _real(rewards).masked_fill(~present, -torch.inf).topk(top_k, dim=-1).indices
    return torch.zeros_like(present).scatter(-1, best, True) & present


def policy_terms(
    log_probs: Tensor,
    old_log_probs: Tensor,
    advantage: Tensor,
    *,
    clip_epsilon: float,
    mask: Tensor,
) -> tuple[Tensor, Tensor, Tensor]:
    """(PPO loss, KL, ratio) of candidates (..., B, P): the clipped objective and KL = mean(ratio - 1 - log ratio), each a
    mean over group then queries (...); ratio (..., B, P) is 1 where masked."""
    log_ratio = ((log_probs - old_log_probs) * mask).clamp(-LOG_RATIO_BOUND, LOG_RATIO_BOUND)
    ratio = log_ratio.exp()
    clipped = ratio.clamp(1 - clip_epsilon, 1 + clip_epsilon)
    ppo = -group_mean(torch.minimum(ratio * advantage, clipped * advantage), mask)
    return ppo, group_mean(ratio - 1 - log_ratio, mask), ratio


def grpo_loss(
    log_probs: Tensor,
    old_log_probs: Tensor,
    rewards: Tensor,
    *,
    clip_epsilon: float = 0.2,
    kl_beta: float | Tensor = 0.1,
    advantage_clip: float = 5.0,
    top_k: int | None = None,
    mask: Tensor | None = None,
) -> GRPOTerms:
    """GRPO over groups (B, P): clipped ratio of sequence probabilities times the group advantage, plus `kl_beta` times KL.
    With `top_k` only the candidates of best reward take part, in the advantage too. `std_advantage` and `max_advantage`
    (the largest magnitude) are taken over all candidates that take part."""
    used = best_candidates(rewards, top_k, mask)
    advantage = group_advantage(rewards, clip=advantage_clip, mask=used)
    # whatever stands where nobody is, a NaN too, must reach neither the loss nor its gradient
    log_probs, old_log_probs = (values.masked_fill(~used, 0.0) for values in (log_probs, old_log_probs))
    ppo, kl, ratio = policy_terms(log_probs, old_log_probs, advantage, clip_epsilon=clip_epsilon, mask=used)
    kl_loss = kl_beta * kl
    mean, std, largest = advantage_statistics(advantage, used)
    return GRPOTerms(ppo + kl_loss, ppo, kl_loss, kl, group_mean(ratio.detach(), used), mean, std, largest)


def advantage_statistics(advantage: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(mean, unbiased deviation, largest magnitude) over the unmasked candidates of (..., B, P); zeros where there are none."""
    count = mask.sum((-2, -1))
    mean = (advantage * mask).sum((-2, -1)) / count.clamp(min=1)
    squares = ((advantage - mean[..., None, None]) * mask).square().sum((-2, -1))
    return mean, (squares / (count - 1).clamp(min=1)).sqrt(), (advantage * mask).abs().amax((-2, -1))
