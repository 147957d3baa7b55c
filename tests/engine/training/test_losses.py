"""RCE and GRPO against published numbers, by hand, and on the edges where the published ones gave NaN."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor

from engine.selector import PADDED_LOGIT
from engine.selector.checkpoint import load_selector
from engine.training.losses import (
    best_candidates,
    group_advantage,
    grpo_loss,
    pick_losses,
    rce_loss,
    reward_weights,
)

GOLDEN = Path(__file__).parents[2] / "golden"
FILES = ("selector_l1", "selector_l3", "selector_l1_k64")
REWARDS = torch.tensor([[2.0, 1.6, 0.0, 0.0, 0.0]])
Z_SCORES = torch.tensor([[1.2852, 0.8835, -0.7229, -0.7229, -0.7229]])


def golden(name: str) -> dict[str, Tensor]:
    tensors: dict[str, Tensor] = load_file(GOLDEN / f"{name}.io.safetensors")
    return tensors


def random_logits(*shape: int) -> tuple[Tensor, Tensor]:
    """Logits (..., S, K) and pointers (..., S) of distinct positions."""
    logits = torch.randn(*shape)
    return logits, torch.rand(*shape).argsort(-1)[..., 0, : shape[-2]]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("top_k", [None, 3])
def test_grpo_terms_are_the_published_ones(name: str, top_k: int | None) -> None:
    tensors = golden(name)
    terms = grpo_loss(tensors["log_probs"], tensors["old_log_probs"], tensors["rewards"], top_k=top_k)
    for field, value in terms._asdict().items():
        torch.testing.assert_close(value, tensors[f"grpo_topk{top_k}_{field}"][0], atol=2e-6, rtol=1e-5)


@pytest.mark.parametrize("name", FILES)
def test_advantage_is_the_published_one(name: str) -> None:
    tensors = golden(name)
    torch.testing.assert_close(group_advantage(tensors["rewards"]), tensors["advantage"], atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("name", FILES)
def test_imitation_is_the_published_cross_entropy(name: str) -> None:
    tensors = golden(name)
    loss = pick_losses(tensors["teacher_forced_logits"], tensors["pointers"][:, 0], label_smoothing=0.1).mean()
    torch.testing.assert_close(loss, tensors["ce_loss"][0], atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("name", FILES)
def test_rce_is_the_published_one(name: str) -> None:
    tensors = golden(name)
    with safe_open(GOLDEN / f"{name}.io.safetensors", "pt") as file:
        heads = json.loads(file.metadata()["config"])["num_heads"]
    selector = load_selector(GOLDEN / f"{name}.pt", answers={"num_heads": heads})
    logits = selector.logits(tensors["query_emb"], tensors["cand_emb"], tensors["pointers"])
    ranks = tensors["rewards"].argsort(-1).argsort(-1) / (tensors["rewards"].shape[1] - 1)
    cases = [(f"rce_raw_t{t}", tensors["rewards"], t) for t in (0.5, 1.0, 2.0)] + [("rce_rank_t1.0", ranks, 1.0)]
    for key, rewards, temperature in cases:
        loss = rce_loss(logits, tensors["pointers"], rewards, temperature=temperature, label_smoothing=0.1)
        torch.testing.assert_close(loss, tensors[key][0], atol=1e-5, rtol=1e-6, msg=key)
    first = pick_losses(logits[:, 0], tensors["pointers"][:, 0], label_smoothing=0.1).mean()
    torch.testing.assert_close(first, tensors["rce_top1"][0], atol=1e-5, rtol=1e-6)


def test_reward_weights_by_hand() -> None:
    hot = torch.tensor([[0.3422, 0.2802, 0.1259, 0.1259, 0.1259]])
    cold = torch.tensor([[0.6648, 0.2987, 0.0122, 0.0122, 0.0122]])
    torch.testing.assert_close(reward_weights(REWARDS, 2.0), hot, atol=5e-5, rtol=0)
    torch.testing.assert_close(reward_weights(REWARDS, 0.5), cold, atol=5e-5, rtol=0)


def test_advantage_by_hand() -> None:
    torch.testing.assert_close(group_advantage(REWARDS), Z_SCORES, atol=5e-5, rtol=0)
    noise = torch.tensor([[0.01, 0.0, 0.0, 0.0, 0.0]])
    once = torch.tensor([[0.08, -0.02, -0.02, -0.02, -0.02]])
    torch.testing.assert_close(group_advantage(noise), once, atol=1e-6, rtol=0)
    standardised = (noise - noise.mean()) / noise.std()
    twice = torch.tensor([[1.7889, -0.4472, -0.4472, -0.4472, -0.4472]])
    torch.testing.assert_close(group_advantage(standardised), twice, atol=5e-5, rtol=0)


@pytest.mark.parametrize(("top_k", "largest"), [(3, 1.1547), (5, 1.7889), (None, 2.4749)])
def test_one_positive_in_eight(top_k: int | None, largest: float) -> None:
    rewards = torch.tensor([[0.0, 0, 0, 2, 0, 0, 0, 0]])
    terms = grpo_loss(torch.zeros(1, 8), torch.zeros(1, 8), rewards, top_k=top_k)
    assert terms.std_advantage.item() == pytest.approx(1, abs=1e-5)
    assert terms.max_advantage.item() == pytest.approx(largest, abs=5e-5)


def test_five_equal_best_of_twelve_teach_nothing() -> None:
    rewards = torch.tensor([[2.0] * 5 + [0.0] * 7])
    terms = grpo_loss(torch.zeros(1, 12), torch.zeros(1, 12), rewards, top_k=5)
    assert terms.max_advantage.item() == 0
    assert terms.loss.item() == 0


def test_grpo_by_hand() -> None:
    old = torch.tensor([[-8.0, -8.5, -9.0, -8.2, -8.8]])
    new = torch.tensor([[-7.9, -8.5, -9.3, -8.2, -8.6]])
    terms = grpo_loss(new, old, REWARDS)
    assert terms.ppo_loss.item() == pytest.approx(-0.023938, abs=2e-6)
    assert terms.kl.item() == pytest.approx(0.013478, abs=2e-6)
    assert terms.loss.item() == pytest.approx(-0.022590, abs=2e-6)


def test_a_group_of_one_has_no_advantage_and_no_nan() -> None:
    log_probs = torch.tensor([[-2.0]], requires_grad=True)
    assert group_advantage(torch.tensor([[1.0]])).item() == 0
    terms = grpo_loss(log_probs, torch.tensor([[-2.1]]), torch.tensor([[1.0]]))
    (gradient,) = torch.autograd.grad(terms.loss, log_probs)
    assert all(torch.isfinite(value) for value in terms)
    assert torch.isfinite(gradient).all()


@pytest.mark.parametrize("size", [2, 6, 11])
@pytest.mark.parametrize("reward", [1.6, -0.3, 1e-4, 0.0, 1e6])
def test_equal_rewards_have_no_advantage(size: int, reward: float) -> None:
    """The mean of eleven times 1.6 is not 1.6 in float32."""
    assert not group_advantage(torch.full((2, size), reward)).any()
    among_others = torch.cat([torch.full((2, size), reward), torch.tensor([[9.0], [-9.0]])], 1)
    assert not group_advantage(among_others, mask=torch.arange(size + 1).expand(2, -1) < size).any()


def test_small_differences_do_count() -> None:
    assert (group_advantage(torch.tensor([[1.6, 1.60001]])) != 0).all()


def test_ratios_far_from_one_stay_finite() -> None:
    log_probs = torch.tensor([[-1.0, -250.0]], requires_grad=True)
    terms = grpo_loss(log_probs, torch.tensor([[-240.0, -1.0]]), torch.tensor([[0.0, 1.0]]))
    (gradient,) = torch.autograd.grad(terms.loss, log_probs)
    assert torch.isfinite(terms.loss)
    assert torch.isfinite(gradient).all()


def padded_groups() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Three groups of 4, 2 and 0 real candidates in one tensor: logits, pointers, rewards, mask."""
    torch.manual_seed(0)
    logits, pointers = random_logits(3, 4, 2, 6)
    rewards = torch.tensor([[2.0, 0, 1.6, 0], [0, 1.6, 9, 9], [9, 9, 9, 9]])
    mask = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0], [0, 0, 0, 0]], dtype=torch.bool)
    return logits, pointers, rewards, mask


@pytest.mark.parametrize("label_smoothing", [0.0, 0.1])
def test_masked_rce_is_the_mean_over_real_groups(label_smoothing: float) -> None:
    logits, pointers, rewards, mask = padded_groups()
    whole = rce_loss(logits, pointers, rewards, temperature=0.7, mask=mask, label_smoothing=label_smoothing)
    alone = [
        rce_loss(logits[i : i + 1, :n], pointers[i : i + 1, :n], rewards[i : i + 1, :n],
                 temperature=0.7, label_smoothing=label_smoothing)
        for i, n in ((0, 4), (1, 2))
    ]  # fmt: skip
    torch.testing.assert_close(whole, torch.stack(alone).mean())


@pytest.mark.parametrize("top_k", [None, 3])
def test_masked_grpo_is_the_mean_over_real_groups(top_k: int | None) -> None:
    _, _, rewards, mask = padded_groups()
    new, old = torch.randn(3, 4), torch.randn(3, 4)
    whole = grpo_loss(new, old, rewards, mask=mask, top_k=top_k)
    alone = [
        grpo_loss(new[i : i + 1, :n], old[i : i + 1, :n], rewards[i : i + 1, :n], top_k=top_k)
        for i, n in ((0, 4), (1, 2))
    ]
    for field in ("loss", "ppo_loss", "kl", "mean_ratio"):
        torch.testing.assert_close(
            getattr(whole, field), torch.stack([getattr(terms, field) for terms in alone]).mean()
        )


@pytest.mark.parametrize("value", [torch.nan, -torch.inf])
def test_what_is_masked_reaches_no_loss(value: float) -> None:
    logits, pointers, rewards, mask = padded_groups()
    new, old = torch.randn(2, 3, 4)

    def spoilt(values: Tensor) -> Tensor:
        missing = ~mask.view(*mask.shape, *[1] * (values.ndim - 2))
        return values.masked_fill(missing, value)

    def losses(logits: Tensor, new: Tensor, old: Tensor, rewards: Tensor) -> tuple[Tensor, list[Tensor]]:
        inputs = [values.clone().requires_grad_() for values in (logits, new)]
        rce = rce_loss(inputs[0], pointers, rewards, temperature=0.7, label_smoothing=0.1, mask=mask)
        terms = grpo_loss(inputs[1], old, rewards, top_k=3, mask=mask)
        slopes = torch.autograd.grad(rce + terms.loss, inputs)
        return torch.stack([rce, *terms]), [*slopes, group_advantage(rewards, mask=mask)]

    clean, parts = losses(logits, new, old, rewards)
    poisoned, others = losses(*map(spoilt, (logits, new, old, rewards)))
    assert torch.equal(poisoned, clean)
    assert all(map(torch.equal, others, parts))


@pytest.mark.parametrize("kind", [torch.float32, torch.int64])
def test_masks_and_rewards_may_be_numbers(kind: torch.dtype) -> None:
    logits, pointers, _, mask = padded_groups()
    rewards = torch.tensor([[2, 0, 1, 0], [0, 1, 9, 9], [9, 9, 9, 9]])
    new, old = torch.randn(2, 3, 4)

    def losses(rewards: Tensor, mask: Tensor) -> Tensor:
        rce = rce_loss(logits, pointers, rewards, temperature=0.7, mask=mask)
        terms = grpo_loss(new, old, rewards, top_k=3, mask=mask)
        return torch.cat([torch.stack([rce, *terms]), group_advantage(rewards, mask=mask).flatten()])

    assert torch.equal(losses(rewards.to(kind), mask.to(kind)), losses(rewards.float(), mask))


def test_positions_that_do_not_exist_cost_nothing_under_label_smoothing() -> None:
    torch.manual_seed(0)
    logits, pointers = random_logits(2, 3, 2, 5)
    padded = torch.cat([logits, torch.full((2, 3, 2, 3), PADDED_LOGIT)], -1)
    rewards = torch.rand(2, 3)
    plain, with_padding = (
        rce_loss(values, pointers, rewards, temperature=1.0, label_smoothing=0.1) for values in (logits, padded)
    )
    torch.testing.assert_close(with_padding, plain)


def test_top_k_larger_than_the_group_keeps_all() -> None:
    rewards = torch.tensor([[1.0, 0.0, 3.0]])
    assert best_candidates(rewards, 9).all()
    assert best_candidates(rewards, 2).tolist() == [[True, False, True]]
    assert best_candidates(rewards, 2, torch.tensor([[True, True, False]])).tolist() == [[True, True, False]]


def test_losses_differentiate() -> None:
    torch.manual_seed(0)
    logits, pointers = random_logits(2, 3, 2, 5)
    rewards = torch.rand(2, 3, dtype=torch.float64)

    def loss(values: Tensor) -> Tensor:
        return rce_loss(values, pointers, rewards, temperature=0.8, label_smoothing=0.05)

    assert torch.autograd.gradcheck(loss, logits.double().requires_grad_())
