"""The training loop over one or several runs at once: epochs, validation, early stopping, findings, resumption."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from db.rows import Metric, Progress, Row
from db.specs import TrainSpec, UserError
from engine.selector import PointerSelector
from engine.training.batches import Resident
from engine.training.measure import validate
from engine.training.objectives import Imitation, PolicyGradient, sequence_log_probs
from engine.training.optimizer import FlatAdamW
from engine.training.phases import Phase, imitation, policy_gradient, tables
from engine.training.schedule import Randomness, orders, seed_of
from engine.training.stack import Stack
from engine.training.state import Standing
from engine.training.stepper import Stepper, precision, threads_for
from engine.training.watch import Watch, nothing_to_learn

Ints = NDArray[np.int64]
PROGRESS_EVERY_S = 1.0


class TrainingFailed(UserError):
    """Training cannot go on; the findings before it say why."""

    exit_code = 1


@dataclass(frozen=True)
class EpochEnd:
    """The end of an epoch, at which a training may be stored and its weights saved."""

    phase: str
    epoch: int
    last: bool
    """No epoch of this phase follows."""
    measures: list[dict[str, float]]
    """What was measured in each run."""
    improved: list[bool]
    """Runs whose weights are the best of the phase so far."""
    active: list[bool]
    """Runs that were still training."""


@dataclass(frozen=True)
class _Loop:
    """A phase with what it is run by."""

    phase: Phase
    stepper: Stepper
    optimizer: FlatAdamW
    learning_rates: Tensor
    """(T, R)"""
    temperatures: Tensor
    """(T, R)"""
    size: int


class Trainer:
    """R runs over the same groups, alike but for numbers."""

    def __init__(
        self, specs: Sequence[TrainSpec], selectors: Sequence[PointerSelector], train: Resident, val: Resident | None
    ) -> None:
        self.specs, self.spec = list(specs), specs[0]
        self.train, self.val = train, val
        self.stack = Stack(selectors, train.groups.shots, train.device, compiled=self.spec.compile)
        self.best = self.stack.flat.clone()
        """(R, N) weights of the best epoch of the phase."""
        self.standing = Standing()
        self._stored: dict[str, Tensor] = {}
        self._watches = [Watch(spec) for spec in specs]
        self._old: Tensor | None = None
        if self.spec.grpo_epochs and self.spec.reference == "before_rce":
            self._old = self._reference()

    def restore(self, standing: Standing, tensors: dict[str, Tensor]) -> None:
        """Go on after a stored epoch."""
        self.standing, self._stored = standing, tensors
        for watch, raised, above in zip(self._watches, standing.raised, standing.above, strict=True):
            watch.raised, watch.above = set(raised), above
        self.stack.flat.copy_(tensors["weights"])
        self.best.copy_(tensors["best"])
        self._old = tensors.get("old", self._old)

    def tensors(self) -> dict[str, Tensor]:
        """What `restore` needs beside the standing."""
        old = {} if self._old is None else {"old": self._old}
        return {**self._stored, **old, "weights": self.stack.flat, "best": self.best}

    def run(self) -> Iterator[tuple[int, Row] | EpochEnd]:
        """Train both phases; yields (run, row) and the end of each epoch."""
        if self.spec.rce_epochs and self.standing.phase != "grpo":
            yield from self._train(imitation(self.train, self.specs))
        if self.spec.grpo_epochs:
            if self._old is None:
                self._old = self._reference()
            yield from self._reinforce(policy_gradient(self.train, self.specs, self._old))

    def _reinforce(self, phase: Phase) -> Iterator[tuple[int, Row] | EpochEnd]:
        """GRPO over the epochs that have groups with a signal; what is left out is said."""
        idle = phase.epochs - len(phase.busy)
        if idle:
            for run in range(self.stack.runs):
                yield run, nothing_to_learn(self.spec, idle)
        if phase.busy:
            yield from self._train(phase)
        elif not self.spec.rce_epochs:
            raise TrainingFailed("no group has a signal for GRPO and rce_epochs is 0: nothing was trained")

    def _work(self) -> float:
        """Multiply-adds of the products of one step, roughly: forward, and twice that backward."""
        sizes = self.stack.net.sizes
        each = self.stack.net.width * (sizes.d_model + self.stack.net.width)
        members = self.spec.queries_per_step * self.train.groups.pool.shape[1]
        return 3.0 * self.stack.runs * members * each

    def _reference(self) -> Tensor:
        with precision(self.train.device, self.spec.precision):
            return sequence_log_probs(self.stack, self.train)

    def _train(self, phase: Phase) -> Iterator[tuple[int, Row] | EpochEnd]:
        loop = self._loop(phase)
        first = self._begin(loop)
        for epoch in phase.busy:
            if epoch < first:
                continue
            if all(self.standing.stopped):
                break
            if isinstance(phase.objective, PolicyGradient):
                phase.objective.use(phase.selected[epoch])
            yield from self._epoch(loop, epoch)
            yield from self._after_epoch(loop, epoch)
        if self.spec.patience:
            self.stack.flat.copy_(self.best)

    def _loop(self, phase: Phase) -> _Loop:
        spec, stack = self.spec, self.stack
        decays = [s.weight_decay for s in self.specs]
        optimizer = FlatAdamW(stack, stack.trained(phase.freeze_backbone), decays, spec.gradient_clip)
        stepper = Stepper(
            stack,
            self.train,
            phase.objective,
            optimizer,
            freeze_backbone=phase.freeze_backbone,
            use_graph=spec.cuda_graph,
        )
        rates, heats = tables(phase, self.specs, spec.queries_per_step, self.train.device)
        return _Loop(phase, stepper, optimizer, rates, heats, spec.queries_per_step)

    def _begin(self, loop: _Loop) -> int:
        """Number of epochs that are already behind; a resumed phase gets its optimiser back."""
        changing = {**loop.optimizer.tensors(), **loop.phase.objective.tensors()}
        if self.standing.phase == loop.phase.name:
            for name, tensor in changing.items():
                tensor.copy_(self._stored[name])
        else:
            runs = self.stack.runs
            self.standing = Standing(loop.phase.name, 0, 0, [math.inf] * runs, [0] * runs, [0] * runs, [False] * runs)
        self._stored = changing
        return self.standing.epoch

    def _epoch(self, loop: _Loop, epoch: int) -> Iterator[tuple[int, Row]]:
        """The steps of one epoch; progress now and then."""
        phase, device, size = loop.phase, self.train.device, loop.size
        self.stack.train(phase.dropout)
        seeds = [spec.seed for spec in self.specs]
        order = orders(seeds, phase.groups[epoch], (phase.name, epoch), self.spec.shuffle)
        places = torch.from_numpy(order).to(device)
        random = Randomness(seed_of(self.spec.seed, "dropout", phase.name, epoch), device)
        note, total = f"{phase.name} epoch {epoch + 1} of {phase.epochs}", len(loop.learning_rates)
        starts = iter(range(0, order.shape[1], size))
        unfinished = True
        while unfinished:
            with threads_for(self._work(), device), precision(device, self.spec.precision), random():
                unfinished = self._steps(loop, starts, order, places)
            for run in range(self.stack.runs):
                yield run, Progress(self.standing.step, total, "steps", note)

    def _steps(self, loop: _Loop, starts: Iterator[int], order: Ints, places: Tensor) -> bool:
        """Take steps until the epoch ends (False) or it is time to show progress (True)."""
        show = time.monotonic() + PROGRESS_EVERY_S
        for start in starts:
            part = slice(start, start + loop.size)
            loop.optimizer.lr.copy_(loop.learning_rates[self.standing.step])
            if isinstance(loop.phase.objective, Imitation):
                loop.phase.objective.temperature.copy_(loop.temperatures[self.standing.step])
            loop.stepper.step(order[:, part], places[:, part])
            self.standing.step += 1
            if time.monotonic() > show:
                return True
        return False

    def _after_epoch(self, loop: _Loop, epoch: int) -> Iterator[tuple[int, Row] | EpochEnd]:
        phase, standing = loop.phase, self.standing
        values = self._measure(loop, epoch)
        active = [not stopped for stopped in standing.stopped]
        standing.epoch = epoch + 1
        improved = [self._judge(phase, run, values[run]) for run in range(self.stack.runs)]
        last = epoch == phase.busy[-1] or all(standing.stopped)
        for run, measured in enumerate(values):
            if active[run]:
                yield from self._rows(run, phase, measured, last or standing.stopped[run])
        if all(not _finite(measured) for measured in values):
            raise TrainingFailed(f"training diverged in {phase.name} epoch {epoch + 1}; lower {phase.name}_lr")
        standing.raised = [sorted(watch.raised) for watch in self._watches]
        standing.above = [watch.above for watch in self._watches]
        yield EpochEnd(phase.name, epoch + 1, last, values, improved, active)

    def _measure(self, loop: _Loop, epoch: int) -> list[dict[str, float]]:
        """All numbers of an epoch, for each run."""
        means = loop.stepper.read()
        measured: dict[str, list[float]] = {}
        if self.val is not None:
            with threads_for(self._work(), self.train.device), precision(self.train.device, self.spec.precision):
                measured = validate(self.stack, self.val, self.spec)
        extras = loop.phase.extras(epoch, len(self.train))
        rates = loop.learning_rates[self.standing.step - 1].tolist()
        heats = loop.temperatures[self.standing.step - 1].tolist()
        values = []
        for run in range(self.stack.runs):
            row = {name: column[run] for name, column in (means | measured).items()} | extras[run]
            row["learning_rate"] = rates[run]
            if loop.phase.name == "rce":
                row["temperature"] = heats[run]
            values.append(row)
        return values

    def _judge(self, phase: Phase, run: int, measured: dict[str, float]) -> bool:
        """Whether this epoch is the run's best; counts the epochs since, and ends the run when patience is over."""
        standing = self.standing
        if standing.stopped[run]:
            return False
        if not _finite(measured):
            standing.stopped[run] = True
            return False
        value = measured.get(phase.judged_by, -standing.epoch)
        value = value if phase.lower_is_better or phase.judged_by not in measured else -value
        better = value < standing.best[run]
        level = phase.latest_of_equals and value == standing.best[run]
        if better or level:
            standing.best[run], standing.best_epoch[run] = value, standing.epoch
            self.best[run].copy_(self.stack.flat[run])
        standing.stale[run] = 0 if better else standing.stale[run] + 1
        standing.stopped[run] = bool(self.spec.patience) and standing.stale[run] >= self.spec.patience
        return better or level

    def _rows(self, run: int, phase: Phase, measured: dict[str, float], last: bool) -> Iterator[tuple[int, Row]]:
        epoch, step = self.standing.epoch, self.standing.step
        for name, value in measured.items():
            if math.isfinite(value):
                yield run, Metric(phase.name, epoch, step, name, value)
        for finding in self._watches[run].epoch(phase.name, epoch, measured, last):
            yield run, finding


def _finite(measured: dict[str, float]) -> bool:
    return all(map(math.isfinite, measured.values()))
