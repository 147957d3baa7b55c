"""Unsaved rows: what a recipe yields and the worker stores. Plain and light, so that the engine needs no database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from db.run_states import UNKNOWN_SHOTS as UNKNOWN_SHOTS

if TYPE_CHECKING:
    from db.specs.base import Finding


@dataclass(frozen=True, slots=True)
class Input:
    """Something that the run is computed from, by its content; yielded before any other row."""

    role: str
    """What the run uses it for; each role once: `selector`, `rl_data`, `dataset`, `subset first 200`."""
    path: str
    """Where it lies, or how it is called."""
    sha256: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the job is; the newest one replaces the others."""

    done: int
    total: int
    unit: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Fact:
    """Something the run was made with: a hash, a version, a count. Kept once per name."""

    name: str
    value: Any


@dataclass(frozen=True, slots=True)
class Metric:
    """One number of a training run."""

    phase: str
    epoch: int
    step: int
    name: str
    value: float


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A file of weights that the run wrote, complete on disk."""

    path: str
    phase: str
    epoch: int
    sha256: str
    parameters: int
    is_best: bool
    metrics: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Question:
    """A question of a data set that a prediction refers to, as query or as demonstration."""

    dataset_sha: str
    split: str
    question_id: int
    image_id: int
    question: str
    answers: tuple[str, ...]
    label: str
    """The answer shown when the question is a demonstration."""
    image: str
    """Absolute path of the image file."""


@dataclass(frozen=True, slots=True)
class Subset:
    """A set of evaluation questions: which, and how they were drawn."""

    dataset_sha: str
    split: str
    label: str
    """`all`, `first 200`, `random 100 (seed 42)`."""
    rule: Mapping[str, Any]
    question_ids: tuple[int, ...]
    sha: str
    """SHA-256 of the comma-joined sorted ids."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """One answer: which question, with which demonstrations, what came out and how it scored."""

    question_id: int
    shot: int
    """Shots asked for, or `UNKNOWN_SHOTS`."""
    demonstrations: tuple[int, ...]
    """question_ids of the train questions shown, in prompt order; may be fewer than `shot`."""
    prompt_sha: str
    request_sha: str
    """SHA-256 over model, prompt and decoding: equal requests have equal answers."""
    raw: str
    answer: str
    """`raw` after post-processing."""
    score: float
    """VQA accuracy, 0..1."""
    cut: bool
    """The answer was ended by the token limit."""
    reused: bool
    """The answer was already stored and not computed again."""
    error: str
    """Why there is no answer, such as a missing image; then the score is 0 and the row is not counted as answered."""
    source: int | None
    """The run that computed the answer; None where that is unknown."""
    reasoning: str
    """What the model thought before it answered, left out of `raw`; empty where it did not."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One figure of the accuracy matrix."""

    subset_sha: str
    shot: int
    n: int
    """Questions in the subset."""
    n_done: int
    """Questions answered (without error)."""
    accuracy: float
    """Percent."""
    ci_low: float
    ci_high: float
    shots_used: Mapping[int, int]
    """How many questions really got how many demonstrations; empty where that is not known."""
    distinct_sets: int
    """Number of distinct demonstration lists over the questions; 0 where that is not known."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One scored pointer of RL data, stored the moment it is known."""

    query_id: int
    """Index of the query in the train split sorted by question_id."""
    pointer: tuple[int, ...]
    """Train indices of the demonstrations, in prompt order."""
    method: str
    request_sha: str
    raw: str
    answer: str
    score: float
    beam_rank: int | None
    beam_score: float | None
    logprob_score: float | None
    temperature: float | None
    similarity: float | None
    cut: bool
    """The answer was ended by the token limit."""
    source: int | None
    """The run that computed the answer; None where that is unknown."""
    gt_prob: float | None
    """Probability of the reference answers behind the prompt; None where it was not asked for."""
    reasoning: str
    """What the model thought before it answered, left out of `raw`; empty where it did not."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file that the run wrote for others: embeddings, RL data, a report."""

    kind: str
    path: str
    sha256: str
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """An answer found in the store by its request hash."""

    raw: str
    cut: bool
    source: int | None
    """The run that computed it; None where that is unknown."""
    reasoning: str
    """What the model thought before it answered."""


@dataclass(frozen=True, slots=True)
class TrialReply:
    """What came of a question that a person asked again: a note, which enters no figure and no other run."""

    trial: int
    """Which request."""
    raw: str
    answer: str
    """`raw` after post-processing."""
    score: float | None
    """VQA accuracy against the references of the stored question, 0..1; None without an answer."""
    cut: bool
    """The answer was ended by the token limit."""
    log_prob: float | None
    """Of the answer that most people gave, the mean over its tokens; None where the model does not tell."""
    seconds: float
    prompt_sha: str
    request_sha: str
    error: str
    """Why there is no answer."""
    reasoning: str
    """What the model thought before it answered."""
    picks: tuple[Mapping[str, Any], ...]
    """What the selector or the retriever prefers at each pick; JSON values."""


@dataclass(frozen=True, slots=True)
class Settle:
    """Asks that all rows before it be stored before the recipe goes on: what it writes next must not be ahead of them."""


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A finding that an earlier process of the run made, or preflight, and that holds no longer: it is forgotten."""

    code: str
    subject: str


Row: TypeAlias = (
    "Input | Progress | Fact | Metric | Checkpoint | Question | Subset | Prediction | Cell | Candidate | Artifact"
    " | Finding | Withdrawn | TrialReply | Settle"
)
