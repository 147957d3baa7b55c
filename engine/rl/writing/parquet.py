"""RL data as Parquet, one row per candidate, for pandas, polars and DuckDB."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from engine.common.files.atomic import replacing
from engine.common.program import WrittenWrong
from engine.data.tables import arrow_for
from engine.rl.writing.groups import Group, Pointed, Record

NUMBERS = (
    "beam_rank", "beam_score", "logprob_score", "temperature", "similarity_score", "vqa_correct", "vqa_acc_score",
    "vqa_gt_prob", "vqa_rel_token_f1", "vqa_rel_edit_sim", "vqa_rel_score",
)  # fmt: skip
TEXTS = ("gen_method", "vqa_raw_generation", "vqa_pred_answer", "vqa_eval_mode", "eval_split_used")
META_KEY = b"rl_meta"
ROWS_AT_ONCE = 20_000


def write_parquet(path: Path, groups: Iterable[Group], meta: Mapping[str, Any]) -> dict[str, int]:
    """Write one row per candidate, pointers as train rows, and read them back; returns counts.

    What has no column of its own stands as JSON in `query`, `other` (of the candidate) and `record` (of the query);
    queries without a candidate have no row. Raises ExtraMissing where pyarrow is missing.
    """
    arrow = arrow_for(path, "export to jsonl")
    schema = _schema(arrow).with_metadata({META_KEY: msgspec.json.encode(dict(meta))})
    written, queries = _Rows(), 0
    with replacing(path, durable=True) as draft:
        with arrow.parquet.ParquetWriter(draft, schema, compression="zstd") as writer:
            waiting: list[Record] = []
            for group in groups:
                queries += 1
                waiting += written.of(flat(group))
                if len(waiting) >= ROWS_AT_ONCE:
                    writer.write_table(arrow.Table.from_pylist(waiting, schema=schema))
                    waiting = []
            writer.write_table(arrow.Table.from_pylist(waiting, schema=schema))
        found = _Rows()
        for _ in found.of(read_parquet(draft)):
            pass
        if found.value != written.value:
            raise WrittenWrong(
                f"{path}: what was written reads back differently; nothing was placed there, please report this"
            )
    return {"queries": queries, "candidates": written.count}


def read_parquet(path: Path) -> Iterator[Record]:
    """The rows of a file that `write_parquet` wrote."""
    with arrow_for(path, "export to jsonl").parquet.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=ROWS_AT_ONCE):
            yield from batch.to_pylist()


def flat(group: Group) -> Iterator[Record]:
    """One row per candidate of a group, in the order of the columns."""
    about = group.about or {}
    answers = [one["answer"] if isinstance(one, dict) else one for one in about.get("gt_answers_raw") or ()]
    head = {
        "query_id": group.query_id,
        "question_id": _whole(about.get("question_id")),
        "image_id": _whole(about.get("image_id")),
        "question": about.get("question"),
        "answers": answers,
        "pool": list(group.pool),
    }
    tail = {"query": _json(group.about), "record": _json(group.other)}
    for one in group.candidates:
        yield {**head, **_candidate(one), **tail}


def _candidate(one: Pointed) -> Record:
    failed = one.fields.get("eval_failed")
    return {
        "pointer": list(one.rows),
        **{name: _number(one.fields.get(name)) for name in NUMBERS},
        **{name: one.fields.get(name) for name in TEXTS},
        "eval_failed": failed,
        "other": _json({name: value for name, value in one.fields.items() if name not in _COLUMNS}),
    }


_COLUMNS = frozenset({*NUMBERS, *TEXTS, "eval_failed"})


def _schema(arrow: Any) -> Any:
    rows = arrow.list_(arrow.int64())
    return arrow.schema(
        [
            ("query_id", arrow.int64()), ("question_id", arrow.int64()), ("image_id", arrow.int64()),
            ("question", arrow.string()), ("answers", arrow.list_(arrow.string())), ("pool", rows), ("pointer", rows),
            *((name, arrow.float64()) for name in NUMBERS),
            *((name, arrow.string()) for name in TEXTS),
            ("eval_failed", arrow.bool_()), ("other", arrow.string()), ("query", arrow.string()), ("record", arrow.string()),
        ]
    )  # fmt: skip


class _Rows:
    """Counts and hashes rows on their way."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.count = 0

    def of(self, rows: Iterable[Record]) -> Iterator[Record]:
        for row in rows:
            self.count += 1
            self._hash.update(msgspec.json.encode(row))
            yield row

    @property
    def value(self) -> str:
        return self._hash.hexdigest()


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _whole(value: Any) -> int | None:
    """An id as a number; one that is none stands in `query` only."""
    if isinstance(value, str):
        return int(value) if value.isascii() and value.isdigit() else None
    return value if isinstance(value, int) else None


def _json(value: object) -> str | None:
    return msgspec.json.encode(value).decode() if value else None
