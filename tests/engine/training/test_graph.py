"""The recorded step, as far as it can be tried without a GPU: what recording changes is put back, inputs are replaced in
place, and the shapes of the largest group and pool give the numbers of the smallest ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from db.specs import TrainSpec
from engine.selector import PointerSelector
from engine.training.batches import Resident
from engine.training.inputs import build_selectors, open_inputs
from engine.training.objectives import Imitation, Objective, PolicyGradient, sequence_log_probs
from engine.training.optimizer import FlatAdamW
from engine.training.stack import Stack
from engine.training.stepper import WARM_UP_STEPS, Stepper
from tests.helpers_training import golden_spec, small, write_world

CPU = torch.device("cpu")


class FakeCuda:
    """Stands in for torch.cuda: a recorded step is repeated by running it again."""

    def __init__(self) -> None:
        self.recorded = 0
        self.replay: Callable[[], None] | None = None

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(torch.cuda, "get_rng_state", lambda _: torch.get_rng_state())
        monkeypatch.setattr(torch.cuda, "set_rng_state", lambda state, _: torch.set_rng_state(state))
        monkeypatch.setattr(torch.cuda, "Stream", lambda _: FakeStream())
        monkeypatch.setattr(torch.cuda, "current_stream", lambda _: FakeStream())
        monkeypatch.setattr(torch.cuda, "stream", self.context)
        monkeypatch.setattr(torch.cuda, "CUDAGraph", lambda: self)
        monkeypatch.setattr(torch.cuda, "graph", self.context)

    @contextmanager
    def context(self, _: Any, stream: Any = None) -> Iterator[None]:
        self.recorded += 1
        yield


class FakeStream:
    def wait_stream(self, _: Any) -> None:
        """Everything has happened already."""


def prepared(spec: TrainSpec, runs: int = 1) -> tuple[Stack, Resident]:
    inputs = open_inputs(spec)
    data = Resident(inputs.tensors.train, inputs.queries.queries, inputs.embeddings.candidates, CPU)
    selectors: list[PointerSelector] = build_selectors([spec] * runs, inputs.embeddings.width, data.groups.shots)
    return Stack(selectors, data.groups.shots, CPU), data


def objective_of(name: str, spec: TrainSpec, stack: Stack, data: Resident) -> Objective:
    if name == "rce":
        return Imitation(data, spec, stack.runs)
    betas = torch.full((stack.runs,), 0.1, dtype=torch.float64)
    return PolicyGradient(data, spec, sequence_log_probs(stack, data), betas)


def stepper_of(name: str, spec: TrainSpec, runs: int) -> Stepper:
    stack, data = prepared(spec, runs)
    optimizer = FlatAdamW(stack, stack.trained(False), [0.01] * runs, clip=1.0)
    optimizer.lr.fill_(1e-2)
    objective = objective_of(name, spec, stack, data)
    return Stepper(stack, data, objective, optimizer, freeze_backbone=False, use_graph=True)


@pytest.mark.parametrize("name", ["rce", "grpo"])
@pytest.mark.parametrize("runs", [1, 2])
def test_a_recorded_step_gives_the_numbers_of_an_eager_one(
    name: str, runs: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = golden_spec("train_legacy_pool", tmp_path)  # groups and pools of unequal size
    eager, recorded = stepper_of(name, spec, runs), stepper_of(name, spec, runs)
    fake = FakeCuda()
    fake.install(monkeypatch)
    monkeypatch.setattr(recorded, "_use_graph", True)
    order = np.arange(32).reshape(4, 1, 8)
    recorded._graphs[8] = recorded._record(torch.from_numpy(order[0]).clone())
    inputs, _ = recorded._graphs[8]
    fake.replay = lambda: recorded._body(recorded.data.anywhere(inputs))
    for index in order:
        place = torch.from_numpy(index)
        eager.step(index, place)
        recorded.step(index, place)
    one, two = eager.read(), recorded.read()
    for measure, values in one.items():
        assert two[measure] == pytest.approx(values, rel=1e-5, abs=1e-6), measure
    torch.testing.assert_close(recorded.stack.flat, eager.stack.flat, atol=1e-5, rtol=1e-4)
    assert fake.recorded == 2


def test_recording_leaves_no_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = small(write_world(tmp_path), dropout=0.5)
    stepper = stepper_of("grpo", spec, 2)
    assert WARM_UP_STEPS >= 2
    objective = stepper.objective
    before = [tensor.clone() for tensor in (stepper.stack.flat, *stepper.optimizer.tensors().values())]
    beta = objective.tensors()["beta"].clone()
    FakeCuda().install(monkeypatch)
    random_state = torch.get_rng_state()
    stepper._record(torch.arange(8)[None])
    assert torch.equal(torch.get_rng_state(), random_state)
    after = [stepper.stack.flat, *stepper.optimizer.tensors().values()]
    assert all(torch.equal(one, two) for one, two in zip(before, after, strict=True))
    assert torch.equal(objective.tensors()["beta"], beta)
    assert set(stepper.read()["kl"]) == {0.0}


def test_without_a_gpu_steps_are_eager(tmp_path: Path) -> None:
    stepper = stepper_of("rce", small(write_world(tmp_path)), 1)
    stepper.step(np.arange(4)[None], torch.arange(4)[None])
    assert not stepper._graphs
