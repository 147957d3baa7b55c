"""Each published selector computed by hand: one query, one trajectory, one candidate at a time, with torch's own layers,
from the formulas alone. Slow, obvious, and written without the code under test."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from db.specs.selector import EARLIER, PUBLISHED, SelectorParts
from engine.selector import PointerSelector
from tests.helpers_selector import VARIANTS, D, H, batch, build

HEADS = 2
Weights = dict[str, Tensor]


def norm(vector: Tensor) -> Tensor:
    return vector / vector.square().sum().sqrt()


def below(weights: Weights, name: str) -> Weights:
    return {key.removeprefix(f"{name}."): value for key, value in weights.items() if key.startswith(f"{name}.")}


def attend(weights: Weights, name: str, queries: Tensor, memory: Tensor) -> Tensor:
    """torch's own attention of queries (T, H) to memory (K, H)."""
    layer = nn.MultiheadAttention(H, HEADS, batch_first=True).double()
    layer.load_state_dict(below(weights, name))
    return layer(queries[None], memory[None], memory[None], need_weights=False)[0][0].detach()  # type: ignore[no-any-return]


def layer_norm(weights: Weights, name: str, values: Tensor) -> Tensor:
    return F.layer_norm(values, (H,), weights[f"{name}.weight"], weights[f"{name}.bias"])


def trunk(parts: SelectorParts, weights: Weights, query: Tensor, pool: Tensor, shots: int) -> tuple[Tensor, Tensor]:
    """Queries (1 or S, H) and candidates (K, H) of length one, for one query (d,) and one pool (K, d)."""
    q, c = query @ weights["input_proj.weight"].T, pool @ weights["input_proj.weight"].T
    if parts.candidate_layers:
        layer = nn.TransformerEncoderLayer(H, 1, 4 * H, activation="gelu", batch_first=True, norm_first=True).double()
        encoder = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False).eval()
        encoder.load_state_dict(below(weights, "cand_encoder"))
        c = encoder(c[None])[0].detach()
    queries = q[None]
    queries = layer_norm(weights, "attn_norms.0", queries + attend(weights, "cross_attn_layers.0", queries, c))
    if parts.state_update == "slots":
        queries = queries + weights["slot_emb.weight"][:shots]
        for i in range(2):
            mixed = queries + attend(weights, f"slot_self_attn_layers.{i}", queries, queries)
            queries = layer_norm(weights, f"slot_norms.{i}", mixed)
        queries = layer_norm(weights, "slot_cand_norm", queries + attend(weights, "slot_cand_attn", queries, c))
    queries = torch.stack([norm(weights["query_proj.weight"] @ row) for row in queries])
    return queries, torch.stack([norm(weights["cand_proj.weight"] @ row) for row in c])


def towers(parts: SelectorParts, weights: Weights, query: Tensor, pool: Tensor, shots: int) -> tuple[Tensor, Tensor]:
    def tower(name: str, vector: Tensor) -> Tensor:
        w = below(weights, name)
        hidden = F.layer_norm(w["0.weight"] @ vector + w["0.bias"], (D,), w["1.weight"], w["1.bias"])
        out = w["4.weight"] @ hidden.clamp(min=0) + w["4.bias"]
        return norm(F.layer_norm(out, (D,), w["5.weight"], w["5.bias"]))

    return tower("query_proj", query)[None], torch.stack([tower("cand_proj", row) for row in pool])


def updated(parts: SelectorParts, weights: Weights, state: Tensor, chosen: Tensor) -> Tensor:
    if parts.state_update in ("static", "slots"):
        return state
    if parts.state_update == "weighted":
        alpha = parts.update_weight or 1 / (1 + math.exp(-weights["query_update_weight"].item()))
        return norm(alpha * state + (1 - alpha) * chosen)
    if parts.state_update == "gate":
        w = below(weights, "query_update_gate")
        g = torch.sigmoid(w["weight"] @ torch.cat([state, chosen]) + w["bias"])
        return norm(g * state + (1 - g) * chosen)
    cell = nn.GRUCell(H, H).double()
    cell.load_state_dict(below(weights, "decoder_gru"))
    return norm(cell(chosen[None], state[None])[0].detach())


def scores(parts: SelectorParts, weights: Weights, h: Tensor, c: Tensor, taken: list[int]) -> Tensor:
    t = weights["temperature"].item() if parts.learn_temperature else (0.5 if parts.projection == "towers" else 0.1)
    dots = torch.stack([h @ row for row in c]) / t
    if parts.scorer == "additive":
        inner = [weights["attn_Wq.weight"] @ h + weights["attn_Wq.bias"] + weights["attn_Wc.weight"] @ row for row in c]
        return torch.stack([weights["attn_v.weight"][0] @ torch.tanh(v) for v in inner]) / t
    if parts.scorer == "bilinear":
        return torch.stack([h @ weights["bilinear.weight"][0] @ row for row in c]) / t
    if parts.scorer == "two-stage":
        free = sorted((k for k in range(len(c)) if k not in taken), key=lambda k: -dots[k].item())[: parts.top_m]
        return refined(parts, weights, h, c, free, t)
    return dots


def refined(parts: SelectorParts, weights: Weights, h: Tensor, c: Tensor, best: list[int], t: float) -> Tensor:
    out = torch.full((len(c),), -100.0, dtype=torch.float64)
    if parts.refine_type == "attn":
        again = norm(layer_norm(weights, "refine_norm", h + attend(weights, "refine_attn", h[None], c[best])[0]))
        for k in best:
            out[k] = again @ c[k] / t
        return out
    w = below(weights, "refine_mlp")
    for k in best:
        hidden = (w["0.weight"] @ torch.cat([h, c[k]]) + w["0.bias"]).clamp(min=0)
        out[k] = (w["3.weight"] @ hidden + w["3.bias"])[0] / t
    return out


def diversity(parts: SelectorParts, weights: Weights, q: Tensor, c: Tensor, taken: list[int], k: int) -> float:
    """What candidate k gains or loses after the choices `taken`."""
    if parts.diversity == "none" or not taken:
        return 0.0
    if parts.diversity == "mmr":
        cosines = [(c[k] @ c[j]).item() for j in taken]
        near = max(cosines) if parts.mmr_reduction == "max" else sum(cosines) / len(cosines)
        return -math.log1p(math.exp(weights["div_lambda"][len(taken)].item())) * near
    if parts.diversity == "dpp":
        low = [norm(weights["dpp_proj.weight"] @ row) for row in c]
        near = max((low[k] @ low[j]).item() for j in taken)
        return math.log1p(math.exp(weights["dpp_lambda"].item())) * math.log(1e-6 + 1 - min(near**2, 0.999))
    topic = [torch.softmax(weights["topic_prototypes"] @ row, 0) for row in c]
    need = torch.softmax(weights["query_topic_head.weight"] @ q + weights["query_topic_head.bias"], 0)
    covered = torch.zeros_like(need)
    for j in taken:
        covered = (covered + topic[j]).clamp(max=1)
    return math.log1p(math.exp(weights["cover_lambda"].item())) * (need * (1 - covered) * topic[k]).sum().item()


def by_hand(parts: SelectorParts, weights: Weights, query: Tensor, pool: Tensor, pointer: list[int]) -> Tensor:
    """Teacher-forced logits (S, K) of one pointer."""
    front: Callable[..., tuple[Tensor, Tensor]] = towers if parts.projection == "towers" else trunk
    queries, c = front(parts, weights, query, pool, len(pointer))
    if parts.stop:
        c = torch.cat([c, norm(weights["stop_token"][0])[None]])
    state, rows = queries[0], []
    for step, label in enumerate(pointer):
        taken = pointer[:step]
        h = queries[step] if parts.state_update == "slots" else state
        if parts.step_embedding:
            h = norm(h + weights["step_emb.weight"][step])
        row = scores(parts, weights, h, c, taken).clone()
        for k in range(len(c)):
            row[k] = (
                (-1e4 if parts.exact_mask else -100.0)
                if k in taken
                else row[k] + diversity(parts, weights, queries[0], c, taken, k)
            )
        rows.append(row)
        state = updated(parts, weights, state, c[label])
    return torch.stack(rows)


@pytest.mark.parametrize("name", VARIANTS)
def test_logits_agree_with_the_formulas(name: str) -> None:
    parts = VARIANTS[name]
    net, (query, candidates, pointers) = build(parts, shots=3), batch(pool=7, shots=3)
    weights = {key: value.detach() for key, value in net.state_dict().items()}
    logits = net.logits(query, candidates, pointers).detach()
    for b in range(2):
        for p in range(2):
            expected = by_hand(parts, weights, query[b], candidates[b], pointers[b, p].tolist())
            torch.testing.assert_close(logits[b, p], expected, atol=1e-9, rtol=1e-9)


def test_what_was_left_out_by_the_first_stage_costs_a_hundred_nats() -> None:
    parts = PUBLISHED["v4_9"].model_copy(update={"top_m": 2})
    net, (query, candidates, pointers) = build(parts), batch()
    logits = net.logits(query, candidates, pointers)
    assert ((logits[:, :, 0] > -100).sum(-1) == 2).all()
    left_out = logits[:, :, 0].argmin(-1)
    cost = -net.label_log_probs(query, candidates, left_out[..., None])
    assert (cost > 85).all()


def test_repeating_a_choice_costs_a_hundred_nats_but_minus_infinity_was_never_meant() -> None:
    query, candidates, _ = batch()
    again = torch.zeros(3, 1, 2, dtype=torch.long)
    published = -build(PUBLISHED["v3"]).label_log_probs(query, candidates, again)[..., 1]
    assert ((published > 85) & (published < 125)).all()
    exact = build(EARLIER["v1"]).label_log_probs(query, candidates, again)[..., 1]
    assert (exact.exp() == 0).all()
    assert exact.isfinite().all()


def test_a_new_gate_keeps_about_half_and_new_projections_are_near_the_identity() -> None:
    torch.manual_seed(0)
    net = PointerSelector(PUBLISHED["v3"], 512)
    assert net.query_update_gate.bias.abs().max() == 0
    drift = net.state_dict()["query_proj.weight"] - torch.eye(256)
    assert 0.009 < drift.std() < 0.011
    assert torch.sigmoid(PointerSelector(PUBLISHED["v1"], 8).query_update_weight).item() == pytest.approx(
        0.6457, abs=1e-4
    )
