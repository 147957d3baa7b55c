"""Random few-shot prompts for both engines: shared and unshared prefixes, images of many sizes, 0 to 8 shots."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from db.specs.evaluate import DecodeSpec, PromptSpec
from engine.vlm.local.loading import Loaded, load_model
from engine.vlm.local.packed import PackedVLM
from engine.vlm.local.plain import LocalVLM
from engine.vlm.prompt import Prompt, build
from tests.helpers_vlm import Sample, make_samples

SIZES = ((56, 56), (84, 56), (60, 100), (140, 70), (196, 168), (28, 28), (30, 250), (112, 112), (230, 120))
CAPS = (3136, 12_845_056)


def random_samples(folder: Path, count: int = 27) -> list[Sample]:
    """Questions about pictures of nine sizes, some of them equal."""
    return make_samples(folder, tuple(SIZES[at % len(SIZES)] for at in range(count)))


def random_prompts(samples: Sequence[Sample], count: int, seed: int, most_shots: int = 8) -> list[Prompt]:
    """Prompts in which many begin alike: chains of growing shots, pairs in both orders, single ones; two system texts."""
    rng = random.Random(seed)
    specs = (PromptSpec(system=""), PromptSpec(), PromptSpec(max_pixels=28 * 28 * 12))
    prompts: list[Prompt] = []
    while len(prompts) < count:
        spec, query = rng.choice(specs), rng.choice(samples)
        shown = [rng.choice(samples) for _ in range(rng.randint(0, most_shots))]
        kind = rng.choice(("chain", "suffixes", "single", "reversed"))
        if kind == "chain":
            prompts += [build(spec, shown[:shots], query) for shots in range(len(shown) + 1)]
        elif kind == "suffixes":
            prompts += [build(spec, shown[shots:], query) for shots in range(len(shown) + 1)]
        elif kind == "reversed":
            prompts += [build(spec, shown, query), build(spec, shown[::-1], query)]
        else:
            prompts.append(build(spec, shown, query))
    rng.shuffle(prompts)
    return prompts[:count]


def loaded(directory: Path, **more: Any) -> Loaded:
    """The model of a directory in float32 on the CPU."""
    return load_model(directory, name=str(directory), **{"dtype": "float32", "device": "cpu", **more})


def plain(model: Loaded, decode: DecodeSpec, batch_size: int = 8) -> LocalVLM:
    """It answering through generate."""
    return LocalVLM(model, decode=decode, batch_size=batch_size, pixels=CAPS)


def packed(model: Loaded, decode: DecodeSpec, memory: int | None = None, *, ahead: bool = False) -> PackedVLM:
    """It answering through the packed engine; `memory` in bytes for keys and values. `ahead`: as beside a GPU, the next group is
    read while answers of the one before are looked at."""
    vlm = PackedVLM(model, decode=decode, batch_size=8, pixels=CAPS, memory=memory)
    vlm.engine.ahead = ahead
    return vlm
