"""The files behind the word `builtin`: what was made with the built-in model and ships with the package."""

from __future__ import annotations

from pathlib import Path

from db.specs.base import UserError

FILES = {"rl-data": "rl_data.json", "embeddings": "embeddings.safetensors", "checkpoint": "selector.safetensors"}
"""Name by what the doctor recognises it as."""


def builtin_file(kind: str) -> Path:
    """The shipped file of a kind. UserError where this installation has none."""
    from engine.demo import trained_dir  # draws and hashes: not for who names a path

    path = trained_dir() / FILES[kind]
    if not path.is_file():
        raise UserError(f"builtin: the built-in {FILES[kind]} is not part of this installation; name a file")
    return path
