"""What a job opens, by content: yielded before anything else, so that a resumed run can tell when something was replaced."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from db.rows import Input, Subset
from db.specs.base import UserError
from db.specs.embed import EmbedSpec
from db.specs.evaluate import EvalSpec
from db.specs.generate import GenerateSpec
from engine.common.files.gate import NotReadable, read_json
from engine.common.models.fingerprint import files_sha, model_sha
from engine.common.models.model_files import find_model
from engine.data.datasets import Dataset
from engine.data.defaults import selector_features, selector_file
from engine.selector.checkpoint import read_manifest
from engine.vlm.opening import is_server, model_directory
from engine.weights.declared import beside


def dataset_inputs(name: str, dataset: Dataset, subsets: Iterable[Subset] = ()) -> Iterator[Input]:
    """The questions, answers and labels of a data set, and which of them are asked; images are hashed with each prompt."""
    yield Input("dataset", name, dataset.sha)
    for subset in subsets:
        yield Input(f"subset {subset.label}", name, subset.sha)


def file_input(role: str, path: Path, cache_dir: Path | None) -> Iterator[Input]:
    """A file, or a checkpoint with all its parts. None where it cannot be read: its reader says why."""
    with suppress(OSError):
        yield Input(role, str(path), files_sha(_parts(path), cache_dir))


def model_input(role: str, name: str, cache_dir: Path | None) -> Iterator[Input]:
    """The files of a model that decide its answers. None for a server, whose files cannot be seen from here, and for a model
    that is not here: whoever opens it says so."""
    if is_server(name):
        return
    with suppress(UserError):
        yield Input(role, name, model_sha(model_directory(name), cache_dir))


def encoder_input(spec: EvalSpec | GenerateSpec | EmbedSpec, cache_dir: Path | None) -> Iterator[Input]:
    """The encoder that a specification names beside the model."""
    if spec.encoder != "vlm":
        with suppress(UserError):
            directory = find_model(spec.encoder, field="encoder", chat=False)
            yield Input("encoder", spec.encoder, model_sha(directory, cache_dir))


def selector_inputs(spec: EvalSpec | GenerateSpec, cache_dir: Path) -> Iterator[Input]:
    """The selector, and the encoder that it was trained with where that is not the specification's."""
    path = selector_file(spec)
    if path is None:
        return
    yield from file_input("selector", path, cache_dir)
    manifest = read_manifest(path)
    name, model = selector_features(manifest.embedding if manifest else {}, encoder=spec.encoder, vlm=spec.vlm)
    wanted = model if name == "vlm" else name
    if wanted not in (spec.vlm, spec.encoder):
        yield from model_input("selector encoder", wanted, cache_dir)


def _parts(path: Path) -> list[Path]:
    """A folder's files, a shard index and its shards, a checkpoint and the manifest beside it, or the file alone."""
    if path.is_dir():
        return sorted(one for one in path.iterdir() if one.is_file())
    shards: list[Path] = []
    if path.name.endswith(".index.json"):
        try:
            named = read_json(path)["weight_map"].values()
            shards = [path.with_name(one) for one in sorted({str(one) for one in named})]
        except (NotReadable, KeyError, AttributeError, TypeError):
            shards = []  # no index of weights: the reader says what it is
    return [path, *(one for one in [*shards, beside(path)] if one.is_file())]
