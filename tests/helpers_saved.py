"""What every family's tiny model is made of: a tokenizer of letters, small configurations, and a checkpoint on disk.

Beside the directory stands the family's own processor, put together from its parts by hand: what is loaded by name is held
against it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock, patch

import torch

from tests.helpers_vlm import QWEN_TEMPLATE, byte_tokenizer

END, PAD = "<|im_end|>", "<|endoftext|>"
TURNS = (PAD, "<|im_start|>", END)
SQUARE = {"height": 28, "width": 28}
LLAMA: dict[str, Any] = {
    "model_type": "llama", "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": 8192,
}  # fmt: skip
QWEN_TEXT: dict[str, Any] = {
    **LLAMA, "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 1, 1]},
}  # fmt: skip
TOWER: dict[str, Any] = {
    "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 28,
    "patch_size": 14,
}  # fmt: skip


@dataclass(frozen=True)
class Saved:
    """A family's model on disk and in memory."""

    directory: Path
    model: Any
    processor: Any
    """Made of its parts, not loaded."""


def template(placeholder: str) -> str:
    """A chat template that shows an image as this text."""
    return QWEN_TEMPLATE.replace("<|vision_start|><|image_pad|><|vision_end|>", placeholder)


def tokenizer_with(*special: str, shown_as: str, **named: str) -> Any:
    """Letters, turns and these tokens; `named` become attributes, as in the tokenizers of some families. `shown_as` is what
    the chat template puts for an image; empty for no template."""
    more: dict[str, Any] = {"extra_special_tokens": named} if named else {}
    built = byte_tokenizer(
        (*TURNS, *special), template(shown_as) if shown_as else "", END, PAD, bos_token=TURNS[1], **more
    )
    built.padding_side = "left"
    return built


def save(
    directory: Path, model_class: Any, config: Any, processor_class: Any, pictures: Any, tokenizer: Any, **told: Any
) -> Saved:
    """`told` are the constructor's arguments that a checkpoint's processor_config.json states."""
    torch.manual_seed(0)
    model = model_class(config).eval()
    for weight in model.parameters():
        if weight.ndim > 1:
            weight.data.normal_(0, 0.2)  # far from flat logits, so that answers are decided by more than rounding
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    parts: dict[str, Any] = {name: MagicMock(valid_kwargs=None) for name in processor_class.get_attributes()}
    parts |= {"image_processor": pictures, "tokenizer": tokenizer}
    with patch.object(processor_class, "check_argument_for_proper_class", lambda *_: None):  # no video part
        processor = processor_class(**parts, **told, chat_template=tokenizer.chat_template)
    model.save_pretrained(directory)
    tokenizer.save_pretrained(directory)
    pictures.save_pretrained(directory)
    stated = {"processor_class": processor_class.__name__, **told}
    (directory / "processor_config.json").write_text(json.dumps(stated))
    return Saved(directory, model, processor)
