"""Size and content hash of a file or folder that is registered."""

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


def _files(path: Path) -> Iterable[Path]:
    return (child for child in sorted(path.rglob("*")) if child.is_file())
