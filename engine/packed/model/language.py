"""The language model over packed tokens: new tokens of many prompts in one row, each reading the slots of its own prefix."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from engine.packed.kernels.attention import Attention
from engine.packed.kernels.beam_slots import Answering
from engine.packed.kernels.pointwise import Feeding, Pointwise
from engine.packed.model.memory import KeyValues
from engine.packed.model.weights import LanguageWeights, Layer

Attend = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(queries, key slots, value slots) of a layer to what was read."""


@dataclass(frozen=True)
class Stack:
    """All layers in one precision, and what makes the input of their products."""

    layers: Sequence[Layer]
    ops: Feeding


class Language:
    """Forward passes; keys and values go to `memory`."""

    def __init__(self, weights: LanguageWeights, memory: KeyValues, attention: Attention, pointwise: Pointwise) -> None:
        self.weights = weights
        self.memory = memory
        self.attention = attention
        self.pointwise = pointwise
        self._scale = float(weights.head_width) ** -0.5
        self.own = Stack(weights.layers, pointwise)
        """The layers as they are stored."""
        self.reading = self.own
        """What prompts are read through; answers and references always go through its `own`."""

    def prefill(
        self,
        x: Tensor,
        positions: Tensor,
        slots: Tensor,
        plan: Any,
        rows: Tensor,
        added: tuple[Tensor, Tensor] | None = None,
        stack: Stack | None = None,
    ) -> Tensor:
        """Reads new tokens `x` (T, D) at `positions` (3, T) into `slots` (T,); hidden states (R, D) of the `rows` asked for.

        `added`: rows (N,) and what is added to them behind each of the first layers, (layers, N, D). `stack`: other layers than
        its own.
        """

        def attend(q: Tensor, keys: Tensor, values: Tensor) -> Tensor:
            return self.attention.prefill(q, keys, values, plan, self._scale)

        return self._layers(x, positions, slots, attend, rows, added, stack or self.own)

    def decode(self, x: Tensor, positions: Tensor, slots: Tensor, plan: Answering) -> Tensor:
        """Reads the newest token of each beam: (B W, D), positions (3, B W); hidden states (B W, D)."""

        def attend(q: Tensor, keys: Tensor, values: Tensor) -> Tensor:
            return self.attention.decode(q, keys, values, plan, self._scale)

        return self._layers(x, positions, slots, attend, None, None, self.own)

    def logits(self, hidden: Tensor) -> Tensor:
        """(R, V) float32."""
        return self.weights.head(hidden).float()

    def _layers(
        self,
        x: Tensor,
        positions: Tensor,
        slots: Tensor,
        attend: Attend,
        rows: Tensor | None,
        added: tuple[Tensor, Tensor] | None,
        stack: Stack,
    ) -> Tensor:
        w, ops, layers = self.weights, stack.ops, stack.layers
        cos, sin = (one[0].contiguous() for one in w.rotary(x, positions[:, None]))  # (T, W)
        y = ops.norm(x, layers[0].norm_in, w.eps)
        last = len(layers) - 1
        for number, layer in enumerate(layers):
            keys, values = self.memory.keys[number], self.memory.values[number]
            q = self.pointwise.rotate_and_keep(self._heads(layer.qkv(y), layer), cos, sin, keys, values, slots)
            if number == last and rows is not None:
                if not len(rows):
                    return x[:0]  # nobody asks what comes next: keys and values were all
                read, x = attend(q, keys, values)[rows], x[rows]
            else:
                read = attend(q, keys, values)
            x, y = ops.add_norm(x, layer.out(ops.rows(read.flatten(1))), layer.norm_mid, w.eps)
            more = layer.down(ops.gate(layer.gate_up(y)))
            if added is not None and number < len(added[1]):
                more.index_add_(0, added[0], added[1][number])
            if number < last:
                x, y = ops.add_norm(x, more, layers[number + 1].norm_in, w.eps)
        return self.pointwise.add_norm(x, more, w.norm, w.eps)[1]

    def _heads(self, made: Tensor, layer: Layer) -> Tensor:
        """Queries, keys and values (T, Q + 2 K, W) of what the first product made."""
        w = self.weights
        heads = made.view(len(made), w.heads + 2 * w.kept_heads, w.head_width)
        if layer.norm_q is None or layer.norm_k is None:
            return heads
        q, k, v = torch.split(heads, [w.heads, w.kept_heads, w.kept_heads], 1)
        return torch.cat(
            (self.pointwise.norm(q, layer.norm_q, w.eps), self.pointwise.norm(k, layer.norm_k, w.eps), v), 1
        )
