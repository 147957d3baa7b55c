"""Gathers decoded records of RL data, chunk by chunk, into columns."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from struct import error as StructError
from struct import pack
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from db.specs.base import UserError
from engine.rl.reading.blocks import packed, unpacked
from engine.rl.reading.columns import NUMBERS, TEXTS, Candidates, Floats, Labels, Query
from engine.rl.reading.pointer_spaces import ABSENT, Bools, Ints, Pools, ResolvedPointers, StoredPointers, resolve
from engine.rl.reading.records import (
    RECORD,
    AnswerRecord,
    CandidateRecord,
    QueryRecord,
    QuestionRecord,
    candidate_type,
    record_decoder,
)

IdLists = Sequence[Sequence[int] | None]
Array = NDArray[np.generic]
_QUERIES = msgspec.json.Decoder(list[Query])
_TEXTS = msgspec.json.Decoder(list[str])


def _joined(parts: list[Any], done: int) -> Array:
    """The parts after the first `done` as one, which takes their place."""
    parts[done:] = [np.concatenate([parts[0][:0], *parts[done:]]) if parts else np.zeros(0, np.int64)]
    joined: Array = parts[done]
    return joined


def _as_bytes(values: Sequence[object]) -> Array:
    return np.frombuffer(msgspec.json.encode(values), np.uint8)


class _Texts:
    """A text column as codes into its distinct values."""

    def __init__(self) -> None:
        self._known: dict[str | None, int] = {None: 0, "": 0}
        self._texts = [""]
        self._stored = 1
        self._codes: list[NDArray[np.int32]] = []

    def add(self, values: Sequence[str | None]) -> None:
        distinct = dict.fromkeys(values)  # in their order, so that equal files give equal indexes
        for value in distinct:
            if value not in self._known:
                self._known[value] = len(self._texts)
                self._texts.append(value or "")
        if len(distinct) == 1:
            self._codes.append(np.full(len(values), self._known[values[0]], np.int32))
        else:
            self._codes.append(np.fromiter(map(self._known.__getitem__, values), np.int32, len(values)))

    def block(self, done: int) -> tuple[Array, Array]:
        """(codes, texts that are new) since the first `done` blocks."""
        new, self._stored = self._texts[self._stored :], len(self._texts)
        return _joined(self._codes, done), _as_bytes(new)

    def add_block(self, codes: Any, new: Array) -> None:
        """Take over what `block` gave."""
        for text in _TEXTS.decode(new.tobytes()):
            self._known[text] = len(self._texts)
            self._texts.append(text)
        self._stored = len(self._texts)
        self._codes.append(codes)

    def finish(self) -> Labels:
        return Labels(np.concatenate(self._codes), tuple(self._texts))


class _Ids:
    """A column of lists of ids, one list after another; an absent list counts as empty."""

    def __init__(self) -> None:
        self._ids: list[Ints] = []
        self._lengths: list[Ints] = []

    def add(self, lists: IdLists) -> None:
        if not any(lists):
            self._lengths.append(np.zeros(len(lists), np.int64))
            return
        present: Sequence[Sequence[int]] = [ids or () for ids in lists] if not all(lists) else lists  # type: ignore[assignment]
        lengths = np.fromiter(map(len, present), np.int64, len(lists))
        self._lengths.append(lengths)
        self._ids.append(np.fromiter(chain.from_iterable(present), np.int64, int(lengths.sum())))

    def block(self, done: int) -> tuple[Array, Array]:
        """(ids, lengths of the lists) since the first `done` blocks."""
        return _joined(self._ids, done), _joined(self._lengths, done)

    def add_block(self, ids: Ints, lengths: Ints) -> None:
        """Take over what `block` gave."""
        self._ids.append(ids)
        self._lengths.append(lengths)

    def finish(self) -> tuple[Ints, Ints]:
        """(ids, lengths of the lists)."""
        return np.concatenate([np.zeros(0, np.int64), *self._ids]), np.concatenate(self._lengths)


MOST_CANDIDATES = 3_000_000
"""Beside one for each 40 bytes of the file: the columns of one take about 120 bytes of memory, and `{}` but 3 of a file."""
MOST_SHOTS = 64
"""Demonstrations of a pointer: all pointers are padded to the longest."""


class Gatherer:
    """Gathers decoded records into the columns of all candidates, queries and pools."""

    def __init__(self, path: Path, columns: Collection[str] | None = None) -> None:
        self._path = path
        fields = frozenset(CandidateRecord.__struct_fields__ if columns is None else _fields(columns))
        self._candidate: Any = candidate_type(fields)
        self.decoder = RECORD if columns is None else record_decoder(fields)
        """What decodes the records to be added: with `columns`, those alone are gathered and the others stay absent."""
        self.queries: list[Query] = []
        self._query_ids: list[int] = []
        self._sizes: list[int] = []
        self._pools = _Ids()
        self._numbers: dict[str, list[Floats]] = {name: [] for name in NUMBERS if columns is None or name in columns}
        self._texts = {name: _Texts() for name in TEXTS if columns is None or name in columns}
        self._pointers, self._positions, self._worlds = _Ids(), _Ids(), _Ids()
        self._blocks = self._in_blocks = self._count = 0
        self._most = MOST_CANDIDATES + path.stat().st_size // 40

    def add(self, chunk: Sequence[tuple[int, QueryRecord]]) -> None:
        """Take over the records of some queries, given in order."""
        groups = [self._candidates(query_id, record) for query_id, record in chunk]
        self._query_ids += [query_id for query_id, _ in chunk]
        self._sizes += map(len, groups)
        self._count += sum(map(len, groups))
        if self._count > self._most:
            raise UserError(
                f"{self._path} has more than {self._most:,} candidates, which no honest file of its size holds; split it, or "
                "check that it is the file that you mean"
            )
        self.queries += [_query(record) for _, record in chunk]
        self._pools.add([record.candidate_pool_ids or record.candidate_pool_indices for _, record in chunk])
        fields = _transposed(list(chain.from_iterable(groups)))
        for name, parts in self._numbers.items():
            parts.append(_floats(fields[NUMBERS[name]]))
        for name, texts in self._texts.items():
            texts.add(fields[TEXTS[name]])
        pointers, positions, worlds = fields["pointer"], fields["pointer_pos"], fields["pointer_global"]
        if not all(pointers):
            pointers = [a or b or c for a, b, c in zip(pointers, positions, worlds, strict=True)]
        self._pointers.add(pointers)
        self._positions.add(positions)
        self._worlds.add(worlds)

    def block(self) -> dict[str, Array]:
        """What was added since the last block, for `add_block` of another gatherer of the same columns."""
        first, done = self._in_blocks, self._blocks
        self._in_blocks, self._blocks = len(self.queries), done + 1
        taken: dict[str, Array] = {
            "first": np.array([first]),
            "query_ids": packed(np.array(self._query_ids[first:], np.int64)),
            "sizes": packed(np.array(self._sizes[first:], np.int64)),
            "queries": _as_bytes(self.queries[first:]),
        }
        for name, column in self._id_columns().items():
            ids, lengths = column.block(done)
            taken |= {f"{name}.ids": packed(ids), f"{name}.lengths": packed(lengths)}
        for name, parts in self._numbers.items():
            taken[f"number.{name}"] = packed(_joined(parts, done))
        for name, texts in self._texts.items():
            codes, new = texts.block(done)
            taken |= {f"text.{name}": packed(codes), f"text.{name}.new": new}
        return taken

    def add_block(self, block: Mapping[str, Array]) -> bool:
        """Take over a block that follows what is here; False where it does not."""
        if int(block["first"][0]) != len(self.queries):
            return False
        queries = _QUERIES.decode(block["queries"].tobytes())
        sizes = unpacked(block["sizes"], len(queries), np.int64)
        count = int(sizes.sum())
        self.queries += queries
        self._query_ids += unpacked(block["query_ids"], len(queries), np.int64).tolist()
        self._sizes += sizes.tolist()
        for name, column in self._id_columns().items():
            lengths = unpacked(block[f"{name}.lengths"], len(queries) if name == "pools" else count, np.int64)
            column.add_block(unpacked(block[f"{name}.ids"], int(lengths.sum()), np.int64), lengths)
        for name, parts in self._numbers.items():
            parts.append(unpacked(block[f"number.{name}"], count, np.float64))
        for name, texts in self._texts.items():
            texts.add_block(unpacked(block[f"text.{name}"], count, np.int32), block[f"text.{name}.new"])
        self._in_blocks, self._blocks = len(self.queries), self._blocks + 1
        return True

    def _id_columns(self) -> dict[str, _Ids]:
        return {"pools": self._pools, "pointers": self._pointers, "positions": self._positions, "worlds": self._worlds}

    def finish(self) -> tuple[Ints, Candidates, Pools]:
        """(offsets (Q + 1,), columns of all candidates, stored pools)."""
        offsets = _offsets(self._sizes)
        pool_ids, pool_sizes = self._pools.finish()
        pools = Pools(_offsets(pool_sizes), pool_ids)
        stored = self._stored(offsets)
        group = np.repeat(np.arange(len(self._sizes)), self._sizes)
        repaired = np.array([not query.fix_failed for query in self.queries], np.bool_)[group]
        resolved = resolve(stored, pools, group, repaired)
        count = len(group)
        absent, blank = np.broadcast_to(np.float64(np.nan), count), Labels(np.broadcast_to(np.int32(0), count), ("",))
        numbers = {name: np.concatenate(self._numbers[name]) if name in self._numbers else absent for name in NUMBERS}
        texts = {name: self._texts[name].finish() if name in self._texts else blank for name in TEXTS}
        return offsets, _columns(stored, resolved, numbers, texts), pools

    def _candidates(self, query_id: int, record: QueryRecord) -> Sequence[CandidateRecord]:
        if record.pointer_candidates is not None:
            return record.pointer_candidates
        rows, scores = record.id_list or [], record.score_list or []
        if len(rows) != len(scores):
            raise self._wrong(query_id, "score_list", f"{len(scores)} scores for {len(rows)} rows of id_list")
        for i, row in enumerate(rows):
            if len(row) < 2 or row[-1] != query_id:
                raise self._wrong(query_id, f"id_list[{i}]", f"the row must end with the query's own id {query_id}")
        named = ("pointer", "gen_method", "beam_rank", "beam_score")
        made = [(row[:-1], "beam", i, score) for i, (row, score) in enumerate(zip(rows, scores, strict=True))]
        known = self._candidate.__struct_fields__
        return [
            self._candidate(**{name: value for name, value in zip(named, values, strict=True) if name in known})
            for values in made
        ]

    def _stored(self, offsets: Ints) -> StoredPointers:
        ids, lengths = self._pointers.finish()
        if not lengths.all():
            raise self._at(offsets, int(lengths.argmin()), "pointer", "no demonstration is named")
        if lengths.max(initial=1) > MOST_SHOTS:
            said = f"{lengths.max()} demonstrations are named, more than the {MOST_SHOTS} that are read"
            raise self._at(offsets, int(lengths.argmax()), "pointer", said)
        real = np.arange(int(lengths.max(initial=1))) < lengths[:, None]
        position, has_position = self._other("pointer_pos", self._positions, real, offsets)
        world, has_world = self._other("pointer_global", self._worlds, real, offsets)
        return StoredPointers(_padded(ids, real), real, position, has_position, world, has_world)

    def _other(self, field: str, column: _Ids, real: Bools, offsets: Ints) -> tuple[Ints, Bools]:
        """A second pointer field (M, S) with the flag (M,) of where it is there."""
        ids, lengths = column.finish()
        there, expected = lengths > 0, real.sum(1)
        wrong = there & (lengths != expected)
        if wrong.any():
            at = int(wrong.argmax())
            what = f"{lengths[at]} demonstrations where pointer has {expected[at]}"
            raise self._at(offsets, at, field, what)
        return _padded(ids, real & there[:, None]), there

    def _at(self, offsets: Ints, candidate: int, field: str, what: str) -> UserError:
        query = int(np.searchsorted(offsets, candidate, side="right")) - 1
        return self._wrong(self._query_ids[query], f"{field} of candidate {candidate - offsets[query]}", what)

    def _wrong(self, query_id: int, field: str, what: str) -> UserError:
        return UserError(f"{self._path}: query {query_id}, field {field}: {what}; repair or drop the record")


def _columns(
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


def _fields(columns: Collection[str]) -> Iterator[str]:
    for name in columns:
        yield NUMBERS[name] if name in NUMBERS else TEXTS[name]


def _transposed(candidates: Sequence[CandidateRecord]) -> dict[str, Sequence[Any]]:
    """Field -> its values over all candidates."""
    names = (candidates[0] if candidates else CandidateRecord).__struct_fields__
    columns = list(zip(*map(msgspec.structs.astuple, candidates), strict=True)) or [()] * len(names)
    return dict(zip(names, columns, strict=True))


def _floats(values: Sequence[float | None]) -> Floats:
    """Numbers as an array; None becomes NaN. Packing is four times as fast as what NumPy does."""
    try:
        return np.frombuffer(pack(f"{len(values)}d", *values))
    except StructError:
        return np.array(values, np.float64)


def _padded(values: Ints, real: Bools) -> Ints:
    if real.all():
        return values.reshape(real.shape)
    array = np.full(real.shape, ABSENT, np.int64)
    array[real] = values
    return array


def _offsets(sizes: Sequence[int] | Ints) -> Ints:
    return np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])


def _query(record: QueryRecord) -> Query:
    failed, error = bool(record.fix_failed), record.fix_error or ""
    about: Any = record.query
    if about is None:
        return Query(legacy=record.pointer_candidates is None, fix_failed=failed, fix_error=error)
    if not isinstance(about, QuestionRecord):  # decoded without its text
        return Query(None, _number(about.image_id), "", (), True, False, failed, error)
    answers = tuple(a.answer if isinstance(a, AnswerRecord) else a for a in about.gt_answers_raw or ())
    question_id, image_id = _number(about.question_id), _number(about.image_id)
    return Query(question_id, image_id, about.question or "", answers, True, False, failed, error)


def _number(value: int | str | None) -> int | None:
    if isinstance(value, str):
        value = int(value) if value.isascii() and value.isdigit() and len(value) < 20 else None
    return value if value is not None and abs(value) < 2**63 else None
