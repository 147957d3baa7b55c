"""Cutting work into shards for several workers: few large ones first, small ones last, so that all end at about one time."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from itertools import groupby

FIRST = 0.8
"""Share of what is left that the workers get at once; the rest is cut again, and levels out what one of them is slower."""


def borders(keys: Sequence[Hashable]) -> list[range]:
    """Neighbours with equal keys, which belong into one shard, as ranges of positions."""
    units, start = [], 0
    for _, same in groupby(keys):
        end = start + sum(1 for _ in same)
        units.append(range(start, end))
        start = end
    return units


def cut(units: Sequence[range], workers: int, least: int) -> list[range]:
    """Ranges of positions, whole units each, the longest first. None is shorter than `least` but those of the last round, in which
    the workers share what is left: down to half of `least`, so that none of them works on alone for long."""
    shards: list[range] = []
    at, left = 0, sum(map(len, units))
    while at < len(units):
        size = max(least, int(left * FIRST / workers))
        if left < workers * least:
            size = max(-(-least // 2), -(-left // workers))
        for _ in range(workers):
            start = end = at
            while end < len(units) and units[end].start - units[start].start < size:
                end += 1
            if end > start:
                shards.append(range(units[start].start, units[end - 1].stop))
                left -= len(shards[-1])
                at = end
    return sorted(shards, key=len, reverse=True)
