"""A few prompts through both engines before the packed one is trusted: how far apart are their scores?

Prompts share prefixes and differ in order, images and sizes; scores are compared behind the prompts and behind two
continuations, which are read as beams are.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from PIL import Image
from torch import Tensor

from db.specs.evaluate import PromptSpec
from engine.vlm.local.packed import PackedVLM
from engine.vlm.local.processor import PatchEncoder
from engine.vlm.prompt import Prompt, build

LIMITS = {torch.float32: 1e-4, torch.bfloat16: 0.12, torch.float16: 0.03}
"""Distance that counts as rounding: float32 is equal but for the order of sums; a wrong image moves scores by 0.15 and more."""
SIZES = ((196, 140), (84, 112), (168, 224), (56, 56))
CONTINUATIONS = ((11, 12, 13), (14, 15, 16))
SHOWN = ((), (0,), (0, 1), (1, 0), (2, 0, 1))
"""Demonstrations of each prompt."""


def distance(vlm: PackedVLM) -> float:
    """Largest relative distance (2-norm over the vocabulary) of the packed engine's scores to the model's own forward."""
    with TemporaryDirectory() as folder:
        prompts = _prompts(Path(folder))
        paths = [vlm.path(prompt) for prompt in prompts]
        tokens = torch.tensor(CONTINUATIONS, device=vlm.engine.device).expand(len(prompts), -1, -1)
        first, behind = vlm.engine.logits(paths), vlm.engine.logits(paths, tokens)
        far = 0.0
        for at, prompt in enumerate(prompts):
            for width, continuation in enumerate(CONTINUATIONS):
                found = torch.cat((first[at, None], behind[at, width]))
                expected = _own_scores(vlm, prompt, continuation)
                far = max(far, float(((found - expected).norm(dim=-1) / expected.norm(dim=-1)).max()))
    return far


def _own_scores(vlm: PackedVLM, prompt: Prompt, continuation: Sequence[int]) -> Tensor:
    """(S + 1, V) by one forward pass of the model over prompt and continuation."""
    encoder, loaded = vlm.encoder, vlm.loaded
    assert isinstance(encoder, PatchEncoder), "the packed engine runs families with patches only"
    inputs = encoder.inputs([encoder.encode(prompt)])
    more = torch.tensor([list(continuation)])
    for name, value in (("input_ids", more), ("attention_mask", more * 0 + 1), ("mm_token_type_ids", more * 0)):
        inputs[name] = torch.cat((inputs[name], value), 1)
    with torch.inference_mode():
        made = loaded.model(
            **{name: loaded.place(value) for name, value in inputs.items()}, logits_to_keep=len(continuation) + 1
        )
    return made.logits[0].float()  # type: ignore[no-any-return]


def _prompts(folder: Path) -> list[Prompt]:
    shown = [_Shown(folder, number, size) for number, size in enumerate(SIZES)]
    return [build(PromptSpec(), [shown[at] for at in before], shown[3]) for before in SHOWN]


class _Shown:
    """A question about a picture of smooth colours."""

    def __init__(self, folder: Path, number: int, size: tuple[int, int]) -> None:
        self.question = f"What is in picture {number}?"
        self.label = ("red", "two birds", "left", "none")[number]
        self.image = folder / f"{number}.png"
        picture = Image.linear_gradient("L").resize(size)
        colours = (
            picture,
            picture.rotate(90 * number),
            picture.point([(value * (number + 2)) % 256 for value in range(256)]),
        )
        Image.merge("RGB", colours).save(self.image)
