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


def ticks(low: float, high: float, most: int, *, whole: bool = False) -> list[float]:
    """Round values from `low` to `high`, none outside: about `most`, and two where there is room for two steps between
    them. Only `whole` numbers where it says so."""
    span = high - low
    if span <= 0 or most < 2:
        return [low]
    raw = span / (most - 1)
    power = 10.0 ** math.floor(math.log10(raw))
    steps = [power * factor for factor in (0.1, 0.2, 0.5, 1, 2, 5, 10)]
    steps = [step for step in steps if step >= 1] or [1.0] if whole else steps
    place = next((place for place, step in enumerate(steps) if step >= raw * (1 - 1e-9)), len(steps) - 1)
    while place and len(_multiples(low, high, steps[place])) < 2:
        place -= 1
    return _multiples(low, high, steps[place])


def _multiples(low: float, high: float, step: float) -> list[float]:
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [step * number for number in range(first, last + 1)]
