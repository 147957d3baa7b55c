"""Tiny random models of real classes, saved to a directory as a checkpoint is; questions and images to ask them."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from engine.demo.scene import draw, encode
from engine.demo.world import world_entries
from engine.vlm.local.plain import LocalVLM
from engine.vlm.local.processor import PatchEncoder
from engine.vlm.prompt import Prompt

QWEN_SPECIAL = (
    "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>",
)  # fmt: skip
QWEN_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


@dataclass(frozen=True)
class Sample:
    """A question as the data sets give it."""

    question_id: int
    question: str
    label: str
    image: Path
    image_id: int = 0
    answers: tuple[str, ...] = ()
    question_type: str = ""


def byte_tokenizer(special: tuple[str, ...], template: str, eos: str, pad: str, **named: Any) -> Any:
    """One token per printable ASCII character, so that answers can be read; `named` are further special tokens."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = [chr(code) for code in range(33, 127)] + ["Ġ", "Ċ"]  # blank and newline in byte-level spelling
    tokenizer = Tokenizer(models.BPE(vocab={letter: row for row, letter in enumerate(alphabet)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    built = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=eos, pad_token=pad, **named)
    built.add_special_tokens({"additional_special_tokens": [one for one in special if one not in (eos, pad)]})
    built.chat_template = template or None
    return built


def save_tiny_qwen(directory: Path, seed: int = 0, *, tied: bool = True) -> Path:
    """A random Qwen2.5-VL of 60 thousand parameters with all files that a checkpoint has. `tied`: scores come of the embedding,
    as in the 3B; the 7B has a head of its own."""
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    tokenizer = byte_tokenizer(QWEN_SPECIAL, QWEN_TEMPLATE, eos="<|im_end|>", pad="<|endoftext|>")
    token = tokenizer.convert_tokens_to_ids
    config = Qwen2_5_VLConfig(
        text_config={
            "vocab_size": len(tokenizer), "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
            "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 2048,
            "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [1, 1, 2]},
            "bos_token_id": None, "eos_token_id": token("<|im_end|>"), "pad_token_id": token("<|endoftext|>"),
        },
        vision_config={
            "depth": 2, "hidden_size": 32, "intermediate_size": 64, "num_heads": 2, "patch_size": 14,
            "spatial_merge_size": 2, "temporal_patch_size": 2, "window_size": 56, "out_hidden_size": 32,
            "fullatt_block_indexes": [1],
        },
        image_token_id=token("<|image_pad|>"), video_token_id=token("<|video_pad|>"),
        vision_start_token_id=token("<|vision_start|>"), vision_end_token_id=token("<|vision_end|>"),
        tie_word_embeddings=tied,
    )  # fmt: skip
    torch.manual_seed(seed)
    model = Qwen2_5_VLForConditionalGeneration(config)
    for name, weight in model.named_parameters():
        if weight.ndim > 1 and "visual" not in name:
            weight.data.normal_(0, 0.15)  # far from flat logits, so that answers are decided by more than rounding
    model.generation_config.eos_token_id = token("<|im_end|>")
    model.save_pretrained(directory)
    tokenizer.save_pretrained(directory)
    Qwen2VLImageProcessorPil(patch_size=14, merge_size=2, temporal_patch_size=2).save_pretrained(directory)
    return directory


def save_tiny_qwen2(directory: Path, *, tied: bool = True) -> Path:
    """A random Qwen2-VL: the same language model behind a tower without windows."""
    from transformers import Qwen2VLConfig, Qwen2VLForConditionalGeneration

    vision = {"depth": 2, "embed_dim": 32, "hidden_size": 32, "num_heads": 2, "mlp_ratio": 2, "patch_size": 14}
    return _save_relative(directory, Qwen2VLConfig, Qwen2VLForConditionalGeneration, vision, tied, patch_size=14)


def save_tiny_qwen3(directory: Path, *, tied: bool = True) -> Path:
    """A random Qwen3-VL: heads normed, positions interleaved, features of deeper layers of the tower added."""
    from transformers import Qwen3VLConfig, Qwen3VLForConditionalGeneration

    vision = {
        "depth": 3, "hidden_size": 32, "intermediate_size": 64, "num_heads": 2, "patch_size": 16, "out_hidden_size": 32,
        "num_position_embeddings": 64, "deepstack_visual_indexes": [0, 1], "spatial_merge_size": 2,
    }  # fmt: skip
    return _save_relative(
        directory, Qwen3VLConfig, Qwen3VLForConditionalGeneration, vision, tied, patch_size=16, head_dim=8
    )


def _save_relative(
    directory: Path,
    config_class: Any,
    model_class: Any,
    vision: dict[str, Any],
    tied: bool,
    *,
    patch_size: int,
    **text: Any,
) -> Path:
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    tokenizer = byte_tokenizer(QWEN_SPECIAL, QWEN_TEMPLATE, eos="<|im_end|>", pad="<|endoftext|>")
    token = tokenizer.convert_tokens_to_ids
    config = config_class(
        text_config={
            "vocab_size": len(tokenizer), "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 3,
            "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 4096,
            "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 1, 1]},
            "bos_token_id": None, "eos_token_id": token("<|im_end|>"), "pad_token_id": token("<|endoftext|>"), **text,
        },
        vision_config=vision,
        image_token_id=token("<|image_pad|>"), video_token_id=token("<|video_pad|>"),
        vision_start_token_id=token("<|vision_start|>"), vision_end_token_id=token("<|vision_end|>"),
        tie_word_embeddings=tied,
    )  # fmt: skip
    torch.manual_seed(0)
    model = model_class(config)
    for name, weight in model.named_parameters():
        if weight.ndim > 1 and "visual" not in name:
            weight.data.normal_(0, 0.15)
    model.generation_config.eos_token_id = token("<|im_end|>")
    model.save_pretrained(directory)
    tokenizer.save_pretrained(directory)
    Qwen2VLImageProcessorPil(patch_size=patch_size, merge_size=2, temporal_patch_size=2).save_pretrained(directory)
    return directory


def save_tiny_llava(directory: Path) -> Path:
    """A random LLaVA: a family whose images are whole pictures and whose processor must make all inputs."""
    from transformers import CLIPImageProcessorPil, LlavaConfig, LlavaForConditionalGeneration, LlavaProcessor

    template = QWEN_TEMPLATE.replace("<|vision_start|><|image_pad|><|vision_end|>", "<image>")
    tokenizer = byte_tokenizer((*QWEN_SPECIAL, "<image>"), template, eos="<|im_end|>", pad="<|endoftext|>")
    config = LlavaConfig(
        text_config={
            "model_type": "llama", "vocab_size": len(tokenizer), "hidden_size": 32, "intermediate_size": 64,
            "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 2048,
        },
        vision_config={
            "model_type": "clip_vision_model", "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
            "num_attention_heads": 2, "image_size": 28, "patch_size": 14, "projection_dim": 16,
        },
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        vision_feature_layer=-1,
    )  # fmt: skip
    torch.manual_seed(0)
    model = LlavaForConditionalGeneration(config)
    for weight in model.parameters():
        if weight.ndim > 1:
            weight.data.normal_(0, 0.2)
    model.save_pretrained(directory)
    pictures = CLIPImageProcessorPil(size={"height": 28, "width": 28}, crop_size={"height": 28, "width": 28})
    LlavaProcessor(
        image_processor=pictures, tokenizer=tokenizer, patch_size=14, vision_feature_select_strategy="default",
        num_additional_image_tokens=1, chat_template=template,
    ).save_pretrained(directory)  # fmt: skip
    return directory


def save_tiny_clip(directory: Path, seed: int = 0) -> Path:
    """A random CLIP with its tokenizer and image processor; texts of at most 16 letters."""
    from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPModel, CLIPProcessor, CLIPTokenizer

    letters = [chr(code) for code in range(33, 127)]
    words = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    tokenizer = CLIPTokenizer(vocab={word: row for row, word in enumerate(words)}, merges=[])
    small = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    ends = {"bos_token_id": len(words) - 2, "eos_token_id": len(words) - 1}
    config = CLIPConfig(
        text_config={**small, **ends, "vocab_size": len(words), "max_position_embeddings": 18, "projection_dim": 24},
        vision_config={**small, "image_size": 28, "patch_size": 14, "projection_dim": 24},
        projection_dim=24,
    )
    torch.manual_seed(seed)
    model = CLIPModel(config)
    for weight in model.parameters():
        if weight.ndim > 1:
            weight.data.normal_(0, 0.2)
    model.save_pretrained(directory)
    square = {"height": 28, "width": 28}
    pictures = CLIPImageProcessorPil(size={"shortest_edge": 28}, crop_size=square)
    CLIPProcessor(image_processor=pictures, tokenizer=tokenizer).save_pretrained(directory)
    return directory


def save_tiny_siglip(directory: Path, kind: str = "siglip") -> Path:
    """A random SigLIP (`siglip`) or SigLIP 2 (`siglip2`) with its tokenizer and image processor; texts of at most 16 tokens."""
    from transformers import AutoConfig, AutoModel
    from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil
    from transformers.models.siglip2.image_processing_pil_siglip2 import Siglip2ImageProcessorPil
    from transformers.models.siglip2.tokenization_siglip2 import Siglip2Tokenizer

    if kind == "siglip2":
        words = ("<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "▁", *map(chr, range(33, 127)))
        tokenizer: Any = Siglip2Tokenizer(vocab={word: row for row, word in enumerate(words)})
    else:
        tokenizer = byte_tokenizer(("<pad>", "<eos>"), "", eos="<eos>", pad="<pad>")
    small = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    patches = {"num_patches": 16} if kind == "siglip2" else {"image_size": 28}
    config = AutoConfig.for_model(
        kind,
        text_config={**small, "vocab_size": len(tokenizer), "max_position_embeddings": 16, "projection_size": 32},
        vision_config={**small, **patches, "patch_size": 14},
    )
    torch.manual_seed(0)
    model = AutoModel.from_config(config)
    for weight in model.parameters():
        if weight.ndim > 1:
            weight.data.normal_(0, 0.2)
    model.save_pretrained(directory)
    tokenizer.save_pretrained(directory)
    made = Siglip2ImageProcessorPil(patch_size=14, max_num_patches=16)
    (made if kind == "siglip2" else SiglipImageProcessorPil(size={"height": 28, "width": 28})).save_pretrained(
        directory
    )
    return directory


def save_images(folder: Path, sizes: tuple[tuple[int, int], ...]) -> list[Path]:
    """Pictures of smooth colours in the given sizes, as PNG files."""
    paths = []
    for number, size in enumerate(sizes):
        picture = Image.linear_gradient("L").resize(size)
        colours = (picture, picture.point(lambda v, n=number: (v * (n + 2)) % 256), picture.rotate(180))
        paths.append(folder / f"picture {number}.png")
        Image.merge("RGB", colours).save(paths[-1])
    return paths


def make_samples(
    folder: Path, sizes: tuple[tuple[int, int], ...] = ((56, 56), (84, 56), (60, 100), (140, 70))
) -> list[Sample]:
    """One question for each picture."""
    words = ("red", "two birds", "on the left", "a very long answer")
    return [
        Sample(10 + row, f"What is number {row}" + "?" * (row + 1), words[row % len(words)], image)
        for row, image in enumerate(save_images(folder, sizes))
    ]


def world_samples(folder: Path, count: int) -> list[Sample]:
    """The first questions of the built-in world with their pictures, for the shipped model."""
    rng = random.Random(0)
    samples = []
    for entry in world_entries("train")[:count]:
        path = folder / f"{entry.image_id}.jpg"
        path.write_bytes(encode(draw(entry.question.scene, rng)))
        samples.append(
            Sample(entry.question_id, entry.question.text, entry.answers[0], path, entry.image_id, entry.answers)
        )
    return samples


def save_world(directory: Path, *, train: int, val: int) -> Path:
    """A data set in the official layout with the first questions of the built-in world."""
    for split, count in (("train", train), ("val", val)):
        images = directory / "mscoco2014" / f"{split}2014"
        images.mkdir(parents=True)
        entries = world_entries(split)[:count]
        rng = random.Random(split)
        for entry in entries:
            name = f"COCO_{split}2014_{entry.image_id:012d}.jpg"
            (images / name).write_bytes(encode(draw(entry.question.scene, rng)))
        questions = [
            {"image_id": one.image_id, "question_id": one.question_id, "question": one.question.text} for one in entries
        ]
        annotations = [
            {
                "image_id": one.image_id,
                "question_id": one.question_id,
                "question_type": "one",
                "answer_type": "other",
                "answers": [
                    {"answer_id": n, "answer": answer, "raw_answer": answer, "answer_confidence": "yes"}
                    for n, answer in enumerate(one.answers, start=1)
                ],
            }
            for one in entries
        ]
        files = {"OpenEnded_mscoco_{}2014_questions": questions, "mscoco_{}2014_annotations": annotations}
        for name, rows in files.items():
            field = name.rsplit("_", 1)[1]
            (directory / f"{name.format(split)}.json").write_text(json.dumps({field: rows}))
    return directory


def log_p(vlm: object, prompt: Prompt, answer: str) -> float:
    """Mean log-probability of the answer's tokens by one forward pass over prompt and answer."""
    assert isinstance(vlm, LocalVLM)
    assert isinstance(vlm.encoder, PatchEncoder)
    ids = torch.tensor([vlm.encoder.tokenizer(answer, add_special_tokens=False)["input_ids"]])
    inputs = vlm.encoder.inputs([vlm.encoder.encode(prompt)])
    for name, value in (("input_ids", ids), ("attention_mask", ids * 0 + 1), ("mm_token_type_ids", ids * 0)):
        inputs[name] = torch.cat((inputs[name], value), 1)
    with torch.inference_mode():
        logits = vlm.loaded.model(**inputs).logits[0, -ids.shape[1] - 1 : -1]
    return float(logits.log_softmax(-1).gather(1, ids[0][:, None]).mean())
