"""Texts that many runs were made with, such as lists of packages: each once, under its hash, compressed."""

from __future__ import annotations

import zlib

from db.canonical import sha256_text
from db.connection import Session
from db.store.base import execute_many, now, query


def keep_snapshot(session: Session, *, text: str) -> str:
    """Keep a text; its SHA-256 (hex). An empty text is not kept and has none."""
    if not text:
        return ""
    sha, content = sha256_text(text), text.encode("utf-8", "surrogatepass")
    execute_many(
        session,
        "INSERT OR IGNORE INTO snapshot (sha256, size, body, created_at) VALUES (?, ?, ?, ?)",
        [(sha, len(content), zlib.compress(content, 6), now())],
    )
    return sha


def snapshot(session: Session, *, sha256: str) -> str:
    """A kept text; empty where there is none of this hash."""
    found = query(session, "SELECT body FROM snapshot WHERE sha256 = :sha", {"sha": sha256})
    return zlib.decompress(found[0]["body"]).decode("utf-8", "surrogatepass") if found else ""
