"""Cuts a pickle into its operations and their arguments. At least as lenient as Python's unpickler, which goes on where
`pickletools` gives up (`I0x10`, text that is not ASCII): what is not read here, the unpickler must not reach either."""

from __future__ import annotations

import codecs
import pickletools
import struct
from collections.abc import Callable, Iterator
from typing import Any

Reader = Callable[[bytes, int], tuple[Any, int]]
"""(bytes, where the argument begins) -> (argument, where it ends)."""


class PickleProblem(Exception):
    """The bytes are not a pickle that can be read, or ask for more than is reasonable."""


def operations(data: bytes, start: int = 0) -> Iterator[tuple[int, Any, int]]:
    """(code, argument, where the next operation begins) of each operation. Raises PickleProblem where one is none or is cut."""
    at, size = start, len(data)
    while at < size:
        code = data[at]
        read = READERS.get(code, _unknown)
        if read is None:
            argument, at = None, at + 1
        else:
            try:
                argument, at = read(data, at + 1)
            except (ValueError, struct.error, OverflowError):
                raise PickleProblem(f"not a readable pickle (damaged at byte {at:,})") from None
        yield code, argument, at


def _unknown(_: bytes, at: int) -> tuple[Any, int]:
    raise ValueError(at)


def _fixed(form: str) -> Reader:
    packed = struct.Struct(form)
    return lambda data, at: (packed.unpack_from(data, at)[0], at + packed.size)


def _counted(form: str, decode: Callable[[bytes], Any]) -> Reader:
    """An argument after its length in bytes."""
    packed = struct.Struct(form)

    def read(data: bytes, at: int) -> tuple[Any, int]:
        (length,) = packed.unpack_from(data, at)
        begin = at + packed.size
        if not 0 <= length <= len(data) - begin:
            raise ValueError(length)
        return decode(data[begin : begin + length]), begin + length

    return read


def _line(decode: Callable[[bytes], Any]) -> Reader:
    def read(data: bytes, at: int) -> tuple[Any, int]:
        end = data.index(b"\n", at)
        return decode(data[at:end]), end + 1

    return read


def _two_lines(data: bytes, at: int) -> tuple[tuple[str, str], int]:
    module, at = _line(_text)(data, at)
    name, at = _line(_text)(data, at)
    return (module, name), at


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _unicode(data: bytes) -> str:
    return data.decode("utf-8", "surrogatepass")


def _quoted(data: bytes) -> str:
    inner = data[1:-1] if len(data) > 1 and data[:1] == data[-1:] and data[:1] in b"'\"" else data
    return _text(codecs.escape_decode(inner)[0])


def _escaped(data: bytes) -> str:
    return data.decode("raw-unicode-escape", "replace")


def _whole(data: bytes) -> int | bool:
    text = data.strip()
    return text == b"01" if text in (b"00", b"01") else int(text.removesuffix(b"L"), 0)


def _decimal(data: bytes) -> float:
    return float(data)


def _little_endian(data: bytes) -> int:
    return int.from_bytes(data, "little", signed=True)


_ARGUMENTS: dict[str, Reader] = {
    "BININT": _fixed("<i"), "BININT1": _fixed("<B"), "BININT2": _fixed("<H"), "BINFLOAT": _fixed(">d"),
    "BINGET": _fixed("<B"), "LONG_BINGET": _fixed("<I"), "BINPUT": _fixed("<B"), "LONG_BINPUT": _fixed("<I"),
    "PROTO": _fixed("<B"), "EXT1": _fixed("<B"), "EXT2": _fixed("<H"), "EXT4": _fixed("<i"), "FRAME": _fixed("<Q"),
    "LONG1": _counted("<B", _little_endian), "LONG4": _counted("<i", _little_endian),
    "BINSTRING": _counted("<i", _text), "SHORT_BINSTRING": _counted("<B", _text), "BINUNICODE": _counted("<I", _unicode),
    "SHORT_BINUNICODE": _counted("<B", _unicode), "BINUNICODE8": _counted("<Q", _unicode), "BINBYTES": _counted("<I", bytes),
    "SHORT_BINBYTES": _counted("<B", bytes), "BINBYTES8": _counted("<Q", bytes), "BYTEARRAY8": _counted("<Q", bytes),
    "INT": _line(_whole), "LONG": _line(_whole), "FLOAT": _line(_decimal), "STRING": _line(_quoted),
    "UNICODE": _line(_escaped), "PERSID": _line(_text), "GET": _line(int), "PUT": _line(int),
    "GLOBAL": _two_lines, "INST": _two_lines,
}  # fmt: skip
CODES = {operation.name: ord(operation.code) for operation in pickletools.opcodes}
"""Name of each operation -> its byte."""
READERS: dict[int, Reader | None] = {code: _ARGUMENTS.get(name) for name, code in CODES.items()}
