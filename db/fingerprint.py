"""Size, content hash and time of change of a file or folder that is registered."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


def total_size(path: Path) -> int:
    """Bytes of a file, or of all files below a folder."""
    return path.stat().st_size if path.is_file() else sum(size for _, size in _files(path))


def content_sha(path: Path) -> str:
    """SHA-256 of a file's bytes; of a folder, which may hold many gigabytes of images, of its files' names and sizes."""
    if path.is_file():
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    listing = "\n".join(f"{child.relative_to(path)}\t{size}" for child, size in sorted(_files(path)))
    return hashlib.sha256(listing.encode("utf-8", "surrogateescape")).hexdigest()


def modified_ns(path: Path) -> int | None:
    """When a file was changed last; of a folder, when it or what lies directly in it was. None where there is nothing.

    Quick however much lies below; what changes deeper in a folder is not seen.
    """
    try:
        inside = path.iterdir() if path.is_dir() else ()
        newest: int = max(one.stat().st_mtime_ns for one in (path, *inside))
    except OSError:
        return None
    return newest


def _files(path: Path) -> Iterator[tuple[Path, int]]:
    """Each file below a folder with its bytes; what goes away meanwhile is passed over."""
    for folder, folders, names in os.walk(path):
        folders.sort()
        for name in names:
            child = Path(folder, name)
            with suppress(OSError):
                status = child.stat()
                if stat.S_ISREG(status.st_mode):
                    yield child, status.st_size
