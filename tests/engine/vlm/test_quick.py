"""A start from the files alone is the same model: told, asked and embedded as after a start with transformers' own classes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from db.specs import DecodeSpec
from engine.packed.model.source import place_of
from engine.vlm.local.packed import PackedVLM
from engine.vlm.local.plain import LocalVLM
from engine.vlm.local.processor import PatchEncoder
from engine.vlm.local.quick import QuickProcessor
from engine.vlm.opening import open_vlm
from engine.vlm.prompt import Prompt
from engine.vlm.protocol import answers_in_order
from tests.helpers_packed import random_prompts, random_samples
from tests.helpers_vlm import save_tiny_qwen, save_tiny_qwen2, save_tiny_qwen3

HEAVY = ("transformers.modeling_utils", "transformers.processing_utils", "transformers.generation.utils")


def opened(directory: Path, cache_dir: Path, decode: DecodeSpec | None = None, engine: str = "auto") -> LocalVLM:
    decode = decode or DecodeSpec()
    vlm = open_vlm(str(directory), decode=decode, device="cpu", engine=engine, cache_dir=cache_dir)
    assert isinstance(vlm, LocalVLM)
    return vlm


def is_quick(vlm: LocalVLM) -> bool:
    return vlm.loaded.model is None


@pytest.fixture(scope="module")
def prompts(tmp_path_factory: pytest.TempPathFactory) -> list[Prompt]:
    return random_prompts(random_samples(tmp_path_factory.mktemp("pictures")), 60, seed=4, most_shots=4)


FAMILIES: dict[str, Callable[[Path], Path]] = {
    "Qwen2.5-VL-3B": save_tiny_qwen,
    "Qwen2.5-VL-7B": partial(save_tiny_qwen, tied=False),
    "Qwen2-VL-2B": save_tiny_qwen2,
    "Qwen2-VL-7B": partial(save_tiny_qwen2, tied=False),
    "Qwen3-VL-4B": save_tiny_qwen3,
    "Qwen3-VL-8B": partial(save_tiny_qwen3, tied=False),
}
"""Of the form of these."""


@pytest.fixture(scope="module", params=list(FAMILIES))
def family(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return FAMILIES[request.param](tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="module")
def both(family: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[PackedVLM, PackedVLM]:
    """The first start and the second one."""
    cache_dir = tmp_path_factory.mktemp("cache")
    whole, quick = (opened(family, cache_dir) for _ in range(2))
    assert isinstance(whole, PackedVLM)
    assert isinstance(quick, PackedVLM)
    assert (is_quick(whole), is_quick(quick)) == (False, True)
    return whole, quick


def test_scores_are_equal_to_the_bit_and_so_are_answers(
    both: tuple[PackedVLM, PackedVLM], prompts: list[Prompt]
) -> None:
    whole, quick = both
    scores = [vlm.engine.logits([vlm.path(prompt) for prompt in prompts[:12]]) for vlm in both]
    assert torch.equal(*scores)
    assert answers_in_order(whole, prompts) == answers_in_order(quick, prompts)


def test_scores_and_answers_are_those_of_transformers_own_model(
    family: Path, both: tuple[PackedVLM, PackedVLM], prompts: list[Prompt], tmp_path: Path
) -> None:
    quick, plain = both[1], opened(family, tmp_path, engine="plain")
    plain._tower = None  # generate encodes the images itself
    assert answers_in_order(quick, prompts) == answers_in_order(plain, prompts)
    few = prompts[:12]
    found = quick.engine.logits([quick.path(prompt) for prompt in few])
    torch.testing.assert_close(found, torch.stack([own_logits(plain, one) for one in few]), atol=1e-4, rtol=0)


def own_logits(vlm: LocalVLM, prompt: Prompt) -> Tensor:
    assert isinstance(vlm.encoder, PatchEncoder)
    inputs = vlm.encoder.inputs([vlm.encoder.encode(prompt)])
    with torch.inference_mode():
        scores: Tensor = vlm.loaded.model(**inputs).logits[0, -1]
    return scores


def test_the_same_is_told_of_it_and_its_answers_have_the_same_keys(
    both: tuple[PackedVLM, PackedVLM], prompts: list[Prompt]
) -> None:
    whole, quick = both
    told = [{name: one for name, one in vlm.facts().items() if not name.startswith("engine_")} for vlm in both]
    assert told[0] == told[1]
    for name in ("sha", "requests_sha", "features_sha", "at_once"):
        assert getattr(whole, name) == getattr(quick, name)
    assert [whole.request_sha(one) for one in prompts] == [quick.request_sha(one) for one in prompts]


def test_it_embeds_as_before_and_finds_how_many_tokens_are_needed(
    both: tuple[PackedVLM, PackedVLM], prompts: list[Prompt]
) -> None:
    whole, quick = both
    images = list(prompts[-1].images)
    assert torch.equal(whole.embed_images(images), quick.embed_images(images))
    assert torch.equal(whole.embed_texts(["red", "two birds"]), quick.embed_texts(["red", "two birds"]))
    assert whole.tokens_for(prompts[0]) == quick.tokens_for(prompts[0])


def test_neither_models_nor_processors_of_transformers_are_imported(family: Path, tmp_path: Path) -> None:
    opened(family, tmp_path)
    said = subprocess.run(
        [
            sys.executable, "-c",
            "import sys\nfrom pathlib import Path\nfrom db.specs import DecodeSpec\nfrom engine.vlm.opening import open_vlm\n"
            f"directory, cache_dir = {str(family)!r}, Path({str(tmp_path)!r})\n"
            "vlm = open_vlm(directory, decode=DecodeSpec(), device='cpu', engine='auto', cache_dir=cache_dir)\n"
            "print(vlm.loaded.model, vlm.facts()['vlm_engine'])\n"
            f"print([name for name in {HEAVY!r} if name in sys.modules])",
        ],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert said.stdout.splitlines() == ["None packed", "[]"]


@pytest.mark.parametrize("decode", [{"do_sample": True, "num_beams": 1}, {"repetition_penalty": 1.3}])
def test_what_needs_transformers_has_it(
    qwen: Path, prompts: list[Prompt], tmp_path: Path, decode: dict[str, object]
) -> None:
    spec = DecodeSpec.model_validate(decode)
    first, second = (opened(qwen, tmp_path, spec) for _ in range(2))
    assert is_quick(second) is not spec.do_sample
    assert answers_in_order(first, prompts[:6]) == answers_in_order(second, prompts[:6])


def test_another_engine_another_precision_and_who_asks_for_it_are_loaded_whole(qwen: Path, tmp_path: Path) -> None:
    opened(qwen, tmp_path)
    whole = open_vlm(str(qwen), decode=DecodeSpec(), device="cpu", engine="auto", cache_dir=tmp_path, quick=False)
    assert isinstance(whole, PackedVLM)
    assert not is_quick(whole)
    assert not is_quick(opened(qwen, tmp_path, engine="plain"))
    half = open_vlm(str(qwen), decode=DecodeSpec(), device="cpu", dtype="bfloat16", engine="packed", cache_dir=tmp_path)
    assert isinstance(half, PackedVLM)
    assert not is_quick(half)


@pytest.mark.parametrize(
    "part", ["model.rotary.TextRotary._laid", "model.rotary.TowerRotary._laid", "model.files.place_of"]
)
@pytest.mark.parametrize("save", [save_tiny_qwen, save_tiny_qwen2, save_tiny_qwen3])
def test_what_is_not_equal_is_never_taken(
    save: Callable[[Path], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    wrong = {"place_of": lambda name: name.replace("q_proj", "k_proj")}
    double = lambda *given: torch.cat((given[-1] * 1.0001, given[-1]), -1)  # noqa: E731
    for name in (f"engine.packed.{part}", "engine.vlm.local.starts._code"):
        monkeypatch.setattr(name, (lambda: "changed") if name.endswith("_code") else wrong.get(part[-8:], double))
    directory = save(tmp_path / "model")
    starts = [opened(directory, tmp_path) for _ in range(2)]
    assert not any(is_quick(vlm) for vlm in starts)
    assert all("its" in vlm.facts()["vlm_start_reason"] for vlm in starts)


def test_a_changed_prompt_is_never_taken(qwen: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = QuickProcessor.apply_chat_template
    monkeypatch.setattr(QuickProcessor, "apply_chat_template", lambda *given, **named: own(*given, **named) + " ")
    starts = [opened(qwen, tmp_path) for _ in range(2)]
    assert not any(is_quick(vlm) for vlm in starts)
    said = "its chat template alone makes other prompts than its processor"
    assert [vlm.facts()["vlm_start_reason"] for vlm in starts] == [said, said]


def test_a_quick_start_that_fails_is_followed_by_a_whole_one(
    qwen: Path, prompts: list[Prompt], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = answers_in_order(opened(qwen, tmp_path), prompts[:6])

    def broken(*_: object) -> None:
        raise OSError("a file of weights ends too early")

    monkeypatch.setattr("engine.packed.model.files.read", broken)
    vlm = opened(qwen, tmp_path)
    assert isinstance(vlm, PackedVLM)
    assert not is_quick(vlm)
    assert answers_in_order(vlm, prompts[:6]) == expected


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda config: config["vision_config"].update(hidden_act="relu"), "its vision tower has the activation relu"),
        (
            lambda config: config["text_config"]["rope_parameters"].update(rope_type="linear", factor=2.0),
            "its kind of positions is not the family's",
        ),
    ],
)
def test_an_unusual_model_starts_whole_and_answers_all_the_same(
    tmp_path: Path, prompts: list[Prompt], change: Callable[[dict[str, Any]], None], said: str
) -> None:
    directory = save_tiny_qwen3(tmp_path / "model")
    config = json.loads((directory / "config.json").read_text())
    change(config)
    (directory / "config.json").write_text(json.dumps(config))
    first, second = (opened(directory, tmp_path / "cache") for _ in range(2))
    assert not is_quick(second)
    told = [
        vlm.facts().get("vlm_start_reason" if isinstance(vlm, PackedVLM) else "vlm_engine_reason")
        for vlm in (first, second)
    ]
    assert told == [said, said]
    plain = opened(directory, tmp_path / "cache", engine="plain")
    assert answers_in_order(first, prompts[:8]) == answers_in_order(plain, prompts[:8])


def test_other_weights_are_another_model(tmp_path: Path, prompts: list[Prompt]) -> None:
    directory = save_tiny_qwen(tmp_path / "model")
    cache_dir = tmp_path / "cache"
    cache_dir.mkdir()
    opened(directory, cache_dir)
    before = answers_in_order(opened(directory, cache_dir), prompts[:8])
    weights = load_file(directory / "model.safetensors")
    save_file({name: one * 1.5 for name, one in weights.items()}, directory / "model.safetensors", {"format": "pt"})
    changed = opened(directory, cache_dir)
    assert not is_quick(changed)
    assert answers_in_order(changed, prompts[:8]) != before


def test_names_of_older_releases_have_a_place() -> None:
    assert place_of("visual.blocks.0.norm1.weight") == "model.visual.blocks.0.norm1.weight"
    assert place_of("model.layers.3.mlp.up_proj.weight") == "model.language_model.layers.3.mlp.up_proj.weight"
    for name in ("lm_head.weight", "model.language_model.norm.weight", "model.visual.merger.ln_q.weight"):
        assert place_of(name) == name
