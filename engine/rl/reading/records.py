"""Typed records of an RL file, and the sentence for each way in which a file or a record can be malformed."""

from __future__ import annotations

import json
import re
from collections import Counter
from functools import cache, partial
from pathlib import Path
from typing import Annotated, Any, cast

import msgspec
import numpy as np

from db.specs.base import UserError
from engine.common.files.first_bytes import BYTE_ORDER_MARK, stand_in
from engine.common.findings import Cut
from engine.rl.reading.json_lines import split_lines

Text = Annotated[str, msgspec.Meta(max_length=200_000)]
"""Longest text that a field may hold; a longer one is damage, not a question."""
Number = float | None
LARGE_RECORD = 256 * 1024
"""Bytes; an honest record of 64 candidates takes a tenth."""
MOST_QUERIES = 1_000_000
"""VQAv2 has 443,757 train questions."""
LARGEST_ID = 2**31 - 1
Id = Annotated[int, msgspec.Meta(ge=-(2**31), le=LARGEST_ID)]
Ids = list[Id] | None
Buffer = memoryview


POINTER_FIELDS = ("pointer", "pointer_global", "pointer_pos")


class CandidateRecord(msgspec.Struct, gc=False):
    """One scored pointer as stored; fields that are not listed here are skipped without being decoded."""

    pointer: Ids = None
    pointer_global: Ids = None
    pointer_pos: Ids = None
    gen_method: Text | None = None
    beam_rank: Number = None
    beam_score: Number = None
    logprob_score: Number = None
    temperature: Number = None
    similarity_score: Number = None
    vqa_pred_answer: Text | None = None
    vqa_correct: bool | float | None = None
    vqa_acc_score: Number = None
    vqa_gt_prob: Number = None
    vqa_rel_score: Number = None
    vqa_eval_mode: Text | None = None
    eval_split_used: Text | None = None
    eval_failed: bool | None = None


class AnswerRecord(msgspec.Struct, gc=False):
    """A reference answer in its official form."""

    answer: Text


class QuestionRecord(msgspec.Struct, gc=False):
    """The `query` object of a record."""

    question_id: int | str | None = None
    image_id: int | str | None = None
    question: Text | None = None
    gt_answers_raw: list[Text | AnswerRecord] | None = None


class QueryRecord(msgspec.Struct, gc=False):
    """One value of the top-level object: an RL group, or a group of legacy beams."""

    query: QuestionRecord | None = None
    candidate_pool_ids: Ids = None
    candidate_pool_indices: Ids = None
    pointer_candidates: list[CandidateRecord] | None = None
    fix_failed: bool | None = msgspec.field(default=None, name="_fix_failed")
    fix_error: Text | None = msgspec.field(default=None, name="_fix_error")
    id_list: list[list[Id]] | None = None
    score_list: list[float] | None = None


RecordDecoder = msgspec.json.Decoder[QueryRecord]
RECORD: RecordDecoder = msgspec.json.Decoder(QueryRecord)
"""Decodes everything that is known."""
_INDEX = msgspec.json.Decoder(dict[str, msgspec.Raw])
DAMAGE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding raises for a damaged text."""
NOT_FINITE = re.compile(rb"(?<=[:\[,\s])(-?(?:NaN|Infinity))(?=\s*[,}\]])")
"""What Python's json writes and JSON does not know; read as null."""
_KEY = re.compile(rb'"(\d{1,20})"\s*:\s*\{')
_TOP_KEY = re.compile(rb'"(\d{1,15}|_meta)"\s*:')
_FIELD = re.compile(rb'"(\w+)"\s*:')
_BYTE = re.compile(r"\(byte (\d+)\)")
_WINDOW = 1 << 22


def index_records(path: Path, data: Buffer) -> tuple[dict[int, msgspec.Raw], dict[str, Any]]:
    """Split the file into raw records by query id (ascending), and decode `_meta`. No record is decoded yet."""
    data, raw = _split(path, data)
    records: dict[int, msgspec.Raw] = {}
    for key, value in raw.items():
        if key.startswith("_"):
            continue
        query_id = _query_id(path, key)
        if query_id in records:
            raise UserError(f"{path}: query {query_id} stands twice, also as {_short(key)}; keep one of the records")
        records[query_id] = value
    if len(records) > MOST_QUERIES:
        raise UserError(
            f"{path}: it has {len(records):,} queries, more than the {MOST_QUERIES:,} that are read; split it"
        )
    _refuse_repeated_keys(path, data, raw)
    if not records:
        raise UserError(f"{path}: there is no query in it; an RL file maps query ids to records")
    return dict(sorted(records.items())), _meta(path, raw)


def _query_id(path: Path, key: str) -> int:
    if not (key.isascii() and key.isdigit()):
        what = "is neither a query id nor starts with an underscore"
        raise UserError(f"{path}: key {_short(key)} {what}; remove or rename the entry, or give RL data")
    digits = key.lstrip("0") or "0"
    if len(digits) > len(str(LARGEST_ID)) or int(digits) > LARGEST_ID:
        what = f"is no train row: the largest possible id is {LARGEST_ID:,}"
        raise UserError(f"{path}: query id {_short(key)} {what}; repair or drop the record")
    return int(digits)


@cache
def candidate_type(fields: frozenset[str]) -> type[CandidateRecord]:
    """CandidateRecord with its pointers and these fields alone."""
    kept = [f for f in msgspec.structs.fields(CandidateRecord) if f.name in fields or f.name in POINTER_FIELDS]
    made: Any = msgspec.defstruct("Candidate", [(f.name, f.type, f.default) for f in kept], gc=False)
    return cast("type[CandidateRecord]", made)


@cache
def record_decoder(fields: frozenset[str]) -> RecordDecoder:
    """A decoder that skips all fields of candidates but their pointers and these, and of questions all but the image:
    twice as fast as RECORD. Its records look like QueryRecords, in which the skipped fields are not there at all."""
    about: Any = msgspec.defstruct("Question", [("image_id", int | str | None, None)], gc=False)
    group: Any = list.__class_getitem__(candidate_type(fields))
    types = {"query": about | None, "pointer_candidates": group | None}
    record = msgspec.defstruct(
        "Record",
        [
            (f.name, types.get(f.name, f.type), msgspec.field(default=None, name=f.encode_name))
            for f in msgspec.structs.fields(QueryRecord)
        ],
        gc=False,
    )
    return msgspec.json.Decoder(record)


def decode_record(path: Path, query_id: int, raw: msgspec.Raw, decoder: RecordDecoder = RECORD) -> QueryRecord:
    """Decode one record; UserError names file, query, candidate and field."""
    _refuse_crowded(path, query_id, memoryview(raw))
    try:
        record = decoder.decode(raw)
    except DAMAGE as error:
        raise UserError(_located(path, query_id, error)) from None
    if record.pointer_candidates is None and record.id_list is None:
        raise UserError(f"{path}: query {query_id} has neither pointer_candidates nor id_list; this is not RL data")
    if decoder is RECORD:
        _refuse_repeated_fields(path, query_id, bytes(memoryview(raw)), len(record.pointer_candidates or ()))
    return record


def _refuse_crowded(path: Path, query_id: int, raw: Buffer) -> None:
    """A candidate takes hundreds of bytes of memory, and two of a file that means harm."""
    if len(raw) <= LARGE_RECORD:
        return
    text = bytes(raw)
    if 30 * text.count(b"{") > len(text) or 12 * text.count(b"[") > len(text):
        raise UserError(f"{path}: query {query_id} has more candidates than any honest record; repair or drop it")


def _refuse_repeated_fields(path: Path, query_id: int, raw: bytes, candidates: int) -> None:
    """JSON keeps the last of equal fields, so that a second score would replace the first without a word. Three fields are
    counted, which is quick; only where one stands too often are all of them looked at."""
    most = {b'"pointer_candidates"': 1, b'"pointer"': candidates, b'"vqa_acc_score"': candidates}
    if any(raw.count(field) > count for field, count in most.items()):
        json.loads(raw, object_pairs_hook=partial(_once, path, query_id))


def _once(path: Path, query_id: int, fields: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(fields)
    if len(found) < len(fields):
        name = next(name for name, count in Counter(name for name, _ in fields).items() if count > 1)
        raise UserError(
            f"{path}: query {query_id}, field {name}: it stands twice in one object; keep one of the values"
        )
    return found


def decode_whole(path: Path, query_id: int, raw: msgspec.Raw) -> dict[str, Any]:
    """One record as stored, fields that nobody knows included. UserError where it is damaged."""
    try:
        record: dict[str, Any] = msgspec.json.decode(raw)
    except DAMAGE as error:
        raise UserError(_located(path, query_id, error)) from None
    return record


def describe_start(path: Path, head: bytes) -> None:
    """Refuse what is visibly something else than a JSON object, saying what it is."""
    text = head.removeprefix(BYTE_ORDER_MARK).lstrip()
    if not text:
        raise Cut(f"{path}: the file is empty; copy or generate it again")
    if found := stand_in(text):
        raise UserError(f"{path}: this is {found[0]}; {found[1]}")
    if not text.startswith(b"{"):
        what = "a JSON list" if text.startswith(b"[") else "not JSON"
        way_out = "give RL data, which is one JSON object that maps query ids to records"
        raise UserError(f"{path}: this is {what}; {way_out}")


def _split(path: Path, data: Buffer) -> tuple[Buffer, dict[str, msgspec.Raw]]:
    try:
        return data, _INDEX.decode(data)
    except DAMAGE as error:
        if "truncated" not in str(error) and NOT_FINITE.search(data):
            # Python's json writes NaN, which JSON does not know: such a value is as good as absent.
            return _split(path, memoryview(NOT_FINITE.sub(b"null", data)))
        ended = _BYTE.search(str(error)) if "trailing" in str(error) else None
        if ended and (lines := split_lines(path, data, int(ended[1]))):
            return data, lines
        raise _malformed(path, data, error) from None


def _malformed(path: Path, data: Buffer, error: Exception) -> UserError:
    if isinstance(error, RecursionError):
        return UserError(f"{path}: {_plain(str(error))}; repair or generate it again")
    found = _BYTE.search(str(error))
    end = int(found[1]) if found else len(data)
    where = _where(bytes(data[max(0, end - _WINDOW) : end]))
    if "truncated" in str(error):
        return Cut(f"{path}: the file is cut at byte {len(data):,}{where}; copy it again")
    if "trailing" in str(error):
        what = f"more text follows the first JSON object at byte {end:,}, as in JSON lines"
        return UserError(f"{path}: {what}; join the lines into one object that maps query ids to records")
    return UserError(f"{path}: not valid JSON at byte {end:,}{where} ({_reason(error)}); repair or copy the file again")


def _where(text: bytes) -> str:
    keys = list(_KEY.finditer(text))
    if not keys:
        return ""
    fields = list(_FIELD.finditer(text, keys[-1].end()))
    field = f", field {fields[-1][1].decode()}" if fields else ""
    return f", in query {int(keys[-1][1])}{field}"


def _reason(error: Exception) -> str:
    return str(error).removeprefix("JSON is malformed: ").split(" (byte")[0]


def _located(path: Path, query_id: int, error: Exception) -> str:
    message, _, field = str(error).partition(" - at `$")
    place = f", field {field.rstrip('`').lstrip('.')}" if field else ""
    return f"{path}: query {query_id}{place}: {_plain(message)}; repair or drop the record"


def _plain(message: str) -> str:
    words = message.replace("`", "").replace(" | null", "")
    if "codec can't decode" in words:
        return "the text is not UTF-8"
    if "recursion" in words:
        return "lists or objects are nested too deeply"
    if "length <=" in words:
        return f"the text is longer than {words.rsplit(' ', 1)[-1]} characters"
    return words[:1].lower() + words[1:]


def _meta(path: Path, raw: dict[str, msgspec.Raw]) -> dict[str, Any]:
    if "_meta" not in raw:
        return {}
    try:
        meta = msgspec.json.decode(raw["_meta"])
    except DAMAGE as error:
        raise UserError(f"{path}: field _meta: {_plain(_reason(error))}; repair or drop it") from None
    if not isinstance(meta, dict):
        raise UserError(f"{path}: field _meta must be an object, not {type(meta).__name__}; repair or drop it")
    return meta


def _refuse_repeated_keys(path: Path, data: Buffer, raw: dict[str, msgspec.Raw]) -> None:
    """The last of equal keys wins in JSON, so a repeated one leaves a hole before a value that was kept."""
    if _evenly_spaced(data, raw):
        return
    base = address(data)
    spans = sorted((address(value) - base, len(memoryview(value))) for value in raw.values())
    end = 0
    for start, length in spans:
        keys = _TOP_KEY.findall(data[end:start])
        if len(keys) > 1:
            what = "field _meta" if keys[0] == b"_meta" else f"query {int(keys[0])}"
            raise UserError(f"{path}: {what} stands twice; keep one of them")
        end = start + length


def _evenly_spaced(data: Buffer, raw: dict[str, msgspec.Raw]) -> bool:
    """Whether the gaps between records add up to what one writer puts there, which leaves no room for a hidden record."""
    if len(raw) < 3:
        return False
    values = list(raw.values())
    base, (first, second, last) = address(data), (address(value) for value in (values[0], values[1], values[-1]))
    keys = list(raw)
    between = second - first - len(values[0]) - len(keys[1])
    head, tail = first - base, base + len(data) - last - len(values[-1])
    expected = head + tail + sum(between + len(key) for key in keys[1:])
    return min(between, head, tail) >= 0 and expected == len(data) - sum(map(len, values))


def address(buffer: msgspec.Raw | Buffer) -> int:
    """Where a buffer begins in memory; raw records lie in the buffer that they were split from."""
    start: int = np.frombuffer(buffer, np.uint8).__array_interface__["data"][0]
    return start


def _short(key: str) -> str:
    return repr(key if len(key) <= 40 else key[:40] + "…")
