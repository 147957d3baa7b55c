"""What a recipe is given beside its specification: places to write, answers already stored, rows already done. No session."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol

from db.rows import Candidate, StoredAnswer
from db.specs.ask import TrialSpec


class Scored(NamedTuple):
    """What a resumed run must know of an answer that it has already stored."""

    score: float
    """VQA accuracy, 0..1."""
    empty: bool = False
    """The answer is empty after post-processing."""
    cut: bool = False
    """The answer was ended by the token limit."""
    prompt_sha: str = ""
    """Hash of the prompt, its images included; empty where that is not known."""


class Stop:
    """The wish that the run stop, which a recipe may defer while something that it has begun is under way."""

    def __init__(self) -> None:
        self.asked = False
        self.deferred = False

    @contextmanager
    def defer(self) -> Iterator[None]:
        """Rows yielded in this block are stored before a stop is obeyed; the block should end soon once it is asked for."""
        self.deferred = True
        try:
            yield
        finally:
            self.deferred = False

    def go_on(self) -> bool:
        """Whether something new may be begun."""
        return not self.asked


class Trials(Protocol):
    """Requests of people who try things on an evaluation."""

    def next(self) -> tuple[int, TrialSpec] | None:
        """The number of the next request and what it asks; None where none waits. It is taken: nobody else answers it."""
        ...

    def wanted(self) -> bool:
        """Whether anybody may ask more."""
        ...


class NoTrials:
    """Nobody asks."""

    def next(self) -> tuple[int, TrialSpec] | None:
        """Nothing."""
        return None

    def wanted(self) -> bool:
        """Nobody may."""
        return False


def _nothing_stored(_: Sequence[str]) -> Mapping[str, StoredAnswer]:
    return {}


@dataclass(frozen=True)
class RunContext:
    """Surroundings of a run."""

    run_dir: Path
    """Folder of the run: checkpoints and exports go here."""
    cache_dir: Path
    """Folder shared by all runs of this home: everything in it is keyed by content and may be deleted."""
    run_id: int = 0
    """Number of the run: the source of what it computes."""
    find_answers: Callable[[Sequence[str]], Mapping[str, StoredAnswer]] = _nothing_stored
    """Answers that any run has stored, by request hash."""
    own_answers: Mapping[str, StoredAnswer] = field(default_factory=dict)
    """Answers that earlier processes of this run have stored, by request hash."""
    answered: Mapping[tuple[int, int], Scored] = field(default_factory=dict)
    """(question_id, shot) that this run has already stored without error: skipped, but counted in its cells."""
    stop: Stop = field(default_factory=Stop)
    """Whether the run is to stop."""
    candidates: Mapping[tuple[int, tuple[int, ...]], Candidate] = field(default_factory=dict)
    """Candidates that this run has already stored, by (query_id, pointer): not asked again, but written to its file."""
    trials: Trials = field(default_factory=NoTrials)
    """What is asked about an evaluation."""

    @property
    def home(self) -> Path:
        """The home folder, which may stand elsewhere when the run is resumed."""
        return self.cache_dir.parent
