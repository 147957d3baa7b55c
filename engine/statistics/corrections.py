"""What many comparisons do to p values."""

from __future__ import annotations

from collections.abc import Sequence


def holm(p_values: Sequence[float]) -> list[float]:
    """P values adjusted for their number by Holm's step-down rule (Holm 1979), in the given order.

    Below 0.05 there is at most a 5 % chance that any of the differences so named is none.
    """
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted = [0.0] * len(p_values)
    running = 0.0
    for rank, i in enumerate(order):
        running = max(running, min(1.0, (len(p_values) - rank) * p_values[i]))
        adjusted[i] = running
    return adjusted


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """P values adjusted for the share of false discoveries (Benjamini and Hochberg 1995), in the given order.

    Of the differences below 0.05, 5 % are expected to be none: less strict than Holm, for a first look over many variants.
    """
    order = sorted(range(len(p_values)), key=lambda i: p_values[i], reverse=True)
    adjusted = [0.0] * len(p_values)
    running = 1.0
    for above, i in enumerate(order):
        running = min(running, p_values[i] * len(p_values) / (len(p_values) - above))
        adjusted[i] = running
    return adjusted
