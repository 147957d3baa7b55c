"""Reading JSON files of data sets into typed rows; what is wrong with one is said in one sentence."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from db.specs.base import UserError
from engine.common.files import gate

Content = TypeVar("Content")

DAMAGE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding raises for a damaged text."""
MOST_BYTES = 4 << 30
"""Of a file of a data set; the largest published ones have 0.7 billion."""

_PATH = re.compile(r" - at `(?P<path>[^`]*)`$")
_STEP = re.compile(r"\.(?P<name>\w+)|\[(?P<index>\d+)\]")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def read_bytes(path: Path) -> bytes:
    """The file's bytes without a byte order mark. Raises UserError where it cannot be read or is empty."""
    content = gate.read_bytes(path, MOST_BYTES).removeprefix(_BYTE_ORDER_MARK)
    if not content.strip():
        raise UserError(f"{path} is empty: copy or download it again")
    return content


def read_json(path: Path, kind: type[Content]) -> Content:
    """The file as `kind`. Raises UserError that names the file, and the question id and field where one is wrong."""
    content = read_bytes(path)
    try:
        return msgspec.json.decode(content, type=kind, strict=False)
    except msgspec.ValidationError as error:
        raise UserError(f"{path}: {_located(content, str(error))}") from None
    except DAMAGE as error:
        raise UserError(f"{path} is not valid JSON ({_reason(error)}): copy or download it again") from None


def _reason(error: Exception) -> str:
    return str(error).removeprefix("JSON is malformed: ")


def _located(content: bytes, message: str) -> str:
    """A validation message with its place told as a question id where the row has one."""
    found = _PATH.search(message)
    if found is None or gate.crowded(content):
        return message
    problem = message[: found.start()]
    steps = [step["name"] or int(step["index"]) for step in _STEP.finditer(found["path"])]
    try:
        row, field = _row_of(msgspec.json.decode(content), steps)
    except DAMAGE:
        return message  # what was not wanted was not decoded before
    place = f"field `{field}`" if field else "the entry"
    if isinstance(row, dict) and "question_id" in row:
        return f"{place} of question {row['question_id']}: {problem}"
    return f"{place} at {found['path']}: {problem}"


def _row_of(value: Any, steps: list[str | int]) -> tuple[Any, str]:
    """The list entry that `steps` lead through, and the field steps inside it."""
    row, rest = value, steps
    for at, step in enumerate(steps):
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            break
        if isinstance(step, int) and isinstance(value, dict) and "question_id" in value:
            row, rest = value, steps[at + 1 :]
    return row, ".".join(str(step) for step in rest if isinstance(step, str))
