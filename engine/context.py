"""What a recipe is given beside its specification: places to write, answers already stored, rows already done. No session."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from db.rows import Candidate, StoredAnswer


class Scored(NamedTuple):
    """What a resumed run must know of an answer that it has already stored."""

    score: float
    """VQA accuracy, 0..1."""
    empty: bool = False
    """The answer is empty after post-processing."""
    cut: bool = False
    """The answer was ended by the token limit."""


def _nothing_stored(_: Sequence[str]) -> Mapping[str, StoredAnswer]:
    return {}


@dataclass(frozen=True)
class Context:
    """Surroundings of a run."""

    run_dir: Path
    """Folder of the run: checkpoints and exports go here."""
    cache_dir: Path
    """Folder shared by all runs of this home: everything in it is keyed by content and may be deleted."""
    find_answers: Callable[[Sequence[str]], Mapping[str, StoredAnswer]] = _nothing_stored
    """Answers already stored, by request hash."""
    answered: Mapping[tuple[int, int], Scored] = field(default_factory=dict)
    """(question_id, shot) that this run has already stored without error: skipped, but counted in its cells."""
    candidates: Mapping[tuple[int, tuple[int, ...]], Candidate] = field(default_factory=dict)
    """Candidates that this run has already stored, by (query_id, pointer): not asked again, but written to its file."""
