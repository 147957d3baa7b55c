"""The recipe that embeds a data set: one vector per train and validation question, in one file with a manifest."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from torch import Tensor

from db.rows import Artifact, Fact, Row, Withdrawn
from db.specs.base import Finding, UserError
from db.specs.embed import EmbedSpec
from db.specs.evaluate import DecodeSpec, PromptSpec
from engine.common.images import ImageProblem
from engine.common.models.fingerprint import file_sha
from engine.data.datasets import Dataset, open_dataset
from engine.features.encoders import Encoder, open_encoder
from engine.features.steps import with_progress
from engine.features.vectors import Recipe, embedding_steps, write_embeddings
from engine.recipes.dataset_rows import usable
from engine.recipes.inputs import dataset_inputs, encoder_input, model_input
from engine.recipes.run_context import RunContext
from engine.vlm.opening import is_server, open_vlm
from engine.vlm.protocol import VLM

FILE = "embeddings.safetensors"


def embed(spec: EmbedSpec, context: RunContext) -> Iterator[Row]:
    """Embed the data set's splits into `embeddings.safetensors` in the run's folder.

    Finished chunks lie in the cache, so that a repeated run encodes only what is missing. An image that cannot be read
    counts as a zero vector and is reported. Raises UserError.
    """
    _check(spec)
    dataset = open_dataset(spec.dataset, cache_dir=context.cache_dir, images=spec.images)
    dataset.split("train")  # refused here if it is not there
    yield from dataset_inputs(spec.dataset, dataset)
    yield from model_input("vlm", spec.vlm, context.cache_dir) if spec.encoder == "vlm" else ()
    yield from encoder_input(spec, context.cache_dir)
    yield Fact("dataset_sha", dataset.sha)
    for split in ("train", "val") if spec.use_image else ():
        yield from usable(split, dataset.split(split).questions if dataset.has(split) else [], scored=False)
    vlm = _vlm(spec, context)
    encoder = open_encoder(
        spec.encoder, vlm, device=spec.device, dtype=spec.dtype, batch_size=spec.batch_size, cache_dir=context.cache_dir
    )
    facts = {
        "encoder": encoder.name,
        "encoder_model": encoder.model,
        "encoder_sha": encoder.sha,
        "encoder_dtype": encoder.dtype,
    }
    for name, value in (facts | dict(vlm.facts() if vlm else {})).items():
        yield Fact(name, value)
    yield from vlm.findings() if vlm else ()
    yield from _embed_splits(spec, context, dataset, encoder)


def _check(spec: EmbedSpec) -> None:
    if not (spec.use_image or spec.use_text):
        raise UserError("use_image and use_text are both false: there is nothing to embed; set one of them.")
    if spec.encoder == "vlm" and is_server(spec.vlm):
        raise UserError(
            f"vlm: the server {spec.vlm} gives no features; name a local model, or a CLIP directory (--set encoder=DIR)."
        )


def _vlm(spec: EmbedSpec, context: RunContext) -> VLM | None:
    if spec.encoder != "vlm":
        return None
    return open_vlm(
        spec.vlm,
        decode=DecodeSpec(num_beams=1),  # nothing is decoded here
        prompt=PromptSpec(min_pixels=spec.min_pixels, max_pixels=spec.max_pixels),
        dtype=spec.dtype,
        device=spec.device,
        batch_size=spec.batch_size,
        engine=spec.engine,
        cache_dir=context.cache_dir,
    )


def _embed_splits(spec: EmbedSpec, context: RunContext, dataset: Dataset, encoder: Encoder) -> Iterator[Row]:
    recipe = Recipe(use_image=spec.use_image, use_text=spec.use_text)
    problems: list[ImageProblem] = []
    raw = {"embeddings": (yield from _embed_split("train", dataset, encoder, recipe, context, problems))}
    if dataset.has("val"):
        raw["val"] = yield from _embed_split("val", dataset, encoder, recipe, context, problems)
    yield Fact("gaps", len({problem.path for problem in problems}))
    yield _unreadable(problems, context) if problems else Withdrawn("image-unreadable", "images")
    fitted = recipe.fitted(raw["embeddings"])
    if spec.standardizes:
        recipe = fitted
    path = context.run_dir / FILE
    statistics = {"mean": list(fitted.mean), "std": list(fitted.deviation)}
    manifest = _manifest(spec, dataset, encoder, recipe, raw) | {"statistics": statistics}
    write_embeddings(path, {name: recipe.standardize(features) for name, features in raw.items()}, manifest)
    yield Artifact("embeddings", str(path), file_sha(path), _summary(manifest, path))


def _embed_split(
    split: str, dataset: Dataset, encoder: Encoder, recipe: Recipe, context: RunContext, problems: list[ImageProblem]
) -> Generator[Row, None, Tensor]:
    steps = embedding_steps(encoder, dataset.split(split).questions, recipe, cache=context.cache_dir, problems=problems)
    return (yield from with_progress(steps, "images and texts", split))


def _unreadable(problems: list[ImageProblem], context: RunContext) -> Finding:
    distinct = {problem.path: problem.reason for problem in problems}
    first, reason = next(iter(distinct.items()))
    return Finding(
        code="image-unreadable",
        severity="warning",
        subject="images",
        message=f"{len(distinct)} of the images cannot be read, so their vectors are zero; the first is {first}: {reason}.",
        fix=f"put the images in place and `leverplus resume {context.run_dir.name}`; only what is missing is encoded",
    )


def _manifest(
    spec: EmbedSpec, dataset: Dataset, encoder: Encoder, recipe: Recipe, raw: dict[str, Tensor]
) -> dict[str, Any]:
    return {
        "made_by": "leverplus",
        "embedding": recipe.describe(encoder),
        "encoder_dtype": encoder.dtype,
        "dataset": {
            "name": dataset.name,
            "sha": dataset.sha,
            **{
                f"{split}_order_sha": dataset.split(split).order_sha for split in ("train", "val") if dataset.has(split)
            },
        },
        "count": len(raw["embeddings"]),
        "val_count": len(raw["val"]) if "val" in raw else 0,
        "width": raw["embeddings"].shape[1],
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "spec": spec.model_dump(mode="json"),
    }


def _summary(manifest: dict[str, Any], path: Path) -> dict[str, Any]:
    """What is worth showing beside the file: the manifest without its long rows of statistics."""
    embedding = {name: value for name, value in manifest["embedding"].items() if name != "standardize"}
    kept = ("count", "val_count", "width", "dataset")
    return {name: manifest[name] for name in kept} | embedding | {
        "standardized": manifest["embedding"]["standardize"] is not None, "bytes": path.stat().st_size
    }  # fmt: skip
