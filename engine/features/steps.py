"""Features of queries and train questions for samplers and retrievers, each encoded once and kept in the cache."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from pathlib import Path

from torch import Tensor

from db.rows import Progress
from engine.common.images import ImageProblem
from engine.data.sample import Sample
from engine.features.encoders import Encoder
from engine.features.vectors import Recipe, embedding_steps

RECIPES = {
    "image": Recipe(use_image=True, use_text=False),
    "text": Recipe(use_image=False, use_text=True),
    "both": Recipe(use_image=True, use_text=True),
}
"""How the fields that similarity compares are made: vectors of one length."""


def feature_steps(
    encoder: Encoder,
    wanted: Iterable[tuple[str, str]],
    sides: Mapping[str, Sequence[Sample]],
    *,
    cache_dir: Path,
    recipe: Recipe | None = None,
) -> Generator[Progress, None, dict[tuple[str, str], Tensor]]:
    """Features (n, d) of each wanted (side, field), by generator so that a long encoding shows progress and can stop.

    `recipe` says how the field `both` is made for a selector. An image that cannot be read counts as a zero vector: questions
    with it are flagged where they are asked.
    """
    found: dict[tuple[str, str], Tensor] = {}
    for side, field in wanted:
        problems: list[ImageProblem] = []
        how = recipe if field == "both" and recipe is not None else RECIPES[field]
        steps = embedding_steps(encoder, sides[side], how, cache=cache_dir, problems=problems)
        found[side, field] = yield from with_progress(steps, "features", f"{field} features of {side} questions")
    return found


def with_progress(
    steps: Generator[tuple[int, int], None, Tensor], unit: str, note: str
) -> Generator[Progress, None, Tensor]:
    """What `steps` returns, with its (done, total) as rows."""
    while True:
        try:
            done, total = next(steps)
        except StopIteration as end:
            features: Tensor = end.value
            return features
        yield Progress(done, total, unit=unit, note=note)
