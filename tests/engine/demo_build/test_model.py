"""The shipped tiny model loads by the real model's classes and learns from demonstrations; the trainer trains."""

import random
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.demo.language import Question
from engine.demo.scene import decode, draw, encode, random_scene
from engine.demo.shipped import model_dir
from engine.demo.world import reference_answers, world_conventions, world_entries
from engine.demo_build.episodes import MIXTURE
from engine.demo_build.model import BuildOptions, PictureBank, build, draw_batch, image_processor, target_logits
from engine.demo_build.pictures import picture_tokens
from engine.demo_build.prompts import PromptEncoder

ASSET_LIMIT = 4_000_000  # bytes


@pytest.fixture(scope="module")
def model() -> Any:
    """The shipped weights, loaded as any image-text-to-text model is."""
    from transformers import AutoModelForImageTextToText

    return AutoModelForImageTextToText.from_pretrained(model_dir(), dtype=torch.float32).eval()


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    """The shipped tokenizer."""
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(model_dir())


def test_the_assets_stay_under_four_megabytes() -> None:
    files = [path for path in model_dir().rglob("*") if path.is_file()]
    assert {"config.json", "model.safetensors", "tokenizer.json", "preprocessor_config.json"} <= {f.name for f in files}
    assert sum(path.stat().st_size for path in files) < ASSET_LIMIT


def test_it_is_the_real_models_class(model: Any, tokenizer: Any) -> None:
    assert type(model).__name__ == "Qwen2_5_VLForConditionalGeneration"
    assert model.config.image_token_id == tokenizer.convert_tokens_to_ids("<|image_pad|>")
    assert model.generation_config.eos_token_id == tokenizer.convert_tokens_to_ids("<|im_end|>")
    assert not model.generation_config.do_sample


def chat(demonstrations: list[Question], query: Question) -> list[dict[str, Any]]:
    """Chat messages with the world's answers to the demonstrations."""
    conventions = world_conventions()
    content: list[dict[str, str]] = []
    for shown in demonstrations:
        text = f"Question:{shown.text} Short answer:{conventions.answer(shown)}"
        content += [{"type": "image"}, {"type": "text", "text": text}]
    content += [{"type": "image"}, {"type": "text", "text": f"Question:{query.text} Short answer:"}]
    return [{"role": "user", "content": content}]


def ask(model: Any, tokenizer: Any, prompts: list[tuple[list[Question], Question]]) -> list[str]:
    """What the model answers to prompts that all have the same number of demonstrations."""
    rng = random.Random(0)
    texts = [tokenizer.apply_chat_template(chat(*p), tokenize=False, add_generation_prompt=True) for p in prompts]
    tokens = tokenizer(texts, return_tensors="pt", padding=True, padding_side="left")
    pictures = [decode(encode(draw(q.scene, rng))) for shown, query in prompts for q in (*shown, query)]
    seen = image_processor()(images=pictures, return_tensors="pt")
    kinds = (tokens["input_ids"] == model.config.image_token_id).int()
    with torch.inference_mode():
        out = model.generate(**tokens, **seen, mm_token_type_ids=kinds, max_new_tokens=5)
    answers: list[str] = tokenizer.batch_decode(out[:, tokens["input_ids"].shape[1] :], skip_special_tokens=True)
    return answers


def test_relevant_demonstrations_beat_none(model: Any, tokenizer: Any) -> None:
    queries = [entry.question for entry in world_entries("val") if entry.question.kind == "word"][:24]
    rng = random.Random(1)
    shown = [Question("word", _same_value(query, rng), query.attributes, query.speaker) for query in queries]
    blind = ask(model, tokenizer, [([], query) for query in queries])
    taught = ask(model, tokenizer, [([one], query) for one, query in zip(shown, queries, strict=True)])
    right = [
        sum(said in reference_answers(query, world_conventions()) for said, query in zip(answers, queries, strict=True))
        for answers in (blind, taught)
    ]
    assert right[0] <= 2
    assert right[1] >= 18


def _same_value(query: Question, rng: random.Random) -> Any:
    asked = query.attributes[0]
    return next(
        scene
        for scene in iter(lambda: random_scene(rng), None)
        if scene.value(asked) == query.scene.value(asked) and scene != query.scene
    )


def test_batched_pictures_give_the_models_own_tokens(model: Any) -> None:
    rng = random.Random(2)
    pictures = [draw(random_scene(rng), rng) for _ in range(5)]
    seen = image_processor()(images=pictures, return_tensors="pt")
    with torch.inference_mode():
        expected = torch.cat(model.get_image_features(**seen).pooler_output)
        usual = model.model.visual.config._attn_implementation
        actual = picture_tokens(model, seen["pixel_values"])
        model.model.visual.config._attn_implementation = usual
    assert torch.allclose(actual, expected, atol=1e-5)


def test_training_logits_are_those_of_the_whole_model(model: Any, tokenizer: Any) -> None:
    rng = random.Random(4)
    encoder, bank = PromptEncoder(tokenizer), PictureBank(image_processor(), 1, rng)
    batch = draw_batch(encoder, bank, 3, 2, MIXTURE, rng)
    with torch.inference_mode():
        logits, _, places, _ = target_logits(model, batch, encoder.image)
        model.model.visual.config._attn_implementation = "sdpa"
        whole = model(
            input_ids=batch.ids,
            attention_mask=(batch.ids != encoder.pad).long(),
            pixel_values=batch.pictures,
            image_grid_thw=torch.tensor([[1, 4, 4]]).expand(9, 3),
            mm_token_type_ids=(batch.ids == encoder.image).int(),
        ).logits
    assert torch.allclose(logits, whole[places[:, 0], places[:, 1]], atol=1e-3)


def test_the_trainer_trains_saves_and_repeats_itself(tmp_path: Path) -> None:
    from transformers import AutoModelForImageTextToText

    options = BuildOptions(steps=2, batch=2, variants=1, warm_up=1, report_every=2, report_size=4, seed=5)
    lines: list[str] = []
    build(tmp_path / "one", options, lines.append)
    build(tmp_path / "two", options, lines.append)
    one, two = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("one", "two"))
    assert one == two
    assert any("step 2/2" in line for line in lines)
    assert {path.name for path in (tmp_path / "one").iterdir()} == {path.name for path in model_dir().iterdir()}
    loaded = AutoModelForImageTextToText.from_pretrained(tmp_path / "one")
    assert loaded.dtype == torch.float16
