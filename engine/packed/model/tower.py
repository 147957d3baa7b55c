"""The vision tower: all images of a chunk as one row of patches, all their windows in one call of attention."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.nn.functional import gelu, linear

from engine.packed.kernels.attention import Attention
from engine.packed.kernels.pointwise import Pointwise
from engine.packed.model.weights import TowerWeights
from engine.packed.transfer import send

Grid = tuple[int, int]
"""Rows and columns of patches."""


class Tower(Protocol):
    """Makes visual tokens."""

    merge: int
    """Side of the square of patches that makes one visual token."""

    def __call__(self, patches: Tensor, grids: Sequence[Grid]) -> list[Tensor]:
        """Visual tokens (depth, places, width) of each image for the patches (T, patch values) of all; depth is 1, or more
        where the language model takes further features behind its first layers."""
        ...

    def operations(self, patches: int) -> float:
        """Multiplications and additions for one image."""
        ...


@dataclass(frozen=True)
class Order:
    """Where patches of some images stand while they pass through the tower."""

    by_window: Tensor
    """(places,) merged patches in the order of windows."""
    windows: Tensor
    """(n + 1,) where each window begins, in patches."""
    images: Tensor
    """(n + 1,) where each image begins, in patches."""
    positions: Tensor
    """(T, 2) row and column of each patch, in the order of the patches."""


def order(grids: Sequence[Grid], *, window: int, merge: int) -> Order:
    """Patches come block by block of merge x merge; windows are `window` blocks wide and high, cut at the image's edge."""
    unit = merge * merge
    sizes = torch.tensor([rows * columns for rows, columns in grids])
    begins = starts(sizes)
    each = [_order_of_one(grid, window, merge) for grid in grids]
    places = [start // unit + one[0] for start, one in zip(begins.tolist(), each, strict=False)]
    lengths, positions = torch.cat([one[1] for one in each]), torch.cat([one[2] for one in each])
    return Order(torch.cat(places), starts(lengths * unit), begins, positions)


@lru_cache(maxsize=4096)
def _order_of_one(grid: Grid, window: int, merge: int) -> tuple[Tensor, Tensor, Tensor]:
    """Merged patches in the order of windows, merged patches in each window, and row and column of each patch."""
    rows, columns = grid
    high, wide = rows // merge, columns // merge
    row, column = torch.arange(high)[:, None] // window, torch.arange(wide) // window
    of_window = (row * -(-wide // window) + column).flatten()
    return of_window.argsort(stable=True), of_window.bincount(), block_positions(rows, columns, merge)


def starts(lengths: Tensor) -> Tensor:
    """(n + 1,) where each of some sequences begins."""
    return torch.cat((lengths.new_zeros(1), lengths.cumsum(0)))


def block_positions(rows: int, columns: int, merge: int) -> Tensor:
    """(T, 2) row and column of each patch, block by block of merge x merge."""
    row, column = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    blocks = (rows // merge, merge, columns // merge, merge)
    return torch.stack([one.reshape(blocks).transpose(1, 2).flatten() for one in (row, column)], -1)


class PackedTower:
    """The tower of Qwen2.5-VL."""

    def __init__(self, weights: TowerWeights, attention: Attention, pointwise: Pointwise) -> None:
        self.weights = weights
        self.merge = weights.merge
        self._attention = attention
        self._ops = pointwise

    def __call__(self, patches: Tensor, grids: Sequence[Grid]) -> list[Tensor]:
        """See `Tower`."""
        w, device = self.weights, patches.device
        placed = order(grids, window=w.window, merge=w.merge)
        by_window = send(placed.by_window, device)
        cos, sin = self._rotary(send(placed.positions, device))
        x = _permuted(linear(patches.to(w.patches.dtype), w.patches), by_window, w.merge**2)
        cos, sin = (_permuted(one, by_window, w.merge**2) for one in (cos, sin))
        plans = {
            True: self._attention.stretches(placed.images),
            False: self._attention.stretches(placed.windows),
        }
        y = self._layers(x, cos, sin, plans)
        merged = w.merge_last(gelu(w.merge_first(y.view(len(by_window), -1))))
        tokens = torch.empty_like(merged)
        tokens[by_window] = merged
        return [one[None] for one in torch.split(tokens, [rows * columns // w.merge**2 for rows, columns in grids])]

    def operations(self, patches: int) -> float:
        """See `Tower`."""
        return self.weights.operations(patches)

    def _rotary(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """cos and sin (T, head width), float32."""
        cos, sin = self.weights.rotary(torch.empty(0, device=positions.device), positions)
        return cos.float(), sin.float()

    def _layers(self, x: Tensor, cos: Tensor, sin: Tensor, plans: dict[bool, Any]) -> Tensor:
        w, ops = self.weights, self._ops
        last = len(w.layers) - 1
        scale = (x.shape[1] // w.heads) ** -0.5
        y = ops.norm(x, w.layers[0].norm_in, w.eps)
        for number, layer in enumerate(w.layers):
            heads = layer.qkv(y).view(len(y), 3 * w.heads, -1)
            turned = ops.rotate(heads[:, : 2 * w.heads], cos, sin)
            q, k, v = turned[:, : w.heads], turned[:, w.heads :], heads[:, 2 * w.heads :]
            read = self._attention.within(q, k, v, plans[number in w.whole_layers], scale)
            x, y = ops.add_norm(x, layer.out(read.flatten(1)), layer.norm_mid, w.eps)
            more = layer.down(ops.gate(layer.gate_up(y)))
            x, y = ops.add_norm(x, more, w.merge_norm if number == last else w.layers[number + 1].norm_in, w.eps)
        return y


def _permuted(x: Tensor, places: Tensor, unit: int) -> Tensor:
    """(T, D) with its blocks of `unit` rows in another order."""
    return x.view(len(places), unit, -1)[places].view(len(x), -1)


class OwnTower:
    """The model's own tower, where the engine has none for it (`engine.packed.model.source.TOWERS`)."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self.merge = int(model.config.vision_config.spatial_merge_size)

    def operations(self, patches: int) -> float:
        """See `Tower`; without attention."""
        weights: int = sum(weight.numel() for weight in self._model.model.visual.parameters())
        return 2.0 * patches * weights

    def __call__(self, patches: Tensor, grids: Sequence[Grid]) -> list[Tensor]:
        """See `Tower`."""
        grid = torch.tensor([(1, *one) for one in grids], device=patches.device)
        seen = self._model.get_image_features(pixel_values=patches.to(self._model.dtype), image_grid_thw=grid)
        deeper = getattr(seen, "deepstack_features", None) or []
        return [torch.stack(parts) for parts in zip(seen.pooler_output, *deeper, strict=True)]
