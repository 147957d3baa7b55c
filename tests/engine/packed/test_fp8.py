"""Prompts read in fp8: rounding as it is defined, float32 as the model's own, and everything else untouched."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from db.specs.evaluate import DecodeSpec
from engine.packed.agreement import agreement
from engine.packed.assembly import read_in_fp8
from engine.packed.counts import Counts
from engine.packed.engine import Ask
from engine.packed.kernels.fp8 import LARGEST, rounded
from engine.packed.model.other_precisions import Fp8Product, in_float32
from engine.packed.model.weights import Product
from engine.vlm.local.packed import PackedVLM
from engine.vlm.prompt import Prompt
from engine.vlm.protocol import always, answers_in_order
from tests.helpers_packed import loaded, packed, random_prompts, random_samples
from tests.helpers_vlm import save_tiny_qwen, save_tiny_qwen2, save_tiny_qwen3

FAMILIES = {"qwen2.5": save_tiny_qwen, "qwen2": save_tiny_qwen2, "qwen3": save_tiny_qwen3}
STEP = 2**-4
"""Largest relative error of a number with three bits behind its first."""


@pytest.fixture(scope="module")
def prompts(tmp_path_factory: pytest.TempPathFactory) -> list[Prompt]:
    return random_prompts(random_samples(tmp_path_factory.mktemp("pictures")), 24, seed=3, most_shots=4)


@pytest.fixture(scope="module", params=list(FAMILIES))
def vlm(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> PackedVLM:
    save: Callable[[Path], Path] = FAMILIES[request.param]
    return packed(loaded(save(tmp_path_factory.mktemp(request.param)), dtype="bfloat16"), DecodeSpec())


def test_a_row_is_rounded_by_its_own_largest_number() -> None:
    x = torch.randn(6, 40) * torch.logspace(-6, 6, 6)[:, None]
    x[2] = 0
    rows = rounded(x)
    assert torch.equal(
        rows.values.float().abs().amax(1), torch.tensor([LARGEST, LARGEST, 0, LARGEST, LARGEST, LARGEST])
    )
    least = rows.scales * 2**-6  # below which e4m3 has steps of one size
    assert ((rows.values.float() * rows.scales - x).abs() <= torch.maximum(STEP * x.abs(), STEP * least)).all()


def test_a_product_multiplies_what_was_rounded() -> None:
    x, weight, bias = torch.randn(5, 64), torch.randn(48, 64) * torch.logspace(-3, 3, 48)[:, None], torch.randn(48)
    rows, weights = rounded(x), rounded(weight)
    made = Fp8Product.of(Product(weight, bias))(rows)
    expected = (rows.values.float() * rows.scales) @ (weights.values.float() * weights.scales).T + bias
    assert torch.allclose(made, expected, rtol=1e-4, atol=1e-4)
    assert (made - (x @ weight.T + bias)).norm() > 0.005 * made.norm()


def test_float32_from_rounded_weights_is_what_the_model_itself_gives_in_float32(
    vlm: PackedVLM, prompts: list[Prompt]
) -> None:
    paths = [vlm.path(prompt) for prompt in prompts]
    tokens = sum(len(segment) for path in paths for segment in path)
    engine = replace(vlm.engine, language=in_float32(vlm.engine.language, tokens), counts=Counts())
    whole = packed(replace(vlm.loaded, model=_in_float32(vlm), dtype=torch.float32), DecodeSpec())
    for key in vlm.engine.features.sources:  # the tower stays as it is
        whole.engine.features.kept.put({key: vlm.engine.features.tokens([key])[0][key].float()}, [1.0])
    expected = whole.engine.logits([whole.path(prompt) for prompt in prompts])
    assert (engine.logits(paths) - expected).norm() < 1e-4 * expected.norm()


def _in_float32(vlm: PackedVLM) -> torch.nn.Module:
    model: torch.nn.Module = deepcopy(vlm.loaded.model).float()
    return model


def test_an_agreement_is_counted_and_leaves_no_trace(vlm: PackedVLM, prompts: list[Prompt]) -> None:
    engine = vlm.engine
    paths = [vlm.path(prompt) for prompt in prompts]
    before = engine.logits(paths)
    counted, encoded = replace(engine.counts), engine.features.encoded
    found = agreement(engine, read_in_fp8(engine.language), paths, 8)
    assert (engine.counts, engine.features.encoded) == (counted, encoded)
    assert torch.equal(engine.logits(paths), before)
    assert (found.prompts, found.scored) == (len(prompts), 8)
    assert len(prompts) // 3 < found.equal < len(prompts)
    assert 0.002 < found.distance < 0.02 < found.distance_fp8 < 0.3
    assert engine.language.memory.free == engine.language.memory.size


def test_answers_are_those_that_the_agreement_counted(vlm: PackedVLM, prompts: list[Prompt]) -> None:
    language = vlm.engine.language
    before = answers_in_order(vlm, prompts)
    stack = read_in_fp8(language)
    found = agreement(vlm.engine, stack, [vlm.path(prompt) for prompt in prompts], 1)
    language.reading = stack
    after = answers_in_order(vlm, prompts)
    language.reading = language.own
    assert sum(a == b for a, b in zip(before, after, strict=True)) == found.equal
    assert answers_in_order(vlm, prompts) == before


def test_only_prompts_are_read_in_fp8(vlm: PackedVLM, prompts: list[Prompt], monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers and references go through the stored weights: there are as many products in fp8 as levels of prompts ask for."""
    language = vlm.engine.language
    passes: list[int] = []
    product = torch._scaled_mm

    def counted(x: torch.Tensor, *given: object, **named: object) -> torch.Tensor:
        passes.append(len(x))
        made: torch.Tensor = product(x, *given, **named)  # type: ignore[arg-type]
        return made

    monkeypatch.setattr(torch, "_scaled_mm", counted)
    language.reading = read_in_fp8(language)
    asked = [Ask(vlm.path(prompt), references=((5, 6, 7), (8, 9))) for prompt in prompts[:4]]
    levels = max(len(ask.path) for ask in asked)
    for _ in vlm.engine.answer(asked, always):
        pass
    language.reading = language.own
    assert len(passes) <= 4 * len(language.weights.layers) * levels
    assert len(passes) >= 4 * (len(language.weights.layers) - 1) * levels
