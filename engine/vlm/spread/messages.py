"""What the asking process and those of the devices say to each other, over pipes that nobody else has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from db.specs.base import Finding
from engine.vlm.prompt import Prompt
from engine.vlm.protocol import Answer

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Open:
    """Load the model; `options` are those of `engine.vlm.local.choosing.open_local`."""

    options: Mapping[str, Any]


@dataclass(frozen=True)
class Opened:
    """It is loaded: what a recipe may ask of it."""

    sha: str
    requests_sha: str
    features_sha: str
    decode_sha: str
    at_once: int
    findings: Sequence[Finding]
    state: State


@dataclass(frozen=True)
class State:
    """What may change while it answers."""

    facts: Mapping[str, Any]
    measures: Mapping[str, float]


@dataclass(frozen=True)
class Shard:
    """Answer these prompts."""

    prompts: Sequence[Prompt]


@dataclass(frozen=True)
class Enough:
    """Begin nothing more of the shard under way."""


@dataclass(frozen=True)
class Some:
    """Answers by position in the shard."""

    answers: Mapping[int, Answer]
    measures: Mapping[str, float]
    """Of the device so far."""


@dataclass(frozen=True)
class Done:
    """The shard is answered, or was left at `Enough`."""

    state: State


@dataclass(frozen=True)
class Images:
    """Embed these."""

    paths: Sequence[Path]


@dataclass(frozen=True)
class Texts:
    """Embed these."""

    texts: Sequence[str]


@dataclass(frozen=True)
class Embedded:
    """(n, d) float32."""

    vectors: np.ndarray[Any, np.dtype[np.float32]]


@dataclass(frozen=True)
class Failed:
    """What went wrong is raised where it was asked for."""

    error: Exception
