"""Images that a data set carries inside its rows: recognised, and written once into the cache by content hash."""

from __future__ import annotations

import base64
import binascii
import hashlib
from pathlib import Path
from typing import Any

from engine.common.files.atomic import write_bytes

_MAGIC = {b"\xff\xd8\xff": ".jpg", b"\x89PNG": ".png", b"GIF8": ".gif", b"RIFF": ".webp", b"BM": ".bmp"}
_SHORTEST_BASE64 = 64


def embedded_bytes(value: Any) -> bytes | None:
    """The image bytes in a row's image field (`bytes`, `{"bytes": ...}`, base64, a data URL), or None for a path."""
    if isinstance(value, dict):
        return embedded_bytes(value.get("bytes") or value.get("base64"))
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    if isinstance(value, str):
        return _from_base64(value)
    return None


def keep_image(content: bytes, cache_dir: Path) -> Path:
    """The cached file with this content, written if it is not there yet."""
    name = hashlib.sha256(content).hexdigest()
    path = cache_dir / "images" / name[:2] / (name + _suffix(content))
    if not path.is_file():
        write_bytes(path, content)
    return path


def _suffix(content: bytes) -> str:
    return next((suffix for magic, suffix in _MAGIC.items() if content.startswith(magic)), ".img")


def _from_base64(text: str) -> bytes | None:
    if text.startswith("data:"):
        text = text.partition(",")[2]
    elif len(text) < _SHORTEST_BASE64:
        return None  # a path; no image is this small
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return content if _suffix(content) != ".img" else None
