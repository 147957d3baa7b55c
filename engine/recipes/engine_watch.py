"""Tells while a model answers what its engine does: series of the run, a word beside the progress, a line in the log."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

from loguru import logger

from db.rows import Metric
from engine.vlm.protocol import VLM, Measured

PHASE = "engine"
EVERY_S = 2.0
LOG_EVERY_S = 60.0


class EngineWatch:
    """Looks at a model that measures itself; of others there is nothing to tell."""

    def __init__(self, vlm: VLM) -> None:
        self._vlm = vlm if isinstance(vlm, Measured) else None
        self._next = self._next_log = time.monotonic()

    def due(self, step: int) -> Iterator[Metric]:
        """The series at `step` answers, if it is time."""
        now = time.monotonic()
        if now >= self._next:
            self._next = now + EVERY_S
            yield from self._metrics(step)
            if now >= self._next_log:
                self._next_log = now + LOG_EVERY_S
                self._log()

    def last(self, step: int) -> Iterator[Metric]:
        """The series at the end."""
        yield from self._metrics(step)
        self._log()

    @property
    def note(self) -> str:
        """The pace in words; empty where it is not known."""
        return _pace(self._measures())

    def _measures(self) -> Mapping[str, float]:
        return self._vlm.measures() if self._vlm else {}

    def _metrics(self, step: int) -> Iterator[Metric]:
        for name, value in self._measures().items():
            yield Metric(PHASE, 1, step, name, value)

    def _log(self) -> None:
        if found := self._measures():
            logger.info(
                "engine: {}; images {:,.0f} encoded, {:,.0f} reused; prompt tokens {:,.0f} computed, {:,.0f} reused",
                _pace(found), found["images_encoded"], found["images_reused"], found["tokens_computed"], found["tokens_reused"],
            )  # fmt: skip


def _pace(found: Mapping[str, float]) -> str:
    if not found:
        return ""
    share = f", {found['utilisation']:.0%} of the GPU's speed" if "utilisation" in found else ""
    return f"{found['answers_per_s']:.1f} answers/s{share}"
