"""Writes a Qwen2.5-VL-3B with random weights to a folder: the real shape, to measure and to try loading without the real weights.

    python benchmarks/qwen_shape.py OUT [--device cuda]

Tokenizer and chat template are those of the built-in model (the vocabulary is padded to the real size), so answers mean
nothing; pixels, patches and visual tokens are those of the real processor.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from transformers import AutoTokenizer, Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration, Qwen2VLImageProcessorPil

from engine.demo.shipped import model_dir

VOCABULARY = 151_936
SMALL_TEXT = {
    "vocab_size": 2000,
    "hidden_size": 256,
    "intermediate_size": 320,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
}
SMALL_VISION = {
    "depth": 2,
    "hidden_size": 64,
    "intermediate_size": 100,
    "num_heads": 4,
    "out_hidden_size": 256,
    "fullatt_block_indexes": [1],
}


def write_shape(out: Path, device: str) -> int:
    """Build the model on `device` in bfloat16, save model, tokenizer and image processor to `out`; returns the parameters."""
    tokenizer = AutoTokenizer.from_pretrained(model_dir())
    torch.manual_seed(0)
    with torch.device(device):
        torch.set_default_dtype(torch.bfloat16)
        model = Qwen2_5_VLForConditionalGeneration(shape_config(tokenizer))
        torch.set_default_dtype(torch.float32)
    model.save_pretrained(out, max_shard_size="4GB")
    tokenizer.save_pretrained(out)
    Qwen2VLImageProcessorPil(patch_size=14, merge_size=2, temporal_patch_size=2).save_pretrained(out)
    return sum(p.numel() for p in model.parameters())


def shape_config(tokenizer: object, *, small: bool = False) -> Qwen2_5_VLConfig:
    """The real shape; `small` is one for rehearsals without a GPU."""

    def token(text: str) -> int:
        return int(tokenizer.convert_tokens_to_ids(text))  # type: ignore[attr-defined]

    text, vision = (SMALL_TEXT, SMALL_VISION) if small else ({}, {})
    return Qwen2_5_VLConfig(
        text_config={
            "vocab_size": VOCABULARY, "hidden_size": 2048, "intermediate_size": 11008, "num_hidden_layers": 36,
            "num_attention_heads": 16, "num_key_value_heads": 2, "max_position_embeddings": 128_000,
            "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [16, 24, 24]},
            "tie_word_embeddings": True, "eos_token_id": token("<|im_end|>"), "pad_token_id": token("<|endoftext|>"),
            **text,
        },
        vision_config={
            "depth": 32, "hidden_size": 1280, "intermediate_size": 3420, "num_heads": 16, "out_hidden_size": 2048,
            "patch_size": 14, "spatial_merge_size": 2, "temporal_patch_size": 2, "window_size": 112,
            "fullatt_block_indexes": [7, 15, 23, 31], **vision,
        },
        image_token_id=token("<|image_pad|>"), video_token_id=token("<|video_pad|>"),
        vision_start_token_id=token("<|vision_start|>"), vision_end_token_id=token("<|vision_end|>"),
        tie_word_embeddings=True,
    )  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    arguments = parser.parse_args()
    print(f"{write_shape(arguments.out, arguments.device):,} parameters written to {arguments.out}")
