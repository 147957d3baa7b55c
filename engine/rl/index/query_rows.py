"""What a browser shows of RL data: one row for each query, one for each candidate, and the marks that they carry.

Free of numpy, so that the first queries of a file can be shown before anything heavy is imported.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntFlag
from typing import Any

CLASSES = ("zero", "one", "mixed", "none")
"""Groups without, with only, and with some positives; and those without a candidate that was scored."""


class Mark(IntFlag):
    """What is odd about a candidate; a query carries the marks of its candidates."""

    DUPLICATE = 1
    """An earlier candidate of the group has the same pointer."""
    REORDERED = 2
    """An earlier candidate has the same demonstrations in another order."""
    DISAGREE = 4
    """An earlier candidate has the same pointer and another score."""
    SELF = 8
    """The query itself is among the demonstrations, answer included."""
    REPEAT = 16
    """A demonstration stands in the pointer twice."""
    OUTSIDE = 32
    """A demonstration is not in the stored pool."""
    SPACE = 64
    """The pointer contradicts itself, or counts unlike the rest of its group (index spaces mixed)."""
    UNSURE = 128
    """Both readings of the pointer were possible; the habit of such files decided."""
    FALLBACK = 256
    """Scored by substring, not by the official metric."""
    FAILED = 512
    """The scoring failed; its values are placeholders."""
    UNVERIFIED = 1024
    """The label was copied from another query, never asked of the model."""


@dataclass(frozen=True, slots=True)
class QueryRow:
    """One query of a list. Figures are over the candidates that were scored; NaN where there is none."""

    position: int
    """Place by ascending query id, from 0."""
    query_id: int
    question_id: int | None
    image_id: int | None
    question: str
    n: int
    usable: int
    """Candidates that were scored, by the official metric."""
    positives: int
    """Usable candidates that are right."""
    best: float
    mean: float
    spread: float
    """Best less worst score."""
    group_class: str
    pool: int
    """Stored pool; 0 where none is stored."""
    marks: Mark
    start: int
    """Byte of the file at which the record begins."""
    length: int
    """Bytes of the record."""


@dataclass(frozen=True, slots=True)
class CandidateRow:
    """One candidate of a query."""

    number: int
    """From 0, in file order."""
    rows: tuple[int, ...]
    """Train rows of the demonstrations, in prompt order."""
    positions: tuple[int, ...]
    """The same in the stored pool; -1 where it is not there."""
    space: str
    """How the pointer was stored: `global`, `local` or `conflict`."""
    answer: str
    raw: str
    """The generation before it was cleaned; '' where it is not stored."""
    prompt: str
    """The prompt, where it is stored."""
    correct: float
    accuracy: float
    rewards: dict[str, float]
    """By reward mode."""
    method: str
    eval_mode: str
    rank: float
    beam_score: float
    logprob: float
    marks: Mark
    twin: int | None
    """The earlier candidate that a duplicate or reordered one repeats."""


@dataclass(frozen=True, slots=True)
class QueryDetail:
    """One query at length, read from the file itself."""

    query_id: int
    question_id: int | None
    image_id: int | None
    question: str
    answers: tuple[str, ...]
    pool: tuple[int, ...]
    candidates: tuple[CandidateRow, ...]
    failure: str = ""
    """What a repair that failed said."""
    record: dict[str, Any] = field(default_factory=dict, repr=False)
    """The record as stored."""
