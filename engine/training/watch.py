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


ABOVE_UNIFORM = {
    "rce": (
        "on unseen queries the selector puts less probability on the pointers that the data list, weighed by their rewards, "
        "than if every candidate of the pool were as probable. That is no accuracy: demonstrations that the data do not list "
        "may be as good, and a selector with such a loss can answer well",
        "judge the selector by its greedy reward and by an evaluation against `untrained`; a lower loss comes with more queries, "
        "fewer epochs or a higher dropout",
    ),
    "grpo": (
        "on unseen queries the policy is sure of pointers, among those that the data list, that their rewards do not bear out; "
        "an accuracy it is not",
        "train on more queries, for fewer epochs, or with a higher kl_beta",
    ),
}
"""What such a loss means in each phase, and the way out."""


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
            fix="`leverplus data health FILE` shows why; make RL data with mixed outcomes, or choose another reward_mode",
        )


def nothing_to_judge(queries: int) -> Finding:
    """No query validates, of `queries` on that side of the split."""
    reason = f"none of the {queries} queries on the validation side has a candidate left" if queries else "all train"
    return Finding(
        code="validation-missing",
        severity="warning",
        subject="training",
        message=f"No query validates ({reason}), so no epoch can be told from another: best is the last one, and patience never "
        "ends a phase.",
        fix="lower train_ratio, or use more queries",
    )


def nothing_to_learn(spec: TrainSpec, idle: int) -> Finding:
    """GRPO has no group to train on in `idle` of its epochs."""
    everywhere = idle == spec.grpo_epochs
    early, late = min(spec.early_epochs, spec.grpo_epochs), spec.grpo_epochs - spec.early_epochs
    tops = [top for epochs, top in ((early, spec.early_top_k), (late, spec.late_top_k)) if epochs > 0 and top]
    among = f" among the best {' or '.join(map(str, sorted(set(tops))))} candidates" if tops else ""
    ending = "GRPO was not run" if everywhere else f"{idle} of {spec.grpo_epochs} GRPO epochs were left out"
    return Finding(
        code="no-signal",
        severity="error" if everywhere else "warning",
        subject="grpo",
        message=f"No training group has rewards that differ{among}, so {ending}.",
        fix="use all candidates (early_top_k and late_top_k none), or make RL data with mixed outcomes",
    )


class Watch:
    """Looks at the means of each epoch of one run."""

    def __init__(self, spec: TrainSpec) -> None:
        self._adapts = spec.adaptive_kl and spec.use_kl
        self.raised: set[str] = set()
        """Phase and code of what was raised."""
        self.above = 0
        """Epochs in a row whose validation loss was above the uniform one."""

    def epoch(self, phase: str, epoch: int, values: Mapping[str, float], last: bool) -> Iterator[Finding]:
        """Findings of an epoch; `last` is the phase's last one."""
        for finding in self._look(phase, epoch, values, last):
            said = f"{phase} {finding.code}"
            if said not in self.raised:
                self.raised.add(said)
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
        if "val_loss" in values and "rce loss-above-uniform" not in self.raised:
            yield from self._against_uniform(phase, epoch, values, last)
        if phase == "grpo":
            yield from _policy(subject, values, self._adapts)

    def _against_uniform(self, phase: str, epoch: int, values: Mapping[str, float], last: bool) -> Iterator[Finding]:
        above = values["val_loss"] > values["uniform_loss"] * UNIFORM_MARGIN
        self.above = self.above + 1 if above else 0
        if above and (last or self.above >= 3):
            means, fix = ABOVE_UNIFORM[phase]
            picks = [values[f"{name}_reward"] for name in ("greedy", "random", "oracle")]
            yield Finding(
                code="loss-above-uniform",
                severity="info" if picks[0] > picks[1] else "warning",
                subject=f"{phase} epoch {epoch}",
                message=f"The validation loss {values['val_loss']:.3f} is above that of an even spread "
                f"({values['uniform_loss']:.3f}): {means}. {_worth(*picks)}",
                fix=fix,
            )


def _worth(greedy: float, random: float, oracle: float) -> str:
    return f"Of the listed pointers its surest one is worth {greedy:.2f} there, a random one {random:.2f}, the best {oracle:.2f}."


def _policy(subject: str, values: Mapping[str, float], adapts: bool) -> Iterator[Finding]:
    if values["kl"] > KL_EXPLODED:
        yield Finding(
            code="kl-explosion",
            severity="warning",
            subject=subject,
            message=f"The mean KL to the reference is {values['kl']:.2f}, more than {KL_EXPLODED:g}: the policy has left "
            "the one that the data was scored for.",
            fix="lower grpo_lr, raise kl_beta, and keep reference at after_rce",
        )
    if adapts and values["kl_beta"] >= BETA_BOUNDS[1]:
        yield Finding(
            code="beta-saturated",
            severity="warning",
            subject=subject,
            message=f"The adaptive KL weight has reached its bound {BETA_BOUNDS[1]:g}: the penalty outweighs the reward "
            "and still does not hold the policy.",
            fix="lower grpo_lr; a larger kl_beta will not help",
        )
