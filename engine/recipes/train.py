"""The training recipe: RCE, then GRPO. A generator of rows that knows no database; with a context it also writes
checkpoints and can go on after a kill."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from db.rows import Checkpoint, Fact, Row, Settle
from db.specs import TrainSpec, UserError, canonical_json, sha256_text
from db.specs.movable import HomePaths
from engine.common.models.fingerprint import file_shas
from engine.recipes.inputs import file_input
from engine.recipes.run_context import RunContext
from engine.rl.selection import in_training
from engine.selector.checkpoint import save_selector
from engine.training.batches import Resident
from engine.training.distributions import distributions
from engine.training.group_tensors import GroupTensors
from engine.training.inputs import (
    Inputs,
    as_trained,
    build_selectors,
    check_batch,
    input_paths,
    mixed_spaces,
    open_inputs,
    pool_facts,
    synthetic,
    trained_facts,
)
from engine.training.state import load_state, save_state, state_file
from engine.training.trainer import EpochEnd, Trainer
from engine.training.watch import before_training, nothing_to_judge
from engine.vlm.local.loading import choose_device, devices

KEEP_EVERY_S = 2.0
"""Epochs that follow each other faster are kept (checkpoints, state) now and then; the last one of a phase always is."""


def train(spec: TrainSpec, context: RunContext | None = None) -> Iterator[Row]:
    """Train one selector. Rows: facts, findings, progress, metrics of each epoch and, with a context, checkpoints."""
    for _, row in train_many([spec], None if context is None else [context]):
        yield row


def train_many(specs: Sequence[TrainSpec], contexts: Sequence[RunContext] | None = None) -> Iterator[tuple[int, Row]]:
    """Train several selectors as one batch; they may differ in learning rates, KL weight, temperatures, weight decay
    and seed. Yields (number of the run, row). Each run's losses are those it has when it trains alone, except
    that it draws other noise where there is dropout."""
    check_batch(specs)
    spec = specs[0]
    if len(devices(spec.device)) > 1:
        raise UserError(f"device: a selector is trained on one device, not on {spec.device}; give one, such as cuda:0.")
    cache_dir = None if contexts is None else contexts[0].cache_dir
    for role, path in input_paths(spec).items():
        yield from _everywhere(specs, list(file_input(role, path, cache_dir)))
    device = choose_device(spec.device)
    inputs = open_inputs(spec)
    yield from _everywhere(specs, [*inputs.facts(), *mixed_spaces(inputs.file), *synthetic(spec, inputs.file)])
    yield from _everywhere(specs, [Fact("distributions", distributions(inputs.tensors.train, spec))])
    findings = list(before_training(spec, inputs.signal_rate, inputs.predicted_spread))
    if not len(inputs.tensors.val):
        findings.append(nothing_to_judge(int((~in_training(inputs.file, spec)).sum())))
    yield from _everywhere(specs, findings)
    sides = [
        Resident(groups, inputs.queries.queries, inputs.embeddings.candidates, device) if len(groups) else None
        for groups in (inputs.tensors.train, inputs.tensors.val)
    ]
    assert sides[0] is not None, "inputs without train groups are refused when they are read"
    selectors = build_selectors(specs, inputs.embeddings.width, inputs.tensors.train.shots)
    as_built = [as_trained(one, selector) for one, selector in zip(specs, selectors, strict=True)]
    for run, (one, selector) in enumerate(zip(as_built, selectors, strict=True)):
        yield from ((run, row) for row in trained_facts(one, selector))
    trainer = Trainer(specs, selectors, sides[0], sides[1])
    yield from _everywhere(specs, [Fact("parameters", trainer.stack.parameters()), Fact("device", str(device))])
    yield from _Keeper(trainer, specs, as_built, inputs, contexts).run()


class _Keeper:
    """Keeps what a trainer does: checkpoints of best and last weights, and the state that a killed training goes on from."""

    def __init__(
        self,
        trainer: Trainer,
        specs: Sequence[TrainSpec],
        as_built: Sequence[TrainSpec],
        inputs: Inputs,
        contexts: Sequence[RunContext] | None,
    ) -> None:
        self._trainer, self._specs, self._inputs = trainer, specs, inputs
        self._contexts = contexts
        self._lineage = (
            [] if contexts is None else [_lineage(s, inputs, c) for s, c in zip(as_built, contexts, strict=True)]
        )
        self._shas = _identities(specs, contexts)
        self._state = state_file(Path() if contexts is None else contexts[0].run_dir, len(specs), self._shas[0])
        self._due: dict[int, dict[str, float]] = {}
        self._next_write = 0.0

    def run(self) -> Iterator[tuple[int, Row]]:
        """Train to the end, going on from a stored state where there is one."""
        if self._contexts is not None:
            stored = load_state(self._state, self._shas, self._trainer.train.device)
            if stored is not None:
                self._trainer.restore(*stored)
        for happened in self._trainer.run():
            if isinstance(happened, EpochEnd):
                yield from self._keep(happened)
            else:
                yield happened

    def _keep(self, end: EpochEnd) -> Iterator[tuple[int, Row]]:
        if self._contexts is None:
            return
        for run, improved in enumerate(end.improved):
            if improved:
                self._due[run] = end.measures[run]
        if not end.last and time.monotonic() < self._next_write:
            return
        yield from self._checkpoints(end)
        # a state ahead of the stored rows would leave a hole in them where it is gone on from
        yield from _everywhere(self._specs, [Settle()])
        trainer = self._trainer
        save_state(self._state, trainer.standing, trainer.tensors(), self._shas[0])
        self._next_write = time.monotonic() + KEEP_EVERY_S

    def _checkpoints(self, end: EpochEnd) -> Iterator[tuple[int, Row]]:
        standing = self._trainer.standing
        for run, active in enumerate(end.active):
            if run in self._due:
                best = self._due.pop(run)
                yield run, self._write(run, end.phase, standing.best_epoch[run], best, is_best=True)
            if active:
                yield run, self._write(run, end.phase, end.epoch, end.measures[run], is_best=False)

    def _write(self, run: int, phase: str, epoch: int, values: dict[str, float], *, is_best: bool) -> Checkpoint:
        assert self._contexts is not None, "checkpoints need a place"
        trainer = self._trainer
        path = self._contexts[run].run_dir / "checkpoints" / f"{phase}_{'best' if is_best else 'last'}.safetensors"
        manifest = save_selector(
            path,
            trainer.stack.selector(run, trainer.best[run] if is_best else None),
            lineage=self._lineage[run],
            metrics={"phase": phase, "epoch": epoch, **values},
            embedding=dict(self._inputs.embeddings.manifest.get("embedding", {})),
            pool={"rule": self._specs[run].pool, **_pool_sizes(self._inputs.tensors.train)},
        )
        count = trainer.stack.parameters()
        return Checkpoint(str(path), phase, epoch, manifest.hashes["file"], count, is_best, values)


def _everywhere(specs: Sequence[TrainSpec], rows: Sequence[Row]) -> Iterator[tuple[int, Row]]:
    return ((run, row) for run in range(len(specs)) for row in rows)


def _pool_sizes(groups: GroupTensors) -> dict[str, int]:
    return pool_facts(groups.pool_sizes)


RL_META = ("vqa_model", "model_sha", "prompt_sha", "decode_sha", "dataset_order_sha", "pool", "task_gen_args")
"""What of the RL data's own record goes into the lineage: evaluations are held against it."""


def _identities(specs: Sequence[TrainSpec], contexts: Sequence[RunContext] | None) -> tuple[str, ...]:
    """Hash of what is trained, the same wherever the home stands; then those that older states carry."""
    asked = [spec.model_dump(mode="json") for spec in specs]
    told = [asked]
    if all(spec.best_by == "loss" for spec in specs):  # what every training did before it could be said
        told.append([spec.model_dump(mode="json", exclude={"best_by"}) for spec in specs])
    home = None if contexts is None else HomePaths.of(contexts[0].home)
    movable = told if home is None else [home.stored_values(one) for one in told]
    return tuple(sha256_text(canonical_json(one)) for one in (*movable, *told))


def _lineage(spec: TrainSpec, inputs: Inputs, context: RunContext) -> dict[str, Any]:
    """Where a checkpoint came from: the whole specification and the hashes of the files it names."""
    files = input_paths(spec)
    shas = file_shas(files.values(), context.cache_dir)
    given = {name: "builtin" if getattr(spec, name) == "builtin" else str(path) for name, path in files.items()}
    named = {name: {"path": given[name], "sha256": shas[path]} for name, path in files.items()}
    return {
        **named,
        "rl_meta": {key: inputs.file.meta[key] for key in RL_META if key in inputs.file.meta},
        "spec": spec.model_dump(mode="json"),
        "run": context.run_dir.name,
    }
