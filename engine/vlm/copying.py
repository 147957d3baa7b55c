"""Controls that need no model: they answer with what a demonstration shows, and so measure how far copying goes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from db.specs.base import Finding, UserError, sha256_text
from db.specs.evaluate import DecodeSpec
from engine.common.accuracy import majority
from engine.vlm.prompt import Prompt, request_sha
from engine.vlm.protocol import Answer, always

if TYPE_CHECKING:
    from torch import Tensor


def _last(labels: Sequence[str]) -> str:
    return labels[-1] if labels else ""


RULES: dict[str, Callable[[Sequence[str]], str]] = {"copy-nearest": _last, "majority": majority}
"""Name -> the answer out of those that the demonstrations show, in prompt order; empty where nothing is shown."""

AT_ONCE = 512
"""Prompts worth handing over together: answering takes no time."""


class CopyingVLM:
    """Answers by a rule over the demonstrations' answers; the images and the question are not looked at."""

    def __init__(self, name: str, *, decode: DecodeSpec) -> None:
        self.name = name
        self.sha = sha256_text(f"answers by the rule {name}")
        self.decode_sha = decode.sha()
        self.features_sha = ""
        self._rule = RULES[name]
        self.at_once = AT_ONCE

    def request_sha(self, prompt: Prompt) -> str:
        """SHA-256 (hex) over rule, prompt and decoding."""
        return request_sha(self.sha, prompt.sha, self.decode_sha)

    def answer(self, prompts: Sequence[Prompt], go_on: Callable[[], bool] = always) -> Iterator[Mapping[int, Answer]]:
        """All answers at once."""
        yield {place: Answer(self._rule(prompt.labels)) for place, prompt in enumerate(prompts)}

    def facts(self) -> Mapping[str, Any]:
        """What a run records of it."""
        return {"vlm": self.name, "vlm_class": "no model: an answer of the demonstrations is copied"}

    def findings(self) -> Sequence[Finding]:
        """None: a rule has nothing to warn of."""
        return ()

    def embed_images(self, paths: Sequence[Path]) -> Tensor:
        """Raises UserError: a rule has no features."""
        raise self._none()

    def embed_texts(self, texts: Sequence[str]) -> Tensor:
        """Raises UserError: a rule has no features."""
        raise self._none()

    def _none(self) -> UserError:
        return UserError(
            f"vlm={self.name} is a rule and has no features to compare: name a CLIP or SigLIP model with --encoder, or a retriever "
            "that compares nothing (random, fixed)"
        )
