"""Files that grow beside their place and take it only when they are whole."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

from db.specs.base import UserError


class NotReadBack(UserError):
    """What was written is not what was meant. Ours to repair, not the user's fault."""

    exit_code = 1


class Draft(NamedTuple):
    """A file that is being written, and where it lies until it is whole."""

    file: IO[bytes]
    path: Path


@contextmanager
def drafted(path: Path) -> Iterator[Draft]:
    """A draft beside `path` that takes its place, stored on disk, when the block ends well, and is deleted otherwise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield Draft(file, Path(name))
            file.flush()
            os.fsync(descriptor)
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def refuse_place(source: Path, out: Path, *, overwrite: bool) -> None:
    """UserError where `out` is the source, a folder, or a file that nobody said to replace."""
    if out.exists() and source.exists() and out.samefile(source):
        raise UserError(f"{out} is the source itself; choose another name, the original is never changed")
    if out.is_dir():
        raise UserError(f"{out} is a folder; name a file in it")
    if out.exists() and not overwrite:
        raise UserError(f"{out} is there already; choose another name, or say --overwrite")
