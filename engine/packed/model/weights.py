"""Weights of a loaded transformers model as the packed engine multiplies them: products that read the same input are one.

Fused weights replace the model's own parameters, which become views of them: no second copy stays in memory, and the model
itself goes on working.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any

import torch
from torch import Tensor
from torch.nn import Linear
from torch.nn.functional import pad

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
        "positions": rope.get("rope_type", "default") == "default",
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


@dataclass(frozen=True)
class Product:
    """A linear layer."""

    weight: Tensor
    bias: Tensor | None = None

    @classmethod
    def of(cls, linear: Any) -> Product:
        """The layer's own weights."""
        return cls(linear.weight.data, None if linear.bias is None else linear.bias.data)

    def __call__(self, x: Tensor) -> Tensor:
        """(T, in) to (T, out)."""
        return torch.nn.functional.linear(x, self.weight, self.bias)


@dataclass(frozen=True)
class Layer:
    """One layer of the language model or of the tower."""

    norm_in: Tensor
    norm_mid: Tensor
    qkv: Product
    out: Product
    gate_up: Product
    down: Product
    norm_q: Tensor | None = None
    """Norms of each head's query and key (Qwen3-VL)."""
    norm_k: Tensor | None = None


@dataclass(frozen=True)
class LanguageWeights:
    """The language model."""

    layers: list[Layer]
    norm: Tensor
    embedding: Tensor
    head: Product
    rotary: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
    """The model's own cos and sin of positions (3, 1, T)."""
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
    rotary: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
    """The tower's own cos and sin of rows and columns (T, 2)."""
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


def language_weights(model: Any) -> LanguageWeights:
    """Takes the language model's weights and fuses them."""
    text = model.model.language_model
    config = text.config
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return LanguageWeights(
        layers=[_language_layer(block) for block in text.layers],
        norm=text.norm.weight.data,
        embedding=text.embed_tokens.weight.data,
        head=Product.of(model.lm_head),
        rotary=text.rotary_emb,
        heads=config.num_attention_heads,
        kept_heads=config.num_key_value_heads,
        head_width=width,
        eps=config.rms_norm_eps,
    )


def _language_layer(block: Any) -> Layer:
    attention, mlp = block.self_attn, block.mlp
    norms = {name: getattr(attention, f"{name[-1]}_norm", None) for name in ("norm_q", "norm_k")}
    return Layer(
        norm_in=block.input_layernorm.weight.data,
        norm_mid=block.post_attention_layernorm.weight.data,
        qkv=_fuse([attention.q_proj, attention.k_proj, attention.v_proj]),
        out=Product.of(attention.o_proj),
        gate_up=_fuse([mlp.gate_proj, mlp.up_proj]),
        down=Product.of(mlp.down_proj),
        **{name: norm.weight.data for name, norm in norms.items() if norm is not None},
    )


def tower_weights(model: Any) -> TowerWeights | None:
    """Takes the vision tower's weights; None for a family whose own tower is used."""
    if model.config.model_type != "qwen2_5_vl":
        return None
    tower = model.model.visual
    config = tower.config
    weight = tower.patch_embed.proj.weight.data
    first, _, last = tower.merger.mlp
    return TowerWeights(
        patches=weight.reshape(len(weight), -1),
        layers=[_tower_layer(block) for block in tower.blocks],
        merge_norm=tower.merger.ln_q.weight.data,
        merge_first=Product.of(first),
        merge_last=Product.of(last),
        rotary=tower.rotary_pos_emb,
        heads=config.num_heads,
        whole_layers=frozenset(config.fullatt_block_indexes),
        window=config.window_size // config.spatial_merge_size // config.patch_size,
        merge=config.spatial_merge_size,
    )


def _tower_layer(block: Any) -> Layer:
    inner = block.mlp.gate_proj.out_features
    padded = -(-inner // PADDED_TO) * PADDED_TO
    down = Product.of(block.mlp.down_proj)
    return Layer(
        norm_in=block.norm1.weight.data,
        norm_mid=block.norm2.weight.data,
        qkv=Product.of(block.attn.qkv),
        out=Product.of(block.attn.proj),
        gate_up=_fuse([block.mlp.gate_proj, block.mlp.up_proj], rows=padded),
        down=Product(pad(down.weight, (0, padded - inner)).contiguous(), down.bias),
    )


def _fuse(linears: list[Linear], rows: int = 0) -> Product:
    """One product for several; each is padded with zeros to at least `rows` rows. Their own weights become views of it."""
    sizes = [max(rows, one.out_features) for one in linears]
    weight = torch.cat([_stretched(one.weight.data, size) for one, size in zip(linears, sizes, strict=True)])
    bias = None
    if linears[0].bias is not None:
        bias = torch.cat([_stretched(one.bias.data, size) for one, size in zip(linears, sizes, strict=True)])
    start = 0
    for one, size in zip(linears, sizes, strict=True):
        one.weight.data = weight[start : start + one.out_features]
        if bias is not None:
            one.bias.data = bias[start : start + one.out_features]
        start += size
    return Product(weight, bias)


def _stretched(weight: Tensor, rows: int) -> Tensor:
    missing = rows - len(weight)
    return weight if not missing else torch.cat([weight, weight.new_zeros(missing, *weight.shape[1:])])
