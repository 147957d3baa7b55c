"""One line of figures for each query of an RL file, and the marks of each candidate: what lists, sorts and filters need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.rl.health.rates import UNVERIFIED, GroupRewards
from engine.rl.health.usable import usable
from engine.rl.index.query_rows import CLASSES, Mark
from engine.rl.reading.columns import Floats, Labels
from engine.rl.reading.file import RLFile
from engine.rl.reading.pointer_spaces import Bools, Ints

ABSENT_ID = -1
LABELS_KEPT = 62
"""Methods, or modes, that get a bit of their own; rarer ones share the last."""
OTHERS = "(others)"
Bits = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class TextColumn:
    """One text for each query, in one piece."""

    data: bytes
    """UTF-8, one after another."""
    ends: Ints
    """(Q,) where each text ends."""

    @classmethod
    def of(cls, texts: Sequence[str]) -> TextColumn:
        """Join texts; characters that UTF-8 cannot carry are replaced."""
        parts = [text.encode("utf-8", "replace") for text in texts]
        return cls(b"".join(parts), np.cumsum([len(part) for part in parts], dtype=np.int64))

    def at(self, position: int) -> str:
        """The text of one query."""
        start = int(self.ends[position - 1]) if position else 0
        return self.data[start : int(self.ends[position])].decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Summary:
    """Figures of all Q queries, by ascending query id; scores of the candidates that were scored."""

    numbers: dict[str, NDArray[np.generic]]
    """Column (Q,) by name."""
    question: TextColumn
    answers: TextColumn
    """Reference answers, each once, between line ends."""
    methods: tuple[str, ...]
    """By bit of column `methods`."""
    modes: tuple[str, ...]
    said: tuple[str, ...]
    """Distinct predicted answers."""
    said_codes: NDArray[np.int32]
    """Distinct predicted answers of each query, one query after another."""
    said_ends: Ints
    """(Q,)"""


@dataclass(frozen=True, slots=True)
class Marks:
    """What is odd about each candidate."""

    bits: Bits
    """(M,) `Mark`."""
    twin: Ints
    """(M,) the earlier candidate that is repeated; -1 where there is none."""


def summarise(data: RLFile, marks: Marks, starts: Ints, lengths: Ints) -> Summary:
    """The summary of a file whose records lie at bytes `starts` (Q,) of it and are `lengths` (Q,) long."""
    queries = len(data.query_ids)
    seen = usable(data)
    groups = GroupRewards.of(seen, queries)
    best, mean, worst = _scores(data, seen.index)
    methods, method_bits = _bits(data, data.candidates.method)
    modes, mode_bits = _bits(data, data.candidates.mode)
    reward = np.bincount(seen.group, seen.reward, queries) / np.maximum(groups.size, 1)
    numbers: dict[str, NDArray[np.generic]] = {
        "query_id": data.query_ids,
        "question_id": _ids([query.question_id for query in data.queries]),
        "image_id": _ids([query.image_id for query in data.queries]),
        "n": data.sizes().astype(np.int32),
        "usable": groups.size.astype(np.int32),
        "positives": groups.positives.astype(np.int32),
        "best": best,
        "mean": mean,
        "worst": worst,
        "reward": np.where(groups.size > 0, np.round(reward, 6), np.nan),
        "signal": groups.signal.astype(np.int8),
        "group_class": _classes(groups),
        "question_rank": _ranks([query.question for query in data.queries]),
        "pool": data.pools.sizes().astype(np.int32),
        "marks": _any_of(marks.bits, data),
        "methods": method_bits,
        "modes": mode_bits,
        "start": starts,
        "length": lengths,
    }
    said, ends = _distinct(data)
    return Summary(
        numbers, TextColumn.of([query.question for query in data.queries]),
        TextColumn.of(["\n".join(dict.fromkeys(query.answers)) for query in data.queries]), methods, modes,
        data.candidates.answer.texts, said, ends,
    )  # fmt: skip


def _scores(data: RLFile, index: Ints) -> tuple[Floats, Floats, Floats]:
    """Best, mean and worst (Q,) accuracy of the candidates `index`; of legacy beams their scores, as they have no other."""
    c, queries = data.candidates, len(data.query_ids)
    score = c.beam_score if data.variant == "legacy" else np.where(np.isnan(c.accuracy), c.correct, c.accuracy)
    group, value = data.group()[index], np.nan_to_num(score[index])
    best, worst = np.full(queries, -np.inf), np.full(queries, np.inf)
    np.maximum.at(best, group, value)
    np.minimum.at(worst, group, value)
    count = np.bincount(group, minlength=queries)
    held = count > 0
    mean = np.bincount(group, value, queries) / np.maximum(count, 1)
    return tuple(np.where(held, np.round(column, 6), np.nan) for column in (best, mean, worst))  # type: ignore[return-value]


def _classes(groups: GroupRewards) -> NDArray[np.int8]:
    classes = np.full(len(groups.size), CLASSES.index("mixed"), np.int8)
    classes[groups.positives == groups.size] = CLASSES.index("one")
    classes[groups.positives == 0] = CLASSES.index("zero")
    classes[groups.size == 0] = CLASSES.index("none")
    return classes


def _ranks(texts: Sequence[str]) -> NDArray[np.int32]:
    """Place of each text in the alphabet, capitals aside; equal texts share one, and none comes last."""
    places = {text: place for place, text in enumerate(sorted({text.casefold() for text in texts if text}))}
    return np.array([places.get(text.casefold(), len(places)) for text in texts], np.int32)


def _ids(values: Sequence[int | None]) -> Ints:
    return np.array([ABSENT_ID if value is None else value for value in values], np.int64)


def _bits(data: RLFile, labels: Labels) -> tuple[tuple[str, ...], Bits]:
    """(texts by bit, bits (Q,) of the labels in each group), the most frequent labels first."""
    counts = np.bincount(labels.codes, minlength=len(labels.texts))
    order = [int(code) for code in np.argsort(-counts, kind="stable") if counts[code]]
    bit = np.full(len(labels.texts), LABELS_KEPT, np.int64)
    bit[order[:LABELS_KEPT]] = np.arange(min(len(order), LABELS_KEPT))
    texts = [labels.texts[code] or "absent" for code in order[:LABELS_KEPT]]
    if len(order) > LABELS_KEPT:
        texts.append(OTHERS)
    return tuple(texts), _any_of(np.left_shift(np.int64(1), bit[labels.codes]), data)


def _any_of(bits: Bits, data: RLFile) -> Bits:
    """Bits (Q,) that any candidate of the query has."""
    found = np.zeros(len(data.query_ids), np.int64)
    held = data.sizes() > 0
    if held.any():
        found[held] = np.bitwise_or.reduceat(bits, data.offsets[:-1][held])
    return found


def _distinct(data: RLFile) -> tuple[NDArray[np.int32], Ints]:
    """Codes of the distinct answers of each query, one query after another, and where each ends (Q,)."""
    width = len(data.candidates.answer.texts)
    keys = np.unique(data.group() * width + data.candidates.answer.codes)
    ends = np.searchsorted(keys, (np.arange(len(data.query_ids)) + 1) * width)
    return (keys % width).astype(np.int32), ends.astype(np.int64)


def mark(data: RLFile) -> Marks:
    """What is odd about each candidate of a file."""
    c, group = data.candidates, data.group()
    exact = _first_like(c.rows, group)
    ordered = _first_like(np.sort(c.rows, axis=1), group)
    alone = np.arange(len(group))
    duplicate, reordered = exact < alone, (ordered < alone) & (exact == alone)
    score = np.where(np.isnan(c.accuracy), c.correct, c.accuracy)
    agrees = (score == score[exact]) | (np.isnan(score) & np.isnan(score[exact]))
    bits = np.zeros(len(group), np.int64)
    for flag, holds in {
        Mark.DUPLICATE: duplicate,
        Mark.REORDERED: reordered,
        Mark.DISAGREE: duplicate & ~agrees,
        Mark.SELF: (c.rows == data.query_ids[group][:, None]).any(1),
        Mark.REPEAT: _repeats(c.rows),
        Mark.OUTSIDE: (data.pools.sizes()[group] > 0) & ((c.positions < 0) & (c.rows >= 0)).any(1),
        Mark.SPACE: data.odd_spaces(),
        Mark.UNSURE: ~c.certain,
        Mark.FALLBACK: c.mode.of("fallback"),
        Mark.FAILED: (np.nan_to_num(c.failed) > 0) | c.mode.of("error"),
        Mark.UNVERIFIED: c.method.of(*UNVERIFIED),
    }.items():
        bits[holds] |= int(flag)
    return Marks(bits, np.where(duplicate, exact, np.where(reordered, ordered, -1)))


def _first_like(rows: Ints, group: Ints) -> Ints:
    """(M,) the first candidate of the same group with equal rows (M, S): itself where there is no earlier one."""
    if not len(group):
        return np.zeros(0, np.int64)
    order = np.lexsort((*rows.T[::-1], group))
    keys, owner = rows[order], group[order]
    new = np.ones(len(group), np.bool_)
    new[1:] = (owner[1:] != owner[:-1]) | (keys[1:] != keys[:-1]).any(1)
    first = order[np.flatnonzero(new)[np.cumsum(new) - 1]]
    found = np.empty(len(group), np.int64)
    found[order] = first
    return found


def _repeats(rows: Ints) -> Bools:
    ordered = np.sort(rows, axis=1)
    return np.asarray(((ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0)).any(1))
