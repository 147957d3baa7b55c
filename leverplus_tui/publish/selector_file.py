"""A selector's file for others: the same tensors, its manifest without what tells of the machine."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

from leverplus_tui.report.privacy import Shown, hidden

NAME = "selector.safetensors"
HEAD = struct.Struct("<Q")


def carried(path: Path, shown: Shown) -> dict[str, bytes]:
    """Name -> content of the file and of its manifest; a file of another layout goes as it is under its own name."""
    if path.suffix != ".safetensors":
        return {path.name: path.read_bytes()}
    files = {NAME: _without(path.read_bytes(), shown)}
    manifest = path.with_name(path.name + ".json")
    if manifest.is_file():
        told = hidden(json.loads(manifest.read_text(encoding="utf-8")), shown)
        files[f"{NAME}.json"] = (json.dumps(told, indent=2, ensure_ascii=False) + "\n").encode()
    return files


def _without(content: bytes, shown: Shown) -> bytes:
    """The file with its metadata cleaned (safetensors: length of the header, header, tensors)."""
    (length,) = HEAD.unpack_from(content)
    header: dict[str, Any] = json.loads(content[HEAD.size : HEAD.size + length])
    told = header.get("__metadata__", {})
    header["__metadata__"] = {name: _cleaned(value, shown) for name, value in told.items()}
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return HEAD.pack(len(text)) + text + content[HEAD.size + length :]


def _cleaned(value: str, shown: Shown) -> str:
    """A text of the metadata; where it is JSON itself, what is inside."""
    try:
        inner = json.loads(value)
    except ValueError:
        return hidden(value, shown)
    return json.dumps(hidden(inner, shown), separators=(",", ":"), ensure_ascii=False)
