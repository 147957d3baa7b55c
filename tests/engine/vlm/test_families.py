"""Each family of the table in README, loaded by name: its answers are those of its own processor and `generate`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from db.specs import DecodeSpec, PromptSpec
from engine.packed.model.weights import unsupported
from engine.vlm.local.plain import LocalVLM
from engine.vlm.opening import open_vlm
from engine.vlm.prompt import Prompt, build
from engine.vlm.protocol import answers_in_order
from tests.helpers_families import FAMILIES
from tests.helpers_saved import Saved
from tests.helpers_vlm import Sample, make_samples

SIZES = ((84, 56), (60, 100), (140, 70), (112, 112))
README = Path(__file__).parents[3] / "README.md"
HEADING = "| family | checkpoints | images |"


def readme_rows() -> dict[str, str]:
    """Family -> what README says of its images."""
    lines = README.read_text(encoding="utf-8").splitlines()
    rows = lines[lines.index(HEADING) + 2 :]
    cells = [[cell.strip() for cell in row.split("|")] for row in rows[: rows.index("")]]
    return {family: images for _, family, _, images, _ in cells}


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    return make_samples(tmp_path_factory.mktemp("pictures"), SIZES)


def prompts_of(samples: list[Sample]) -> list[Prompt]:
    """Zero, one and three demonstrations, with images of four sizes."""
    shown: list[list[Sample]] = [[], samples[1:2], samples[:3], samples[2:3]]
    return [build(PromptSpec(), demonstrations, samples[(at * 3) % 4]) for at, demonstrations in enumerate(shown)]


def plain_text(processor: Any, prompt: Prompt) -> str:
    if processor.chat_template is None:
        shown = [f"{processor.image_token}{text}" for text in prompt.texts]
        return "\n".join([prompt.system, *shown])
    return str(processor.apply_chat_template(prompt.messages, tokenize=False, add_generation_prompt=True))


def own_inputs(saved: Saved, prompts: list[Prompt]) -> Any:
    """What the family's processor makes of these prompts in one batch."""
    processor = saved.processor
    caps = PromptSpec()
    patches = {"images_kwargs": {"size": {"shortest_edge": caps.min_pixels, "longest_edge": caps.max_pixels}}}
    inputs = processor(
        images=[[Image.open(path) for path in prompt.images] for prompt in prompts],
        text=[plain_text(processor, prompt) for prompt in prompts],
        padding=True,
        return_tensors="pt",
        **(patches if "image_grid_thw" in processor.image_processor.model_input_names else {}),
    )
    inputs.pop("labels", None)
    return inputs


def plain_answers(saved: Saved, prompts: list[Prompt], beams: int) -> list[str]:
    """What the family's processor and generate answer to these prompts in one batch."""
    processor, inputs = saved.processor, own_inputs(saved, prompts)
    with torch.inference_mode():
        tokens = saved.model.generate(
            **inputs, max_new_tokens=5, num_beams=beams, do_sample=False, pad_token_id=processor.tokenizer.pad_token_id,
            **({"length_penalty": 0.0} if beams > 1 else {}),
        )  # fmt: skip
    new = tokens[:, inputs["input_ids"].shape[1] :]
    return list(processor.tokenizer.batch_decode(new, skip_special_tokens=True, clean_up_tokenization_spaces=False))


def first_log_prob(saved: Saved, prompt: Prompt, text: str) -> float:
    """Log-probability of the one token of a text behind a prompt."""
    (token,) = saved.processor.tokenizer(text, add_special_tokens=False)["input_ids"]
    with torch.inference_mode():
        told = saved.model.generate(
            **own_inputs(saved, [prompt]), max_new_tokens=1, do_sample=False, output_logits=True,
            return_dict_in_generate=True,
        )  # fmt: skip
    return float(told.logits[0][0].float().log_softmax(-1)[token])


def opened(directory: Path, beams: int) -> LocalVLM:
    vlm = open_vlm(str(directory), decode=DecodeSpec(num_beams=beams), batch_size=2, engine="plain")
    assert isinstance(vlm, LocalVLM)
    return vlm


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_answers_as_its_processor_and_generate(family: str, tmp_path: Path, samples: list[Sample]) -> None:
    saved = FAMILIES[family](tmp_path)
    prompts = prompts_of(samples)
    for beams in (1, 3):
        vlm = opened(tmp_path, beams)
        expected = [plain_answers(saved, [prompt], beams)[0] for prompt in prompts]
        assert [answer.raw for answer in answers_in_order(vlm, prompts)] == expected
        assert plain_answers(saved, prompts, beams) == expected, "a batch answers as one at a time"
        assert len(set(expected)) > 1, "answers depend on the prompt"
    vlm = opened(tmp_path, beams=1)
    asked = [replace(prompt, references=("a", "b"), decoded=False) for prompt in prompts]
    for answer, prompt in zip(answers_in_order(vlm, asked), prompts, strict=True):
        assert answer.log_probs == pytest.approx([first_log_prob(saved, prompt, text) for text in "ab"], abs=1e-4)
    said = readme_rows()[family]
    assert vlm.facts()["vlm_images"].startswith(said.split(";")[0]), "README says how images are encoded"
    assert ("packed engine" in said) is not bool(unsupported(vlm.loaded.model, vlm.loaded.processor))
    assert vlm.embed_images([prompt.images[-1] for prompt in prompts[:2]]).shape == (2, vlm.embed_texts(["a"]).shape[1])


def test_readme_lists_the_families_that_are_tested() -> None:
    assert list(readme_rows()) == list(FAMILIES)


def test_a_processor_that_cannot_be_tried_answers_by_the_whole_of_it(
    tmp_path: Path, samples: list[Sample], monkeypatch: pytest.MonkeyPatch
) -> None:
    FAMILIES["GLM-4.1V"](tmp_path)

    def fails(*_: object) -> None:
        raise KeyError("shortest_edge")

    monkeypatch.setattr("engine.vlm.local.processor._tried", fails)
    vlm = opened(tmp_path, beams=1)
    assert vlm.facts()["vlm_images"].startswith("with every prompt: it cannot be tried")
    assert not any(answer.error for answer in answers_in_order(vlm, prompts_of(samples)))


def test_a_tower_whose_images_depend_on_each_other_is_not_kept(
    tmp_path: Path, samples: list[Sample], monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = FAMILIES["Qwen3-VL"](tmp_path)
    vlm = opened(tmp_path, beams=1)
    own = vlm.loaded.model.get_image_features

    def mixed(**inputs: Any) -> Any:
        made = own(**inputs)
        made.pooler_output = tuple(part * len(made.pooler_output) for part in made.pooler_output)
        return made

    monkeypatch.setattr(vlm.loaded.model, "get_image_features", mixed)
    assert "depends on the images beside it" in vlm.facts()["vlm_images"]
    prompt = prompts_of(samples)[1]
    assert [one.raw for one in answers_in_order(vlm, [prompt])] == plain_answers(saved, [prompt], 1)
