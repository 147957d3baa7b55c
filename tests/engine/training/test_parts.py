"""Schedules, random streams, findings, batches and the flat weights, each by itself."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from db.specs import UserError
from db.specs.selector import PUBLISHED
from engine.selector import PointerSelector
from engine.training.batches import Resident
from engine.training.dropout import BitDropout
from engine.training.group_tensors import GroupTensors
from engine.training.losses import group_advantage
from engine.training.measure import uniform_loss
from engine.training.objectives import PolicyGradient, select_candidates
from engine.training.optimizer import FlatAdamW
from engine.training.schedule import Randomness, learning_rates, orders, seed_of, temperatures
from engine.training.stack import Stack
from engine.training.stepper import WORTH_SHARING, precision, threads_for
from engine.training.watch import Watch, before_training
from tests.helpers_training import small

CPU = torch.device("cpu")
SPEC = small({"rl_data": "a", "embeddings": "b"}, grpo_epochs=1)


def groups_of(raw: torch.Tensor, mask: torch.Tensor | None = None, pool: int = 6) -> GroupTensors:
    count, width = raw.shape
    mask = torch.ones_like(raw, dtype=torch.bool) if mask is None else mask
    return GroupTensors(
        query_rows=torch.arange(count),
        pool=torch.arange(pool).repeat(count, 1),
        pool_mask=None,
        pointers=torch.rand(count, width, pool).argsort(-1)[..., :2].contiguous(),
        raw=raw,
        normalized=raw,
        mask=mask,
        sizes=mask.sum(1).numpy(),
        pool_sizes=np.full(count, pool),
    )


def resident(groups: GroupTensors) -> Resident:
    rows = torch.nn.functional.normalize(torch.randn(8, 5), dim=-1)
    return Resident(groups, rows, rows, CPU)


def test_temperature_falls_linearly_over_all_steps() -> None:
    found = temperatures(2.0, 0.5, 10)
    assert [round(found[step], 4) for step in (0, 1, 5, 9)] == [2.0, 1.8333, 1.1667, 0.5]
    assert temperatures(2.0, 0.5, 1) == [0.5]


def test_learning_rate_rises_then_stays_or_falls() -> None:
    assert learning_rates(1.0, 4, 0.5, "constant") == [0.5, 1.0, 1.0, 1.0]
    falling = learning_rates(1.0, 5, 0.0, "cosine")
    assert falling[0] == 1.0
    assert falling == sorted(falling, reverse=True)
    assert learning_rates(1.0, 4, 0.0, "constant") == [1.0] * 4


def test_orders_are_permutations_that_depend_on_seed_and_epoch() -> None:
    groups = np.array([3, 5, 9, 11, 12, 20])
    two = orders([1, 2], groups, ("rce", 0), True)
    assert two.shape == (2, 6)
    assert sorted(two[0]) == sorted(two[1]) == groups.tolist()
    assert two.tolist() == orders([1, 2], groups, ("rce", 0), True).tolist()
    assert two.tolist() != orders([1, 2], groups, ("rce", 1), True).tolist()
    assert orders([4, 4], groups, ("rce", 0), True).shape == (1, 6)
    assert orders([1, 2], groups, ("rce", 0), False).tolist() == [groups.tolist()]
    assert seed_of(1, "a") != seed_of(1, "b")


def test_a_random_stream_goes_on_where_it_stopped() -> None:
    whole, parts = Randomness(5, CPU), Randomness(5, CPU)
    with whole():
        expected = torch.rand(6)
    with parts():
        first = torch.rand(2)
    torch.rand(3)
    with parts():
        second = torch.rand(4)
    assert torch.equal(torch.cat([first, second]), expected)


def test_uniform_loss_by_hand() -> None:
    assert uniform_loss(groups_of(torch.zeros(3, 2), pool=64)) == pytest.approx(8.302, abs=5e-4)
    assert uniform_loss(groups_of(torch.zeros(3, 2), pool=14)) == pytest.approx(5.204, abs=5e-4)


def test_selected_candidates_have_the_advantage_of_their_own_group() -> None:
    raw = torch.tensor([[2.0, 1.6, 0, 0, 0], [1.0, 0, 9, 9, 9]])
    mask = torch.tensor([[True] * 5, [True, True, False, False, False]])
    selected = select_candidates(groups_of(raw, mask), SPEC, 3)
    assert selected.used.sum(1).tolist() == [3, 2]
    torch.testing.assert_close(selected.advantage[0, :2], group_advantage(raw[:1, :3])[0, :2])
    assert selected.advantage[1].tolist() == pytest.approx([0.7071, -0.7071, 0, 0, 0], abs=1e-4)
    assert selected.signal().tolist() == [True, True]


def test_the_kl_weight_adapts_as_published() -> None:
    objective = PolicyGradient(resident(groups_of(torch.rand(2, 3))), SPEC, torch.zeros(1, 2, 3), torch.tensor([0.1]))
    found = []
    for kl in (0.15, 0.15, 0.05, 0.005):
        objective.after_step(torch.tensor([[0.0], [0.0], [0.0], [kl]]))
        found.append(round(objective.beta.item(), 4))
    assert found == [0.15, 0.225, 0.225, 0.15]
    for _ in range(20):
        objective.after_step(torch.full((4, 1), 5.0))
    assert objective.beta.item() == 10


def test_flat_weights_step_as_adamw_over_separate_tensors() -> None:
    torch.manual_seed(0)
    data = resident(groups_of(torch.rand(4, 3)))
    net = PointerSelector(PUBLISHED["v3"], 5, 4, dropout=0.0, attn_dropout=0.0)
    stack = Stack([net], 2, CPU)
    ours, theirs = FlatAdamW(stack, stack.trained(False), [0.01], 1.0), torch.optim.AdamW(net.parameters(), lr=1e-2)
    ours.lr.fill_(1e-2)
    batch = data.batch(data.where(np.arange(4)[None]))
    for _ in range(3):
        stack.differentiate(-stack.log_probs(batch).mean((1, 2, 3)), False)
        ours.step()
        theirs.zero_grad()
        loss = -net.label_log_probs(batch.query[0], batch.pool[0], batch.pointers[0]).mean()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        theirs.step()
    for name, value in stack.selector(0).state_dict().items():
        torch.testing.assert_close(value, net.state_dict()[name], atol=1e-6, rtol=1e-5, msg=name)


def test_weights_that_no_pointer_uses_are_left_alone() -> None:
    net = PointerSelector(PUBLISHED["v3"], 5, 4, shots=1)
    stack = Stack([net], 1, CPU)
    assert set(stack.names[-2:]) == {"query_update_gate.weight", "query_update_gate.bias"}
    assert stack.trained(False) == stack.parameters() - 4 * 8 - 4


def test_compiled_steps_see_batches_of_one_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[object] = []

    def fake(function: Callable[..., torch.Tensor], *, dynamic: bool) -> Callable[..., torch.Tensor]:
        def call(*arguments: Any) -> torch.Tensor:
            if compiled:
                raise RuntimeError("no compiler\nat hand")
            compiled.append(arguments)
            return function(*arguments)

        return call

    monkeypatch.setattr(torch, "compile", fake)
    data = resident(groups_of(torch.rand(4, 3)))
    stack = Stack([PointerSelector(PUBLISHED["v3"], 5, 4).eval()], 2, CPU, compiled=True)
    stack.train(False)
    batch = data.batch(data.anywhere(torch.arange(4)[None]))
    assert torch.equal(stack.training_scores(batch), stack.log_probs(batch))
    with pytest.raises(UserError, match=r"could not compile the network \(no compiler\); train without it"):
        stack.training_scores(batch)


def test_precision_leaves_the_process_as_it_was() -> None:
    before = torch.get_float32_matmul_precision()
    with precision(CPU, "tf32"):
        assert torch.get_float32_matmul_precision() == "high"
    with precision(CPU, "bfloat16"):
        assert (torch.eye(2) @ torch.eye(2)).dtype == torch.bfloat16
    assert torch.get_float32_matmul_precision() == before
    assert (torch.eye(2) @ torch.eye(2)).dtype == torch.float32


def test_dropout_keeps_mean_and_share_and_draws_from_the_seed() -> None:
    layer = BitDropout(0.3)
    ones = torch.ones(200, 301, requires_grad=True)
    torch.manual_seed(1)
    dropped = layer(ones)
    assert float((dropped == 0).float().mean()) == pytest.approx(0.3, abs=0.01)
    assert dropped.mean().item() == pytest.approx(1, abs=0.02)
    (gradient,) = torch.autograd.grad(dropped.sum(), ones)
    assert torch.equal(gradient, dropped)
    torch.manual_seed(1)
    assert torch.equal(layer(ones), dropped)
    assert layer.eval()(ones) is ones


def test_small_steps_keep_to_one_thread() -> None:
    before = torch.get_num_threads()
    with threads_for(WORTH_SHARING / 2, CPU):
        assert torch.get_num_threads() == 1
    with threads_for(WORTH_SHARING * 2, CPU):
        assert torch.get_num_threads() == before
    assert torch.get_num_threads() == before


def test_a_healthy_epoch_raises_nothing() -> None:
    values = {"val_loss": 5.0, "uniform_loss": 5.2, "kl": 0.9, "kl_beta": 9.9}
    assert not list(Watch(SPEC).epoch("rce", 5, values, True))
    assert not list(Watch(SPEC).epoch("grpo", 5, values, True))
    assert not list(before_training(SPEC, 0.01, 0.01))


def test_each_finding_is_raised_once_and_only_when_due() -> None:
    watch = Watch(SPEC)
    rewards = {"greedy_reward": 1.89, "random_reward": 0.62, "oracle_reward": 1.95}
    values = {"val_loss": 5.4, "uniform_loss": 5.2, "kl": 1.1, "kl_beta": 10.0, **rewards}
    first = [finding.code for finding in watch.epoch("rce", 1, values, False)]
    assert not first
    assert not list(watch.epoch("rce", 2, values, False))
    [above] = watch.epoch("rce", 3, values, False)
    assert above.code == "loss-above-uniform"
    assert "That is no accuracy" in above.message
    assert "chance" not in above.message
    assert above.message.endswith("its surest one is worth 1.89 there, a random one 0.62, the best 1.95.")
    assert above.severity == "info"
    worse = Watch(SPEC).epoch("rce", 1, {**values, "greedy_reward": 0.5}, True)
    assert [finding.severity for finding in worse] == ["warning"]
    assert not list(watch.epoch("rce", 4, values, True))
    codes = [finding.code for finding in watch.epoch("grpo", 1, values, False)]
    assert codes == ["kl-explosion", "beta-saturated"]
    assert not list(watch.epoch("grpo", 2, values, False))


def test_broken_numbers_are_named() -> None:
    (finding,) = Watch(SPEC).epoch("grpo", 2, {"kl": math.nan, "kl_beta": 1.0}, False)
    assert finding.code == "non-finite"
    assert "kl is no longer a number in grpo epoch 2" in finding.message
    assert "grpo_lr" in finding.fix


def test_before_training_by_hand(tmp_path: Path) -> None:
    published = SPEC.model_copy(update={"reference": "before_rce"})
    assert [f.code for f in before_training(published, 0.5, 0.5)] == ["reference-before-rce"]
    (nothing,) = before_training(SPEC, 0.0, 0.0)
    assert (nothing.code, nothing.severity) == ("no-signal", "error")
