"""What a file of somebody else holds, as plain data: figures, answers or trainings, what was left out, and what was guessed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from db.rows import Metric
from db.specs.base import Finding
from engine.figures.units import PRINTED


@dataclass(frozen=True, slots=True)
class Figure:
    """One printed accuracy in percent over the first `n` questions (0: not stated) at `shot` demonstrations."""

    n: int
    shot: int
    accuracy: float
    line: int = field(default=0, compare=False)
    """Of the file, from 1; 0 where the file has no lines to speak of."""
    half_unit: float = field(default=PRINTED, compare=False)
    """Half a unit of the last decimal that was printed, in points."""


@dataclass(frozen=True, slots=True)
class Matrix:
    """A published accuracy matrix and what it was labelled with."""

    source: str
    label: str
    dataset: str
    vlm: str = ""
    date: str = ""
    sampler: str = ""
    split: str = "val"
    section: str = ""
    checkpoint: str = ""
    note: str = ""
    path: str = ""
    """File that it was read from."""
    sha256: str = ""
    """Of that file."""
    states_dataset: bool = False
    """The file itself says of which data set its figures are, and not its name."""
    whole: bool = False
    """The figures are over the whole split, however large that is."""
    figures: tuple[Figure, ...] = ()

    @property
    def subject(self) -> str:
        """Where to find it: source, label, sampler and date."""
        return " / ".join(part for part in (self.source, self.label, self.sampler, self.date) if part)


@dataclass(frozen=True, slots=True)
class ImportedAnswer:
    """One stored answer of another program; `references` is empty where the file has none."""

    question_id: int
    raw: str
    references: tuple[str, ...] = ()
    image_id: int = 0
    question: str = ""
    shot: int | None = None
    """Demonstrations that it was made with; None where the file does not say."""
    scored: float | None = None
    """Its score as the file states it, 0..1."""


@dataclass(frozen=True, slots=True)
class TrackedRun:
    """A run of another tracker, or one that a log tells of."""

    name: str
    source: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    metrics: tuple[Metric, ...] = ()
    date: str = ""
    state: str = ""
    """As the tracker calls it."""
    section: str = ""
    """Experiment or project that it belongs to."""
    sha256: str = ""
    """Of its files, where the whole reading is of a folder."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something that was seen and not taken."""

    line: int
    what: str
    why: str


@dataclass(frozen=True, slots=True)
class TableMeaning:
    """What a table was taken to say; the reader confirms it."""

    line: int
    heading: str
    columns: tuple[tuple[str, str], ...]
    """(header, what it was taken for)"""
    unit: str
    n: tuple[int, ...]
    """Questions behind the figures; 0 where that is not told."""
    shots: tuple[int, ...]
    date: str
    dataset: str
    vlm: str
    sampler: str
    figures: int


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read of one file."""

    path: Path
    layout: str = ""
    """What the file is, in words."""
    sha256: str = ""
    matrices: tuple[Matrix, ...] = ()
    answers: tuple[ImportedAnswer, ...] = ()
    runs: tuple[TrackedRun, ...] = ()
    tables: tuple[TableMeaning, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    questions: tuple[str, ...] = ()
    """What the file leaves open, and the flag that settles it."""
    findings: tuple[Finding, ...] = ()
    guessed: bool = False
    """The meaning was guessed from words, so somebody must confirm it before it is stored."""
    dataset: str = ""
    """Of the answers, where the file says it."""
    vlm: str = ""
    """That gave the answers, where the file says it."""

    @property
    def figures(self) -> int:
        """Accuracies in all matrices."""
        return sum(len(matrix.figures) for matrix in self.matrices)

    def shots(self) -> Iterator[int | None]:
        """The numbers of shots that answers were made with, each once."""
        yield from dict.fromkeys(answer.shot for answer in self.answers)
