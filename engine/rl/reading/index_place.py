"""Where the index of an RL file lies, and whether it still fits the file: named after path, size, time, head and tail.

Free of numpy: it is asked before anything is read.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from engine.common.files.atomic import abandoned
from engine.common.files.gate import opened

FORM = 3
"""Raised when what an index holds changes, so that older ones are made anew."""
EDGE = 64 * 1024
"""Bytes of head and tail that are hashed: a rewritten file differs there, and a gigabyte need not be read to see it."""
FOLDER = "rl-data"
MADE = (".sqlite", ".json", ".block")
"""Endings of an index and of what stands beside it while it is built."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """Size and time of a file: cheap to look at, and different after every ordinary write."""

    size: int
    mtime_ns: int


def stamp(path: Path) -> Stamp:
    """The stamp of a file now. UserError where it is gone."""
    with opened(path) as file:
        found = os.fstat(file.fileno())
    return Stamp(found.st_size, found.st_mtime_ns)


def side_file(path: Path, cache: Path) -> Path:
    """Where the index of this very content lies (or will lie) in a home's cache. UserError where the file is gone."""
    now = stamp(path)
    with opened(path) as file:
        head = file.read(EDGE)
        file.seek(max(0, now.size - EDGE))
        tail = file.read(EDGE)
    digest = hashlib.sha256(f"{FORM} {now.size} {now.mtime_ns} ".encode() + head + tail).hexdigest()
    return cache / FOLDER / f"{_of_path(path)}-{digest[:24]}.sqlite"


def earlier_files(side: Path) -> list[Path]:
    """Indexes of the same path with other content, and what was said and kept while they were built."""
    others = side.parent.glob(f"{side.name.split('-')[0]}-*")
    return [other for other in others if other.suffix in MADE and _stem(other) != side.stem]


def blocks(side: Path) -> list[Path]:
    """What builders of this index have kept so far."""
    return sorted(side.parent.glob(f"{side.stem}.*.block"))


def leftovers(side: Path) -> list[Path]:
    """What builders of the same path were writing when they died."""
    return abandoned(side.parent, f"{side.name.split('-')[0]}-")


def block_file(side: Path, number: int) -> Path:
    """Where the builder of an index keeps what it has gathered so far."""
    return side.with_name(f"{side.stem}.{number:05}.block")


def progress_file(side: Path) -> Path:
    """Where a builder says how far it is, or why there is no index: one JSON object."""
    return side.with_suffix(".json")


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Hold the lock of a data file while its index is built: a second builder waits here until the first one ends, however
    it ends."""
    with path.open("rb") as file:
        with suppress(OSError):  # some network drives know no locks
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def held(path: Path) -> bool:
    """Whether a builder of this file's index is at work."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _stem(path: Path) -> str:
    return path.name.split(".")[0]


def _of_path(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path.absolute())).hexdigest()[:16]
