"""How names and facts of others are written: made harmless, shortened, turned into words."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from engine.common.wording import printable
from leverplus_tui.text.numbers import number

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|[\x00-\x08\x0b-\x1f\x7f-\x9f]")

SHORT = 12
"""Cells of a hub id that stands whole, owner and all."""
HASH_DIGITS = 64
"""Characters of a SHA-256; its first ten tell it apart."""


def clean(text: str) -> str:
    r"""`text` in one line: no escape sequences and control characters, what hides or turns text as `\u202e`."""
    if text.isascii() and text.isprintable():
        return text  # as nearly every one is, in lists of thousands
    return printable(_ESCAPES.sub("", text.replace("\t", "  ").replace("\n", " ")))


def spaced(name: str) -> str:
    """The name of a fact in words: `top share` for `top_share`, parts after a dot behind a blank."""
    return clean(name.replace("_", " ").replace(".", " "))


def fact(value: object) -> str:
    """A stored fact in words: rounded numbers, hashes by their beginning, tables as `name value` with commas between."""
    if value is None or value in ("", [], {}):
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return number(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{spaced(str(name))} {_inner(inner)}" for name, inner in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_inner(inner) for inner in value)
    text = clean(str(value))
    return text[:10] if len(text) == HASH_DIGITS and text.isalnum() else text


def _inner(value: object) -> str:
    return f"({fact(value)})" if isinstance(value, Mapping | list | tuple) and value else fact(value)


def short_name(name: str, among: Collection[str] = ()) -> str:
    """What a column has room for: host and port of an address, else the last part of a path or hub id.

    The part before it stays where another of `among` ends alike, and in a hub id that is short anyway.
    """
    scheme, separator, rest = name.partition("://")
    if separator and scheme.isalpha():
        return clean(rest.split("/", 1)[0])
    whole = name.rstrip("/")
    parts = whole.rsplit("/", 2)
    alike = any(other.rstrip("/") != whole and short_name(other) == parts[-1] for other in among)
    is_hub_id = len(parts) == 2 and parts[0] not in ("", ".", "..", "~")
    return clean("/".join(parts[-2:]) if alike or (is_hub_id and len(whole) <= SHORT) else parts[-1])
