"""Judges a sampler cache: an object that maps each query to the train rows it may choose from."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from db.specs.base import Finding, UserError
from engine.common.files.gate import crowded, read_bytes
from engine.common.findings import error, warning
from engine.data.reading import DAMAGE

_IDS = msgspec.json.Decoder(list[int])


MOST_BYTES = 1 << 30
"""Pools of 64 for every question of VQAv2 take a quarter of this."""
BY_LIKENESS = {
    "TextSimSampler": "by likeness of questions",
    "ImgSimSampler": "by likeness of images",
    "MixSampler": "mixed in some ratio of likeness of images, of questions, and chance",
}
"""Published samplers whose draw depends on embeddings, by the name that they put into the file's name."""


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
        text = (
            f"Pools that contain their own query: {len(leaking):,} (first: {leaking[0]}), so the answer can be shown."
        )
        findings.append(
            error("self-demonstration", str(path), text, "Draw the pools again, excluding the query by id.")
        )
    if repeating := [query for query, pool in pools.items() if len(set(pool)) < len(pool)]:
        text = f"Pools that name a train row twice: {len(repeating):,} (first: query {repeating[0]})."
        findings.append(error("pool-duplicate", str(path), text, "Draw the pools again without repeats."))
    if sizes.min() != sizes.max():
        text = f"Pools have between {sizes.min()} and {sizes.max()} rows; losses over them are not comparable."
        findings.append(warning("pool-size-uneven", str(path), text, "Draw pools of one size."))
    return facts, [*findings, *_unverifiable(path)]


def _unverifiable(path: Path) -> Iterator[Finding]:
    """Pools by likeness hang on an encoder, mixed ones on their ratio too; the layout has room for neither."""
    made = next((how for name, how in BY_LIKENESS.items() if name.casefold() in path.name.casefold()), "")
    if made:
        text = (
            f"Its name says pools {made}, and neither name nor content says of which encoder: a cache that another encoder or "
            "ratio made looks the same and is taken up in silence by whatever asks for this name."
        )
        fix = "Draw the pools again with --pool, which records encoder and rule with the run."
        yield warning("cache-unverifiable", str(path), text, fix)
