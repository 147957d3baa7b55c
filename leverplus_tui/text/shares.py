"""Shares of RL data with how sure they are: one wording for `leverplus data health` and the screens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from leverplus_tui.text.output import plural

FEW_QUERIES = 50
"""Below this many queries a half-width is ten points or more, and two shares can hardly be told apart."""
LOPSIDED = 0.05
"""Distance of a share from the middle of its interval from which a half-width would mislead."""
TOO_FEW = "too few queries to tell"


def share(value: float, interval: Sequence[float] | None = None) -> str:
    """`45.0 % ±20.1`: a share (0..1) with the half-width of its 95 % interval in points, where that is known.

    Near 0 and 1 the interval is lopsided, and its ends are given: `100.0 % [56.6, 100.0]`.
    """
    text = f"{100 * value:.1f} %" if value >= 0.1 or value == 0 else f"{100 * value:.2f} %"
    if not interval:
        return text
    low, high = interval
    if abs((low + high) / 2 - value) > LOPSIDED:
        return f"{text} [{100 * low:.1f}, {100 * high:.1f}]"
    return f"{text} ±{50 * (high - low):.1f}"


def doubt(queries: int | None) -> str:
    """`too few queries to tell` where that is so; candidates of one query are alike and count as one observation."""
    return TOO_FEW if queries is not None and queries < FEW_QUERIES else ""


def label_line(row: Mapping[str, Any]) -> str:
    """One method or mode: candidates, queries, the share that is right, and whether that says anything.

    `row` is one of `gen_methods` or `eval_modes` of the health; an index of an older version has no intervals.
    """
    queries = row.get("queries")
    of = f" of {plural(queries, 'query', 'queries')}" if queries is not None else ""
    right = f"{share(row['positive_rate'], row.get('interval'))} right"
    said = ", ".join(part for part in (right, f"mean score {row['mean']:.3f}", doubt(queries)) if part)
    return f"{plural(int(row['count']), 'candidate')}{of}, {said}"
