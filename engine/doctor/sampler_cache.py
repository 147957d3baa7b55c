"""Judges a sampler cache: an object that maps each query to the train rows it may choose from."""

from __future__ import annotations

from array import array
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from db.specs.base import Finding, UserError
from engine.common.findings import error, warning
from engine.common.gate import crowded, read_bytes
from engine.data.reading import DAMAGE

_IDS = msgspec.json.Decoder(list[int])


MOST_BYTES = 1 << 30
"""Pools of 64 for every question of VQAv2 take a quarter of this."""


def read_sampler_cache(path: Path) -> dict[int, array[int]]:
    """Query row -> pool rows. Raises UserError naming file and what is wrong."""
    content = read_bytes(path, MOST_BYTES)
    try:
        if crowded(content):
            raise ValueError("more lists than any honest cache holds")
        # one list after the other, because numbers as objects take nine times their text
        pools = msgspec.json.decode(content, type=dict[str, msgspec.Raw])
        return {int(query): array("q", _IDS.decode(pool)) for query, pool in pools.items()}
    except (*DAMAGE, ValueError, OverflowError) as failure:
        raise UserError(
            f"{path} is no sampler cache ({str(failure)[:100]}); it must map query ids to lists of ids"
        ) from None


def sampler_report(path: Path) -> tuple[dict[str, Any], list[Finding]]:
    """(facts, findings) of a sampler cache."""
    pools = read_sampler_cache(path)
    sizes = np.array([len(pool) for pool in pools.values()] or [0])
    facts = {"queries": len(pools), "pool_size": {"min": int(sizes.min()), "max": int(sizes.max())}}
    findings = []
    if leaking := [query for query, pool in pools.items() if query in pool]:
        text = f"{len(leaking):,} pools contain their own query (first: {leaking[0]}), so the answer can be shown."
        findings.append(
            error("self-demonstration", str(path), text, "Draw the pools again, excluding the query by id.")
        )
    if repeating := [query for query, pool in pools.items() if len(set(pool)) < len(pool)]:
        text = f"{len(repeating):,} pools name a train row twice (first: query {repeating[0]})."
        findings.append(error("pool-duplicate", str(path), text, "Draw the pools again without repeats."))
    if sizes.min() != sizes.max():
        text = f"Pools have between {sizes.min()} and {sizes.max()} rows; losses over them are not comparable."
        findings.append(warning("pool-size-uneven", str(path), text, "Draw pools of one size."))
    return facts, findings
