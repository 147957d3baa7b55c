"""RL data as JSON lines, the form that `leverplus data export --format jsonl` writes: `_meta` first, then a query on each line."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from db.specs.base import UserError
from engine.common.findings import Cut

KEY = "query_id"
"""Field of a line that holds what is the record's key in the other layouts."""
NEAR = 64
"""Bytes around the place of an error in which the second line begins."""
_SECOND_LINE = re.compile(rb'\}\s*\{\s*"query_id"\s*:\s*\d')
_LINE = re.compile(rb"\S[^\r\n]*")


class _Line(msgspec.Struct, gc=False):
    query_id: int


_ID = msgspec.json.Decoder(_Line)
_FIRST = msgspec.json.Decoder(dict[str, msgspec.Raw])


def split_lines(path: Path, data: memoryview, end: int) -> dict[str, msgspec.Raw] | None:
    """Raw records by query id, and `_meta`, where the object that ends near byte `end` is followed by such lines, else None.

    UserError names the line that is damaged or repeated.
    """
    found = _SECOND_LINE.search(data, max(0, end - NEAR), end + NEAR)
    if found is None:
        return None
    first = data[: found.start() + 1]
    records = _FIRST.decode(first)
    for number, place in enumerate(_LINE.finditer(data, len(first)), start=2 + bytes(first).count(b"\n")):
        line = data[place.start() : place.end()]
        try:
            key = str(_ID.decode(line).query_id)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            if "truncated" in str(error):
                raise Cut(f"{path}: the file is cut in line {number}; copy it again") from None
            reason = str(error).removeprefix("JSON is malformed: ")
            raise UserError(
                f"{path}: line {number} is no record ({reason}); repair it or export the data again"
            ) from None
        if key in records:
            raise UserError(f"{path}: query {key} stands twice, also on line {number}; keep one of the records")
        records[key] = msgspec.Raw(line)
    return records
