"""How the state (B, P, H) changes once a candidate (B, P, H) has been chosen, and the tensors that this takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from db.specs.selector import MAX_SHOTS, StateUpdateName
from engine.selector.fused import gated_unit, unit
from engine.selector.layers import Recurrent
from engine.selector.tensors import SelectorTensors, embedding, xavier


class Update(NamedTuple):
    """`build` gives a new selector its tensors; `after` is the state after a choice: (selector, state, chosen)."""

    build: Callable[[SelectorTensors], None]
    after: Callable[[SelectorTensors, Tensor, Tensor], Tensor]


def static(net: SelectorTensors, state: Tensor, chosen: Tensor) -> Tensor:
    """The query stays what it is."""
    return state


def weighted(net: SelectorTensors, state: Tensor, chosen: Tensor) -> Tensor:
    """norm(α state + (1-α) chosen), α fixed or the sigmoid of a learned number."""
    fixed = net.parts.update_weight
    share = torch.sigmoid(net.query_update_weight) if fixed is None else fixed
    return unit(share * state + (1 - share) * chosen)


def gate(net: SelectorTensors, state: Tensor, chosen: Tensor) -> Tensor:
    """norm(g⊙state + (1-g)⊙chosen), g = sigmoid(W [state; chosen] + b)."""
    of_state, of_chosen = net.query_update_gate.weight.chunk(2, dim=1)
    # two products instead of one over [state; chosen]: at the first step all trajectories share the state
    chosen_gate = F.linear(chosen, of_chosen, net.query_update_gate.bias)
    return gated_unit(F.linear(state, of_state), chosen_gate, state, chosen)


def gru(net: SelectorTensors, state: Tensor, chosen: Tensor) -> Tensor:
    """norm(GRU(chosen, state))."""
    return unit(net.decoder_gru(chosen, state))


def _nothing(net: SelectorTensors) -> None:
    pass


def _share(net: SelectorTensors) -> None:
    if net.parts.update_weight is None:
        net.query_update_weight = nn.Parameter(torch.tensor(0.6))


def _gate(net: SelectorTensors) -> None:
    net.query_update_gate = xavier(nn.Linear(2 * net.width, net.width))
    nn.init.zeros_(net.query_update_gate.bias)


def _gru(net: SelectorTensors) -> None:
    net.decoder_gru = Recurrent(net.width)


def _slots(net: SelectorTensors) -> None:
    net.slot_emb = embedding(MAX_SHOTS, net.width)
    net.slot_self_attn_layers = nn.ModuleList(net.attention() for _ in range(net.parts.slot_layers))
    net.slot_norms = nn.ModuleList(nn.LayerNorm(net.width) for _ in range(net.parts.slot_layers))
    if net.parts.slot_candidate_attention:
        net.slot_cand_attn = net.attention()
        net.slot_cand_norm = nn.LayerNorm(net.width)


UPDATES: dict[StateUpdateName, Update] = {
    "static": Update(_nothing, static),
    "weighted": Update(_share, weighted),
    "gate": Update(_gate, gate),
    "gru": Update(_gru, gru),
    "slots": Update(_slots, static),
}
