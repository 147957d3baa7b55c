"""Judges a sampler cache: an object that maps each query to the train rows it may choose from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from db.specs.base import Finding, UserError
from engine.common.findings import error, warning


def read_sampler_cache(path: Path) -> dict[int, list[int]]:
    """Query row -> pool rows. Raises UserError naming file and what is wrong."""
    try:
        pools = msgspec.json.decode(path.read_bytes(), type=dict[str, list[int]])
        return {int(query): pool for query, pool in pools.items()}
    except OSError as failure:
        raise UserError(f"{path} cannot be read ({failure.strerror}); check the path") from None
    except (msgspec.DecodeError, ValueError) as failure:
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
