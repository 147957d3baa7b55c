"""The evaluation recipe with the real built-in model: its world, a folder of awkward images, a saved selector."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import pytest
import torch

from db.rows import Cell, Fact, Prediction, Row, StoredAnswer
from db.specs import DecodeSpec, EvalSpec, Finding, PromptSpec
from db.specs.selector import PUBLISHED
from engine.data.datasets import open_dataset
from engine.features.encoders import open_encoder
from engine.features.vectors import Recipe, combined_width, embed_samples
from engine.recipes.evaluate import evaluate
from engine.recipes.run_context import RunContext
from engine.selector import PointerSelector
from engine.selector.checkpoint import save_selector
from engine.vlm.opening import open_vlm
from engine.vlm.protocol import VLM
from tests.helpers_data import write_official

Kind = TypeVar("Kind", bound=Row)


def only(rows: list[Row], kind: type[Kind]) -> list[Kind]:
    return [row for row in rows if isinstance(row, kind)]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def model(cache: Path) -> VLM:
    return open_vlm("builtin", decode=DecodeSpec(), prompt=PromptSpec(), device="cpu", cache_dir=cache)


@pytest.fixture(autouse=True)
def opened_once(model: VLM, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Loading the model takes longer than asking it: share one."""
    monkeypatch.setattr("engine.recipes.answering_model.open_vlm", lambda *_, **__: model)
    with torch.no_grad():
        yield


def test_the_builtin_world_end_to_end(cache: Path, tmp_path: Path) -> None:
    spec = EvalSpec(retriever="random", limit=10, shots=(0, 2), device="cpu")
    rows = list(evaluate(spec, RunContext(tmp_path, cache)))
    predictions = only(rows, Prediction)
    assert len(predictions) == 20
    assert all(one.raw and not one.error for one in predictions)
    assert [cell.n_done for cell in only(rows, Cell)[-2:]] == [10, 10]  # a slow machine yields some before
    assert "SYNTHETIC" in {fact.name: fact.value for fact in only(rows, Fact)}["synthetic"]
    stored = {one.request_sha: StoredAnswer(one.raw, one.cut, 7, "") for one in predictions}
    context = RunContext(tmp_path, cache, find_answers=lambda shas: {sha: stored[sha] for sha in shas if sha in stored})
    again = only(list(evaluate(spec, context)), Prediction)
    assert all(one.reused for one in again)
    assert {(one.question_id, one.shot, one.answer, one.score) for one in again} == {
        (one.question_id, one.shot, one.answer, one.score) for one in predictions
    }


def test_awkward_images_and_questions_are_asked(cache: Path, tmp_path: Path) -> None:
    root = write_official(tmp_path / "okvqa")
    spec = EvalSpec(dataset=str(root), retriever="i2i", shots=(1,), device="cpu")
    rows = list(evaluate(spec, RunContext(tmp_path, cache)))
    assert len(only(rows, Prediction)) == 24
    assert [one.error for one in only(rows, Prediction) if one.error] == []
    broken = open_dataset(root, cache_dir=cache).val.questions[5].image
    broken.write_bytes(broken.read_bytes()[:30])
    rows = list(evaluate(spec, RunContext(tmp_path, cache)))
    errors = {one.error for one in only(rows, Prediction) if one.error}
    assert errors
    assert all(str(broken) in error for error in errors)
    assert "images-missing" in {one.code for one in only(rows, Finding)}


def test_a_saved_selector_chooses_by_its_own_recipe(cache: Path, tmp_path: Path, model: VLM) -> None:
    encoder = open_encoder("vlm", model)
    train = open_dataset("builtin", cache_dir=cache).train
    recipe = Recipe().fitted(embed_samples(encoder, train.questions, Recipe(), cache=cache))
    torch.manual_seed(0)
    selector = PointerSelector(PUBLISHED["v3"], d_model=combined_width(encoder, recipe), hidden_dim=16).eval()
    path = tmp_path / "selector.safetensors"
    save_selector(path, selector, embedding=recipe.describe(encoder))
    spec = EvalSpec(selector=str(path), limit=8, shots=(1, 2, 5), pool="rand-sampler", pool_size=16, device="cpu")
    rows = list(evaluate(spec, RunContext(tmp_path, cache)))
    facts = {fact.name: fact.value for fact in only(rows, Fact)}
    assert (facts["retriever"], facts["selector"], facts["pool_size"]) == ("selector", str(path), 16)
    assert facts["selector_encoder_model"] == "builtin"
    assert "encoder-mismatch" not in {one.code for one in only(rows, Finding)}
    embedded = embed_samples(encoder, train.questions, recipe, cache=cache)
    for one in only(rows, Prediction):
        assert len(set(one.demonstrations)) == len(one.demonstrations) == min(one.shot, selector.max_shots)
    assert embedded.mean(0).abs().max() < 1e-3, "the recipe standardises"
    untrained = spec.model_copy(update={"retriever": "untrained", "shots": (1,)})
    rows = list(evaluate(untrained, RunContext(tmp_path, cache)))
    before = {fact.name: fact.value for fact in only(rows, Fact)}
    assert before["selector_sha"] != facts["selector_sha"], "its weights are not the file's"
    assert (before["variant"], before["pool_sha"]) == (facts["variant"], facts["pool_sha"])
    near = spec.model_copy(update={"retriever": "qi2qi", "shots": (1,)})
    rows = list(evaluate(near, RunContext(tmp_path, cache)))
    assert {fact.name: fact.value for fact in only(rows, Fact)}["selector_encoder_model"] == "builtin"
    other = recipe.describe(encoder) | {"encoder_sha": "another"}
    save_selector(path, selector, embedding=other)
    rows = list(evaluate(spec, RunContext(tmp_path, cache)))
    assert "encoder-mismatch" in {one.code for one in only(rows, Finding)}
