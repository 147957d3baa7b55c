"""One vector per question, made the same way wherever it is needed: for the embedding file, evaluation and RL data.

Each distinct image and text is encoded once. Finished chunks are kept under a hash of their content, so that an
interrupted embedding goes on where it was and another run finds them.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from torch.nn.functional import normalize

from db.specs.base import UserError, canonical_json, sha256_text
from engine.common.files.gate import NotReadable, size_of
from engine.common.images import ImageProblem, shown_sha
from engine.features.embedding_file import EmbeddingFile, read_embeddings, save_tensors, write_embeddings
from engine.features.encoders import Encoder

__all__ = [
    "EmbeddingFile", "Recipe", "combine", "combined_width", "embed_samples", "embedding_steps", "encoder_mismatch",
    "read_embeddings", "recipe_of", "write_embeddings",
]  # fmt: skip

CHUNK = 256
"""Images or texts that are encoded and kept together."""
_LEAST_DEVIATION = 1e-6

Item = TypeVar("Item", Path, str)


class Embeddable(Protocol):
    """What an embedding needs to know of a question."""

    @property
    def question(self) -> str: ...

    @property
    def image(self) -> Path: ...


@dataclass(frozen=True)
class Recipe:
    """How a question becomes a vector, given an encoder."""

    use_image: bool = True
    use_text: bool = True
    mean: tuple[float, ...] = ()
    """Subtracted from each column; empty for no standardisation."""
    deviation: tuple[float, ...] = ()
    """Each column is divided by this."""

    def standardize(self, features: Tensor) -> Tensor:
        """(n, d) with the stored statistics applied. Raises UserError for another width."""
        if not self.mean:
            return features
        if len(self.mean) != features.shape[1]:
            raise UserError(
                f"The embedding recipe was made for width {len(self.mean)}, but the encoder gives {features.shape[1]}; "
                "use the encoder that it was made with."
            )
        return (features - torch.tensor(self.mean)) / torch.tensor(self.deviation)

    def fitted(self, features: Tensor) -> Recipe:
        """The same recipe with the mean and deviation of each column of (n, d) features."""
        deviation = features.std(0, correction=0).clamp(min=_LEAST_DEVIATION)
        return replace(self, mean=tuple(features.mean(0).tolist()), deviation=tuple(deviation.tolist()))

    def describe(self, encoder: Encoder) -> dict[str, Any]:
        """The `embedding` entry of a manifest: all that is needed to embed further questions alike."""
        return {
            "encoder": encoder.name,
            "encoder_model": encoder.model,
            "encoder_sha": encoder.sha,
            "use_image": self.use_image,
            "use_text": self.use_text,
            "standardize": {"mean": list(self.mean), "std": list(self.deviation)} if self.mean else None,
        }


def recipe_of(entry: Mapping[str, Any]) -> Recipe:
    """The recipe that a manifest's `embedding` entry describes. Raises UserError for an entry that is none."""
    statistics = entry.get("standardize") or {}
    try:
        return Recipe(
            use_image=bool(entry["use_image"]),
            use_text=bool(entry["use_text"]),
            mean=tuple(map(float, statistics.get("mean", ()))),
            deviation=tuple(map(float, statistics.get("std", ()))),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UserError(
            f"The manifest's embedding entry cannot be read ({error!r}); embed the data set again."
        ) from None


def encoder_mismatch(entry: Mapping[str, Any], encoder: Encoder) -> str:
    """Why vectors of `encoder` do not go with those that a manifest's `embedding` entry describes; empty if they do."""
    made_with = str(entry.get("encoder_sha", ""))
    if made_with == encoder.sha:
        return ""
    name = entry.get("encoder_model") or entry.get("encoder") or "an unknown encoder"
    if not made_with:
        return f"made with {name}, and without a hash to hold against {encoder.model}"
    if name == encoder.model:
        return f"{name} has changed since: its content or pixel caps were {made_with[:10]}, now they are {encoder.sha[:10]}"
    return f"made with {name}, not {encoder.model}"


def embed_samples(
    encoder: Encoder,
    samples: Sequence[Embeddable],
    recipe: Recipe,
    progress: Callable[[int, int], None] | None = None,
    *,
    cache: Path | None = None,
    problems: list[ImageProblem] | None = None,
) -> Tensor:
    """One vector per sample, (n, d) float32 on the CPU; `progress` is told items done and items in all.

    A bad image raises ImageProblem, or, where `problems` is given, is added to it and counts as a zero vector.
    """
    steps = embedding_steps(encoder, samples, recipe, cache=cache, problems=problems)
    while True:
        try:
            done, total = next(steps)
        except StopIteration as end:
            made: Tensor = end.value
            return made
        if progress is not None:
            progress(done, total)


def embedding_steps(
    encoder: Encoder,
    samples: Sequence[Embeddable],
    recipe: Recipe,
    *,
    cache: Path | None = None,
    problems: list[ImageProblem] | None = None,
) -> Generator[tuple[int, int], None, Tensor]:
    """`embed_samples` as a generator of (items done, items in all) that returns the vectors: for `yield from`."""
    if not (recipe.use_image or recipe.use_text):
        raise UserError("use_image and use_text are both false: there is nothing to embed; set one of them.")
    if not samples:
        return torch.empty(0, combined_width(encoder, recipe))
    images = [sample.image for sample in samples] if recipe.use_image else []
    texts = [sample.question for sample in samples] if recipe.use_text else []
    chunks = _Chunks(encoder, cache, problems)
    distinct = len(set(images))
    total = distinct + len(set(texts))
    parts: list[Tensor] = []
    if images:
        parts.append((yield from _each_once(images, chunks.images, 0, total)))
    if texts:
        parts.append((yield from _each_once(texts, chunks.texts, distinct, total)))
    return recipe.standardize(combine(parts, joint=encoder.joint))


def _each_once(
    items: Sequence[Item], encode: Callable[[list[Item]], Tensor], done: int, total: int
) -> Generator[tuple[int, int], None, Tensor]:
    """One row per item, (n, width), with equal items encoded once."""
    rows = {item: row for row, item in enumerate(dict.fromkeys(items))}
    distinct = list(rows)
    made: list[Tensor] = []
    for start in range(0, len(distinct), CHUNK):
        chunk = distinct[start : start + CHUNK]
        made.append(encode(chunk))
        yield done + start + len(chunk), total
    return torch.cat(made)[[rows[item] for item in items]]


def combine(parts: Sequence[Tensor], *, joint: bool) -> Tensor:
    """(n, d) of the image and the text part, each brought to length 1.

    In a shared space their mean, again of length 1, as published for CLIP; else one behind the other.
    """
    unit = [normalize(part, dim=-1) for part in parts]
    if len(unit) == 1:
        return unit[0]
    return normalize(sum(unit[1:], unit[0]) / len(unit), dim=-1) if joint else torch.cat(unit, dim=-1)


def combined_width(encoder: Encoder, recipe: Recipe) -> int:
    """Width of the vectors that `embed_samples` makes."""
    return encoder.width * (1 if encoder.joint else recipe.use_image + recipe.use_text)


class _Chunks:
    """Encodes chunks of images or texts; with a cache folder, each only once, however often a run is repeated."""

    def __init__(self, encoder: Encoder, cache: Path | None, problems: list[ImageProblem] | None) -> None:
        self._encoder = encoder
        self._problems = problems
        self._folder = cache / "features" / sha256_text(f"{encoder.sha} {encoder.dtype}")[:16] if cache else None

    def texts(self, texts: list[str]) -> Tensor:
        """(n, width)."""
        return self._kept(["text", *texts], lambda: (self._encoder.texts(texts), True))

    def images(self, paths: list[Path]) -> Tensor:
        """(n, width), zero for bad images. Nothing is kept of a chunk with bad images, so that repaired ones count."""
        return self._kept(["image", *(shown_sha(path) for path in paths)], lambda: self._sound(paths))

    def _sound(self, paths: list[Path]) -> tuple[Tensor, bool]:
        """The vectors, and whether all images were sound. Raises ImageProblem where problems are not collected."""
        made = torch.zeros(len(paths), self._encoder.width)
        bad: dict[Path, ImageProblem] = {}
        while True:
            rows = [row for row, path in enumerate(paths) if path not in bad]
            try:
                made[rows] = self._encoder.images([paths[row] for row in rows])
            except ImageProblem as problem:
                content = shown_sha(problem.path)  # files of equal content, such as empty ones, are one to an encoder
                found = [path for path in paths if path not in bad and shown_sha(path) == content]
                if self._problems is None or not found:
                    raise
                bad |= {path: ImageProblem(path, problem.reason) for path in found}
                self._problems += [bad[path] for path in found]
            else:
                return made, not bad

    def _kept(self, content: list[str], make: Callable[[], tuple[Tensor, bool]]) -> Tensor:
        """What `make` gives, from the cache where it was kept before; it also says whether that is worth keeping."""
        if self._folder is None:
            return make()[0]
        file = self._folder / f"{sha256_text(canonical_json(content))}.safetensors"
        try:
            size_of(file)
            kept: Tensor = load_file(file)["features"]
            return kept
        except (NotReadable, OSError, SafetensorError, KeyError):  # not there, or damaged: it is only a cache
            made, worth_keeping = make()
        if worth_keeping:
            save_tensors(file, {"features": made}, {})
        return made
