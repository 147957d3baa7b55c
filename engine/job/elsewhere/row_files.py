"""Row files: what a run elsewhere yields, appended to a file on a shared disk in frames that tell whether they are whole.

A frame is the length and the CRC-32 of what follows (two big-endian words), then a list of (kind, values) in msgpack. A
process that is killed leaves a torn frame at the end at most: readers stop before it, and whoever goes on begins a file of
its own. Files of one run are read in the order of their numbers.
"""

from __future__ import annotations

import errno
import os
import re
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, SupportsFloat, SupportsIndex, TypeAlias

import msgspec

from db.errors import DiskFull
from db.rows import (
    Artifact,
    Candidate,
    Cell,
    Checkpoint,
    Fact,
    Input,
    Metric,
    Prediction,
    Progress,
    Question,
    Row,
    Subset,
    TrialReply,
    Withdrawn,
)
from db.specs import Finding
from db.specs.movable import HomePaths, mapped

HEAD = struct.Struct(">II")
NAME = re.compile(r"rows-(\d{4})")
MOST_BYTES = 1 << 30
"""Of one frame: a length beyond it is damage, not data."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a process of the run was computed with; see `engine.job.claims.surroundings`."""

    values: dict[str, Any]
    texts: dict[str, str]


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process of the run ended, in its own words."""

    state: str
    exit_code: int
    reason: str
    signal: str
    """Which signal made it stop; empty where none did."""


Note: TypeAlias = "Row | Surroundings | Ended"
PLACES: tuple[type, ...] = (Input, Fact, Checkpoint, Artifact, Subset, Finding, Withdrawn)
"""Rows that name files anywhere; of a question it is the image alone, and answers are never touched."""
KINDS: dict[str, type] = {
    kind.__name__: kind
    for kind in (*PLACES, Question, Progress, Metric, Prediction, Cell, Candidate, TrialReply, Surroundings, Ended)
}


def packed(notes: Sequence[Note]) -> bytes:
    """One frame."""
    listed = [(type(note).__name__, _plain(note)) for note in notes]
    try:
        body = msgspec.msgpack.encode(listed)
    except UnicodeEncodeError:  # half of a surrogate pair: as in the database, a question mark
        body = msgspec.msgpack.encode(mapped(listed, lambda text: text.encode("utf-8", "replace").decode()))
    return HEAD.pack(len(body), zlib.crc32(body)) + body


def _plain(note: Note) -> Any:
    return note.model_dump(mode="json") if isinstance(note, Finding) else msgspec.to_builtins(note, enc_hook=_number)


def _number(value: Any) -> float | int:
    """A number of numpy, which the database takes as well."""
    if isinstance(value, (SupportsFloat, SupportsIndex)) and hasattr(value, "item"):
        return value.item()  # type: ignore[no-any-return]
    raise TypeError(f"a row holds a {type(value).__name__}, which no row file takes")


def _note(kind: str, values: Any) -> Note:
    made: Any = Finding(**values) if kind == "Finding" else msgspec.convert(values, KINDS[kind])
    return made  # type: ignore[no-any-return]


def moved(note: Note, there: HomePaths, here: HomePaths) -> Note:
    """A row that was written below another folder, with the paths of this one."""
    if isinstance(note, Question):
        return replace(note, image=here.located(there.stored(note.image)))
    if not isinstance(note, PLACES):
        return note
    return _note(type(note).__name__, here.located_values(there.stored_values(_plain(note))))


@dataclass
class Reader:
    """The frames of one file that are whole, each once."""

    path: Path
    offset: int = 0

    def new(self) -> Iterator[list[Note]]:
        """Frames since the last call; a torn one, or one that has not come through yet, is left for the next."""
        try:
            file = self.path.open("rb")
        except FileNotFoundError:
            return
        with file:
            file.seek(self.offset)
            while (body := _body(file.read(HEAD.size), file.read)) is not None:
                yield [_note(kind, values) for kind, values in msgspec.msgpack.decode(body)]
                self.offset = file.tell()


def _body(head: bytes, read: Callable[[int], bytes]) -> bytes | None:
    if len(head) < HEAD.size:
        return None
    size, checksum = HEAD.unpack(head)
    if size > MOST_BYTES:
        return None
    body = read(size)
    return body if len(body) == size and zlib.crc32(body) == checksum else None


def numbers(folder: Path) -> list[int]:
    """Of the row files in a folder, in order; 0 is what home knew, the others are the attempts."""
    found = (NAME.fullmatch(name) for name in os.listdir(folder))
    return sorted(int(one[1]) for one in found if one)


def file_of(folder: Path, number: int) -> Path:
    """Where the row file of a number lies."""
    return folder / f"rows-{number:04}"


@dataclass
class Writer:
    """Appends frames to the next row file of a folder; no other process writes to it."""

    folder: Path
    path: Path = field(init=False)
    number: int = field(init=False)
    _file: int = field(init=False)
    _size: int = 0

    def __post_init__(self) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self.number = max(numbers(self.folder), default=-1)
        while True:
            self.number += 1
            self.path = file_of(self.folder, self.number)
            try:
                self._file = os.open(self.path, flags, 0o644)
                return
            except FileExistsError:  # another attempt was as quick
                continue

    def append(self, notes: Sequence[Note]) -> None:
        """A frame, whole and on its way to the disk, or nothing. Raises DiskFull."""
        frame = packed(notes)
        try:
            _write(self._file, frame)
            os.fsync(self._file)
        except OSError as error:
            os.ftruncate(self._file, self._size)
            os.lseek(self._file, self._size, os.SEEK_SET)
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise DiskFull(f"{self.path}: no space left") from error
            raise
        self._size += len(frame)

    def close(self) -> None:
        """Nothing more comes."""
        os.close(self._file)


def _write(file: int, frame: bytes) -> None:
    """All of it; the system may take a part at a time."""
    done = 0
    while done < len(frame):
        done += os.write(file, frame[done:])
