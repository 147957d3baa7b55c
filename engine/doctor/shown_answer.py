"""One answer beside those that its demonstrations showed; without numpy, which no page waits for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.common.accuracy import majority, normalise


@dataclass(frozen=True, slots=True)
class Shown:
    """One answer, and the answers of the demonstrations before it in prompt order."""

    answer: str
    score: float
    image_id: int
    references: Sequence[str]
    labels: Sequence[str]

    @property
    def copied(self) -> bool:
        """The answer stands among those shown."""
        return normalise(self.answer) in map(normalise, self.labels)

    @property
    def reference_shown(self) -> bool:
        """An answer that somebody gave to the question stands among those shown."""
        return not set(map(normalise, self.labels)).isdisjoint(map(normalise, self.references))

    @property
    def follows_majority(self) -> bool:
        """The answer is the one that most demonstrations show."""
        return normalise(self.answer) == normalise(majority(self.labels))
