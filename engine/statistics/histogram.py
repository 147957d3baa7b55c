"""How often each value came: by the value itself where it takes few, else in bins whose edges are whole multiples of a width."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

FEW, MOST = 20, 40
"""Values that are counted each for itself; bins of more."""
UNIT = 0.1
"""Widths are this times a power of two, so that of any two histograms the bins of one are whole bins of the other."""
SAME = 1e-6
"""Values that differ by no more than this share of the greatest are one: single precision parts them."""
PLACES = 4
"""Decimals of a width to which a value lies on an edge: more of them are rounding."""

Bar = tuple[float, float, int]
"""From, to (the same for a value), how many. A bin holds its lower edge."""


@dataclass(frozen=True)
class Histogram:
    """Counts of finite values."""

    counts: tuple[int, ...] = ()
    values: tuple[float, ...] = ()
    """The value of each count, ascending; none where these are bins."""
    width: float = 0.0
    """Of a bin; 0 where values are counted."""
    first: int = 0
    """The first bin begins at so many widths."""
    least: float = math.nan
    mean: float = math.nan
    greatest: float = math.nan

    @property
    def n(self) -> int:
        """How many values were counted."""
        return sum(self.counts)

    @property
    def ends(self) -> tuple[float | None, float | None, float | None]:
        """Least, mean and greatest; none of no value."""
        return (self.least, self.mean, self.greatest) if self.counts else (None, None, None)

    def bars(self) -> Iterator[Bar]:
        """Every value, or every bin, with how often it came."""
        if self.width:
            for place, n in enumerate(self.counts, self.first):
                yield place * self.width, (place + 1) * self.width, n
        else:
            yield from zip(self.values, self.values, self.counts, strict=True)

    def wider(self, width: float) -> Histogram:
        """The same counts in bins of this width, which is a power of two times its own. Values are put into bins."""
        first = _bin(next(self.bars())[0], width) if self.counts else 0
        counts: list[int] = []
        for low, _, n in self.bars():
            place = _bin(low, width) - first
            counts += [0] * (place + 1 - len(counts))
            counts[place] += n
        return Histogram(tuple(counts), (), width, first, self.least, self.mean, self.greatest)

    def as_json(self) -> dict[str, Any]:
        """What `read` reads; what an empty histogram has not is left out."""
        bins = {"width": self.width, "first": self.first} if self.width else {"values": list(self.values)}
        ends = {"least": self.least, "mean": self.mean, "greatest": self.greatest} if self.counts else {}
        return {"counts": list(self.counts), **bins, **ends}

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Histogram:
        """The histogram that `as_json` wrote."""
        lists = {"counts": tuple(stored["counts"]), "values": tuple(stored.get("values", ()))}
        return cls(**{**stored, **lists})


def counted(values: Iterable[float]) -> Histogram:
    """Finite values counted: each for itself where at most `FEW` differ by more than rounding and come twice in the mean, else
    in at most 2 n^(1/3) bins (Rice's rule), 5 to `MOST`."""
    import numpy as np  # 140 ms, for which who draws what was counted need not wait

    numbers = np.asarray(values if isinstance(values, np.ndarray) else list(values), np.float64)
    numbers = numbers[np.isfinite(numbers)]
    if not len(numbers):
        return Histogram()
    distinct, times = np.unique(numbers, return_counts=True)
    same, mean = SAME * np.abs(distinct).max(), numbers.mean()
    begins = np.flatnonzero(np.diff(distinct, prepend=-np.inf) > same)
    ends = tuple(map(_written, (distinct[0], mean if abs(mean) > same else 0.0, distinct[-1])))
    if len(begins) <= min(FEW, max(1, len(numbers) // 2)):
        counts = np.add.reduceat(times, begins)
        return Histogram(tuple(counts.tolist()), tuple(map(_written, distinct[begins])), 0.0, 0, *ends)
    width = narrowest(float(distinct[-1] - distinct[0]), min(MOST, max(5, int(2 * len(numbers) ** (1 / 3)))))
    places = np.floor(np.round(distinct / width, PLACES)).astype(np.int64)
    counts = np.bincount(places - places[0], weights=times).astype(np.int64)
    return Histogram(tuple(counts.tolist()), (), width, int(places[0]), *ends)


def _written(value: float) -> float:
    """A value of single precision without the digits that it does not have."""
    return float(f"{value:.7g}")


def _bin(value: float, width: float) -> int:
    return math.floor(round(value / width, PLACES))


def narrowest(span: float, most: int) -> float:
    """The least width of which `most` bins hold a span, wherever it begins."""
    return UNIT * 2.0 ** math.ceil(math.log2(span / (most - 1) / UNIT))
