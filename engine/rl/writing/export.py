"""Writes RL data in the public JSON layouts (R2, R3), as JSON lines or as Parquet, and reads back what was written.

`python -m engine.rl.writing.export FILE OUT --format r2|r3|jsonl|parquet`. Free of torch; one group in memory at a time.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from db.specs.base import UserError
from engine.common.files.atomic import replacing
from engine.common.models.fingerprint import file_sha
from engine.common.program import WrittenWrong, file_program, finish, refuse_place
from engine.rl.reading.file import RLFile, read_rl_file
from engine.rl.reading.json_lines import KEY
from engine.rl.writing.groups import Digest, Group, Record, groups_of, uncertain
from engine.rl.writing.parquet import write_parquet

Layout = Literal["r2", "r3", "as-stored"]
FORMATS = ("r2", "r3", "jsonl", "parquet")
VERSIONS = {"r2": "strict", "r3": "k64"}
"""`_meta.version` by which readers know a layout; `k64` marks stored pools of any size."""
REPAIR_MARKS = ("fix_version", "fixed_at", "fix_description", "fix_params")
FAILED_MARKS = ("_fix_failed", "_fix_error")
_encode = msgspec.json.encode


def export(source: Path, out: Path, *, to: str, overwrite: bool = False) -> dict[str, Any]:
    """Write an RL file of any variant in another format; returns the summary that `--json` prints.

    Raises UserError for a file that cannot be said in that format; OUT is then what it was.
    """
    refuse_place(source, out, overwrite=overwrite)
    file = read_rl_file(source)
    groups = refuse_contradictions(groups_of(file), source)
    if to == "jsonl":
        counts = write_lines(out, groups, file.meta)
    elif to == "parquet":
        counts = write_parquet(out, groups, file.meta)
    else:
        _refuse_legacy(file)
        layout: Layout = "r2" if to == "r2" else "r3"
        counts = write_rl(out, groups, _marked(file.meta, VERSIONS[to]), layout=layout, subject=source)
    return {
        "source": str(source), "out": str(out), "format": to, "variant": file.variant, **counts,
        "pools": _pools(file, to), "uncertain_index_space": uncertain(file), "bytes": out.stat().st_size,
        "sha256": file_sha(out), "read_back": "identical",
    }  # fmt: skip


def write_rl(
    path: Path, groups: Iterable[Group], meta: Mapping[str, Any], *, layout: Layout, subject: str | Path = ""
) -> dict[str, int]:
    """Write groups as RL data, one query on a line, placed at `path` once they were read back the same; returns counts.

    `r2`: pointers are train rows, pools are left out. `r3`: pointers are positions in the stored pool, with the rows
    beside them. `as-stored`: as r3 where a pool is stored that holds all pointers of the query, else rows. Raises
    UserError, which names `subject`, for pointers that do not fit the layout, and when there is no group.
    """
    subject = subject or path
    written = Digest()
    with replacing(path, durable=True) as draft:
        with draft.open("wb") as file:
            file.write(b'{"_meta": ' + _encode(dict(meta)))
            for group in written.of(_fitted(groups, layout, subject)):
                file.write(b',\n"%d": ' % group.query_id + _encode(_record(group)))
            file.write(b"\n}\n")
        if not written.queries:
            raise UserError(f"{subject}: no query is left to write")
        _compare(path, written, groups_of(read_rl_file(draft)))
    return {"queries": written.queries, "candidates": written.candidates}


def write_lines(path: Path, groups: Iterable[Group], meta: Mapping[str, Any]) -> dict[str, int]:
    """Write groups as JSON lines: `_meta` first, then one record per query, pointers as train rows (`pointer_global`)."""
    written = Digest()
    with replacing(path, durable=True) as draft:
        with draft.open("wb") as file:
            file.write(_encode({"_meta": dict(meta)}) + b"\n")
            for group in written.of(groups):
                pointed = [{"pointer_global": one.rows, **one.fields} for one in group.candidates]
                file.write(_encode({KEY: group.query_id, **_head(group), "pointer_candidates": pointed}) + b"\n")
        _compare(path, written, groups_of(read_rl_file(draft)))
    return {"queries": written.queries, "candidates": written.candidates}


def refuse_contradictions(groups: Iterable[Group], subject: str | Path) -> Iterator[Group]:
    """The same groups; UserError at a candidate whose pointer fields contradict each other: nobody knows what it showed."""
    for group in groups:
        for at, one in enumerate(group.candidates):
            if one.contradicts:
                raise UserError(
                    f"{subject}: query {group.query_id}, candidate {at}: pointer and pointer_global contradict each other; "
                    "drop such candidates with `leverplus data derive --step pool-repair`"
                )
        yield group


def _fitted(groups: Iterable[Group], layout: Layout, subject: str | Path) -> Iterator[Group]:
    """The groups as the layout can say them. Marks of a failed repair go where the pointers are in order now."""
    for group in groups:
        if layout == "r2":
            yield group.replaced(pool=(), other=_unfailed(group))
            continue
        if layout == "r3":
            _refuse_outside(group, subject)
        yield group.replaced(other=_unfailed(group)) if group.pooled else group


def _refuse_outside(group: Group, subject: str | Path) -> None:
    if not group.pool:
        raise UserError(f"{subject}: query {group.query_id} has no stored pool, which r3 needs; export to r2")
    inside = set(group.pool)
    for at, one in enumerate(group.candidates):
        if not inside.issuperset(one.rows):
            raise UserError(
                f"{subject}: query {group.query_id}, candidate {at}: {list(one.rows)} is not inside the stored pool, which "
                "r3 needs; drop such candidates with `leverplus data derive --step pool-repair`, or export to r2"
            )


def _record(group: Group) -> Record:
    """A group in its layout: positions beside rows where it is pooled, else rows as both `pointer` and `pointer_pos`."""
    place = {row: at for at, row in reversed(list(enumerate(group.pool)))}
    candidates = []
    for one in group.candidates:
        if group.pooled:
            pointers = {"pointer": [place[row] for row in one.rows], "pointer_global": one.rows}
        elif group.pool:
            pointers = {"pointer": list(one.rows), "pointer_global": one.rows}
        else:
            pointers = {"pointer": list(one.rows), "pointer_pos": one.rows}
        candidates.append({**pointers, **one.fields})
    return {**_head(group), "pointer_candidates": candidates}


def _head(group: Group) -> Record:
    """What stands before the candidates."""
    about = {} if group.about is None else {"query": group.about}
    pool = {"candidate_pool_ids": group.pool} if group.pool else {}
    return {**about, **pool, **group.other}


def _unfailed(group: Group) -> Record:
    return {name: value for name, value in group.other.items() if name not in FAILED_MARKS}


def _marked(meta: Mapping[str, Any], version: str) -> Record:
    """The metadata with the version of the layout; marks of repairs, which name another layout, are kept aside."""
    repairs = {name: meta[name] for name in REPAIR_MARKS if name in meta}
    kept = {name: value for name, value in meta.items() if name not in repairs}
    return {**kept, "version": version, **({"repaired": repairs} if repairs else {})}


def _compare(path: Path, written: Digest, groups: Iterator[Group]) -> None:
    found = Digest()
    for _ in found.of(groups):
        pass
    if found.value != written.value:
        raise WrittenWrong(
            f"{path}: what was written reads back differently ({found.candidates} of {written.candidates} candidates); "
            "nothing was placed there, please report this"
        )


def _refuse_legacy(file: RLFile) -> None:
    if file.variant == "legacy":
        raise UserError(
            f"{file.path}: legacy beam data has no answers, so it is no RL data in any layout; export to jsonl or parquet"
        )


def _pools(file: RLFile, to: str) -> str:
    if not file.pools.sizes().any():
        return "none"
    return "left out" if to == "r2" else "kept"


def describe(summary: Mapping[str, Any]) -> str:
    """The summary in sentences."""
    lines = [
        f"{summary['source']} ({summary['variant']}) -> {summary['out']} ({summary['format']})",
        f"{summary['queries']:,} queries, {summary['candidates']:,} candidates, {summary['bytes']:,} bytes; "
        "read back and compared: identical",
    ]
    if summary["pools"] == "left out":
        lines.append("the stored pools were left out, which r2 does not know; r3 keeps them")
    if summary["uncertain_index_space"]:
        lines.append(
            f"{summary['uncertain_index_space']:,} pointers could be rows or positions; they were read as most likely meant"
        )
    return "\n".join(lines)


def main(words: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = file_program(
        "engine.rl.writing.export", "Write RL data in another format, and read it back.",
        "rl_data.json rl_data.parquet --format parquet", "RL data of any published layout",
    )  # fmt: skip
    parser.add_argument("out", type=Path, help="file to write")
    parser.add_argument("--format", choices=FORMATS, required=True, help="format to write")
    parser.add_argument("--overwrite", action="store_true", help="replace OUT where it is there already")
    chosen = parser.parse_args(words)
    return finish(
        lambda: export(chosen.source, chosen.out, to=chosen.format, overwrite=chosen.overwrite),
        describe, chosen.out, as_json=chosen.json,
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
