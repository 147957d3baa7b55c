"""How a selector is made in the built-in world, as specifications: what is shipped, `leverplus demo circle`, and the benchmark.

First one demonstration, because a pair does not tell which of the two helped: selector A learns from one-shot data. Then A
proposes pairs, and selector B learns from those which second demonstration goes with a first. Towers let the question decide
which likeness counts; one linear map and a product hardly can.
"""

from __future__ import annotations

from typing import Any

from db.specs.embed import EmbedSpec
from db.specs.generate import GenerateSpec
from db.specs.selector import SelectorParts
from db.specs.train import TrainSpec
from engine.demo.shipped import BUILTIN

QUERIES = 1000
PARTS_A = SelectorParts(projection="towers", state_update="static")
PARTS_B = SelectorParts(projection="towers", state_update="gru", step_embedding=True)


def one_shot_data(seed: int, *, dataset: str = BUILTIN, queries: int = QUERIES) -> GenerateSpec:
    """RL data for selector A: mostly random candidates. Questions about the query's own picture would give its answer away."""
    return GenerateSpec(
        dataset=dataset, queries=queries, shots=1, retrieved=4, random=22, adaptive=False, exclude_same_image=True, seed=seed,
    )  # fmt: skip


def two_shot_data(selector: str, seed: int, *, dataset: str = BUILTIN, queries: int = QUERIES) -> GenerateSpec:
    """RL data for selector B: pairs that selector A proposes, out of pools in which most questions find a good one."""
    return GenerateSpec(
        dataset=dataset, queries=queries, shots=2, selector=selector, beams=6, samples_per_temperature=3, random=2,
        retrieved=0, adaptive=False, pool_size=128, exclude_same_image=True, seed=seed,
    )  # fmt: skip


def embeddings(*, dataset: str = BUILTIN) -> EmbedSpec:
    """What both selectors read; standardised, or no neighbour is one by question and image."""
    return EmbedSpec(dataset=dataset, standardize=True)


def selector_a(rl_data: str, embeddings: str, seed: int, **fields: Any) -> TrainSpec:
    """RCE of the selector for one demonstration; `fields` replace any setting."""
    return _training({"parts": PARTS_A, "rce_epochs": 20}, rl_data, embeddings, seed, fields)


def selector_b(rl_data: str, embeddings: str, seed: int, **fields: Any) -> TrainSpec:
    """RCE of the selector for two demonstrations; `fields` replace any setting."""
    return _training({"parts": PARTS_B, "rce_epochs": 10}, rl_data, embeddings, seed, fields)


def _training(own: dict[str, Any], rl_data: str, embeddings: str, seed: int, fields: dict[str, Any]) -> TrainSpec:
    settings: dict[str, Any] = {
        "kind": "rce", "rl_data": rl_data, "embeddings": embeddings, "variant": "custom", "dropout": 0.2, "rce_lr": 1e-3,
        "schedule": "cosine", "temperature_start": 0.3, "temperature_end": 0.1, "require_positive_query": True, "seed": seed,
    }  # fmt: skip
    return TrainSpec.model_validate(settings | own | fields)
