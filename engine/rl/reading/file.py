"""Reads RL data (six published variants, mixtures of them, and legacy beams) into columns: fast, without torch, and with
pointers resolved to train rows whatever index space they were stored in."""

from __future__ import annotations

import mmap
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np

from engine.common.collecting import uncollected
from engine.common.files.first_bytes import BYTE_ORDER_MARK
from engine.common.files.gate import opened
from engine.rl.reading.blocks import Blocks
from engine.rl.reading.columns import Candidates, Labels, Query
from engine.rl.reading.gathering import Gatherer
from engine.rl.reading.pointer_spaces import Bools, Ints, Pools, Space
from engine.rl.reading.records import decode_record, decode_whole, describe_start, index_records

__all__ = ["Candidates", "Labels", "Pools", "Query", "RLFile", "Space", "read_rl_file"]

Variant = Literal["R1", "R2", "R3", "R4", "R5", "R6", "legacy"]
CHUNK = 16
"""Records decoded at a time: few enough that their objects stay in the processor's cache (twice as fast as 512)."""
FIRST_METHODS = ("", "beam", "sample", "random", "retrieval", "pair")
"""Generation methods of the first generators; anything else was added by later tools."""


@dataclass(frozen=True, slots=True)
class RLFile:
    """An RL file in columns; queries by ascending id."""

    path: Path
    variant: Variant
    meta: dict[str, Any]
    query_ids: Ints
    """(Q,) train rows of the queries."""
    queries: tuple[Query, ...]
    offsets: Ints
    """(Q + 1,) where each query's candidates begin."""
    candidates: Candidates
    pools: Pools
    raw: dict[int, msgspec.Raw] = field(repr=False, compare=False)

    def sizes(self) -> Ints:
        """Candidates of each query (Q,)."""
        return np.diff(self.offsets)

    def group(self) -> Ints:
        """Position of the query of each candidate (M,)."""
        return np.repeat(np.arange(len(self.query_ids)), self.sizes())

    def mixed_groups(self) -> Bools:
        """(Q,) queries whose candidates are not all in one index space, or contradict themselves."""
        count = len(self.query_ids)
        local = np.bincount(self.group(), self.candidates.space == Space.LOCAL, count)
        conflict = np.bincount(self.group(), self.candidates.space == Space.CONFLICT, count)
        return (local > 0) & (local < self.sizes()) | (conflict > 0)

    def odd_spaces(self) -> Bools:
        """(M,) candidates that contradict themselves, or are stored unlike most of a mixed group (of a tie: the first)."""
        space, group = self.candidates.space, self.group()
        if not len(group):
            return np.zeros(0, np.bool_)
        local = space == Space.LOCAL
        first = local[np.minimum(self.offsets[:-1], len(local) - 1)]
        mostly_local = 2 * np.bincount(group, local, len(self.query_ids)) + first > self.sizes()
        return np.asarray((space == Space.CONFLICT) | self.mixed_groups()[group] & (local != mostly_local[group]))

    def place(self, bad: Bools) -> str:
        """Query and candidate of the first of some bad candidates (M,), for a sentence."""
        at = int(bad.argmax())
        query = int(np.searchsorted(self.offsets, at, side="right")) - 1
        return f"query {self.query_ids[query]}, candidate {at - self.offsets[query]}"

    def record(self, query_id: int) -> dict[str, Any]:
        """The whole record of one query as stored, decoded on demand."""
        return decode_whole(self.path, query_id, self.raw[query_id])


def read_rl_file(path: str | Path, columns: Collection[str] | None = None) -> RLFile:
    """Read an RL file of any variant. UserError names file, query and field of what is malformed.

    With `columns`, only those columns of the candidates beside their pointers and, of the questions, only the image are
    read, in half the time; everything else is absent.
    """
    path = Path(path)
    raw, meta = index_records(path, map_file(path))
    return gather(path, raw, meta, columns=columns)


def gather(
    path: Path,
    raw: dict[int, msgspec.Raw],
    meta: dict[str, Any],
    progress: Callable[[int], None] | None = None,
    columns: Collection[str] | None = None,
    blocks: Blocks | None = None,
) -> RLFile:
    """Decode raw records (by ascending query id) into columns; `progress` is told how many queries are decoded. What
    `blocks` hold of this very file is taken from there, and what is decoded is kept there."""
    gathered = Gatherer(path, columns)
    if blocks is not None:
        all(gathered.add_block(block) for block in blocks.stored())
    decoder = gathered.decoder
    with uncollected():
        for chunk in _chunks(raw, len(gathered.queries)):
            gathered.add([(query_id, decode_record(path, query_id, record, decoder)) for query_id, record in chunk])
            if progress is not None:
                progress(len(gathered.queries))
            if blocks is not None and blocks.due():
                blocks.put(gathered.block())
    if blocks is not None and blocks.in_use:
        blocks.put(gathered.block())
    offsets, candidates, pools = gathered.finish()
    queries = tuple(gathered.queries)
    variant = _variant(meta, queries, candidates, pools)
    return RLFile(path, variant, meta, np.array(list(raw), np.int64), queries, offsets, candidates, pools, raw)


def map_file(path: Path) -> memoryview:
    """The bytes of a file without a byte-order mark, mapped, not read. UserError for what is visibly no RL data."""
    with opened(path) as file:
        describe_start(path, file.read(512))
        data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    return data[len(BYTE_ORDER_MARK) :] if data[: len(BYTE_ORDER_MARK)] == BYTE_ORDER_MARK else data


def _chunks(raw: dict[int, msgspec.Raw], begin: int) -> Iterator[list[tuple[int, msgspec.Raw]]]:
    items = islice(raw.items(), begin, None)
    while chunk := list(islice(items, CHUNK)):
        yield chunk


def _variant(meta: dict[str, Any], queries: Sequence[Query], candidates: Candidates, pools: Pools) -> Variant:
    """The published kind that the file looks like; R6 is everything that mixes kinds or lost its marks."""
    if all(query.legacy for query in queries):
        return "legacy"
    fixed = np.array([query.fix_failed for query in queries], np.bool_)
    described = all(query.described for query in queries)
    if pools.sizes().all():
        return _pooled_variant(meta, candidates, bool(fixed.any()))
    if pools.sizes().any() or candidates.has_world.any():
        return "R6"
    if described and meta and candidates.has_position.all():
        return "R2"
    if described and np.isnan(candidates.correct).all() and not candidates.method.codes.any():
        return "R5"
    first = bool(candidates.method.of(*FIRST_METHODS).all())
    bare = not meta and not any(query.described for query in queries)
    return "R1" if bare and first and not candidates.has_position.any() else "R6"


def _pooled_variant(meta: dict[str, Any], candidates: Candidates, failures: bool) -> Variant:
    if not candidates.has_world.all() and not failures:
        return "R6"
    if not candidates.method.of(*FIRST_METHODS, *_temperatures(candidates.method)).all():
        return "R6"
    repaired = failures or "fix_version" in meta or "fixed_at" in meta or bool(candidates.has_position.any())
    return "R3" if meta.get("version") == "k64" and not repaired else "R4"


def _temperatures(methods: Labels) -> list[str]:
    return [text for text in methods.texts if text.startswith("sample_t")]
