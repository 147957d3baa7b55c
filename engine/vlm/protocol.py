"""What a recipe may ask of a vision-language model. Free of torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from db.specs.base import Finding
from engine.common.reasoning import ONLY_REASONING, apart
from engine.vlm.prompt import Prompt

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model said to one prompt."""

    raw: str
    """The generated text alone, special tokens left out, before any post-processing."""
    cut: bool = False
    """Ended by the token limit, not by the model."""
    error: str = ""
    """Why there is no answer: an image that is missing or broken, or a reply without text. It must not be stored as one."""
    silent: bool = False
    """The error is the model's: it was asked and gave no answer, and may give one when it is asked again."""
    log_probs: tuple[float, ...] = ()
    """Of each of the prompt's references, the mean over its tokens; empty where the model does not score them."""
    reasoning: str = ""
    """What the model thought before it answered; it is no part of `raw`."""


def spoken(text: str, *, cut: bool, reasoning: str = "", inside: bool = False) -> Answer:
    """The answer that a model's text holds, its reasoning told apart: in tags, or given as `reasoning`.

    What is reasoning alone is no answer. `inside`: the prompt had opened the reasoning.
    """
    answer, thought = apart(text, inside=inside and not reasoning)
    reasoning = "\n".join(part for part in (reasoning.strip(), thought) if part)
    if reasoning and not answer.strip():
        return Answer("", cut=True, error=ONLY_REASONING, silent=True, reasoning=reasoning)
    return Answer(answer, cut=cut, reasoning=reasoning)


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

    @property
    def at_once(self) -> int:
        """Prompts worth handing over together."""
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

    def findings(self) -> Sequence[Finding]:
        """What its user should know of how it answers."""
        ...

    def embed_images(self, paths: Sequence[Path]) -> Tensor:
        """Mean of each image's visual tokens, (n, d) float32 on the CPU. Raises ImageProblem for the first bad image."""
        ...

    def embed_texts(self, texts: Sequence[str]) -> Tensor:
        """Mean of each text's input token embeddings, (n, d) float32 on the CPU."""
        ...


@runtime_checkable
class Served(Protocol):
    """A model whose weights cannot be seen."""

    def fingerprint(self) -> Mapping[str, Any]:
        """Who answers: what the server says of itself, and its answers to fixed prompts; see `engine.vlm.probes`."""
        ...


@runtime_checkable
class Measured(Protocol):
    """A model that knows how well its engine does."""

    def measures(self) -> Mapping[str, float]:
        """`answers_per_s`, images encoded and reused, tokens of prompts computed and reused, `tflops` and, where the card
        is known, `utilisation` (0..1): of all answers so far. Empty before the first."""
        ...


@runtime_checkable
class Reasoning(Protocol):
    """A model that may think before it answers."""

    def tokens_for(self, prompt: Prompt) -> int | None:
        """New tokens that a whole answer to the prompt takes; None where `MOST_TOKENS` are not enough, or nobody counts."""
        ...


def answers_in_order(vlm: VLM, prompts: Sequence[Prompt]) -> list[Answer]:
    """All answers, in the order of the prompts."""
    known: dict[int, Answer] = {}
    for some in vlm.answer(prompts):
        known |= some
    return [known[place] for place in range(len(prompts))]
