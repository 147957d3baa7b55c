"""What stands in a file's place when a copy or a download went wrong, told from its first bytes."""

from __future__ import annotations

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_STAND_INS = (
    (b"version https://git-lfs", "a git-LFS pointer, not the data", "fetch it with `git lfs pull`"),
    (b"<", "a web page, not the data", "download the file itself"),
    (b"PK", "a zip archive", "unpack it first"),
    (b"\x1f\x8b", "a gzip file", "unpack it first"),
)


def stand_in(head: bytes) -> tuple[str, str] | None:
    """(what it is, way out) where a file begins like something that stands in another's place."""
    text = head.removeprefix(BYTE_ORDER_MARK).lstrip()
    return next(((what, way_out) for start, what, way_out in _STAND_INS if text.startswith(start)), None)
