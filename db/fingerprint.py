"""Size, content hash and time of change of a file or folder that is registered."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path


def total_size(path: Path) -> int:
    """Bytes of a file, or of all files below a folder."""
    return path.stat().st_size if path.is_file() else sum(child.stat().st_size for child in _files(path))


def content_sha(path: Path) -> str:
    """SHA-256 of a file's bytes; of a folder, which may hold many gigabytes of images, of its files' names and sizes."""
    if path.is_file():
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    listing = "\n".join(f"{child.relative_to(path)}\t{child.stat().st_size}" for child in _files(path))
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


def _files(path: Path) -> Iterable[Path]:
    return (child for child in sorted(path.rglob("*")) if child.is_file())
