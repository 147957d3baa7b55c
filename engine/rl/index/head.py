"""The first queries of an RL file without an index: decoded from its first megabyte, whatever the size of the rest.

Free of numpy and msgspec, whose import would cost more than the reading.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from db.specs.base import UserError
from engine.common.files.first_bytes import BYTE_ORDER_MARK
from engine.common.files.gate import opened
from engine.common.files.json_kind import BLANK, COLON, skip_past
from engine.rl.index.query_rows import Mark, QueryRow

GLANCE = 192 << 10
"""Bytes for the very first sight: a screenful of ordinary queries."""
FIRST = 1 << 20
MOST = 1 << 26
"""Bytes read when even the first record does not end in the first megabyte."""
DIGITS, LARGEST = 15, 10**15
"""Ids with more digits, and numbers beyond, are damage."""
LONGEST = 2000
"""Characters of a question that a list keeps."""
_NEXT_LINE = re.compile(r'\s*\{\s*"query_id"\s*:')
_UNSCORED = ("error", "fallback")


@dataclass(frozen=True, slots=True)
class Head:
    """The beginning of a file."""

    rows: tuple[QueryRow, ...]
    """In file order, which need not be that of the ids."""
    whole: bool
    """Nothing follows: these are all queries."""
    meta: dict[str, Any] = field(default_factory=dict)
    problem: str = ""
    """Why no more could be read, where the reason is not just that the file goes on."""


def read_head(path: Path, octets: int = 0, most: int = 200) -> Head:
    """At most `most` first queries, from about the first `octets` (a megabyte unless told otherwise).

    What is damaged ends the list; the index says where and why. UserError where there is nothing that could be a query: not
    there, empty, or no JSON object.
    """
    length = octets or FIRST
    while True:
        text, size = _start(path, length)
        head = _decoded(path, text, whole=len(text) >= size, most=most)
        if head.rows or head.whole or head.problem or length >= MOST:
            break
        length *= 8
    if not head.rows and not head.whole and not head.problem:
        return Head(
            (), False, head.meta, f"{path}: the first record does not end within {MOST >> 20} MB; it is damaged"
        )
    return head


def _start(path: Path, length: int) -> tuple[bytes, int]:
    with opened(path) as file:
        size = file.seek(0, 2)
        file.seek(0)
        return file.read(length), size


def _decoded(path: Path, start: bytes, *, whole: bool, most: int) -> Head:
    skip = len(BYTE_ORDER_MARK) if start.startswith(BYTE_ORDER_MARK) else 0
    body = start[skip:].decode("utf-8", "surrogateescape")
    refuse_other_kinds(path, body)
    rows: list[QueryRow] = []
    meta: dict[str, Any] = {}
    places = _Places(body, skip)
    ended = False
    for key, value, begin, end in _entries(body):
        if key is None:
            ended = True
        elif key == "_meta" and isinstance(value, dict):
            meta = value
        elif key.isascii() and key.isdigit():
            if not isinstance(value, dict) or len(key) > DIGITS:
                what = (
                    f"query {key} is no record"
                    if len(key) <= DIGITS
                    else f"query id {key[:DIGITS]}... is no row number"
                )
                return Head(tuple(rows), False, meta, f"{path}: {what}; repair or drop it")
            rows.append(row_of(len(rows), int(key), value, places.of(begin), places.of(end) - places.of(begin)))
        if len(rows) >= most:
            return Head(tuple(rows), False, meta)
    problem = "" if ended or not whole else f"{path}: the file is cut or damaged after {len(rows):,} queries"
    return Head(tuple(rows), ended and whole, meta, problem)


def refuse_other_kinds(path: Path, text: str) -> None:
    """UserError where the text does not begin a JSON object."""
    begins = text.lstrip()[:1]
    if not begins:
        raise UserError(f"{path}: the file is empty; copy or generate it again")
    if begins != "{":
        what = "a JSON list" if begins == "[" else "not a JSON object"
        raise UserError(f"{path}: this is {what}; RL data is one JSON object that maps query ids to records")


class _Places:
    """Byte positions of characters: the same where all of the text is ASCII."""

    def __init__(self, text: str, skip: int) -> None:
        self._text, self._skip = text, skip
        self._plain = text.isascii()
        self._last = (0, 0)

    def of(self, character: int) -> int:
        """The byte of the file at which this character begins; asked in ascending order."""
        if self._plain:
            return self._skip + character
        before, octets = self._last if self._last[0] <= character else (0, 0)
        octets += len(self._text[before:character].encode("utf-8", "surrogateescape"))
        self._last = (character, octets)
        return self._skip + octets


def _entries(text: str) -> Iterator[tuple[str | None, Any, int, int]]:
    """(key, value, where the value begins, where it ends) while they are whole; a None key where the object ends."""
    decoder = json.JSONDecoder()
    at = text.index("{") + 1
    while True:
        at = skip_past(BLANK, text, at)
        if text[at : at + 1] == "}":
            if _NEXT_LINE.match(text, at + 1):
                yield from _lines(text, at + 1)
            else:
                yield None, None, at, at
            return
        try:
            key, at = decoder.raw_decode(text, at)
            begin = skip_past(COLON, text, at)
            value, at = decoder.raw_decode(text, begin)
        except (ValueError, RecursionError):  # ValueError: a number of thousands of digits as well
            return
        if not isinstance(key, str) or at >= len(text):
            return  # a number at the very end may be cut
        yield key, value, begin, at


def _lines(text: str, at: int) -> Iterator[tuple[str | None, Any, int, int]]:
    """The same of JSON lines, which name their query inside."""
    decoder = json.JSONDecoder()
    while (at := skip_past(BLANK, text, at)) < len(text):
        try:
            value, end = decoder.raw_decode(text, at)
        except (json.JSONDecodeError, RecursionError):
            return
        if not isinstance(value, dict) or not isinstance(value.get("query_id"), int):
            return
        yield str(value["query_id"]), value, at, end
        at = end
    yield None, None, at, at


def row_of(position: int, query_id: int, record: Mapping[str, Any], start: int, length: int) -> QueryRow:
    """The row of one decoded record; fields of the wrong type count as absent here, the index names them."""
    about = _mapping(record.get("query"))
    group = [candidate for candidate in _list(record.get("pointer_candidates")) if isinstance(candidate, dict)]
    scored = [c for c in group if not c.get("eval_failed") and c.get("vqa_eval_mode") not in _UNSCORED]
    scores = [_score(candidate) for candidate in scored]
    n = len(group)
    if not group and "id_list" in record:
        scores = [value for value in map(_number, _list(record.get("score_list"))) if value is not None]
        n, scored = len(_list(record["id_list"])), []
    positives = sum(1 for candidate in scored if _positive(candidate))
    pool = _list(record.get("candidate_pool_ids") or record.get("candidate_pool_indices"))
    return QueryRow(
        position=position, query_id=query_id, question_id=_whole(about.get("question_id")),
        image_id=_whole(about.get("image_id")), question=str(about.get("question") or "")[:LONGEST], n=n,
        usable=len(scored), positives=positives,
        best=max(scores, default=math.nan), mean=sum(scores) / len(scores) if scores else math.nan,
        spread=max(scores) - min(scores) if scores else math.nan, group_class=_class(len(scored), positives),
        pool=len(pool), marks=Mark(0), start=start, length=length,
    )  # fmt: skip


def _class(scored: int, positives: int) -> str:
    if not scored:
        return "none"
    return "zero" if not positives else "one" if positives == scored else "mixed"


def _score(candidate: Mapping[str, Any]) -> float:
    accuracy = _number(candidate.get("vqa_acc_score"))
    return accuracy if accuracy is not None else _number(candidate.get("vqa_correct")) or 0.0


def _positive(candidate: Mapping[str, Any]) -> bool:
    correct = _number(candidate.get("vqa_correct"))
    return (correct if correct is not None else _number(candidate.get("vqa_acc_score")) or 0.0) > 0


def _number(value: object) -> float | None:
    if isinstance(value, int | float) and abs(value) < math.inf:
        return float(value) if abs(value) < LARGEST else None
    return None


def _whole(value: object) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= DIGITS:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < LARGEST else None


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
