"""Puts RL data of several files into one: shards of one generation, or more candidates for the same queries."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import msgspec

from db.specs.base import UserError
from engine.common.models.fingerprint import file_sha
from engine.rl.reading.file import RLFile, read_rl_file
from engine.rl.writing.export import refuse_contradictions, write_rl
from engine.rl.writing.groups import Group, Pointed, groups_of

SAME = ("dataset_order_sha", "metric")
"""Metadata that decide what rows and scores mean; where files state them, they must agree."""
ALIKE = ("model_sha", "vqa_model", "prompt_sha", "decode_sha", "task_gen_args", "version")
"""Metadata whose difference is worth a word."""
RANGE = ("start_idx", "end_idx")
"""Of the queries, as published generators cut them: from the first to before the last."""
STALE = ("num_queries_processed", "pos_ratio_range")
"""Metadata that were true of one shard alone."""


def write_merged(sources: Sequence[Path], out: Path) -> list[dict[str, Any]]:
    """Write the queries of all files to `out`; returns where they come from, for the lineage.

    Raises UserError for legacy beams, files of different data sets, and a query that is another one in another file.
    """
    files = [read_rl_file(source) for source in sources]
    for file in files:
        if file.variant == "legacy":
            raise UserError(f"{file.path}: legacy beam data has no answers, and cannot be merged")
    _refuse_unlike(files)
    write_rl(
        out,
        refuse_contradictions(merged(files), sources[0]),
        merged_meta(files),
        layout="as-stored",
        subject=sources[0],
    )
    return [
        {"source": str(file.path.absolute()), "sha256": file_sha(file.path), "queries": len(file.query_ids)}
        | {name: file.meta[name] for name in RANGE if name in file.meta}
        for file in files
    ]


def merged(files: Sequence[RLFile]) -> Iterator[Group]:
    """The groups of all files by ascending query id; what several have of a query is one group, equal candidates once."""
    streams = [_numbered(at, file) for at, file in enumerate(files)]
    for _, same in groupby(heapq.merge(*streams, key=itemgetter(0, 1)), key=itemgetter(0)):
        parts = [(files[at].path, group) for _, at, group in same]
        yield parts[0][1] if len(parts) == 1 else _joined(parts)


def _numbered(at: int, file: RLFile) -> Iterator[tuple[int, int, Group]]:
    return ((group.query_id, at, group) for group in groups_of(file))


def _joined(parts: Sequence[tuple[Path, Group]]) -> Group:
    first = parts[0][1]
    about = next((group.about for _, group in parts if group.about), None)
    for path, group in parts[1:]:
        for name in ("question_id", "image_id", "question"):
            stated, other = (about or {}).get(name), (group.about or {}).get(name)
            if stated is not None and other is not None and str(stated) != str(other):
                raise UserError(
                    f"{path}: query {first.query_id} has the {name} {str(other)[:80]!r}, in {parts[0][0]} "
                    f"{str(stated)[:80]!r}; these files are of different data sets or orders"
                )
    candidates = _once(one for _, group in parts for one in group.candidates)
    other = {name: value for _, group in reversed(parts) for name, value in group.other.items()}
    return Group(first.query_id, about, _pool(parts, candidates), candidates, other)


def _once(candidates: Iterable[Pointed]) -> tuple[Pointed, ...]:
    """Equal candidates once; those of equal demonstrations and other scores all stay, for the step `deduplicate`."""
    kept = {msgspec.json.encode((one.rows, sorted(one.fields.items()))): one for one in candidates}
    return tuple(kept.values())


def _pool(parts: Sequence[tuple[Path, Group]], candidates: Sequence[Pointed]) -> tuple[int, ...]:
    """The one pool that is stored; none where candidates of a file without pools lie outside of it."""
    stored = {frozenset(group.pool): (path, group) for path, group in parts if group.pool}
    if len(stored) > 1:
        (one, group), (two, _) = list(stored.values())[:2]
        raise UserError(
            f"query {group.query_id} has different candidate pools in {one} and {two}; export both with --format r2, which "
            "stores none, and merge those"
        )
    pool = next((group.pool for _, group in stored.values()), ())
    return pool if set(pool).issuperset(row for one in candidates for row in one.rows) else ()


def _refuse_unlike(files: Sequence[RLFile]) -> None:
    for name in SAME:
        stated = {str(file.meta[name]): file.path for file in files if file.meta.get(name)}
        if len(stated) > 1:
            one, two = list(stated.values())[:2]
            raise UserError(
                f"{one} and {two} differ in {name}: their rows or scores mean different things; merge neither"
            )


def merged_meta(files: Sequence[RLFile]) -> dict[str, Any]:
    """The first file's metadata, the range of all shards, and in what the files differ."""
    meta = {name: value for name, value in files[0].meta.items() if name not in (*RANGE, *STALE)}
    ranges = sorted(found for file in files if (found := _range(file)))
    if len(ranges) == len(files):
        meta |= dict(zip(RANGE, (ranges[0][0], max(end for _, end in ranges)), strict=True))
    unlike = [name for name in ALIKE if len({msgspec.json.encode(file.meta.get(name)) for file in files}) > 1]
    return meta | ({"merged_unlike": unlike} if unlike else {})


def _range(file: RLFile) -> tuple[int, int] | None:
    first, last = (file.meta.get(name) for name in RANGE)
    return (first, last) if isinstance(first, int) and isinstance(last, int) else None


def holes(origins: Sequence[dict[str, Any]]) -> list[tuple[int, int]]:
    """Ranges of queries (from, to before) that lie between the shards and in none of them."""
    ranges = sorted(
        (one[RANGE[0]], one[RANGE[1]]) for one in origins if all(isinstance(one.get(n), int) for n in RANGE)
    )
    found, end = [], ranges[0][1] if ranges else 0
    for first, last in ranges:
        if first > end:
            found.append((end, first))
        end = max(end, last)
    return found
