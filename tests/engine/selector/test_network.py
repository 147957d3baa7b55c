"""The pointer selector against upstream's numbers, and what must hold for every combination of parts."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, get_args

import pytest
import torch
from safetensors import safe_open
from torch import Tensor
from torch.func import functional_call, stack_module_state, vmap

from db.specs import UserError
from db.specs.selector import PUBLISHED, SelectorParts, expected_tensors
from engine.selector import PADDED_LOGIT, PointerSelector
from engine.selector.diversity import DIVERSITY
from engine.selector.scorers import SCORERS
from engine.selector.update import UPDATES
from tests.helpers_selector import TABLES, VARIANTS, B, D, H, K, P, S, batch, build

GOLDEN = Path(__file__).parents[2] / "golden"


@pytest.fixture(params=VARIANTS)
def parts(request: pytest.FixtureRequest) -> SelectorParts:
    return VARIANTS[request.param]


# --- upstream's numbers --------------------------------------------------------------------------------------------


def golden(name: str) -> tuple[PointerSelector, dict[str, Tensor], Mapping[str, Any]]:
    with safe_open(GOLDEN / f"{name}.io.safetensors", "pt") as file:
        config = json.loads(file.metadata()["config"])
        numbers = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a mapping)
    names = ("d_model", "hidden_dim", "num_layers", "num_heads")
    net = PointerSelector(PUBLISHED["v3"], **{n: config[n] for n in names}, shots=config["shot_num"]).eval()
    net.load_state_dict(torch.load(GOLDEN / f"{name}.pt", weights_only=True)["model_state_dict"])
    return net, numbers, config


@pytest.mark.parametrize("name", ["selector_l1", "selector_l1_k64", "selector_l3"])
def test_golden_numbers(name: str) -> None:
    net, io, config = golden(name)
    inputs = io["query_emb"], io["cand_emb"]
    near = partial(torch.testing.assert_close, atol=4e-6, rtol=0.0)  # logits reach 10, float32 has 1e-6 there
    with torch.no_grad():
        logits = net.logits(*inputs, io["pointers"])
        greedy = net.greedy(*inputs, config["shot_num"])
        near(net.log_probs(*inputs, io["pointers"]), io["log_probs"])
    near(logits[:, 0], io["teacher_forced_logits"])
    near(greedy.logits, io["greedy_logits"])
    assert torch.equal(greedy.pointers, io["greedy_pointer"])
    assert torch.equal(net.select(*inputs, config["shot_num"]), io["greedy_pointer"])


# --- every combination of parts ------------------------------------------------------------------------------------


def test_every_form_of_a_part_has_its_arithmetic() -> None:
    """The names in the specification, in the table of tensors and in the network are the same."""
    for name, built in (("state_update", UPDATES), ("scorer", SCORERS), ("diversity", DIVERSITY | {"none": None})):
        assert set(get_args(SelectorParts.model_fields[name].annotation)) == set(TABLES[name]) == set(built)


def test_names_and_shapes_are_as_described(parts: SelectorParts) -> None:
    net = build(parts, num_layers=2, shots=3)
    shapes = {name: tuple(tensor.shape) for name, tensor in net.state_dict().items()}
    assert shapes == expected_tensors(parts, D, H, 2, 3)


def test_trajectories_do_not_know_of_each_other(parts: SelectorParts) -> None:
    net, (query, candidates, pointers) = build(parts), batch()
    together = net.logits(query, candidates, pointers)
    assert together.shape == (B, P, S, K + parts.stop)
    for path in range(P):
        alone = net.logits(query, candidates, pointers[:, path : path + 1])
        torch.testing.assert_close(alone[:, 0], together[:, path])


def test_log_probs_are_those_of_the_logits(parts: SelectorParts) -> None:
    net, (query, candidates, pointers) = build(parts), batch()
    steps = net.logits(query, candidates, pointers).log_softmax(-1).gather(-1, pointers[..., None]).squeeze(-1)
    torch.testing.assert_close(net.label_log_probs(query, candidates, pointers), steps)
    torch.testing.assert_close(net.log_probs(query, candidates, pointers), steps.sum(-1))


def test_greedy_is_teacher_forcing_on_its_own_choices(parts: SelectorParts) -> None:
    net, (query, candidates, _) = build(parts), batch()
    greedy = net.greedy(query, candidates, S)
    forced = net.logits(query, candidates, greedy.pointers[:, None])
    torch.testing.assert_close(forced[:, 0], greedy.logits)
    selected = net.select(query, candidates, S)
    assert all(len(set(row)) == S for row in selected.tolist() if -1 not in row)


def test_padding_changes_nothing(parts: SelectorParts) -> None:
    net, (query, candidates, pointers) = build(parts), batch(among=4)
    sizes = (K, 4, 5)
    mask = torch.arange(K) < torch.tensor(sizes)[:, None]
    padded = candidates.masked_fill(~mask[..., None], 7.0)
    together = net.logits(query, padded, pointers, mask)
    picks = net.select(query, padded, S, mask)
    for i, size in enumerate(sizes):
        pool = candidates[i : i + 1, :size]
        alone = net.logits(query[i : i + 1], pool, pointers[i : i + 1])
        columns = [*range(size), *[K] * parts.stop]
        torch.testing.assert_close(together[i : i + 1, ..., columns], alone)
        assert torch.equal(net.select(query[i : i + 1], pool, S)[0], picks[i])
        assert (together[i, ..., size:K] == PADDED_LOGIT).all()
        assert not together[i].softmax(-1)[..., size:K].any()


def test_what_is_not_there_may_be_nan(parts: SelectorParts) -> None:
    net, (query, candidates, pointers) = build(parts), batch(among=4)
    mask = torch.arange(K) < torch.tensor([K, 4, 5])[:, None]
    clean, spoilt = (candidates.masked_fill(~mask[..., None], value) for value in (0.0, torch.nan))
    one, two = (net.log_probs(query, pools, pointers, mask) for pools in (clean, spoilt))
    assert torch.equal(one, two)
    assert all(map(torch.equal, gradients(net, one.sum()), gradients(net, two.sum())))
    assert torch.equal(net.select(query, spoilt, S, mask), net.select(query, clean, S, mask))


def test_one_query_pool_or_pointer_serves_all(parts: SelectorParts) -> None:
    net, given = build(parts), batch()
    for single in ((0,), (1,), (2,), (0, 1), (1, 2), (0, 2)):
        inputs = [value[:1] if at in single else value for at, value in enumerate(given)]
        whole = [value.expand(B, *value.shape[1:]) for value in inputs]
        torch.testing.assert_close(net.logits(*inputs), net.logits(*whole))
        torch.testing.assert_close(net.log_probs(*inputs), net.log_probs(*whole))
        picks = net.select(inputs[0], inputs[1], S)
        assert torch.equal(picks.expand(B, -1), net.select(whole[0], whole[1], S))


def test_embeddings_come_in_any_precision(parts: SelectorParts) -> None:
    net, (query, candidates, pointers) = build(parts).float(), batch()
    expected = net.log_probs(query.float(), candidates.float(), pointers)
    assert torch.equal(net.log_probs(query, candidates, pointers), expected)
    half = net.log_probs(query.half(), candidates.half(), pointers)
    assert torch.equal(half, net.log_probs(query.half().float(), candidates.half().float(), pointers))


def test_bfloat16_is_finite_even_where_candidates_repeat(parts: SelectorParts) -> None:
    net, (query, candidates, pointers) = build(parts).float(), batch()
    candidates = candidates[:, :1].expand(-1, K, -1).float()
    exact = net.log_probs(query.float(), candidates, pointers)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = net.log_probs(query.float(), candidates, pointers)
    torch.testing.assert_close(rounded.float(), exact, atol=0.3, rtol=0.01)
    assert all(slope.isfinite().all() for slope in gradients(net, rounded.sum()))


def test_a_shared_pool_is_a_pool_for_each(parts: SelectorParts) -> None:
    net, (query, candidates, pointers) = build(parts), batch()
    shared = candidates[:1]
    each = net.logits(query, shared.expand(B, -1, -1), pointers)
    torch.testing.assert_close(net.logits(query, shared, pointers), each)


def test_gradients_agree_with_finite_differences(parts: SelectorParts) -> None:
    net, (query, candidates, pointers) = build(parts), batch(among=5)
    mask = torch.arange(K) < torch.tensor([K, 5, 5])[:, None]

    def loss() -> Tensor:
        return net.log_probs(query, candidates, pointers, mask).square().mean()

    for (name, parameter), gradient in zip(net.named_parameters(), gradients(net, loss()), strict=True):
        direction = torch.randn(parameter.shape, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
        with torch.no_grad():
            values = []
            for sign in (1, -1):
                parameter.add_(sign * 1e-6 * direction)
                values.append(loss())
                parameter.sub_(sign * 1e-6 * direction)
        expected = (values[0] - values[1]) / 2e-6
        torch.testing.assert_close((gradient * direction).sum(), expected, atol=1e-6, rtol=1e-5, msg=name)


def gradients(net: PointerSelector, loss: Tensor) -> list[Tensor]:
    """The gradient of each parameter, zeros for one that the loss does not depend on."""
    parameters = list(net.parameters())
    found = torch.autograd.grad(loss, parameters, allow_unused=True)
    return [torch.zeros_like(p) if slope is None else slope for p, slope in zip(parameters, found, strict=True)]


def test_every_parameter_learns_unless_upstream_never_uses_it(parts: SelectorParts) -> None:
    net, (query, candidates, pointers) = build(parts, shots=3), batch(shots=3)
    loss = net.log_probs(query, candidates, pointers).square().mean()
    idle = {n for (n, _), slope in zip(net.named_parameters(), gradients(net, loss), strict=True) if not slope.any()}
    never_used = {name for name in idle if name.startswith("refine_score.")}
    assert idle == never_used
    assert bool(never_used) == (parts.scorer == "two-stage" and parts.refine_type == "attn")


def test_many_runs_as_one(parts: SelectorParts) -> None:
    nets = [build(parts, seed=seed) for seed in range(3)]
    query, candidates, pointers = batch()
    parameters, buffers = stack_module_state(nets)
    skeleton = copy.deepcopy(nets[0])

    def log_probs(tensors: dict[str, Tensor]) -> Tensor:
        wanted = (query, candidates, pointers)
        named = {f"net.{name}": tensor for name, tensor in tensors.items()}
        together: Tensor = functional_call(_LogProbs(skeleton), named, wanted)
        return together

    assert not buffers
    together = vmap(log_probs)(parameters)
    for net, row in zip(nets, together, strict=True):
        torch.testing.assert_close(net.log_probs(query, candidates, pointers), row)


class _LogProbs(torch.nn.Module):
    def __init__(self, net: PointerSelector) -> None:
        super().__init__()
        self.net = net

    def forward(self, query: Tensor, candidates: Tensor, pointers: Tensor) -> Tensor:
        return self.net.log_probs(query, candidates, pointers)


def test_dropout_acts_in_training_only(parts: SelectorParts) -> None:
    net, (query, candidates, pointers) = build(parts, dropout=0.5), batch()
    still = net.log_probs(query, candidates, pointers)
    assert torch.equal(still, net.log_probs(query, candidates, pointers))
    net.train()
    torch.manual_seed(0)
    first, second = (net.log_probs(query, candidates, pointers) for _ in range(2))
    assert not torch.equal(first, second)
    torch.manual_seed(0)
    assert torch.equal(first, net.log_probs(query, candidates, pointers))


# --- shots, pools, refusals ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("shots", [1, 5, 8])
def test_one_to_eight_shots(shots: int) -> None:
    for name in ("v1", "v3", "v4_6", "v4_7", "v4_8"):
        net, (query, candidates, pointers) = build(VARIANTS[name]), batch(pool=9, shots=shots)
        assert net.logits(query, candidates, pointers).shape == (B, P, shots, 9)
        assert net.select(query, candidates, shots).shape == (B, shots)


@pytest.mark.parametrize("name", ["v4_2", "v4_3", "v4_9", "v4_10"])
def test_untrained_steps_are_refused_unless_asked_for(name: str) -> None:
    net, (query, candidates, pointers) = build(VARIANTS[name]), batch(shots=3)
    with pytest.raises(UserError, match="trained vectors for 2 shots, 3 were asked for"):
        net.select(query, candidates, 3)
    wider = net.widened(3)
    assert wider.max_shots == 3
    assert wider.select(query, candidates, 3).shape == (B, 3)
    torch.testing.assert_close(
        wider.logits(query, candidates, pointers)[:, :, :2], net.logits(query, candidates, pointers[..., :2])
    )


def test_a_used_up_pool_ends_the_pointer() -> None:
    net, (query, candidates, _) = build(PUBLISHED["v3"]), batch()
    picks = net.select(query, candidates[:, :2], 4).tolist()
    assert all(sorted(row[:2]) == [0, 1] and row[2:] == [-1, -1] for row in picks)
    mask = torch.zeros(B, K, dtype=torch.bool)
    mask[:, 3] = True
    assert net.select(query, candidates, 2, mask).tolist() == [[3, -1]] * B
    mask[0] = False
    assert net.select(query, candidates, 2, mask).tolist()[0] == [-1, -1]


def test_after_stop_nothing_but_stop() -> None:
    net, (query, candidates, _) = build(PUBLISHED["v4_10"], shots=3), batch()
    stops = torch.full((B, 1, 3), K)
    logits = net.logits(query, candidates, stops)
    assert (logits[:, 0, 1:, :K] == -100).all()
    assert (logits[:, 0, 1:, K] > -100).all()
    with torch.no_grad():
        net.stop_token.copy_(net.cand_proj(net.input_proj(query[:1])) if net.input_proj else net.stop_token)
    assert net.select(query, candidates, 3).min() >= -1


def test_wrong_widths_heads_and_shots_are_refused() -> None:
    net, (query, candidates, _) = build(PUBLISHED["v3"]), batch()
    with pytest.raises(UserError, match="query embeddings are 5 wide, but the selector was trained on 12"):
        net.select(query[:, :5], candidates, 2)
    with pytest.raises(UserError, match="shots must be 1 to 8, not 9"):
        net.select(query, candidates, 9)
    with pytest.raises(UserError, match="num_heads=3 does not divide hidden_dim=8"):
        build(PUBLISHED["v3"], num_heads=3)


def test_misshapen_inputs_and_strange_pointers_are_refused() -> None:
    net, (query, candidates, pointers) = build(PUBLISHED["v3"]), batch()
    with pytest.raises(UserError, match="2 queries, 3 pools, 3 pointers do not go together"):
        net.logits(query[:2], candidates, pointers)
    with pytest.raises(UserError, match="2 queries, 3 pools do not go together"):
        net.select(query[:2], candidates, 2)
    with pytest.raises(UserError, match=r"the pointers have the shape \[3, 2\], but \(B, P, S\) is wanted"):
        net.log_probs(query, candidates, pointers[:, 0])
    with pytest.raises(UserError, match=r"the queries have the shape \[12\], but \(B, d\) is wanted"):
        net.select(query[0], candidates, 2)
    for stray in (-1, K):
        for measure in (net.logits, net.log_probs):
            with pytest.raises(UserError, match=f"a pointer holds {stray}, but positions in a pool of 6 are 0 to 5"):
                measure(query, candidates, pointers.masked_fill(pointers == pointers[0, 0, 1], stray))
