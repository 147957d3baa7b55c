"""Zip archives of strangers: a list of entries of bounded length, and contents read past what only honest archives keep to."""

from __future__ import annotations

import lzma
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from engine.common.files.gate import take

ZIP_ERRORS = (
    zipfile.BadZipFile, OSError, ValueError, EOFError, NotImplementedError, RuntimeError, OverflowError, struct.error,
    zlib.error, lzma.LZMAError,
)  # fmt: skip
"""What the standard library raises for damaged archives; each of its decompressors has a class of its own."""
MAX_DIRECTORY = 16 * 1024 * 1024
"""Bytes of an archive's list of entries; one of torch takes about 100 for each tensor."""
_LOCAL, _END, _LOCATOR, _END64 = b"PK\x03\x04", b"PK\x05\x06", b"PK\x06\x07", b"PK\x06\x06"


def open_archive(file: BinaryIO) -> zipfile.ZipFile:
    """The archive. Raises one of ZIP_ERRORS; a list of entries that would take gigabytes of memory is not read."""
    if (length := _directory_bytes(file)) > MAX_DIRECTORY:
        raise zipfile.BadZipFile(f"its list of entries takes {length:,} bytes, more than in any honest file")
    return zipfile.ZipFile(file)


def _directory_bytes(file: BinaryIO) -> int:
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - (1 << 16) - 100))
    tail = file.read()
    at = tail.rfind(_END)
    if at < 0 or len(tail) < at + 22:
        return 0  # which zipfile refuses itself
    (length,) = struct.unpack_from("<L", tail, at + 12)
    locator = at - 20
    if locator >= 0 and tail[locator : locator + 4] == _LOCATOR:
        file.seek(min(struct.unpack_from("<Q", tail, locator + 8)[0], size))
        record = tail[locator - 56 : locator] if locator >= 56 else b""
        for end in (file.read(56), record):  # zipfile looks right before the locator, whatever that says
            if len(end) == 56 and end[:4] == _END64:
                length = max(length if length != 0xFFFFFFFF else 0, struct.unpack_from("<Q", end, 40)[0])
    return int(length)


def stored_at(file: BinaryIO, offset: int, most: int, length: int | None = None) -> tuple[str, bytes]:
    """(name, unpacked contents) of the entry whose own header stands at `offset`; no checksum is asked for, as by torch.

    Raises one of ZIP_ERRORS.
    """
    file.seek(offset)
    header = file.read(30)
    if len(header) < 30 or header[:4] != _LOCAL:
        raise zipfile.BadZipFile("an entry has no header")
    method, packed, name_length, extra_length = struct.unpack("<8xH8xL4xHH", header)
    name = file.read(name_length).decode("utf-8", "replace")
    file.seek(extra_length, os.SEEK_CUR)
    content = take(file, min(length if length is not None else packed or most, most))
    if method == zipfile.ZIP_DEFLATED:
        return name, zlib.decompressobj(-15).decompress(content, most)
    return name, content if method == zipfile.ZIP_STORED else b""


def headers_in(file: BinaryIO, most: int) -> Iterator[int]:
    """Where headers of entries begin in the first bytes of an archive whose list is lost."""
    file.seek(0)
    data, at = take(file, most), -1
    while (at := data.find(_LOCAL, at + 1)) >= 0:
        yield at
