"""RCE and GRPO as two descriptions of a phase: which groups, which objective, which rates. The loop is in `trainer`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from db.specs import TrainSpec
from engine.training.batches import Resident
from engine.training.objectives import Imitation, Objective, PolicyGradient, Selected, select_candidates, tops
from engine.training.schedule import learning_rates, temperatures

Ints = NDArray[np.int64]


@dataclass
class Phase:
    """What is particular to RCE or to GRPO."""

    name: str
    objective: Objective
    groups: list[Ints]
    """Groups that are trained on, for each epoch."""
    peak_rates: list[float]
    """Peak learning rate of each run."""
    judged_by: str
    """Validation measure that decides which epoch is best."""
    lower_is_better: bool
    latest_of_equals: bool
    """Of epochs that are equally good the last is best: rewards of a few hundred picks are often equal."""
    freeze_backbone: bool = False
    dropout: bool = True
    selected: list[Selected] = field(default_factory=list)
    """GRPO: the candidates of each epoch."""

    @property
    def epochs(self) -> int:
        """Number of epochs."""
        return len(self.groups)

    @property
    def busy(self) -> list[int]:
        """Epochs (from 0) that have a group to train on."""
        return [epoch for epoch, groups in enumerate(self.groups) if len(groups)]

    def steps(self, size: int) -> list[int]:
        """Optimiser steps of each epoch, `size` groups in one."""
        return [-(-len(groups) // size) for groups in self.groups]

    def extras(self, epoch: int, groups: int) -> list[dict[str, float]]:
        """Numbers to log beside the measured ones at the end of an epoch (from 0), for each run; `groups` in all."""
        if not isinstance(self.objective, PolicyGradient):
            return [{} for _ in self.peak_rates]
        trained = self.groups[epoch]
        spreads = self.selected[epoch].spreads()[torch.from_numpy(trained)]
        shared = {
            "signal_rate": float(self.selected[epoch].signal().float().mean()),
            "observed_advantage_std": float(spreads.sum()) / groups,
            "skipped_groups": float(groups - len(trained)),
        }
        return [{"kl_beta": beta, **shared} for beta in self.objective.beta.tolist()]


def imitation(train: Resident, specs: Sequence[TrainSpec]) -> Phase:
    """RCE over all groups."""
    everything = np.arange(len(train))
    return Phase(
        name="rce",
        objective=Imitation(train, specs[0], len(specs)),
        groups=[everything] * specs[0].rce_epochs,
        peak_rates=[spec.rce_lr for spec in specs],
        judged_by="val_loss" if specs[0].best_by == "loss" else specs[0].best_by,
        lower_is_better=specs[0].best_by == "loss",
        latest_of_equals=specs[0].best_by != "loss",
    )


def policy_gradient(train: Resident, specs: Sequence[TrainSpec], old: Tensor) -> Phase:
    """GRPO against the reference log-probabilities `old` (R, Q, P); epochs may have no group where none has signal."""
    spec = specs[0]
    asked = tops(spec)
    by_top = {top: select_candidates(train.groups, spec, top) for top in set(asked)}
    everything = np.arange(len(train))
    groups = {
        top: everything[selected.signal().cpu().numpy()] if spec.skip_no_signal else everything
        for top, selected in by_top.items()
    }
    betas = torch.tensor([s.kl_beta for s in specs], dtype=torch.float64, device=train.device)
    return Phase(
        name="grpo",
        objective=PolicyGradient(train, spec, old, betas),
        groups=[groups[top] for top in asked],
        peak_rates=[s.grpo_lr for s in specs],
        judged_by="expected_reward" if spec.best_by == "loss" else spec.best_by,
        lower_is_better=False,
        latest_of_equals=spec.best_by != "loss",
        freeze_backbone=spec.freeze_backbone,
        dropout=spec.grpo_dropout,
        selected=[by_top[top] for top in asked],
    )


def tables(phase: Phase, specs: Sequence[TrainSpec], size: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """(learning rates, temperatures) of each step and run, both (T, R), on the device."""
    total = sum(phase.steps(size))
    spec = specs[0]
    rates = [learning_rates(rate, total, spec.warmup_ratio, spec.schedule) for rate in phase.peak_rates]
    heats = [temperatures(s.temperature_start, s.temperature_end, total) for s in specs]
    return torch.tensor(rates, device=device).T.contiguous(), torch.tensor(heats, device=device).T.contiguous()
