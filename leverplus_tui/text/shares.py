"""Shares of RL data and how much they can tell: one wording for `leverplus data health` and the screens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from leverplus_tui.text.language import shown
from leverplus_tui.text.numbers import plural, score, share

FEW_QUERIES = 50
"""Below this many queries a half-width is ten points or more, and two shares can hardly be told apart."""
TOO_FEW = "too few queries to tell"


def doubt(queries: int | None) -> str:
    """`too few queries to tell` where that is so; candidates of one query are alike and count as one observation."""
    return shown(TOO_FEW) if queries is not None and queries < FEW_QUERIES else ""


def label_line(row: Mapping[str, Any]) -> str:
    """One method or mode: candidates, queries, the share that is right, and whether that says anything.

    `row` is one of `gen_methods` or `eval_modes` of the health; an index of an older version has no intervals.
    """
    queries = row.get("queries")
    told = plural(int(row["count"]), "candidate")
    if queries is not None:
        told = shown(f"{told} of {plural(queries, 'query', 'queries')}")
    right = shown(f"{share(row['positive_rate'], row.get('interval'))} right")
    parts = (right, shown(f"mean score {score(row['mean'])}"), doubt(queries))
    return ", ".join([told, *(part for part in parts if part)])
