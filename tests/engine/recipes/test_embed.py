"""The embedding recipe on a small copy of the built-in world's layout."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from db.rows import Artifact, Fact, Progress, Row
from db.specs import DecodeSpec, EmbedSpec, Finding, UserError
from engine.common.models.fingerprint import file_sha
from engine.data.datasets import open_dataset
from engine.features.encoders import VLMEncoder, open_encoder
from engine.features.vectors import embed_samples, read_embeddings, recipe_of
from engine.recipes.embed import embed
from engine.recipes.run_context import RunContext
from engine.vlm.opening import open_vlm
from tests.helpers_vlm import save_tiny_clip, save_world


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_world(tmp_path_factory.mktemp("world"), train=6, val=3)


@pytest.fixture
def context(tmp_path: Path) -> RunContext:
    return RunContext(run_dir=tmp_path / "run", cache_dir=tmp_path / "cache")


def rows_of(kind: type, rows: list[Row]) -> list[Any]:
    return [row for row in rows if isinstance(row, kind)]


def test_one_file_with_a_manifest_that_embeds_alike(world: Path, context: RunContext) -> None:
    rows = list(embed(EmbedSpec(dataset=str(world), standardize=True), context))
    artifact = rows_of(Artifact, rows)[0]
    file = read_embeddings(Path(artifact.path))
    assert artifact.sha256 == file_sha(file.path)
    assert (artifact.facts["count"], artifact.facts["val_count"], artifact.facts["standardized"]) == (6, 3, True)
    dataset = open_dataset(world, cache_dir=context.cache_dir)
    assert file.manifest["dataset"]["train_order_sha"] == dataset.train.order_sha
    encoder = open_encoder("vlm", open_vlm("builtin", decode=DecodeSpec()))
    recipe = recipe_of(file.manifest["embedding"])
    assert file.manifest["embedding"]["encoder_sha"] == encoder.sha
    torch.testing.assert_close(embed_samples(encoder, dataset.train.questions, recipe), file.candidates)
    assert file.val is not None
    torch.testing.assert_close(embed_samples(encoder, dataset.val.questions, recipe), file.val)
    torch.testing.assert_close(file.candidates.mean(0), torch.zeros(file.width), atol=1e-4, rtol=0)


def test_what_was_done_is_told(world: Path, context: RunContext) -> None:
    rows = list(embed(EmbedSpec(dataset=str(world)), context))
    facts = {row.name: row.value for row in rows_of(Fact, rows)}
    assert facts["encoder"] == "vlm"
    assert facts["encoder_model"] == "builtin"
    assert len(facts["encoder_sha"]) == len(facts["dataset_sha"]) == 64
    progress = rows_of(Progress, rows)
    assert {row.note for row in progress} == {"train", "val"}
    assert all(0 < row.done <= row.total for row in progress)
    assert rows_of(Finding, rows) == []


def test_clip_needs_no_vision_language_model(world: Path, context: RunContext, tmp_path: Path) -> None:
    clip = save_tiny_clip(tmp_path / "clip")
    spec = EmbedSpec(dataset=str(world), encoder=str(clip), vlm="not/there", use_image=False)
    rows = list(embed(spec, context))
    file = read_embeddings(context.run_dir / "embeddings.safetensors")
    assert file.width == 24
    assert "vlm" not in {row.name for row in rows_of(Fact, rows)}


def test_a_killed_run_goes_on_where_it_was(world: Path, context: RunContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.features.vectors.CHUNK", 2)
    spec = EmbedSpec(dataset=str(world))
    killed: Iterator[Row] = embed(spec, context)
    while not isinstance(row := next(killed), Progress) or row.done < 4:
        pass
    del killed
    assert not (context.run_dir / "embeddings.safetensors").exists()
    encoded: list[Path] = []
    real = VLMEncoder.images

    def counted(self: VLMEncoder, paths: Any) -> Any:
        encoded.extend(paths)
        return real(self, paths)

    monkeypatch.setattr(VLMEncoder, "images", counted)
    list(embed(spec, context))
    assert len(encoded) == 6 + 3 - 4
    encoded.clear()
    list(embed(spec.model_copy(update={"standardize": True}), context))
    assert encoded == []


def test_statistics_are_stored_and_a_vlms_features_are_standardised_unless_asked(
    context: RunContext, tmp_path: Path
) -> None:
    world = str(save_world(tmp_path / "world", train=6, val=1))
    for asked, applied in ((None, True), (True, True), (False, False)):
        list(embed(EmbedSpec(dataset=world, standardize=asked), context))
        file = read_embeddings(context.run_dir / "embeddings.safetensors")
        mean = torch.tensor(file.manifest["statistics"]["mean"])
        assert (file.manifest["embedding"]["standardize"] is not None) == applied
        torch.testing.assert_close(
            file.candidates.mean(0), torch.zeros_like(mean) if applied else mean, atol=1e-5, rtol=0
        )
    assert not EmbedSpec(encoder="openai/clip-vit-base-patch32").standardizes


def test_an_unreadable_image_is_a_finding_and_a_zero_vector(context: RunContext, tmp_path: Path) -> None:
    world = save_world(tmp_path / "world", train=3, val=1)
    dataset = open_dataset(world, cache_dir=context.cache_dir)
    dataset.train.questions[1].image.write_bytes(b"no picture")
    rows = list(embed(EmbedSpec(dataset=str(world), use_text=False, standardize=False), context))
    finding = rows_of(Finding, rows)[0]
    assert (finding.code, finding.severity) == ("image-unreadable", "warning")
    assert "1 of the images cannot be read" in finding.message
    file = read_embeddings(context.run_dir / "embeddings.safetensors")
    assert file.candidates.norm(dim=1).tolist() == pytest.approx([1, 0, 1])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"use_image": False, "use_text": False}, "both false"),
        ({"vlm": "http://127.0.0.1:1/v1"}, "gives no features"),
        ({"dataset": "/nowhere"}, "no data set at /nowhere"),
        ({"encoder": "./nowhere"}, "does not exist"),
    ],
)
def test_what_cannot_be_embedded_is_refused(
    world: Path, context: RunContext, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(UserError, match=said):
        list(embed(EmbedSpec(**{"dataset": str(world), **changes}), context))


def test_the_manifest_holds_the_spec(world: Path, context: RunContext) -> None:
    spec = EmbedSpec(dataset=str(world), use_text=False)
    list(embed(spec, context))
    manifest = read_embeddings(context.run_dir / "embeddings.safetensors").manifest
    assert EmbedSpec(**manifest["spec"]) == spec
    assert (manifest["count"], manifest["val_count"]) == (6, 3)
