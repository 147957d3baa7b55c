"""Prompts read in fp8: where that can be, and how far it leads to other answers, found out before anything is asked."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from PIL import Image

from db.specs.base import UserError
from db.specs.evaluate import PromptSpec
from engine.demo.scene import Attribute, draw, random_scene
from engine.packed.agreement import Agreement, agreement
from engine.packed.assembly import read_in_fp8
from engine.packed.model.language import Stack
from engine.vlm.local.loading import in_a_line
from engine.vlm.local.packed import PackedVLM
from engine.vlm.local.plain import LocalVLM
from engine.vlm.local.starts import Starts
from engine.vlm.prompt import Prompt, build

LEAST = (8, 9)
"""Compute capability of the first GPUs that multiply fp8 (Ada)."""
WAY_OUT = "leave --prefill out"
QUERIES, SHOTS, POOL, SCORED = 16, (0, 1, 2, 4), 8, 16
"""Prompts of the report: these questions, each behind so many of the pool's demonstrations."""
SIDES = (448, 336)
"""Of a drawn picture: 192 visual tokens."""
QUESTIONS: dict[Attribute, str] = {
    "colour": "Which colour does the shape have?",
    "shape": "Which shape is it?",
    "place": "Where in the picture is the shape?",
}


def refuse(device: torch.device, dtype: torch.dtype) -> None:
    """Raises UserError where the device cannot multiply fp8, or the model would not be in bfloat16 beside it."""
    if device.type != "cuda":
        raise UserError(f"prefill: fp8 needs a GPU, and the device is {device}; {WAY_OUT}.")
    capability = torch.cuda.get_device_capability(device)
    if capability < LEAST:
        card, has = torch.cuda.get_device_name(device), ".".join(map(str, capability))
        raise UserError(f"prefill: fp8 needs a GPU of compute capability 8.9 or more, and {card} has {has}; {WAY_OUT}.")
    if dtype != torch.bfloat16:
        kind = str(dtype).removeprefix("torch.")
        raise UserError(
            f"prefill: fp8 stands beside bfloat16, and dtype is {kind}; give --dtype bfloat16, or {WAY_OUT}."
        )


def switch(vlm: LocalVLM, starts: Starts) -> None:
    """From now on it reads prompts in fp8, and knows how far its answers agree. What was found is kept beside what its start
    found. Raises UserError where fp8 does not run, the packed engine among it."""
    if not isinstance(vlm, PackedVLM):
        why = vlm.facts().get("vlm_engine_reason", "another was asked for")
        raise UserError(
            f"prefill: fp8 needs the packed engine, which does not answer for {vlm.name}: {why}; {WAY_OUT}."
        )
    engine = vlm.engine
    found = starts.get()
    known = found.agreements.get(vlm.decode_sha) if found is not None else None
    try:
        stack = read_in_fp8(engine.language)
        vlm.agreement = Agreement(**known) if known else _measured(vlm, stack)
    except torch.OutOfMemoryError:
        raise UserError(
            f"prefill: {vlm.loaded.device} has no memory for the weights of {vlm.name} in fp8 beside themselves; {WAY_OUT}."
        ) from None
    except (RuntimeError, ValueError, NotImplementedError) as error:
        raise UserError(f"prefill: fp8 does not run on {vlm.loaded.device}: {in_a_line(error)}; {WAY_OUT}.") from error
    engine.language.reading = stack
    if found is not None and not known:
        starts.put(replace(found, agreements={**found.agreements, vlm.decode_sha: asdict(vlm.agreement)}))


def _measured(vlm: PackedVLM, stack: Stack) -> Agreement:
    with TemporaryDirectory() as folder:
        prompts = [vlm.path(prompt) for prompt in _prompts(Path(folder))]
        return agreement(vlm.engine, stack, prompts, SCORED)


def _prompts(folder: Path) -> Iterator[Prompt]:
    """Nested shots, as an evaluation asks them."""
    rng = random.Random(0)
    attributes = list(QUESTIONS)
    pool, asked = (
        [_Shown(rng, folder / f"{part}{at}.png", attributes[at % len(attributes)]) for at in range(count)]
        for part, count in (("shown", POOL), ("asked", QUERIES))
    )
    for query in asked:
        shown = rng.sample(pool, max(SHOTS))
        yield from (build(PromptSpec(), shown[:shots], query) for shots in SHOTS)


class _Shown:
    """A question about a scene of the built-in world, enlarged."""

    def __init__(self, rng: random.Random, image: Path, attribute: Attribute) -> None:
        scene = random_scene(rng)
        self.question, self.label, self.image = QUESTIONS[attribute], scene.value(attribute), image
        draw(scene, rng).resize(SIDES, Image.Resampling.BILINEAR).save(image)
