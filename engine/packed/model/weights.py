"""Weights of a model as the packed engine multiplies them: products that read the same input are one.

Fused weights replace the tensors that they are made of, which become views of them: no second copy stays in memory, and a
transformers model that they belong to goes on working.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.nn.functional import pad

from engine.packed.model.source import EMBEDDING, HEAD, Rotary, Source

PADDED_TO = 128
"""The tower's inner width is padded to a multiple of this: rows of 3,420 numbers halve the speed of a product."""
FAMILIES = ("qwen2_vl", "qwen2_5_vl", "qwen3_vl")


def unsupported(model: Any, processor: Any) -> str:
    """Why the packed engine cannot run this model; empty where it can."""
    config = model.config
    if config.model_type not in FAMILIES:
        return f"{config.model_type} models are not among {', '.join(FAMILIES)}"
    text = config.get_text_config()
    rope = text.rope_parameters or {}
    plain = {
        "type of activation": text.hidden_act == "silu",
        "kind of positions": rope.get("rope_type", "default") == "default",
    }
    plain["sliding window"] = "sliding_attention" not in (getattr(text, "layer_types", None) or ())
    plain["image processor"] = _plain_patches(processor.image_processor)
    strange = [name for name, usual in plain.items() if not usual]
    return f"its {strange[0]} is not the family's" if strange else ""


def _plain_patches(images: Any) -> bool:
    # hub access is cut (vlm.loading) before transformers is imported
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    steps = ("do_resize", "do_rescale", "do_normalize", "do_convert_rgb")
    return isinstance(images, Qwen2VLImageProcessorPil) and all(getattr(images, step) for step in steps)


class Linear(Protocol):
    """A linear layer in some precision."""

    @property
    def weight(self) -> Tensor:
        """(out, in)."""
        ...

    @property
    def bias(self) -> Tensor | None:
        """(out,)."""
        ...

    def __call__(self, x: Any) -> Tensor:
        """What the layers' `Feeding` gives to (T, out)."""
        ...


@dataclass(frozen=True)
class Product:
    """A linear layer as it is stored."""

    weight: Tensor
    bias: Tensor | None = None

    def __call__(self, x: Tensor) -> Tensor:
        """(T, in) to (T, out)."""
        return torch.nn.functional.linear(x, self.weight, self.bias)


@dataclass(frozen=True)
class Layer:
    """One layer of the language model or of the tower."""

    norm_in: Tensor
    norm_mid: Tensor
    qkv: Linear
    out: Linear
    gate_up: Linear
    down: Linear
    norm_q: Tensor | None = None
    """Norms of each head's query and key (Qwen3-VL)."""
    norm_k: Tensor | None = None


@dataclass(frozen=True)
class LanguageWeights:
    """The language model."""

    layers: list[Layer]
    norm: Tensor
    embedding: Tensor
    head: Linear
    rotary: Rotary
    """cos and sin of positions (3, 1, T)."""
    heads: int
    kept_heads: int
    head_width: int
    eps: float

    @cached_property
    def parameters(self) -> int:
        """Weights that every token is multiplied with, the head left out."""
        return _parameters(self.layers)

    def operations(self, tokens: int, before: int) -> float:
        """Multiplications and additions for reading `tokens` behind `before` others."""
        pairs = tokens * (before + (tokens + 1) / 2)
        return 2.0 * tokens * self.parameters + 4.0 * pairs * self.heads * self.head_width * len(self.layers)


@dataclass(frozen=True)
class TowerWeights:
    """The vision tower of Qwen2.5-VL."""

    patches: Tensor
    """(width, patch values)."""
    layers: list[Layer]
    merge_norm: Tensor
    merge_first: Product
    merge_last: Product
    rotary: Rotary
    """cos and sin of rows and columns (T, 2)."""
    heads: int
    whole_layers: frozenset[int]
    """Layers whose attention spans the image; the others' spans a window."""
    window: int
    """Side of a window in merged patches."""
    merge: int
    eps: float = 1e-6

    @cached_property
    def parameters(self) -> int:
        """Weights that every patch is multiplied with; those behind the merger are counted for one patch."""
        merger = (self.merge_first.weight.numel() + self.merge_last.weight.numel()) // self.merge**2
        return _parameters(self.layers) + self.patches.numel() + merger

    def operations(self, patches: int) -> float:
        """Multiplications and additions for one image."""
        width, whole = self.patches.shape[0], len(self.whole_layers)
        read = whole * patches + (len(self.layers) - whole) * min(patches, (self.window * self.merge) ** 2)
        return 2.0 * patches * self.parameters + 4.0 * patches * read * width


def _parameters(layers: list[Layer]) -> int:
    products = chain.from_iterable((one.qkv, one.out, one.gate_up, one.down) for one in layers)
    return sum(product.weight.numel() for product in products)


def language_weights(source: Source) -> LanguageWeights:
    """Takes the language model's weights and fuses them."""
    config = source.config.get_text_config()
    parts = Parts(source.tensors, "model.language_model.")
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return LanguageWeights(
        layers=[_language_layer(parts.below(f"layers.{number}.")) for number in range(config.num_hidden_layers)],
        norm=parts.weight("norm"),
        embedding=source.tensors[EMBEDDING].data,
        head=Product(source.tensors[HEAD].data),
        rotary=source.text_rotary,
        heads=config.num_attention_heads,
        kept_heads=config.num_key_value_heads,
        head_width=width,
        eps=config.rms_norm_eps,
    )


def _language_layer(block: Parts) -> Layer:
    attention, mlp = block.below("self_attn."), block.below("mlp.")
    return Layer(
        norm_in=block.weight("input_layernorm"),
        norm_mid=block.weight("post_attention_layernorm"),
        qkv=attention.fused(["q_proj", "k_proj", "v_proj"]),
        out=attention.product("o_proj"),
        gate_up=mlp.fused(["gate_proj", "up_proj"]),
        down=mlp.product("down_proj"),
        norm_q=attention.found("q_norm.weight"),
        norm_k=attention.found("k_norm.weight"),
    )


def tower_weights(source: Source, rotary: Rotary) -> TowerWeights:
    """Takes the vision tower's weights."""
    config, parts = source.config.vision_config, Parts(source.tensors, "model.visual.")
    merger = parts.below("merger.")
    weight = parts.weight("patch_embed.proj")
    return TowerWeights(
        patches=weight.reshape(len(weight), -1),
        layers=[_tower_layer(parts.below(f"blocks.{number}.")) for number in range(config.depth)],
        merge_norm=merger.weight("ln_q"),
        merge_first=merger.product("mlp.0"),
        merge_last=merger.product("mlp.2"),
        rotary=rotary,
        heads=config.num_heads,
        whole_layers=frozenset(config.fullatt_block_indexes),
        window=config.window_size // config.spatial_merge_size // config.patch_size,
        merge=config.spatial_merge_size,
    )


def _tower_layer(block: Parts) -> Layer:
    mlp, attention = block.below("mlp."), block.below("attn.")
    inner = len(mlp.weight("gate_proj"))
    padded = -(-inner // PADDED_TO) * PADDED_TO
    down = mlp.product("down_proj")
    return Layer(
        norm_in=block.weight("norm1"),
        norm_mid=block.weight("norm2"),
        qkv=attention.product("qkv"),
        out=attention.product("proj"),
        gate_up=mlp.fused(["gate_proj", "up_proj"], rows=padded),
        down=Product(pad(down.weight, (0, padded - inner)).contiguous(), down.bias),
    )


@dataclass(frozen=True)
class Parts:
    """The tensors of one part of a model, by their names in it."""

    tensors: Mapping[str, Tensor]
    prefix: str

    def below(self, name: str) -> Parts:
        """A part of this one."""
        return Parts(self.tensors, self.prefix + name)

    def found(self, name: str) -> Tensor | None:
        """A tensor, if it is there."""
        tensor = self.tensors.get(self.prefix + name)
        return None if tensor is None else tensor.data

    def weight(self, name: str, kind: str = "weight") -> Tensor:
        """Of a layer that has one."""
        return self.tensors[f"{self.prefix}{name}.{kind}"].data

    def product(self, name: str) -> Product:
        """A linear layer as it is."""
        return Product(self.weight(name), self.found(f"{name}.bias"))

    def fused(self, names: Sequence[str], rows: int = 0) -> Product:
        """One product for several layers; each is padded with zeros to at least `rows` rows. Their own tensors become views."""
        weight = self._joined([f"{name}.weight" for name in names], rows)
        biases = [f"{name}.bias" for name in names]
        return Product(weight, None if self.found(biases[0]) is None else self._joined(biases, rows))

    def _joined(self, names: Sequence[str], rows: int) -> Tensor:
        own = [self.tensors[self.prefix + name] for name in names]
        whole = torch.cat([_stretched(one.data, max(rows, len(one))) for one in own])
        start = 0
        for one in own:
            one.data = whole[start : start + len(one)]
            start += max(rows, len(one))
        return whole


def _stretched(weight: Tensor, rows: int) -> Tensor:
    missing = rows - len(weight)
    return weight if not missing else torch.cat([weight, weight.new_zeros(missing, *weight.shape[1:])])
