"""A few prompts through both engines before the packed one is trusted: how far apart are their scores?

Prompts share prefixes and differ in order, images and sizes; scores are compared behind the prompts and behind two
continuations, which are read as beams are.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from PIL import Image
from torch import Tensor

from db.specs.base import canonical_json, sha256_text
from db.specs.evaluate import PromptSpec
from engine.common.files.atomic import write_text
from engine.common.files.gate import NotReadable, read_json
from engine.vlm.local.loading import Loaded
from engine.vlm.local.packed import PackedVLM
from engine.vlm.local.processor import PatchEncoder
from engine.vlm.prompt import Prompt, build

LIMITS = {torch.float32: 1e-4, torch.bfloat16: 0.12, torch.float16: 0.03}
"""Distance that counts as rounding: float32 is equal but for the order of sums; a wrong image moves scores by 0.15 and more."""
SIZES = ((196, 140), (84, 112), (168, 224), (56, 56))
CONTINUATIONS = ((11, 12, 13), (14, 15, 16))
SHOWN = ((), (0,), (0, 1), (1, 0), (2, 0, 1))
"""Demonstrations of each prompt."""


class KnownDistances:
    """What self-tests found: for each model, precision, card and version of the code one number, in a file of the cache."""

    def __init__(self, loaded: Loaded, cache_dir: Path | None) -> None:
        self._path = cache_dir / "selftests.json" if cache_dir else None
        card = torch.cuda.get_device_name(loaded.device) if loaded.device.type == "cuda" else loaded.device.type
        versions = [torch.__version__, str(torch.version.cuda), metadata.version("transformers")]
        self._key = sha256_text(canonical_json([loaded.sha, str(loaded.dtype), card, versions, _code()]))

    def get(self) -> float | None:
        """The distance, where it is known."""
        found = self._all().get(self._key)
        return found if isinstance(found, float) else None

    def put(self, found: float) -> None:
        """Remembers a distance that is no reason to doubt."""
        known = self._all()
        if self._path is not None and known.get(self._key) != found:
            write_text(self._path, json.dumps({**known, self._key: found}))

    def _all(self) -> dict[str, object]:
        try:
            known = read_json(self._path) if self._path is not None else {}
        except NotReadable:
            return {}  # a cache may be absent or broken
        return known if isinstance(known, dict) else {}


def _code() -> str:
    """Hash of everything that the packed engine and this test are made of."""
    here = Path(__file__).parent
    engine = here.parent.parent / "packed"
    files = [*sorted(engine.rglob("*.py")), here / "packed.py", Path(__file__)]
    return sha256_text("".join(path.read_text() for path in files))


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
