"""The one gate that every file of somebody else passes before it is read: a regular file, of bounded size and depth.

A pipe would be waited for without end, a device read without end, and a parser would run out of stack or memory. What is
refused is refused in one sentence that names the file and the way out.
"""

from __future__ import annotations

import errno
import json
import os
import stat
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path
from typing import Any, BinaryIO

from db.specs.base import UserError

MEBIBYTE = 1024 * 1024
MOST_JSON = 64 * MEBIBYTE
"""Of a JSON document that is read as a whole."""
MOST_BRACKETS = 3_000_000
"""Lists and objects in a JSON document: each takes up to 200 bytes of memory, but two of the file."""
MOST_SPEC = 64 * 1024
"""Of a specification, of which honest ones take a few thousand bytes."""
MOST_DOTS = 50
"""Dots on a line of TOML: the time for a dotted key grows with the third power of its length."""
MOST_DEPTH = 200
"""Levels that a configuration or document may be nested; our own have six."""
LONGEST_NAME = 1000
_KINDS = (
    (stat.S_ISDIR, "a folder"), (stat.S_ISFIFO, "a pipe"), (stat.S_ISSOCK, "a socket"), (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)  # fmt: skip


class NotReadable(UserError):
    """The file cannot be read, or is of no kind or size that is read."""


@contextmanager
def opened(path: Path, most: int | None = None) -> Iterator[BufferedReader]:
    """The file, open for reading bytes; at most `most` of them. Raises NotReadable, also where reading fails later."""
    try:
        # without O_NONBLOCK a pipe is waited for before it can be looked at
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            status = os.fstat(file.fileno())
            if kind := other_kind(status.st_mode):
                raise NotReadable(f"{path} is {kind}, not a file; give a file")
            if most is not None and status.st_size > most:
                raise NotReadable(
                    f"{path} has {status.st_size:,} bytes, more than the {most:,} that are read of such a file; "
                    "check that it is the file that you mean"
                )
            yield file
    except (OSError, ValueError) as error:
        raise NotReadable(_why(path, error)) from error


def size_of(path: Path, most: int | None = None) -> int:
    """Bytes of a regular file that can be opened. Raises NotReadable."""
    with opened(path, most) as file:
        return os.fstat(file.fileno()).st_size


def read_bytes(path: Path, most: int) -> bytes:
    """The file's bytes. Raises NotReadable."""
    with opened(path, most) as file:
        content = take(file, most)
        if file.read(1):  # it grew, or told no size, as files of /proc do
            raise NotReadable(f"{path} has more than {most:,} bytes, which are all that is read of such a file")
    return content


def take(file: BinaryIO, most: int) -> bytes:
    """At most so many of the bytes that follow. `read` would set aside memory for all that it is asked for at once."""
    told = os.fstat(file.fileno()).st_size - file.tell()
    return file.read(min(most, max(told, _PIECE)))


_PIECE = 1 << 16


def read_head(path: Path, length: int) -> bytes:
    """The first bytes of a file of any size. Raises NotReadable."""
    with opened(path) as file:
        return file.read(length)


def read_text(path: Path, most: int) -> str:
    """The file's text in UTF-8, without a byte order mark. Raises NotReadable."""
    content = read_bytes(path, most)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise NotReadable(f"{path} is not text in UTF-8 (byte {error.start:,}); save it as UTF-8") from None


def read_json(path: Path, most: int = MOST_JSON) -> Any:
    """The JSON document in a file. Raises NotReadable."""
    content = read_bytes(path, most)
    try:
        return parse_json(content)
    except ValueError as error:
        raise NotReadable(f"{path} is not valid JSON ({str(error)[:120]}); write or download it again") from None


def parse_json(content: bytes) -> Any:
    """A JSON document. Raises ValueError, also where it would take far more memory than bytes, or nests too deeply."""
    if crowded(content):
        raise ValueError("more lists and objects than any honest file holds")
    return _shallow(json.loads, content)


def crowded(content: bytes) -> bool:
    """Whether the lists and objects of a JSON text would take more memory than a gigabyte and three times the text."""
    return content.count(b"[") + content.count(b"{") > MOST_BRACKETS + len(content) // 64


def parse_toml(text: str) -> dict[str, Any]:
    """A TOML document. Raises ValueError, also where it is too long or nests too deeply to be read in reasonable time."""
    if len(text) > MOST_SPEC or any(line.count(".") > MOST_DOTS for line in text.splitlines()):
        raise ValueError(f"longer than {MOST_SPEC:,} characters, or a key of more than {MOST_DOTS} parts")
    document: dict[str, Any] = _shallow(tomllib.loads, text)
    return document


def _shallow(parse: Callable[[Any], Any], content: bytes | str) -> Any:
    with suppress(RecursionError):
        value = parse(content)
        if not deeper_than(value, MOST_DEPTH):
            return value
    raise ValueError("lists or objects are nested too deeply")


def deeper_than(value: Any, levels: int) -> bool:
    """Whether tables and lists are nested more than so many levels deep; nothing recurses to find out."""
    level = [value]
    for _ in range(levels + 1):
        level = [
            inner
            for one in level
            if isinstance(one, dict | list)
            for inner in (one.values() if isinstance(one, dict) else one)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True


def is_folder(path: Path) -> bool:
    """Whether a path is a folder. `Path.is_dir` raises for names that are too long."""
    try:
        return stat.S_ISDIR(path.stat().st_mode)
    except (OSError, ValueError):
        return False


def is_there(path: Path) -> bool:
    """Whether there is anything at a path that can be one. `Path.exists` raises for names that are too long."""
    try:
        path.stat()
    except (OSError, ValueError):
        return False
    return True


def other_kind(mode: int) -> str:
    """What a file of this mode is, where it is no regular file."""
    if stat.S_ISREG(mode):
        return ""
    return next((words for is_one, words in _KINDS if is_one(mode)), "no regular file")


def _why(path: Path, error: OSError | ValueError) -> str:
    name = str(path) if len(str(path)) <= LONGEST_NAME else f"{str(path)[:200]}..."
    if not isinstance(error, OSError):
        return f"the path {name!r} cannot be one of a file ({error}); check it"
    if error.errno == errno.ENXIO:  # which is how opening a socket fails
        return f"{name} is a socket, not a file; give a file"
    reason = "it does not exist" if error.errno in (errno.ENOENT, errno.ENOTDIR) else error.strerror or error
    return f"{name} cannot be read: {reason}; put the file back, or check the path"
