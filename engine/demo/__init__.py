"""The built-in world: a synthetic data set and a tiny Qwen2.5-VL, so that everything can be tried with no download.

This module is free of torch, and of the drawing until a world is drawn; the trainer is `engine.demo.build`.
"""

from pathlib import Path

__all__ = ["SYNTHETIC_NOTE", "ensure_world", "model_dir", "selector_path", "trained_dir"]

SYNTHETIC_NOTE = "SYNTHETIC: drawn and named by leverplus for its built-in model; no photograph, no person's answer."
SELECTOR = "selector.safetensors"


def model_dir() -> Path:
    """The shipped tiny model: weights, tokenizer, chat template, image processor."""
    return Path(__file__).parent / "assets"


def trained_dir() -> Path:
    """What was made with the tiny model: RL data, embeddings, and a selector trained on them (`engine.demo.selector`)."""
    return Path(__file__).parent / "trained"


def selector_path() -> Path | None:
    """The shipped selector, if this installation has one."""
    path = trained_dir() / SELECTOR
    return path if path.is_file() else None


def ensure_world(cache_dir: Path) -> Path:
    """The folder of the built-in data set under `cache_dir`, drawn now if this is the first use (about a second)."""
    import hashlib
    import json

    from engine.demo.world import world_identity, write_world  # draws pictures: not for who asks where a file is

    identity = json.dumps(world_identity(), sort_keys=True).encode()
    directory = cache_dir / f"builtin-world-{hashlib.sha256(identity).hexdigest()[:12]}"
    write_world(directory)
    return directory
