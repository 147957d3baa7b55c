"""Findings that are raised while a selector trains, each once."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from db.specs import Finding, TrainSpec
from engine.training.objectives import BETA_BOUNDS

KL_EXPLODED = 1.0
"""Mean KL of an epoch from which the policy has left the reference: ten times what the adaptive weight tolerates."""

UNIFORM_MARGIN = 1.02
"""A validation loss above the uniform one by this factor is not the chance of a few validation queries."""


def before_training(spec: TrainSpec, signal_rate: float, predicted_spread: float) -> Iterator[Finding]:
    """What can be said before the first step. `signal_rate` is the share of train groups whose rewards differ."""
    if spec.reference == "before_rce" and spec.rce_epochs and spec.grpo_epochs:
        yield Finding(
            code="reference-before-rce",
            severity="warning",
            subject="training",
            message="GRPO measures its ratios against the weights before RCE, so the first ratios are far from 1 and the "
            "KL penalty pulls back to an untrained policy.",
            fix="leave reference at after_rce, unless a published run is to be reproduced",
        )
    if signal_rate == 0:
        yield Finding(
            code="no-signal",
            severity="error" if spec.grpo_epochs else "warning",
            subject="training",
            message="In every training group all candidates have the same reward, so no demonstration can be told from "
            "another: RCE imitates whatever is listed and GRPO has nothing to learn from "
            f"(predicted advantage spread {predicted_spread:.4f}).",
            fix="leverplus data health FILE shows why; make RL data with mixed outcomes, or choose another reward_mode",
        )


def nothing_to_learn(spec: TrainSpec) -> Finding:
    """GRPO has no group to train on in some epoch."""
    tops = (
        f" among the best {spec.early_top_k or spec.late_top_k} candidates"
        if spec.late_top_k or spec.early_top_k
        else ""
    )
    return Finding(
        code="no-signal",
        severity="error",
        subject="grpo",
        message=f"No training group has rewards that differ{tops}, so GRPO was not run.",
        fix="use all candidates (early_top_k and late_top_k none), or make RL data with mixed outcomes",
    )


class Watch:
    """Looks at the means of each epoch of one run."""

    def __init__(self) -> None:
        self._raised: set[tuple[str, str]] = set()
        self._above = 0

    def epoch(self, phase: str, epoch: int, values: Mapping[str, float], last: bool) -> Iterator[Finding]:
        """Findings of an epoch; `last` is the phase's last one."""
        for finding in self._look(phase, epoch, values, last):
            if (phase, finding.code) not in self._raised:
                self._raised.add((phase, finding.code))
                yield finding

    def _look(self, phase: str, epoch: int, values: Mapping[str, float], last: bool) -> Iterator[Finding]:
        subject = f"{phase} epoch {epoch}"
        broken = sorted(name for name, value in values.items() if not math.isfinite(value))
        if broken:
            yield Finding(
                code="non-finite",
                severity="error",
                subject=subject,
                message=f"{broken[0]} is no longer a number in {subject}: the weights have left the range of float32.",
                fix=f"lower {phase}_lr, or set gradient_clip to 1",
            )
            return
        if phase == "rce" and "val_loss" in values:
            yield from self._against_uniform(subject, values, last)
        if phase == "grpo":
            yield from _policy(subject, values)

    def _against_uniform(self, subject: str, values: Mapping[str, float], last: bool) -> Iterator[Finding]:
        above = values["val_loss"] > values["uniform_loss"] * UNIFORM_MARGIN
        self._above = self._above + 1 if above else 0
        if above and (last or self._above >= 3):
            yield Finding(
                code="loss-above-uniform",
                severity="warning",
                subject=subject,
                message=f"The validation loss {values['val_loss']:.3f} is above that of picking at random "
                f"({values['uniform_loss']:.3f}): on unseen queries the selector imitates worse than chance.",
                fix="train on more queries, for fewer epochs, or with a higher dropout",
            )


def _policy(subject: str, values: Mapping[str, float]) -> Iterator[Finding]:
    if values["kl"] > KL_EXPLODED:
        yield Finding(
            code="kl-explosion",
            severity="warning",
            subject=subject,
            message=f"The mean KL to the reference is {values['kl']:.2f}, more than {KL_EXPLODED:g}: the policy has left "
            "the one that the data was scored for.",
            fix="lower grpo_lr, raise kl_beta, and keep reference at after_rce",
        )
    if values["kl_beta"] >= BETA_BOUNDS[1]:
        yield Finding(
            code="beta-saturated",
            severity="warning",
            subject=subject,
            message=f"The adaptive KL weight has reached its bound {BETA_BOUNDS[1]:g}: the penalty outweighs the reward "
            "and still does not hold the policy.",
            fix="lower grpo_lr; a larger kl_beta will not help",
        )
