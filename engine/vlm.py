"""Vision-language models: what a recipe may ask of one, and the opening of one by name. Free of torch until opened."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from db.specs.evaluate import DecodeSpec, PromptSpec
from engine.images import ImageProblem
from engine.prompt import Prompt

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["VLM", "Answer", "ImageProblem", "always", "answers_in_order", "is_server", "open_vlm"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model said to one prompt."""

    raw: str
    """The generated text alone, special tokens left out, before any post-processing."""
    cut: bool = False
    """Ended by the token limit, not by the model."""
    error: str = ""
    """Why there is no answer: an image that is missing or broken. Such an answer must not be stored as one."""


def always() -> bool:
    """Nobody asks to stop."""
    return True


class VLM(Protocol):
    """A vision-language model with its decoding. Equal `request_sha` means equal answers."""

    @property
    def name(self) -> str:
        """As it was asked for: a directory, a hub id, a URL."""
        ...

    @property
    def sha(self) -> str:
        """Hash of what decides the answers beside prompt and decoding."""
        ...

    @property
    def decode_sha(self) -> str:
        """Hash of the decoding arguments."""
        ...

    @property
    def features_sha(self) -> str:
        """Hash of what decides `embed_images` and `embed_texts` up to rounding: weights and pixel caps."""
        ...

    def request_sha(self, prompt: Prompt) -> str:
        """SHA-256 (hex) over model, prompt and decoding."""
        ...

    def answer(self, prompts: Sequence[Prompt], go_on: Callable[[], bool] = always) -> Iterator[Mapping[int, Answer]]:
        """One answer per prompt, by its position: those that became known together, as soon as they are known.

        Once `go_on` says no, nothing more is begun, and what has begun is still handed over. A bad image gives that prompt
        an answer with `error`, never a raise.
        """
        ...

    def facts(self) -> Mapping[str, Any]:
        """What a run should record of the model: device, precision, classes, what was reduced for want of memory."""
        ...

    def embed_images(self, paths: Sequence[Path]) -> Tensor:
        """Mean of each image's visual tokens, (n, d) float32 on the CPU. Raises ImageProblem for the first bad image."""
        ...

    def embed_texts(self, texts: Sequence[str]) -> Tensor:
        """Mean of each text's input token embeddings, (n, d) float32 on the CPU."""
        ...


def answers_in_order(vlm: VLM, prompts: Sequence[Prompt]) -> list[Answer]:
    """All answers, in the order of the prompts."""
    known: dict[int, Answer] = {}
    for some in vlm.answer(prompts):
        known |= some
    return [known[place] for place in range(len(prompts))]


def is_server(name: str) -> bool:
    """Whether the name is the address of an OpenAI-compatible server."""
    return name.startswith(("http://", "https://"))


def open_vlm(
    name: str,
    *,
    decode: DecodeSpec,
    prompt: PromptSpec | None = None,
    dtype: str = "auto",
    device: str = "auto",
    batch_size: int = 8,
    served_model: str = "",
    concurrency: int = 8,
    cache_dir: Path | None = None,
) -> VLM:
    """The model `name`: `builtin`, a directory, a hub id in the local cache, or http(s)://host/v1 of a server.

    `prompt` gives the pixel caps of `embed_images`; prompts carry their own. `cache_dir` keeps hashes of weight files.
    Presence and completeness are checked before anything heavy is loaded. Raises UserError.
    """
    if is_server(name):
        from engine.vlm_http import ServedVLM

        return ServedVLM(name, decode=decode, served_model=served_model, concurrency=concurrency)
    from engine.model_files import find_model

    directory = _builtin() if name == "builtin" else find_model(name)
    from engine.loading import load_model
    from engine.vlm_local import LocalVLM

    caps = prompt or PromptSpec()
    return LocalVLM(
        load_model(directory, name=name, dtype=dtype, device=device, cache_dir=cache_dir),
        decode=decode,
        batch_size=batch_size,
        pixels=(caps.min_pixels, caps.max_pixels),
    )


def _builtin() -> Path:
    from engine.demo import model_dir
    from engine.model_files import find_model

    return find_model(str(model_dir()))
