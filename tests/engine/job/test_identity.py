"""A run that is gone on with is computed from what it was begun with, or not at all: every input of every kind of job."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from db.specs import EmbedSpec, EvalSpec, GenerateSpec, TrainSpec
from db.specs.imported import ImportSpec
from engine.common.models.fingerprint import file_sha
from engine.demo import shipped
from engine.job.worker import settled
from engine.selector.checkpoint import load_selector, save_selector
from tests.helpers_data import edit_json, write_official
from tests.helpers_jobs import jobs_in
from tests.helpers_training import small, write_world
from tests.helpers_vlm import save_tiny_clip

Begin = Callable[[Path], tuple[Any, dict[str, Path]]]
QUESTIONS = "OpenEnded_mscoco_{}2014_questions.json"


def asking(folder: Path) -> dict[str, Any]:
    root = write_official(folder / "okvqa", train=12, val=12)
    shutil.copytree(shipped.model_dir(), folder / "model")
    return {
        "dataset": str(root),
        "vlm": str(folder / "model"),
        "device": "cpu",
        "batch_size": 1,
        "engine": "plain",
    }  # answers come one by one, so that a run can be stopped between them


def inputs_of(folder: Path) -> dict[str, Path]:
    return {"dataset": folder / "okvqa" / QUESTIONS.format("train"), "vlm": folder / "model" / "config.json"}


def eval_with_selector(folder: Path) -> tuple[Any, dict[str, Path]]:
    path = shutil.copy(shipped.trained_dir() / shipped.SELECTOR, folder / "selector.safetensors")
    return EvalSpec(**asking(folder), selector=str(path), shots=(1,)), {**inputs_of(folder), "selector": Path(path)}


def eval_with_encoder(folder: Path) -> tuple[Any, dict[str, Path]]:
    encoder = save_tiny_clip(folder / "clip")
    spec = EvalSpec(**asking(folder), encoder=str(encoder), retriever="i2i", shots=(1,), limit=9)
    return spec, {**inputs_of(folder), "encoder": encoder / "config.json"}


def generation(folder: Path) -> tuple[Any, dict[str, Path]]:
    path = shutil.copy(shipped.trained_dir() / shipped.SELECTOR, folder / "selector.safetensors")
    sizes: dict[str, Any] = {"queries": 6, "pool_size": 8, "min_candidates": 2, "max_candidates": 4}
    spec = GenerateSpec(**asking(folder), **sizes, selector=str(path))
    return spec, {**inputs_of(folder), "selector": Path(path)}


def embedding(folder: Path) -> tuple[Any, dict[str, Path]]:
    given = asking(folder)
    return EmbedSpec(dataset=given["dataset"], vlm=given["vlm"], device="cpu", batch_size=4), inputs_of(folder)


def embedding_with_clip(folder: Path) -> tuple[Any, dict[str, Path]]:
    encoder = save_tiny_clip(folder / "clip")
    root = write_official(folder / "okvqa", train=12, val=12)
    spec = EmbedSpec(dataset=str(root), encoder=str(encoder), device="cpu", batch_size=4)
    return spec, {"encoder": encoder / "config.json"}


def training(folder: Path) -> tuple[Any, dict[str, Path]]:
    files = {name: Path(path) for name, path in write_world(folder).items()}
    files["query_embeddings"] = Path(shutil.copy(files["embeddings"], folder / "queries.safetensors"))
    first = TrainSpec.model_validate(
        small({name: str(path) for name, path in files.items()}, rce_epochs=3).model_dump()
    )
    return first, files


def training_from_a_checkpoint(folder: Path) -> tuple[Any, dict[str, Path]]:
    jobs = jobs_in(folder / "before")
    spec, files = training(folder)
    run_id = jobs.queue(spec)
    jobs.work(run_id)
    files["init"] = Path(jobs.detail(run_id).checkpoints[-1].path)
    return spec.model_copy(update={"init": str(files["init"])}), files


def importing(folder: Path) -> tuple[Any, dict[str, Path]]:
    root = write_official(folder / "okvqa", train=12, val=12)
    questions = json.loads((root / QUESTIONS.format("val")).read_text())["questions"]
    source = folder / "answers.json"
    source.write_text(json.dumps([{"question_id": one["question_id"], "answer": "red"} for one in questions]))
    return ImportSpec(source=str(source), dataset=str(root)), {
        "source": source,
        "dataset": root / QUESTIONS.format("val"),
    }


KINDS: dict[str, tuple[Begin, int]] = {
    "eval with a selector": (eval_with_selector, 75),
    "eval with an encoder": (eval_with_encoder, 45),
    "generate": (generation, 45),
    "embed": (embedding, 8),
    "embed with CLIP": (embedding_with_clip, 6),
    "rce": (training, 30),
    "rce from a checkpoint": (training_from_a_checkpoint, 30),
    "import": (importing, 20),
}
"""How a kind of job begins, and the rows after which it is stopped."""


def swap(path: Path) -> None:
    """Other content under the same name: for a data set another question, for the rest a longer file."""
    if path.name == QUESTIONS.format("train") or path.name == QUESTIONS.format("val"):
        edit_json(path, lambda content: content["questions"][0].update(question="Is it another one?"))
    else:
        path.write_bytes(path.read_bytes() + b" ")


@contextmanager
def swapped(path: Path) -> Iterator[None]:
    kept = path.read_bytes()
    swap(path)
    yield
    path.write_bytes(kept)


@pytest.mark.parametrize("kind", KINDS)
def test_every_input_is_compared_before_a_run_goes_on(kind: str, tmp_path: Path) -> None:
    begin, rows = KINDS[kind]
    spec, files = begin(tmp_path)
    jobs = jobs_in(tmp_path)
    run_id = jobs.queue(spec)
    assert jobs.work(run_id, rows=rows).state == "stopped"
    before = jobs.detail(run_id)
    for role, path in files.items():
        with swapped(path):
            outcome = jobs.work(run_id)
        assert (outcome.state, outcome.exit_code) == ("failed", 2), f"{role}: {outcome}"
        assert outcome.reason.startswith(f"{role}: "), outcome.reason
        assert f"`leverplus rerun r{run_id}`" in outcome.reason
        assert f"`leverplus resume r{run_id}`" in outcome.reason
        after = jobs.detail(run_id)
        assert [finding.code for finding in after.findings].count("input-changed") == 1
        assert (after.facts, after.cells, after.metrics) == (before.facts, before.cells, before.metrics)
    assert jobs.work(run_id).state == "done", "with every file put back it goes on"
    assert "input-changed" not in {finding.code for finding in jobs.detail(run_id).findings}


def test_the_sentence_names_the_file_and_both_hashes(tmp_path: Path) -> None:
    spec, files = training(tmp_path)
    jobs = jobs_in(tmp_path)
    run_id = jobs.queue(spec)
    jobs.work(run_id, rows=30)
    then = file_sha(files["rl_data"])
    swap(files["rl_data"])
    reason = jobs.work(run_id).reason
    for part in (str(files["rl_data"]), then[:12], file_sha(files["rl_data"])[:12], "rl_data"):
        assert part in reason


def test_a_selector_of_other_weights_ends_the_run_with_no_further_answer(tmp_path: Path) -> None:
    spec, files = eval_with_selector(tmp_path)
    jobs = jobs_in(tmp_path)
    run_id = jobs.queue(spec)
    jobs.work(run_id, rows=75)
    answered = jobs.answers(run_id, 1)
    assert 0 < len(answered) < 12
    other = load_selector(files["selector"])
    for parameter in other.parameters():
        parameter.data.mul_(-1)
    save_selector(files["selector"], other, lineage={}, metrics={}, embedding={}, pool={})
    assert jobs.work(run_id).exit_code == 2
    assert jobs.answers(run_id, 1) == answered


def test_an_image_that_was_shown_before_is_compared_when_it_is_shown_again(tmp_path: Path) -> None:
    fields = asking(tmp_path)
    spec = EvalSpec(**fields, retriever="random", pool="first", pool_size=1, shots=(1,))
    jobs = jobs_in(tmp_path)
    run_id = jobs.queue(spec)
    jobs.work(run_id, rows=60)
    answered = jobs.answers(run_id, 1)
    assert 0 < len(answered) < 12
    shown = sorted((tmp_path / "okvqa" / "mscoco2014" / "train2014").iterdir())[0]
    kept = shown.read_bytes()
    Image.new("RGB", (50, 50), "yellow").save(shown, "JPEG")
    outcome = jobs.work(run_id)
    assert (outcome.state, outcome.exit_code) == ("failed", 2)
    assert outcome.reason.startswith(f"image: {shown}")
    assert jobs.answers(run_id, 1) == answered
    shown.write_bytes(kept)
    assert jobs.work(run_id).state == "done"
    assert len(jobs.answers(run_id, 1)) == 12


def test_an_image_of_generation_is_compared_when_it_is_shown_again(tmp_path: Path) -> None:
    spec = GenerateSpec(**asking(tmp_path), queries=6, pool_size=8, pool="first", retrieved=0, random=6, adaptive=False)
    jobs = jobs_in(tmp_path)
    run_id = jobs.queue(spec)
    jobs.work(run_id, rows=50)
    for image in (tmp_path / "okvqa" / "mscoco2014" / "train2014").iterdir():
        Image.new("RGB", (50, 50), "yellow").save(image, "JPEG")
    outcome = jobs.work(run_id)
    assert (outcome.state, outcome.exit_code) == ("failed", 2)
    assert outcome.reason.startswith("image: ")


def test_a_run_of_an_older_version_is_compared_by_what_it_stated(tmp_path: Path) -> None:
    spec, files = eval_with_selector(tmp_path)
    jobs = jobs_in(tmp_path)
    run_id = jobs.queue(spec)
    jobs.work(run_id, rows=50)
    jobs.sql("DELETE FROM run_input")
    with swapped(files["vlm"]):
        outcome = jobs.work(run_id)
    assert (outcome.state, outcome.exit_code) == ("failed", 2)
    assert outcome.reason.startswith("vlm: ")
    jobs.sql("DELETE FROM run_input")
    assert jobs.work(run_id).state == "done"
    [said] = [finding for finding in jobs.detail(run_id).findings if finding.code == "inputs-unrecorded"]
    assert "dataset" in said.message


def test_the_precision_that_was_settled_first_is_kept(tmp_path: Path) -> None:
    spec = EvalSpec(**asking(tmp_path), retriever="zero-shot", shots=(0,))
    jobs = jobs_in(tmp_path)
    run_id = jobs.queue(spec)
    jobs.work(run_id, rows=40)
    jobs.sql("UPDATE fact SET value = '\"bfloat16\"' WHERE name = 'vlm_dtype'")
    assert jobs.work(run_id).exit_code == 2, "the answers stored are in float32, and it is asked for what the facts say"
    jobs.sql("UPDATE fact SET value = '\"float32\"' WHERE name = 'vlm_dtype'")
    assert jobs.work(run_id).state == "done"


def test_the_engine_that_was_settled_first_is_kept() -> None:
    spec = EvalSpec(shots=(0,))
    assert spec.engine == "auto"
    assert settled(spec, {"vlm_engine": "plain"}).engine == "plain"
    assert settled(spec, {}) is spec
    assert settled(EvalSpec(shots=(0,), engine="packed"), {"vlm_engine": "plain"}).engine == "packed"
