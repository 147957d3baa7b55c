"""What an engine is built of, wherever it comes from: a loaded transformers model, or its files alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from engine.packed.model.rotary import TextRotary, TowerRotary

Rotary = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""cos and sin of positions, in the precision of the first argument."""
HEAD, EMBEDDING = "lm_head.weight", "model.language_model.embed_tokens.weight"
TOWERS = {"qwen2_5_vl": ("silu",), "qwen2_vl": ("quick_gelu",), "qwen3_vl": ("gelu_pytorch_tanh",)}
"""Family -> activations in the towers that the engine has for it, so that it needs nothing of transformers' model."""
_OLD_NAMES = (("visual.", "model.visual."), ("model.", "model.language_model."))
_NEW_PLACES = ("model.language_model.", "model.visual.")


@dataclass(frozen=True)
class Source:
    """Configuration, tensors and rotary positions of a model."""

    config: Any
    tensors: Mapping[str, Tensor]
    """By transformers' names, on the device."""
    text_rotary: Rotary
    """Of positions (3, 1, T)."""
    tower_rotary: Rotary | None
    """Of rows and columns (T, 2); None where the model's own tower is used."""
    model: Any = None
    """transformers' model; None where the tensors were read from files."""

    @classmethod
    def of_model(cls, model: Any) -> Source:
        """That of a loaded model, whose parameters become views of what is fused."""
        return cls(
            model.config,
            dict(model.named_parameters(remove_duplicate=False)),
            model.model.language_model.rotary_emb,
            model.model.visual.rotary_pos_emb if has_tower(model.config) else None,
            model,
        )

    @classmethod
    def of_tensors(cls, config: Any, tensors: dict[str, Tensor], device: torch.device) -> Source:
        """That of tensors on a device; a head that is tied to the embedding need not be among them."""
        if config.tie_word_embeddings:
            tensors.setdefault(HEAD, tensors[EMBEDDING])
        text, tower = config.get_text_config(), config.vision_config
        return cls(config, tensors, TextRotary(text, device), TowerRotary(tower, device))


def has_tower(config: Any) -> bool:
    """Whether the engine has a tower for a model."""
    return config.vision_config.hidden_act in TOWERS.get(config.model_type, ())


def place_of(name: str) -> str:
    """transformers' name for a tensor of a Qwen-VL file, in which older releases left out parts of it."""
    if name == HEAD or name.startswith(_NEW_PLACES):
        return name
    for old, new in _OLD_NAMES:
        if name.startswith(old):
            return new + name.removeprefix(old)
    return name
