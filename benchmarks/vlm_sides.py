"""The sides that `benchmarks/vlm.py` measures against each other, and what they are asked."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from db.specs.evaluate import DecodeSpec, PromptSpec
from engine.demo.shipped import model_dir
from engine.vlm.local.image_only import load_processor
from engine.vlm.local.loading import Described, Loaded
from engine.vlm.local.packed import PackedVLM
from engine.vlm.local.plain import LocalVLM
from engine.vlm.prompt import Prompt, build
from tests.helpers_vlm import Sample

CAPS = (3136, 12_845_056)
COCO_SIZES = ((640, 480),) * 9 + ((480, 640),) * 4 + ((640, 427),) * 3 + ((500, 375),) * 2 + ((427, 640), (640, 640))
"""About how often sizes occur in COCO."""
TEXTURES = 24
OKVQA_QUESTIONS = 5046


def random_model(config: Any, device: torch.device, dtype: torch.dtype, folder: Path) -> Loaded:
    """A model with random weights and the processor of its family, as if loaded from `folder`."""
    from transformers import AutoTokenizer, Qwen2_5_VLForConditionalGeneration, Qwen2VLImageProcessorPil

    torch.manual_seed(0)
    torch.set_default_dtype(dtype)
    with device:
        model = Qwen2_5_VLForConditionalGeneration._from_config(config, attn_implementation="sdpa")
    torch.set_default_dtype(torch.float32)
    config.save_pretrained(folder)
    AutoTokenizer.from_pretrained(model_dir()).save_pretrained(folder)
    Qwen2VLImageProcessorPil(patch_size=14, merge_size=2, temporal_patch_size=2).save_pretrained(folder)
    processor = load_processor(folder, config)
    ends = (int(processor.tokenizer.eos_token_id),)
    described = Described.of(model, processor)
    model = model.eval().requires_grad_(False)
    return Loaded("random", model, processor, "random", device, dtype, 0, ends, "", config, described)


def coco_like(
    folder: Path, count: int, sizes: Sequence[tuple[int, int]] = COCO_SIZES, name: str = "{}.jpg"
) -> list[Sample]:
    """Questions about `count` different JPEG files with the spectrum of photographs."""
    rng = np.random.default_rng(0)
    textures = [_texture(rng) for _ in range(TEXTURES)]
    draw = random.Random(0)
    shapes = [draw.choice(sizes) for _ in range(count)]

    def save(at: int) -> Path:
        width, height = shapes[at]
        moved = np.roll(textures[at % TEXTURES], (13 * at, 29 * at), (0, 1))[:height, :width]
        path = folder / name.format(at)
        buffer = io.BytesIO()
        Image.fromarray(moved).save(buffer, "JPEG", quality=92)
        path.write_bytes(buffer.getvalue())
        return path

    with ThreadPoolExecutor(16) as pool:
        paths = list(pool.map(save, range(count)))
    words = (
        "what",
        "is",
        "the",
        "colour",
        "of",
        "this",
        "thing",
        "over",
        "there",
        "in",
        "picture",
        "near",
        "left",
        "side",
    )
    return [
        Sample(at, " ".join(draw.sample(words, 8)) + "?", " ".join(draw.sample(words, 2)), path)
        for at, path in enumerate(paths)
    ]


def write_okvqa(root: Path, val: int) -> None:
    """A folder in the official layout with so many questions to ask, and of demonstrations its share in OKVQA."""
    for split, count in (("val", val), ("train", round(val * 9009 / OKVQA_QUESTIONS))):
        images = root / "mscoco2014" / f"{split}2014"
        images.mkdir(parents=True)
        samples = coco_like(images, count, name=f"COCO_{split}2014_{{:012d}}.jpg")
        asked = [
            {"image_id": one.question_id, "question_id": one.question_id, "question": one.question} for one in samples
        ]
        answers = [
            {
                **{name: row[name] for name in ("image_id", "question_id")}, "question_type": "one", "answer_type": "other",
                "answers": [
                    {"answer_id": at, "answer": one.label, "raw_answer": one.label, "answer_confidence": "yes"}
                    for at in range(1, 11)
                ],
            }
            for row, one in zip(asked, samples, strict=True)
        ]  # fmt: skip
        (root / f"OpenEnded_mscoco_{split}2014_questions.json").write_text(json.dumps({"questions": asked}))
        (root / f"mscoco_{split}2014_annotations.json").write_text(json.dumps({"annotations": answers}))


def _texture(rng: np.random.Generator) -> np.ndarray[Any, Any]:
    square = 640
    spectrum = (np.fft.fftfreq(square)[:, None] ** 2 + np.fft.fftfreq(square)[None] ** 2 + 1e-6) ** -0.55
    layers = [np.fft.ifft2(np.fft.fft2(rng.standard_normal((square, square))) * spectrum).real for _ in range(3)]
    image = np.stack(layers, -1)
    image = 0.7 * image.mean(-1, keepdims=True) + 0.3 * image
    return ((image - image.mean()) / image.std() * 55 + 115).clip(0, 255).astype(np.uint8)  # type: ignore[no-any-return]


def evaluation(
    samples: Sequence[Sample], questions: int, shots: Sequence[int], seed: int = 0, *, nearest_last: bool = False
) -> list[Prompt]:
    """All prompts of an evaluation: the first `questions` samples are asked, the others shown, nested from shot to shot: fewer
    demonstrations are the first of more, or with `nearest_last` their last."""
    rng = random.Random(seed)
    spec = PromptSpec()
    prompts = []
    for query in samples[:questions]:
        shown = rng.sample(range(questions, len(samples)), max(shots))
        orders = [shown[:count][::-1] if nearest_last else shown[:count] for count in shots]
        prompts += [build(spec, [samples[at] for at in order], query) for order in orders]
    return prompts


class Published:
    """One question at a time, each shot count by itself, all images opened and encoded again, beams before the prefill."""

    def __init__(self, loaded: Loaded, decode: DecodeSpec) -> None:
        self._loaded = loaded
        self._generation = LocalVLM(loaded, decode=decode, batch_size=1, pixels=CAPS)._generation
        self.attention = loaded.model.config._attn_implementation

    def inputs(self, prompt: Prompt) -> dict[str, Tensor]:
        """By the whole processor, in the main thread."""
        processor = self._loaded.processor
        images = [Image.open(path).convert("RGB") for path in prompt.images]
        text = processor.apply_chat_template(prompt.messages, tokenize=False, add_generation_prompt=True)
        made = processor(images=[images], text=[text], return_tensors="pt")
        return {name: value.to(self._loaded.device) for name, value in made.items()}

    @torch.inference_mode()
    def tokens(self, inputs: dict[str, Tensor]) -> list[int]:
        """Of the answer, under autocast as published."""
        device = self._loaded.device.type
        with torch.autocast(device, dtype=torch.bfloat16, enabled=device == "cuda"):
            made = self._loaded.model.generate(**inputs, generation_config=self._generation)
        return made[0, inputs["input_ids"].shape[1] :].tolist()  # type: ignore[no-any-return]

    def answer(self, prompts: Sequence[Prompt]) -> list[list[int]]:
        """End to end."""
        return [self.tokens(self.inputs(prompt)) for prompt in prompts]


def plain(loaded: Loaded, decode: DecodeSpec, batch_size: int) -> LocalVLM:
    """Our batched path through generate."""
    return LocalVLM(loaded, decode=decode, batch_size=batch_size, pixels=CAPS)


def packed(loaded: Loaded, decode: DecodeSpec) -> PackedVLM:
    """The packed engine."""
    return PackedVLM(loaded, decode=decode, batch_size=8, pixels=CAPS)


def forget(vlm: LocalVLM | PackedVLM) -> None:
    """As if no image had been seen."""
    from engine.packed.images.kept import Kept

    if isinstance(vlm, PackedVLM):
        features = vlm.engine.features
        features.kept = Kept(features.kept.device, *features.kept.limits)
    elif vlm._tower is not None:
        fresh = LocalVLM(vlm.loaded, decode=DecodeSpec(), batch_size=1, pixels=CAPS)
        vlm._tower, vlm.encoder = fresh._tower, fresh.encoder
