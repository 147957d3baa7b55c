"""What the engine did: how much was computed, how much was there already, and how well the processor was used."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

PEAK = {"H100": 989e12, "H200": 989e12, "A100": 312e12, "L40": 181e12, "4090": 165e12}
"""Operations per second of a card in half precision without sparsity, as its maker says."""


@dataclass
class Counts:
    """Sums over all calls."""

    answers: int = 0
    images: int = 0
    """Images that prompts showed, each time that one showed it."""
    images_encoded: int = 0
    images_from_disk: int = 0
    """Images that an earlier run had encoded."""
    tokens: int = 0
    """Tokens of all prompts."""
    tokens_computed: int = 0
    reading: float = 0.0
    """Multiplications and additions for the tokens of prompts."""
    operations: float = 0.0
    """The same with those for images; tokens of answers are left out."""
    seconds: float = 0.0
    """Up to the last pause."""
    splits: int = 0
    """Times that memory ran short and a group was made smaller."""
    _since: float | None = field(default=None, repr=False)

    def start(self) -> None:
        """Time counts from here."""
        self._since = time.perf_counter()

    def pause(self) -> None:
        """Until here."""
        self.seconds, self._since = self.elapsed, None

    @property
    def elapsed(self) -> float:
        """Seconds that have counted until now."""
        return self.seconds + (time.perf_counter() - self._since if self._since is not None else 0.0)

    def measures(self, card: str) -> Mapping[str, float]:
        """How well it went so far; `card` is the name of the GPU, empty for none. Empty before the first answer."""
        if not self.answers:
            return {}
        seconds = max(self.elapsed, 1e-9)
        peak = next((value for name, value in PEAK.items() if name in card), None)
        return {
            "answers_per_s": self.answers / seconds,
            "images_encoded": self.images_encoded,
            "images_reused": max(0, self.images - self.images_encoded),
            "tokens_computed": self.tokens_computed,
            "tokens_reused": self.tokens - self.tokens_computed,
            "tflops": self.operations / seconds / 1e12,
            **({"utilisation": self.operations / seconds / peak} if peak else {}),
        }

    def facts(self, card: str) -> Mapping[str, Any]:
        """What a run records at its end."""
        found = self.measures(card)
        if not found:
            return {}
        facts = {
            "engine_answers_per_s": round(found["answers_per_s"], 2),
            "engine_images": self.images,
            "engine_images_encoded": self.images_encoded,
            "engine_prompt_tokens": self.tokens,
            "engine_prompt_tokens_computed": self.tokens_computed,
            "engine_tflops": round(found["tflops"], 3),
        }
        if "utilisation" in found:
            facts["engine_utilisation"] = round(found["utilisation"], 3)
        if self.images_from_disk:
            facts["engine_images_from_disk"] = self.images_from_disk
        if self.splits:
            facts["engine_splits"] = self.splits
        return facts
