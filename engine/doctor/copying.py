"""Learning or copying? How the answers of a run relate to the answers that its demonstrations showed.

Vision-language models often repeat an answer from their demonstrations (Baldassini et al. 2024; Chen et al. 2023). These
shares tell how often, and what is left where the right answer was not shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import numpy.typing as npt

from engine.common.accuracy import normalise
from engine.doctor.shown_answer import Shown
from engine.statistics.clusters import Clusters, Floats
from engine.statistics.intervals import Interval, intervals

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Copying:
    """Means in percent with their intervals, each over the answers it is about; `n` says how many these are."""

    copied: Interval
    """Answers that stand among the shown ones."""
    right_copied: Interval
    """The same, of answers that score."""
    accuracy_shown: Interval
    """Accuracy where a reference answer was shown."""
    accuracy_not_shown: Interval
    """Accuracy where none was."""
    majority: Interval
    """Answers that are the demonstrations' most frequent one."""


@dataclass(frozen=True, slots=True)
class Coded:
    """Many answers at once, with a number for each normalised text: equal texts, equal numbers. Below 0 stands for none."""

    answer: Ints
    """(n,)"""
    score: Floats
    clusters: Clusters
    """The image of each."""
    references: Ints
    """(n, most references)"""
    labels: Ints
    """(n, most demonstrations), in prompt order."""


def measure(answers: Iterable[Shown]) -> Copying | None:
    """What the answers behind demonstrations copied; None where none had any."""
    asked, codes = list(answers), Codes()
    if not asked:
        return None
    return measure_coded(
        Coded(
            answer=np.array([codes[one.answer] for one in asked], dtype=np.intp),
            score=np.array([one.score for one in asked], dtype=np.float64),
            clusters=Clusters.of(np.array([one.image_id for one in asked], dtype=np.int64), len(asked)),
            references=rectangle([[codes[text] for text in one.references] for one in asked]),
            labels=rectangle([[codes[text] for text in one.labels] for one in asked]),
        )
    )


def measure_coded(answers: Coded) -> Copying | None:
    """The same of answers in numbers, some forty times quicker."""
    labels, answer = answers.labels, answers.answer[:, None]
    known = labels >= 0
    asked = known.any(1)
    if not asked.any():
        return None
    copied = (labels == answer).any(1)
    seen = ((labels[:, :, None] == answers.references[:, None, :]) & known[:, :, None]).any((1, 2))
    often = np.where(known, (labels[:, :, None] == labels[:, None, :]).sum(2), 0)[:, ::-1]
    majority = labels[:, ::-1][np.arange(len(labels)), often.argmax(1)]  # of equals the last
    rows = (
        (copied, asked), (copied, asked & (answers.score > 0)), (answers.score, asked & seen), (answers.score, asked & ~seen),
        (majority == answers.answer, asked),
    )  # fmt: skip
    values, present = (np.array(part, dtype=np.float64) for part in zip(*rows, strict=True))
    return Copying(*intervals(values, answers.clusters, present))


class Codes(dict[str, int]):
    """A number for each text: equal where texts are equal in the form that answers are compared in."""

    def __init__(self) -> None:
        super().__init__()
        self._forms: dict[str, int] = {}

    def __missing__(self, text: str) -> int:
        """A text that was not met yet."""
        self[text] = code = self._forms.setdefault(normalise(text), len(self._forms))
        return code


def rectangle(lists: Sequence[Sequence[int]]) -> Ints:
    """Lists side by side (n, longest, at least 1), short ones filled up with -1."""
    lengths = np.fromiter(map(len, lists), dtype=np.intp, count=len(lists))
    return filled(lengths, np.fromiter(chain.from_iterable(lists), dtype=np.int64, count=int(lengths.sum())))


def filled(lengths: npt.NDArray[np.intp], flat: Ints) -> Ints:
    """The same of lists one behind the other."""
    full = np.full((len(lengths), max(1, int(lengths.max(initial=0)))), -1, dtype=np.int64)
    full[np.arange(full.shape[1]) < lengths[:, None]] = flat
    return full
