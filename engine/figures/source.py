"""One file or folder of somebody else behind the gate: looked at once, whoever asks whether it is theirs."""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path
from typing import Any

from db.specs.base import UserError
from engine.common.files.first_bytes import BYTE_ORDER_MARK
from engine.common.files.gate import MEBIBYTE, MOST_JSON, NotReadable, is_folder, parse_json, read_bytes, read_head
from engine.common.findings import Cut
from engine.common.models.fingerprint import file_sha
from engine.figures.fields import text

HEAD = 64 * 1024
MOST_LINES = 2_000_000
"""Of a file of one answer a line."""


class Source:
    """What readers are shown. Raises UserError, one sentence, where it cannot be read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.is_folder = is_folder(path)
        self.head = b"" if self.is_folder else read_head(path, HEAD).removeprefix(BYTE_ORDER_MARK)
        self.suffix = path.suffix.lower()

    @cached_property
    def content(self) -> bytes:
        """The whole file."""
        return read_bytes(self.path, MOST_JSON).removeprefix(BYTE_ORDER_MARK)

    @cached_property
    def sha256(self) -> str:
        """Of the file as it lies there; "" of a folder."""
        return "" if self.is_folder else file_sha(self.path)

    @cached_property
    def text(self) -> str:
        """The file as text. Raises NotReadable where it is none."""
        try:
            return self.content.decode("utf-8")
        except UnicodeDecodeError as error:
            raise NotReadable(f"{self.path} is not text in UTF-8 (byte {error.start:,}); save it as UTF-8") from None

    @property
    def begins_as_json(self) -> bool:
        """Whether the first character is that of a JSON list or object."""
        return self.head.lstrip()[:1] in (b"{", b"[")

    @cached_property
    def json(self) -> Any:
        """The JSON value; None where the file is none, or one value a line. Raises UserError where it is broken JSON."""
        if not self.begins_as_json or self.rows:
            return None
        try:
            return parse_json(self.content)
        except json.JSONDecodeError as error:
            if error.pos >= len(error.doc.rstrip()) or error.msg.startswith("Unterminated"):
                raise Cut(
                    f"{self.path} is cut at line {error.lineno} ({len(error.doc):,} characters); copy it again"
                ) from None
            raise UserError(f"{self.path} is not JSON ({error}); write or download it again") from None
        except ValueError as error:
            raise UserError(f"{self.path} is not JSON ({text(error)[:80]}); write or download it again") from None

    @cached_property
    def rows(self) -> list[tuple[int, dict[str, Any]]]:
        """(line, object) of a file with one JSON object a line; empty where it is none. Raises UserError for a broken line."""
        named = self.suffix in (".jsonl", ".ndjson")
        first = self.content.lstrip().partition(b"\n")[0].strip() if self.begins_as_json else b""
        if not named and not (first.startswith(b"{") and first.endswith(b"}")):
            return []
        lines = self.content.split(b"\n", MOST_LINES + 1)
        if len(lines) > MOST_LINES or (not named and sum(bool(line.strip()) for line in lines) < 2):
            return []
        return [(at, self._object(at, line)) for at, line in enumerate(lines, start=1) if line.strip()]

    def _object(self, at: int, line: bytes) -> dict[str, Any]:
        try:
            value = parse_json(line)
        except json.JSONDecodeError as error:
            if error.pos >= len(error.doc.rstrip()) or error.msg.startswith("Unterminated"):
                raise Cut(f"{self.path} is cut at line {at}; copy it again") from None
            raise UserError(f"{self.path}, line {at} is not JSON ({error.msg}); repair or remove it") from None
        except ValueError as error:
            raise UserError(f"{self.path}, line {at} is not JSON ({text(error)[:80]}); repair or remove it") from None
        if not isinstance(value, dict):
            raise UserError(f"{self.path}, line {at} is no JSON object; give one object a line, or one list")
        return value


MOST_REPORT = MEBIBYTE // 2
"""Of a report that people write by hand, which takes some tens of kilobytes."""
