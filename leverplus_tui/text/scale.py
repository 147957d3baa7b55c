"""From values to places along an axis, in drawings and in terminals."""

from __future__ import annotations

import math
from dataclasses import dataclass

SMALLEST = 1e-300
"""Below this a logarithm is taken of no value."""


@dataclass(frozen=True)
class Scale:
    """`low` is drawn at `start`, `high` at `end`; logarithmic where it says so."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """Where a value is drawn."""
        low = self._of(self.low)
        return self.start + (self._of(value) - low) / ((self._of(self.high) - low) or 1.0) * (self.end - self.start)

    def nearest(self, value: float) -> int:
        """The whole place nearest to that."""
        return round(self(value))

    def _of(self, value: float) -> float:
        return math.log10(max(value, SMALLEST)) if self.log else value
