"""Protocol buffers as they lie in files, without a schema: fields by their numbers. Enough for what trackers write."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from engine.figures.fields import BadValue

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
Field = tuple[int, int | bytes]
"""(number, value): a whole number, or the bytes of a text, a message or a float."""


def fields_of(message: bytes) -> Iterator[Field]:
    """The fields of a message in their order. Raises BadValue where it is cut or none."""
    at, end = 0, len(message)
    while at < end:
        key, at = _varint(message, at)
        number, kind = key >> 3, key & 7
        if kind == VARINT:
            value, at = _varint(message, at)
            yield number, value
            continue
        if kind == BYTES:
            length, at = _varint(message, at)
        elif kind in (FIXED64, FIXED32):
            length = 8 if kind == FIXED64 else 4
        else:
            raise BadValue(f"a record has a field of the kind {kind}, which no tracker writes", "copy the file again")
        if length > end - at:
            raise BadValue("a record is cut", "copy the file again")
        yield number, message[at : at + length]
        at += length


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(message) or shift > 63:
            raise BadValue("a record is cut", "copy the file again")
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def signed(value: int | bytes) -> int:
    """A whole number that may be below zero."""
    number = value if isinstance(value, int) else 0
    return number - (1 << 64) if number >= 1 << 63 else number


def inner(value: int | bytes) -> bytes:
    """The bytes of a message or text; none where the field holds a number."""
    return value if isinstance(value, bytes) else b""


def words(value: int | bytes) -> str:
    """The text of a field."""
    return inner(value).decode("utf-8", "replace")


def float32(value: int | bytes) -> float:
    """A float of four bytes."""
    return float(struct.unpack("<f", value)[0]) if isinstance(value, bytes) and len(value) == 4 else float("nan")


def float64(value: int | bytes) -> float:
    """A float of eight bytes."""
    return float(struct.unpack("<d", value)[0]) if isinstance(value, bytes) and len(value) == 8 else float("nan")
