"""Which code a file would run when it is loaded the usual way: every pickle in it is looked through, whatever else it is.

The verdict stands before the file is read as weights and does not depend on whether that works: an exploit needs neither
a dictionary of tensors nor a sound end.
"""

from __future__ import annotations

import itertools
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from engine.common.files.gate import opened, take
from engine.weights.archive import ZIP_ERRORS, headers_in, open_archive, stored_at
from engine.weights.pickle_operations import READERS
from engine.weights.pickle_reader import MAX_PICKLE_BYTES, Budget, TooManyOperations, look_through

STREAMS = 5
"""Pickles that follow each other in torch's format before 1.6; loading executes all."""
PICKLE_NAMES = (".pkl", ".pickle", ".pt", ".pth", ".ckpt", ".bin", ".p", ".pk")
UNSEEN = "more than is looked at"
"""Stands beside the globals of a file whose later operations are not known."""
BEGINNING = 64 * 1024
"""Bytes that are looked at of what is refused for its size, or is most likely text."""
MOST_MEMBERS = 10_000


def unsafe_globals(path: Path) -> list[str]:
    """Names that the pickles of a file ask for and that honest checkpoints do not, sorted; empty where it has no pickle.

    Raises NotReadable where the file cannot be read at all.
    """
    with opened(path) as file:
        head = file.read(1024)
        file.seek(0)
        if head.startswith(b"PK"):
            return _found(_zipped(file), streams=1)
        if head[257:262] == b"ustar":
            return _found(_in_tar(file))
        if not head or head[0] not in READERS:
            return []
        told = head[:1] == b"\x80" or path.suffix.lower() in PICKLE_NAMES
        return _found([take(file, MAX_PICKLE_BYTES if told else BEGINNING)], told=told)


def _found(contents: Iterable[bytes], *, streams: int = STREAMS, told: bool = True) -> list[str]:
    """The unsafe names of all contents. Not `told` to be a pickle, a text may only begin like one: then it has to call."""
    names, budget, left = set[str](), Budget(), MAX_PICKLE_BYTES
    for content in contents:
        left -= len(content)
        end = 0
        for _ in range(streams):
            stream = look_through(content, end, budget)
            if told or stream.calls or stream.problem is None:
                names.update(name[:200] for name in stream.unsafe_globals)
            if isinstance(stream.problem, TooManyOperations) or left < 0:
                return sorted(names | {UNSEEN})
            if not stream.stopped:
                break
            end = stream.end
    return sorted(names)


def _zipped(file: BinaryIO) -> Iterator[bytes]:
    """The pickles of a zip archive by its list of entries; where that is damaged, those whose own headers are found."""
    try:
        with open_archive(file) as archive:
            entries = [entry for entry in archive.infolist() if entry.filename.endswith(".pkl")]
    except ZIP_ERRORS:
        yield from _loose(file)
        return
    for entry in entries:
        # one that claims more than is read at all is refused as a bomb, but what it begins with is judged
        most = MAX_PICKLE_BYTES if entry.file_size <= MAX_PICKLE_BYTES else BEGINNING
        with suppress(*ZIP_ERRORS):
            yield stored_at(file, entry.header_offset, most, entry.compress_size)[1]


def _loose(file: BinaryIO) -> Iterator[bytes]:
    for offset in headers_in(file, MAX_PICKLE_BYTES):
        with suppress(*ZIP_ERRORS):
            name, content = stored_at(file, offset, MAX_PICKLE_BYTES)
            if name.endswith(".pkl"):
                yield content


def _in_tar(file: BinaryIO) -> Iterator[bytes]:
    """The members of a tar archive: torch's first format kept its pickles so, and still loads them."""
    try:
        with tarfile.open(fileobj=file, mode="r:") as archive:
            for member in itertools.islice(archive, MOST_MEMBERS):
                content = archive.extractfile(member) if member.isfile() else None
                if content is not None:
                    yield content.read(min(MAX_PICKLE_BYTES, member.size))
    except (tarfile.TarError, OSError, ValueError, EOFError):
        return
