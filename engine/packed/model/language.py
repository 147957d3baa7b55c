"""The language model over packed tokens: new tokens of many prompts in one row, each reading the slots of its own prefix."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from engine.packed.kernels.attention import Attention
from engine.packed.kernels.beam_slots import Answering
from engine.packed.kernels.pointwise import Pointwise
from engine.packed.model.memory import KeyValues
from engine.packed.model.weights import LanguageWeights, Layer

Attend = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(queries, key slots, value slots) of a layer to what was read."""


class Language:
    """Forward passes; keys and values go to `memory`."""

    def __init__(self, weights: LanguageWeights, memory: KeyValues, attention: Attention, pointwise: Pointwise) -> None:
        self.weights = weights
        self.memory = memory
        self.attention = attention
        self._ops = pointwise
        self._scale = float(weights.head_width) ** -0.5

    def prefill(
        self,
        x: Tensor,
        positions: Tensor,
        slots: Tensor,
        plan: Any,
        rows: Tensor,
        added: tuple[Tensor, Tensor] | None = None,
    ) -> Tensor:
        """Reads new tokens `x` (T, D) at `positions` (3, T) into `slots` (T,); hidden states (R, D) of the `rows` asked for.

        `added`: rows (N,) and what is added to them behind each of the first layers, (layers, N, D).
        """

        def attend(q: Tensor, keys: Tensor, values: Tensor) -> Tensor:
            return self.attention.prefill(q, keys, values, plan, self._scale)

        return self._layers(x, positions, slots, attend, rows, added)

    def decode(self, x: Tensor, positions: Tensor, slots: Tensor, plan: Answering) -> Tensor:
        """Reads the newest token of each beam: (B W, D), positions (3, B W); hidden states (B W, D)."""

        def attend(q: Tensor, keys: Tensor, values: Tensor) -> Tensor:
            return self.attention.decode(q, keys, values, plan, self._scale)

        return self._layers(x, positions, slots, attend, None, None)

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
    ) -> Tensor:
        w, ops = self.weights, self._ops
        cos, sin = (one[0].contiguous() for one in w.rotary(x, positions[:, None]))  # (T, W)
        y = ops.norm(x, w.layers[0].norm_in, w.eps)
        last = len(w.layers) - 1
        for number, layer in enumerate(w.layers):
            keys, values = self.memory.keys[number], self.memory.values[number]
            q = ops.rotate_and_keep(self._heads(y, layer), cos, sin, keys, values, slots)
            if number == last and rows is not None:
                if not len(rows):
                    return x[:0]  # nobody asks what comes next: keys and values were all
                read, x = attend(q, keys, values)[rows], x[rows]
            else:
                read = attend(q, keys, values)
            x, y = ops.add_norm(x, layer.out(read.flatten(1)), layer.norm_mid, w.eps)
            more = layer.down(ops.gate(layer.gate_up(y)))
            if added is not None and number < len(added[1]):
                more.index_add_(0, added[0], added[1][number])
            x, y = ops.add_norm(x, more, w.norm if number == last else w.layers[number + 1].norm_in, w.eps)
        return y

    def _heads(self, y: Tensor, layer: Layer) -> Tensor:
        """Queries, keys and values (T, Q + 2 K, W)."""
        w = self.weights
        heads = layer.qkv(y).view(len(y), w.heads + 2 * w.kept_heads, w.head_width)
        if layer.norm_q is None or layer.norm_k is None:
            return heads
        q, k, v = torch.split(heads, [w.heads, w.kept_heads, w.kept_heads], 1)
        return torch.cat((self._ops.norm(q, layer.norm_q, w.eps), self._ops.norm(k, layer.norm_k, w.eps), v), 1)
