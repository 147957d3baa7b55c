"""How the state (B, P, H) changes once a candidate (B, P, H) has been chosen; the registry is a plain dict."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.selector.fused import gated_unit, unit
from engine.selector.tensors import SelectorTensors


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


UPDATES: dict[str, Callable[[SelectorTensors, Tensor, Tensor], Tensor]] = {
    "static": static, "weighted": weighted, "gate": gate, "gru": gru, "slots": static,
}  # fmt: skip
