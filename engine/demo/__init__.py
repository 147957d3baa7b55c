"""The built-in world: a synthetic data set and a tiny Qwen2.5-VL, so that everything can be tried with no download.

This module is free of torch; the trainer is `engine.demo.build`.
"""

import hashlib
import json
from pathlib import Path

from engine.demo.world import SYNTHETIC_NOTE, world_identity, write_world

__all__ = ["SYNTHETIC_NOTE", "ensure_world", "model_dir"]


def model_dir() -> Path:
    """The shipped tiny model: weights, tokenizer, chat template, image processor."""
    return Path(__file__).parent / "assets"


def ensure_world(cache_dir: Path) -> Path:
    """The folder of the built-in data set under `cache_dir`, drawn now if this is the first use (about a second)."""
    identity = json.dumps(world_identity(), sort_keys=True).encode()
    directory = cache_dir / f"builtin-world-{hashlib.sha256(identity).hexdigest()[:12]}"
    write_world(directory)
    return directory
