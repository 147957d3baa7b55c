"""The prompt: what a model is shown for one question and its demonstrations, and the hash of all of it.

Form (as published for Qwen2.5-VL): one system message, then one user message that alternates image and text for each
demonstration and ends with the query's image and text; nothing stands between demonstrations.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from db.specs.base import canonical_json, sha256_text
from db.specs.evaluate import PromptSpec
from engine.common.images import shown_sha

Message = dict[str, Any]
_PLACEHOLDER = re.compile(r"\{(question|answer)\}")


class Shown(Protocol):
    """What a prompt needs to know of a question."""

    @property
    def question(self) -> str: ...

    @property
    def label(self) -> str:
        """The answer shown when the question is a demonstration."""
        ...

    @property
    def image(self) -> Path: ...


@dataclass(frozen=True)
class Prompt:
    """One question with its demonstrations, ready for any model; `sha` says whether two prompts show the same."""

    system: str
    """System message; empty for none (a chat template may then put its own)."""
    texts: tuple[str, ...]
    """Text after each image: the demonstrations in order, then the query."""
    images: tuple[Path, ...]
    """Image files, one for each text."""
    min_pixels: int
    max_pixels: int
    labels: tuple[str, ...] = ()
    """The demonstrations' answers, which the texts hold too."""
    references: tuple[str, ...] = ()
    """Answers whose probability behind the prompt is wanted as well. They are not shown, and no part of `sha`."""
    decoded: bool = True
    """Whether an answer is wanted; else the probabilities of the references alone."""

    @property
    def messages(self) -> list[Message]:
        """Chat messages; an image part is `{"type": "image", "path": ...}`."""
        content: list[Message] = []
        for image, text in zip(self.images, self.texts, strict=True):
            content += [{"type": "image", "path": str(image)}, {"type": "text", "text": text}]
        system = [{"role": "system", "content": [{"type": "text", "text": self.system}]}] if self.system else []
        return [*system, {"role": "user", "content": content}]

    @cached_property
    def sha(self) -> str:
        """SHA-256 (hex) over system text, texts, the images' contents and the pixel caps."""
        shown = {
            "system": self.system,
            "texts": self.texts,
            "images": [shown_sha(image) for image in self.images],
            "min_pixels": self.min_pixels,
            "max_pixels": self.max_pixels,
        }
        return sha256_text(canonical_json(shown))


def build(spec: PromptSpec, demonstrations: Sequence[Shown], query: Shown) -> Prompt:
    """The prompt for `query` behind `demonstrations`, in the given order. Reads nothing and so never fails."""
    texts = [fill(spec.demonstration, {"question": one.question, "answer": one.label}) for one in demonstrations]
    texts.append(fill(spec.query, {"question": query.question}))
    return Prompt(
        system=spec.system,
        texts=tuple(texts),
        images=(*(one.image for one in demonstrations), query.image),
        min_pixels=spec.min_pixels,
        max_pixels=spec.max_pixels,
        labels=tuple(one.label for one in demonstrations),
    )


def fill(template: str, values: Mapping[str, str]) -> str:
    """`template` with `{question}` and `{answer}` replaced in one pass, so that braces in the values stay text."""
    return _PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]).strip(), template).strip()


def request_sha(model_sha: str, prompt_sha: str, decode_sha: str) -> str:
    """SHA-256 (hex) over model, prompt and decoding: requests with equal hashes have equal answers."""
    return sha256_text(canonical_json([model_sha, prompt_sha, decode_sha]))


def sampling_seed(request: str) -> int:
    """The seed that a request draws from when sampling, 0 to 2^31 - 1. Its hash holds the seed of the decoding."""
    return int(request[:8], 16) >> 1
