"""One tiny random model of each family of the table in README, saved to a directory as its checkpoints are."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from tests.helpers_saved import LLAMA, QWEN_TEXT, SQUARE, TOWER, Saved, save, tokenizer_with


def qwen2_vl(directory: Path) -> Saved:
    """Patches in rows."""
    from transformers import Qwen2VLConfig, Qwen2VLForConditionalGeneration, Qwen2VLProcessor

    vision = {"depth": 2, "embed_dim": 32, "hidden_size": 32, "num_heads": 2, "mlp_ratio": 2, "patch_size": 14}
    return _qwen(directory, Qwen2VLConfig, Qwen2VLForConditionalGeneration, Qwen2VLProcessor, vision)


def qwen2_5_vl(directory: Path) -> Saved:
    """Attention in windows."""
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration, Qwen2_5_VLProcessor

    vision = {
        "depth": 2, "hidden_size": 32, "intermediate_size": 64, "num_heads": 2, "patch_size": 14, "spatial_merge_size": 2,
        "temporal_patch_size": 2, "window_size": 56, "out_hidden_size": 32, "fullatt_block_indexes": [1],
    }  # fmt: skip
    return _qwen(directory, Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration, Qwen2_5_VLProcessor, vision)


def qwen3_vl(directory: Path) -> Saved:
    """Features of deeper layers of the tower are added."""
    from transformers import Qwen3VLConfig, Qwen3VLForConditionalGeneration, Qwen3VLProcessor

    vision = {
        "depth": 3, "hidden_size": 32, "intermediate_size": 64, "num_heads": 2, "patch_size": 14, "out_hidden_size": 32,
        "num_position_embeddings": 64, "deepstack_visual_indexes": [0, 1], "spatial_merge_size": 2,
    }  # fmt: skip
    return _qwen(directory, Qwen3VLConfig, Qwen3VLForConditionalGeneration, Qwen3VLProcessor, vision, head_dim=8)


def _qwen(
    directory: Path, config_class: Any, model_class: Any, processor_class: Any, vision: dict[str, Any], **text: Any
) -> Saved:
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    marks = ("<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>")
    tokenizer = tokenizer_with(*marks, shown_as="<|vision_start|><|image_pad|><|vision_end|>")
    start, end, image, video = tokenizer.convert_tokens_to_ids(marks)
    words = {"vocab_size": len(tokenizer), "bos_token_id": None, "eos_token_id": tokenizer.eos_token_id}
    config = config_class(
        text_config={**QWEN_TEXT, **words, **text},
        vision_config=vision, image_token_id=image, video_token_id=video, vision_start_token_id=start,
        vision_end_token_id=end,
    )  # fmt: skip
    pictures = Qwen2VLImageProcessorPil(patch_size=14, merge_size=2, temporal_patch_size=2)
    return save(directory, model_class, config, processor_class, pictures, tokenizer)


def glm4v(directory: Path) -> Saved:
    """Patches in rows, behind another placeholder."""
    from transformers import Glm4vConfig, Glm4vForConditionalGeneration, Glm4vProcessor
    from transformers.models.glm4v.image_processing_pil_glm4v import Glm4vImageProcessorPil

    marks = (
        "<|image|>", "<|video|>", "<|begin_of_image|>", "<|end_of_image|>", "<|begin_of_video|>", "<|end_of_video|>",
    )  # fmt: skip
    tokenizer = tokenizer_with(*marks, shown_as="<|begin_of_image|><|image|><|end_of_image|>")
    image, video, start, end, first, last = tokenizer.convert_tokens_to_ids(marks)
    config = Glm4vConfig(
        text_config={
            **QWEN_TEXT, "model_type": "glm4v_text", "vocab_size": len(tokenizer), "pad_token_id": tokenizer.pad_token_id,
            "rope_parameters": {**QWEN_TEXT["rope_parameters"], "partial_rotary_factor": 0.5, "mrope_section": [1, 1, 0]},
        },
        vision_config={
            "depth": 2, "hidden_size": 32, "intermediate_size": 64, "num_heads": 2, "patch_size": 14, "image_size": 56,
            "out_hidden_size": 32, "spatial_merge_size": 2, "temporal_patch_size": 2,
        },
        image_token_id=image, video_token_id=video, image_start_token_id=start, image_end_token_id=end,
        video_start_token_id=first, video_end_token_id=last,
    )  # fmt: skip
    return save(
        directory,
        Glm4vForConditionalGeneration,
        config,
        Glm4vProcessor,
        Glm4vImageProcessorPil(patch_size=14),
        tokenizer,
    )


def _clip_tower() -> dict[str, Any]:
    return {**TOWER, "model_type": "clip_vision_model", "projection_dim": 16}


def llava(directory: Path) -> Saved:
    """Whole pictures of one size."""
    from transformers import CLIPImageProcessorPil, LlavaConfig, LlavaForConditionalGeneration, LlavaProcessor

    tokenizer = tokenizer_with("<image>", shown_as="<image>\n")
    config = LlavaConfig(
        text_config={**LLAMA, "vocab_size": len(tokenizer)},
        vision_config=_clip_tower(),
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        image_seq_length=4,
    )
    pictures = CLIPImageProcessorPil(size={"shortest_edge": 28}, crop_size=SQUARE)
    return save(
        directory, LlavaForConditionalGeneration, config, LlavaProcessor, pictures, tokenizer, patch_size=14,
        vision_feature_select_strategy="default", num_additional_image_tokens=1,
    )  # fmt: skip


GRID = [[28, 56], [56, 28], [56, 56]]


def llava_next(directory: Path) -> Saved:
    """Pictures cut into tiles by their shape."""
    from transformers import LlavaNextConfig, LlavaNextForConditionalGeneration, LlavaNextProcessor
    from transformers.models.llava_next.image_processing_pil_llava_next import LlavaNextImageProcessorPil

    tokenizer = tokenizer_with("<image>", shown_as="<image>\n")
    config = LlavaNextConfig(
        text_config={**LLAMA, "vocab_size": len(tokenizer)},
        vision_config=_clip_tower(),
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        image_grid_pinpoints=GRID,
        image_seq_length=4,
    )
    pictures = LlavaNextImageProcessorPil(size={"shortest_edge": 28}, crop_size=SQUARE, image_grid_pinpoints=GRID)
    return save(
        directory, LlavaNextForConditionalGeneration, config, LlavaNextProcessor, pictures, tokenizer, patch_size=14,
        vision_feature_select_strategy="default", num_additional_image_tokens=1,
    )  # fmt: skip


def llava_onevision(directory: Path) -> Saved:
    """One picture is cut into tiles, several are not."""
    from transformers import (
        LlavaOnevisionConfig,
        LlavaOnevisionForConditionalGeneration,
        LlavaOnevisionProcessor,
    )
    from transformers.models.llava_onevision.image_processing_pil_llava_onevision import LlavaOnevisionImageProcessorPil

    tokenizer = tokenizer_with("<image>", "<video>", shown_as="<image>\n")
    image, video = tokenizer.convert_tokens_to_ids(["<image>", "<video>"])
    config = LlavaOnevisionConfig(
        text_config={**LLAMA, "model_type": "qwen2", "vocab_size": len(tokenizer)},
        vision_config={**TOWER, "model_type": "siglip_vision_model", "vision_use_head": False},
        image_token_index=image, video_token_index=video, image_grid_pinpoints=GRID,
    )  # fmt: skip
    pictures = LlavaOnevisionImageProcessorPil(size=SQUARE, image_grid_pinpoints=GRID)
    return save(
        directory, LlavaOnevisionForConditionalGeneration, config, LlavaOnevisionProcessor, pictures, tokenizer,
        num_image_tokens=4, vision_feature_select_strategy="full", vision_aspect_ratio="anyres_max_9",
    )  # fmt: skip


ROWS = tuple(f"<row_{row}_col_{column}>" for row in range(1, 7) for column in range(1, 7))


def idefics3(directory: Path) -> Saved:
    """Pictures cut into rows and columns, with their places written out."""
    from transformers import Idefics3Config, Idefics3ForConditionalGeneration, Idefics3Processor
    from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil

    return _split(
        directory, Idefics3Config, Idefics3ForConditionalGeneration, Idefics3Processor, Idefics3ImageProcessorPil
    )


def smolvlm(directory: Path) -> Saved:
    """As Idefics3, and shows videos."""
    from transformers import SmolVLMConfig, SmolVLMForConditionalGeneration, SmolVLMProcessor
    from transformers.models.smolvlm import processing_smolvlm
    from transformers.models.smolvlm.image_processing_pil_smolvlm import SmolVLMImageProcessorPil

    with patch.object(processing_smolvlm, "num2words", str):  # it spells numbers of frames
        return _split(
            directory, SmolVLMConfig, SmolVLMForConditionalGeneration, SmolVLMProcessor, SmolVLMImageProcessorPil
        )


def _split(directory: Path, config_class: Any, model_class: Any, processor_class: Any, picture_class: Any) -> Saved:
    marks = ("<image>", "<fake_token_around_image>", "<end_of_utterance>", "<global-img>", *ROWS)
    tokenizer = tokenizer_with(*marks, shown_as="<image>")
    config = config_class(
        text_config={**LLAMA, "vocab_size": len(tokenizer), "pad_token_id": tokenizer.pad_token_id},
        vision_config=TOWER,
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        scale_factor=2,
    )
    pictures = picture_class(size={"longest_edge": 56}, max_image_size={"longest_edge": 28})
    return save(directory, model_class, config, processor_class, pictures, tokenizer, image_seq_len=1)


def internvl(directory: Path) -> Saved:
    """Tiles and a thumbnail; its tokenizer names the marks around an image."""
    from transformers import InternVLConfig, InternVLForConditionalGeneration, InternVLProcessor
    from transformers.models.got_ocr2.image_processing_pil_got_ocr2 import GotOcr2ImageProcessorPil

    tokenizer = tokenizer_with(
        shown_as="<IMG_CONTEXT>\n", start_image_token="<img>", end_image_token="</img>",
        context_image_token="<IMG_CONTEXT>", video_token="<video>",
    )  # fmt: skip
    config = InternVLConfig(
        text_config={**LLAMA, "model_type": "qwen2", "vocab_size": len(tokenizer)},
        vision_config={**TOWER, "image_size": [28, 28], "patch_size": [14, 14]},
        image_token_id=tokenizer.convert_tokens_to_ids("<IMG_CONTEXT>"), image_seq_length=1, tie_word_embeddings=False,
    )  # fmt: skip
    pictures = GotOcr2ImageProcessorPil(size=SQUARE, crop_to_patches=True, min_patches=1, max_patches=3)
    return save(
        directory, InternVLForConditionalGeneration, config, InternVLProcessor, pictures, tokenizer, image_seq_length=1
    )


def gemma3(directory: Path) -> Saved:
    """Images seen from both sides, behind one mark that stands for many tokens."""
    from transformers import Gemma3Config, Gemma3ForConditionalGeneration, Gemma3Processor
    from transformers.models.gemma3.image_processing_pil_gemma3 import Gemma3ImageProcessorPil

    tokenizer = tokenizer_with(
        shown_as="<start_of_image>", boi_token="<start_of_image>", eoi_token="<end_of_image>",
        image_token="<image_soft_token>",
    )  # fmt: skip
    first, last, image = tokenizer.convert_tokens_to_ids(["<start_of_image>", "<end_of_image>", "<image_soft_token>"])
    config = Gemma3Config(
        text_config={
            "vocab_size": len(tokenizer), "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
            "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8, "max_position_embeddings": 8192,
            "sliding_window": 64, "query_pre_attn_scalar": 8, "pad_token_id": tokenizer.pad_token_id,
            "eos_token_id": tokenizer.eos_token_id, "bos_token_id": tokenizer.bos_token_id,
            "layer_types": ["sliding_attention", "full_attention"], "tie_word_embeddings": False,
        },
        vision_config={**TOWER, "model_type": "siglip_vision_model", "vision_use_head": False},
        mm_tokens_per_image=4, boi_token_index=first, eoi_token_index=last, image_token_index=image,
        eos_token_id=tokenizer.eos_token_id, tie_word_embeddings=False,
    )  # fmt: skip
    pictures = Gemma3ImageProcessorPil(size=SQUARE)
    return save(
        directory, Gemma3ForConditionalGeneration, config, Gemma3Processor, pictures, tokenizer, image_seq_length=4
    )


def paligemma(directory: Path) -> Saved:
    """No chat template: the texts stand one below the other."""
    from transformers import PaliGemmaConfig, PaliGemmaForConditionalGeneration, PaliGemmaProcessor
    from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

    tokenizer = tokenizer_with("<image>", shown_as="")
    pictures = SiglipImageProcessorPil(size=SQUARE)
    pictures.image_seq_length = 4
    room = len(tokenizer) + 1200  # places and segments, which the processor adds
    config = PaliGemmaConfig(
        text_config={
            **LLAMA, "model_type": "gemma", "head_dim": 8, "vocab_size": room, "pad_token_id": tokenizer.pad_token_id,
            "eos_token_id": tokenizer.eos_token_id, "bos_token_id": tokenizer.bos_token_id,
        },
        vision_config={**TOWER, "model_type": "siglip_vision_model", "vision_use_head": False, "projection_dim": 32},
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"), projection_dim=32, hidden_size=32,
        tie_word_embeddings=False,
    )  # fmt: skip
    return save(directory, PaliGemmaForConditionalGeneration, config, PaliGemmaProcessor, pictures, tokenizer)


def mistral3(directory: Path) -> Saved:
    """Pixtral's pictures of any size, with a mark at the end of each row; transformers' processor asks for torchvision."""
    try:
        import_module("torchvision")
    except (ImportError, RuntimeError) as error:  # the latter: built for another torch
        pytest.skip(f"PixtralProcessor needs torchvision ({error})")
    from transformers import Mistral3Config, Mistral3ForConditionalGeneration, PixtralProcessor
    from transformers.models.pixtral.image_processing_pil_pixtral import PixtralImageProcessorPil

    marks = ("[IMG]", "[IMG_BREAK]", "[IMG_END]")
    tokenizer = tokenizer_with(*marks, shown_as="[IMG]")
    config = Mistral3Config(
        text_config={**LLAMA, "model_type": "mistral", "vocab_size": len(tokenizer), "head_dim": 8},
        vision_config={**TOWER, "model_type": "pixtral", "image_size": 112, "head_dim": 16},
        image_token_index=tokenizer.convert_tokens_to_ids("[IMG]"), spatial_merge_size=2,
    )  # fmt: skip
    pictures = PixtralImageProcessorPil(patch_size=14, size={"longest_edge": 112})
    return save(
        directory, Mistral3ForConditionalGeneration, config, PixtralProcessor, pictures, tokenizer, patch_size=14,
        spatial_merge_size=2,
    )  # fmt: skip


FAMILIES: dict[str, Callable[[Path], Saved]] = {
    "Qwen2-VL": qwen2_vl,
    "Qwen2.5-VL": qwen2_5_vl,
    "Qwen3-VL": qwen3_vl,
    "GLM-4.1V": glm4v,
    "LLaVA-1.5": llava,
    "LLaVA-NeXT": llava_next,
    "LLaVA-OneVision": llava_onevision,
    "Idefics3": idefics3,
    "SmolVLM": smolvlm,
    "InternVL": internvl,
    "Gemma 3": gemma3,
    "PaliGemma": paligemma,
    "Mistral 3, Pixtral": mistral3,
}
