"""What ships with the package: the built-in model, and what was made with it (the files behind the word `builtin`)."""

from __future__ import annotations

from pathlib import Path

from db.user_error import UserError

BUILTIN = "builtin"
"""The word for all of it, wherever a path or a name is asked for."""
WORLDS = {BUILTIN: 3, "builtin-2": 2}
"""Name of a built-in data set -> the generator that draws it. `builtin-2` is what `builtin` was before 0.3: its validation
questions have twins in train whose answer can be copied, and runs of that time are stored under this name."""
SYNTHETIC_NOTE = "SYNTHETIC: drawn and named by leverplus for its built-in model; no photograph, no person's answer."
SELECTOR = "selector.safetensors"
FILES = {"rl-data": "rl_data.json", "embeddings": "embeddings.safetensors", "checkpoint": SELECTOR}
"""Name by what the doctor recognises it as."""


def is_synthetic(dataset: str, vlm: str) -> bool:
    """Whether figures of this data set or model come from the built-in world, and must be labelled so."""
    return dataset in WORLDS or vlm == BUILTIN


def model_dir() -> Path:
    """The shipped tiny model: weights, tokenizer, chat template, image processor."""
    return Path(__file__).parent / "assets"


def trained_dir() -> Path:
    """What was made with the tiny model: RL data, embeddings, and a selector trained on them (`engine.demo_build.selector`)."""
    return Path(__file__).parent / "trained"


def selector_path(dataset: str = BUILTIN) -> Path | None:
    """The shipped selector, if this installation has one; an earlier world has the one that its runs were made with."""
    earlier = dataset in WORLDS and dataset != BUILTIN
    path = trained_dir() / (f"{dataset}-{SELECTOR}" if earlier else SELECTOR)
    return path if path.is_file() else None


def builtin_file(kind: str) -> Path:
    """The shipped file of a kind. UserError where this installation has none."""
    path = trained_dir() / FILES[kind]
    if not path.is_file():
        raise UserError(f"builtin: the built-in {FILES[kind]} is not part of this installation; name a file")
    return path
