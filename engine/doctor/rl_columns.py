"""Columns of RL data: what is kept of each candidate and query, and how decoded records are gathered into it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from db.specs.base import UserError
from engine.doctor.rl_records import AnswerRecord, CandidateRecord, QueryRecord
from engine.doctor.rl_spaces import ABSENT, Bools, Ints, Pools, ResolvedPointers, StoredPointers, resolve

Floats = NDArray[np.float64]
NUMBERS = {
    "correct": "vqa_correct",
    "accuracy": "vqa_acc_score",
    "gt_prob": "vqa_gt_prob",
    "relevance": "vqa_rel_score",
    "beam_score": "beam_score",
    "logprob": "logprob_score",
    "beam_rank": "beam_rank",
    "temperature": "temperature",
    "similarity": "similarity_score",
    "failed": "eval_failed",
}
"""Column of numbers -> stored field."""
TEXTS = {"method": "gen_method", "mode": "vqa_eval_mode", "split": "eval_split_used", "answer": "vqa_pred_answer"}
"""Column of texts -> stored field."""


@dataclass(frozen=True, slots=True)
class Query:
    """What an RL file says about one query beside its candidates."""

    question_id: int | None = None
    image_id: int | None = None
    question: str = ""
    answers: tuple[str, ...] = ()
    described: bool = False
    """The record has a `query` object."""
    legacy: bool = False
    """The record is legacy beam data."""
    fix_failed: bool = False
    fix_error: str = ""


@dataclass(frozen=True, slots=True)
class Labels:
    """A text column: codes (M,) into the distinct texts; a text that is absent is ''."""

    codes: NDArray[np.int32]
    texts: tuple[str, ...]

    def of(self, *wanted: str) -> Bools:
        """Mask (M,) of the entries whose text is one of `wanted`."""
        return np.isin(self.codes, [i for i, text in enumerate(self.texts) if text in wanted])


@dataclass(frozen=True, slots=True)
class Candidates:
    """Columns of all M candidates, in file order inside each query; an absent number is NaN."""

    rows: Ints
    """(M, S) train rows of the demonstrations, in prompt order; -1 pads pointers that are shorter than the longest."""
    positions: Ints
    """(M, S) the same as positions in the stored pool; -1 where no pool is stored or the row is not in it."""
    lengths: Ints
    """(M,) demonstrations in each pointer."""
    space: NDArray[np.uint8]
    """(M,) `Space` that the file stored each pointer in."""
    certain: Bools
    """(M,) False where the space could not be decided from the candidate itself."""
    has_position: Bools
    """(M,) the file stored `pointer_pos`."""
    has_world: Bools
    """(M,) the file stored `pointer_global`."""
    correct: Floats
    accuracy: Floats
    gt_prob: Floats
    relevance: Floats
    beam_score: Floats
    logprob: Floats
    beam_rank: Floats
    temperature: Floats
    similarity: Floats
    failed: Floats
    """`eval_failed`: 1, 0 or NaN."""
    method: Labels
    mode: Labels
    """`vqa_eval_mode`."""
    split: Labels
    """`eval_split_used`."""
    answer: Labels
    """`vqa_pred_answer`."""


class _Texts:
    """Gathers a text column as codes into its distinct values."""

    def __init__(self) -> None:
        self._known: dict[str | None, int] = {None: 0, "": 0}
        self._texts = [""]
        self._codes: list[NDArray[np.int32]] = []

    def add(self, values: Sequence[str | None]) -> None:
        for value in set(values) - self._known.keys():
            self._known[value] = len(self._texts)
            self._texts.append(value or "")
        self._codes.append(np.fromiter(map(self._known.__getitem__, values), np.int32, len(values)))

    def finish(self) -> Labels:
        return Labels(np.concatenate(self._codes), tuple(self._texts))


class Gatherer:
    """Gathers decoded records, chunk by chunk, into the columns of all candidates, queries and pools."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.queries: list[Query] = []
        self._sizes: list[int] = []
        self._pool_sizes: list[int] = []
        self._pool_ids: list[Ints] = []
        self._numbers: dict[str, list[Floats]] = {name: [] for name in NUMBERS}
        self._texts = {name: _Texts() for name in TEXTS}
        self._pointers: list[StoredPointers] = []

    def add(self, chunk: Sequence[tuple[int, QueryRecord]]) -> None:
        """Take over the records of some queries, given in order."""
        groups = [self._candidates(query_id, record) for query_id, record in chunk]
        candidates = list(chain.from_iterable(groups))
        self._sizes += map(len, groups)
        self.queries += [_query(record) for _, record in chunk]
        pools = [record.candidate_pool_ids or record.candidate_pool_indices or [] for _, record in chunk]
        self._pool_sizes += map(len, pools)
        self._pool_ids.append(_flat(pools))
        owners = [query_id for (query_id, _), group in zip(chunk, groups, strict=True) for _ in group]
        fields = _transposed(candidates)
        for name, field in NUMBERS.items():
            self._numbers[name].append(np.array(fields[field], np.float64))
        for name, field in TEXTS.items():
            self._texts[name].add(fields[field])
        self._pointers.append(self._stored(fields, owners))

    def finish(self) -> tuple[Ints, Candidates, Pools]:
        """(offsets (Q + 1,), columns of all candidates, stored pools)."""
        offsets = _offsets(self._sizes)
        pools = Pools(_offsets(self._pool_sizes), np.concatenate(self._pool_ids))
        stored = _joined(self._pointers)
        group = np.repeat(np.arange(len(self._sizes)), self._sizes)
        repaired = np.array([not query.fix_failed for query in self.queries], np.bool_)[group]
        resolved = resolve(stored, pools, group, repaired)
        numbers = {name: np.concatenate(parts) for name, parts in self._numbers.items()}
        texts = {name: column.finish() for name, column in self._texts.items()}
        return offsets, _candidates(stored, resolved, numbers, texts), pools

    def _candidates(self, query_id: int, record: QueryRecord) -> Sequence[CandidateRecord]:
        if record.pointer_candidates is not None:
            return record.pointer_candidates
        rows, scores = record.id_list or [], record.score_list or []
        if len(rows) != len(scores):
            raise self._wrong(query_id, "score_list", f"{len(scores)} scores for {len(rows)} rows of id_list")
        for i, row in enumerate(rows):
            if len(row) < 2 or row[-1] != query_id:
                raise self._wrong(query_id, f"id_list[{i}]", f"the row must end with the query's own id {query_id}")
        return [
            CandidateRecord(pointer=row[:-1], gen_method="beam", beam_rank=i, beam_score=score)
            for i, (row, score) in enumerate(zip(rows, scores, strict=True))
        ]

    def _stored(self, fields: dict[str, Sequence[Any]], owners: Sequence[int]) -> StoredPointers:
        pointers: Sequence[Sequence[int] | None] = fields["pointer"]
        if not all(pointers):
            others = zip(pointers, fields["pointer_pos"], fields["pointer_global"], strict=True)
            pointers = [pointer or position or world or () for pointer, position, world in others]
        lengths = _lengths(pointers)
        if not lengths.all():
            at = int(lengths.argmin())
            raise self._wrong(owners[at], f"pointer of {_nth(owners, at)}", "no demonstration is named")
        real = np.arange(int(lengths.max(initial=1))) < lengths[:, None]
        position, has_position = self._other("pointer_pos", fields, owners, real)
        world, has_world = self._other("pointer_global", fields, owners, real)
        return StoredPointers(_padded(_flat(pointers), real), real, position, has_position, world, has_world)

    def _other(
        self, field: str, fields: dict[str, Sequence[Any]], owners: Sequence[int], real: Bools
    ) -> tuple[Ints, Bools]:
        """A second pointer field (m, S) with the flag (m,) of where it is there."""
        values: Sequence[Sequence[int] | None] = fields[field]
        lengths = _lengths(values)
        there = lengths > 0
        wrong = there & (lengths != real.sum(1))
        if wrong.any():
            at = int(wrong.argmax())
            what = f"{lengths[at]} demonstrations where pointer has {int(real[at].sum())}"
            raise self._wrong(owners[at], f"{field} of {_nth(owners, at)}", what)
        return _padded(_flat(values), real & there[:, None]), there

    def _wrong(self, query_id: int, field: str, what: str) -> UserError:
        return UserError(f"{self._path}: query {query_id}, field {field}: {what}; repair or drop the record")


def _candidates(
    stored: StoredPointers, resolved: ResolvedPointers, numbers: dict[str, Floats], texts: dict[str, Labels]
) -> Candidates:
    return Candidates(
        rows=resolved.rows,
        positions=resolved.positions,
        lengths=stored.real.sum(1),
        space=resolved.space,
        certain=resolved.certain,
        has_position=stored.has_position,
        has_world=stored.has_world,
        correct=numbers["correct"],
        accuracy=numbers["accuracy"],
        gt_prob=numbers["gt_prob"],
        relevance=numbers["relevance"],
        beam_score=numbers["beam_score"],
        logprob=numbers["logprob"],
        beam_rank=numbers["beam_rank"],
        temperature=numbers["temperature"],
        similarity=numbers["similarity"],
        failed=numbers["failed"],
        method=texts["method"],
        mode=texts["mode"],
        split=texts["split"],
        answer=texts["answer"],
    )


def _transposed(candidates: Sequence[CandidateRecord]) -> dict[str, Sequence[Any]]:
    """Field -> its values over all candidates."""
    names = CandidateRecord.__struct_fields__
    columns = list(zip(*map(msgspec.structs.astuple, candidates), strict=True)) or [()] * len(names)
    return dict(zip(names, columns, strict=True))


def _nth(owners: Sequence[int], at: int) -> str:
    return f"candidate {at - owners.index(owners[at])}"


def _lengths(lists: Sequence[Sequence[int] | None]) -> Ints:
    if all(lists):
        return np.fromiter(map(len, lists), np.int64, len(lists))  # type: ignore[arg-type]
    return np.array([len(values) if values else 0 for values in lists], np.int64)


def _flat(lists: Sequence[Sequence[int] | None]) -> Ints:
    return np.fromiter(chain.from_iterable(filter(None, lists)), np.int64)


def _padded(values: Ints, real: Bools) -> Ints:
    if real.all():
        return values.reshape(real.shape)
    array = np.full(real.shape, ABSENT, np.int64)
    array[real] = values
    return array


def _offsets(sizes: Sequence[int]) -> Ints:
    return np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])


def _joined(parts: Sequence[StoredPointers]) -> StoredPointers:
    width = max(part.real.shape[1] for part in parts)

    def wide(arrays: Sequence[NDArray[np.generic]], fill: int) -> NDArray[np.generic]:
        return np.concatenate([np.pad(a, ((0, 0), (0, width - a.shape[1])), constant_values=fill) for a in arrays])

    return StoredPointers(
        pointer=wide([part.pointer for part in parts], ABSENT).astype(np.int64),
        real=wide([part.real for part in parts], 0).astype(np.bool_),
        position=wide([part.position for part in parts], ABSENT).astype(np.int64),
        has_position=np.concatenate([part.has_position for part in parts]),
        world=wide([part.world for part in parts], ABSENT).astype(np.int64),
        has_world=np.concatenate([part.has_world for part in parts]),
    )


def _query(record: QueryRecord) -> Query:
    failed, error = bool(record.fix_failed), record.fix_error or ""
    about = record.query
    if about is None:
        return Query(legacy=record.pointer_candidates is None, fix_failed=failed, fix_error=error)
    answers = tuple(a.answer if isinstance(a, AnswerRecord) else a for a in about.gt_answers_raw or ())
    question_id, image_id = _number(about.question_id), _number(about.image_id)
    return Query(question_id, image_id, about.question or "", answers, True, False, failed, error)


def _number(value: int | str | None) -> int | None:
    if isinstance(value, str):
        return int(value) if value.isascii() and value.isdigit() else None
    return value
