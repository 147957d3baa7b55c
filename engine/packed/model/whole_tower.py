"""The vision towers whose attention spans the image, Qwen2-VL's and Qwen3-VL's: all images of a chunk as one row of patches."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import gelu, layer_norm

from engine.packed.kernels.attention import Attention
from engine.packed.kernels.pointwise import Pointwise
from engine.packed.model.source import Rotary, Source
from engine.packed.model.tower import Grid, block_positions, starts
from engine.packed.model.weights import Parts, Product
from engine.packed.transfer import send

EPS = 1e-6


def _quick_gelu(x: Tensor) -> Tensor:
    return x * torch.sigmoid(1.702 * x)


ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "quick_gelu": _quick_gelu,
    "gelu_pytorch_tanh": partial(gelu, approximate="tanh"),
}
"""Name in a configuration -> what stands between the two products of a block, see `engine.packed.model.source.TOWERS`."""


@dataclass(frozen=True)
class Norm:
    """Over the last dimension, with mean and bias."""

    weight: Tensor
    bias: Tensor

    def __call__(self, x: Tensor) -> Tensor:
        """(T, D)."""
        return layer_norm(x, self.weight.shape, self.weight, self.bias, EPS)


@dataclass(frozen=True)
class Block:
    """A layer."""

    norm_in: Norm
    norm_mid: Norm
    qkv: Product
    out: Product
    up: Product
    down: Product


@dataclass(frozen=True)
class Merger:
    """Makes one visual token of each square of patches; its norm is of a patch or of the square."""

    norm: Norm
    first: Product
    last: Product

    def __call__(self, x: Tensor) -> Tensor:
        """(T, D) to (places, width)."""
        joined = self.first.weight.shape[1]
        return self.last(gelu(self.first(self.norm(x.view(-1, len(self.norm.weight))).view(-1, joined))))


@dataclass(frozen=True)
class WholeTowerWeights:
    """A tower without windows."""

    patches: Product
    places: Tensor | None
    """(side * side, width) learned positions of a square that is stretched over each image (Qwen3-VL)."""
    blocks: list[Block]
    activation: Callable[[Tensor], Tensor]
    merger: Merger
    deeper: Mapping[int, Merger]
    """Layer -> what makes further features of what stands behind it (Qwen3-VL)."""
    rotary: Rotary
    """cos and sin of rows and columns (T, 2)."""
    heads: int
    merge: int

    @cached_property
    def parameters(self) -> int:
        """Weights that every patch is multiplied with; those of mergers are counted for one patch."""
        products = [product for one in self.blocks for product in (one.qkv, one.out, one.up, one.down)]
        merging = [product for one in (self.merger, *self.deeper.values()) for product in (one.first, one.last)]
        beside = sum(product.weight.numel() for product in merging) // self.merge**2
        return sum(product.weight.numel() for product in (self.patches, *products)) + beside


def whole_tower_weights(source: Source, rotary: Rotary) -> WholeTowerWeights:
    """Takes the tower's weights."""
    config, parts = source.config.vision_config, Parts(source.tensors, "model.visual.")
    newer = source.config.model_type == "qwen3_vl"
    ups = ("linear_fc1", "linear_fc2") if newer else ("fc1", "fc2")
    merging = ("norm", "linear_fc1", "linear_fc2") if newer else ("ln_q", "mlp.0", "mlp.2")
    patches = parts.product("patch_embed.proj")
    deeper = config.deepstack_visual_indexes if newer else ()
    return WholeTowerWeights(
        patches=Product(patches.weight.reshape(len(patches.weight), -1), patches.bias),
        places=parts.found("pos_embed.weight"),
        blocks=[_block(parts.below(f"blocks.{number}."), *ups) for number in range(config.depth)],
        activation=ACTIVATIONS[config.hidden_act],
        merger=_merger(parts.below("merger."), *merging),
        deeper={
            layer: _merger(parts.below(f"deepstack_merger_list.{at}."), *merging) for at, layer in enumerate(deeper)
        },
        rotary=rotary,
        heads=config.num_heads,
        merge=config.spatial_merge_size,
    )


def _block(parts: Parts, up: str, down: str) -> Block:
    attention, mlp = parts.below("attn."), parts.below("mlp.")
    return Block(
        norm_in=_norm(parts, "norm1"),
        norm_mid=_norm(parts, "norm2"),
        qkv=attention.product("qkv"),
        out=attention.product("proj"),
        up=mlp.product(up),
        down=mlp.product(down),
    )


def _merger(parts: Parts, norm: str, first: str, last: str) -> Merger:
    return Merger(_norm(parts, norm), parts.product(first), parts.product(last))


def _norm(parts: Parts, name: str) -> Norm:
    return Norm(parts.weight(name), parts.weight(name, "bias"))


class WholeTower:
    """See `engine.packed.model.tower.Tower`."""

    def __init__(self, weights: WholeTowerWeights, attention: Attention, pointwise: Pointwise) -> None:
        self.weights = weights
        self.merge = weights.merge
        self._attention = attention
        self._ops = pointwise

    def __call__(self, patches: Tensor, grids: Sequence[Grid]) -> list[Tensor]:
        """See `Tower`."""
        w, device = self.weights, patches.device
        sizes = torch.tensor([rows * columns for rows, columns in grids])
        positions = send(torch.cat([block_positions(*grid, w.merge) for grid in grids]), device)
        cos, sin = (one.float() for one in w.rotary(torch.empty(0, device=device), positions))
        x = w.patches(patches.to(w.patches.weight.dtype))
        if w.places is not None:
            x = x + _stretched(w.places, grids, w.merge).to(x.dtype)
        plan = self._attention.stretches(starts(sizes))
        deeper = []
        for number, block in enumerate(w.blocks):
            x = x + block.out(self._read(block.qkv(block.norm_in(x)), cos, sin, plan))
            x = x + block.down(w.activation(block.up(block.norm_mid(x))))
            if number in w.deeper:
                deeper.append(w.deeper[number](x))
        made = torch.stack([w.merger(x), *deeper])  # (depth, places, width)
        return [one.contiguous() for one in torch.split(made, (sizes // w.merge**2).tolist(), 1)]

    def operations(self, patches: int) -> float:
        """See `Tower`."""
        w = self.weights
        width = len(w.patches.weight)
        return 2.0 * patches * w.parameters + 4.0 * patches * patches * width * len(w.blocks)

    def _read(self, made: Tensor, cos: Tensor, sin: Tensor, plan: Any) -> Tensor:
        """What each patch reads of its image (T, D)."""
        count = self.weights.heads
        heads = made.view(len(made), 3 * count, -1)
        turned = self._ops.rotate(heads[:, : 2 * count], cos, sin)
        scale = float(heads.shape[2]) ** -0.5
        return self._attention.within(turned[:, :count], turned[:, count:], heads[:, 2 * count :], plan, scale).flatten(
            1
        )


def _stretched(places: Tensor, grids: Sequence[Grid], merge: int) -> Tensor:
    """(T, width) float32: learned positions of a square, interpolated for each image."""
    side = round(len(places) ** 0.5)
    each = [_corners(grid, side, merge) for grid in grids]
    corners, shares = (send(torch.cat(parts), places.device) for parts in zip(*each, strict=True))
    return (places[corners] * shares[:, :, None]).sum(1)


@lru_cache(maxsize=4096)
def _corners(grid: Grid, side: int, merge: int) -> tuple[Tensor, Tensor]:
    """(T, 4) places of the square around each patch, and their shares; the image's outermost patches lie on the square's."""
    around = []
    for at, count in zip(block_positions(*grid, merge).T, grid, strict=True):
        place = at.float() * (side - 1) / max(count - 1, 1)
        below = place.floor()
        beyond = place - below
        near = torch.stack((below, (below + 1).clamp(max=side - 1)), 1).long()
        around.append((near, torch.stack((1 - beyond, beyond), 1)))
    (rows, of_rows), (columns, of_columns) = around
    corners = rows[:, :, None] * side + columns[:, None, :]
    return corners.flatten(1), (of_rows[:, :, None] * of_columns[:, None, :]).flatten(1)
