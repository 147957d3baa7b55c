"""Learning or copying? How the answers of a run relate to the answers that its demonstrations showed.

Vision-language models often repeat an answer from their demonstrations (Baldassini et al. 2024; Chen et al. 2023). These
shares tell how often, and what is left where the right answer was not shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from engine.common.accuracy import majority, normalise
from engine.statistics.intervals import Interval, interval


@dataclass(frozen=True, slots=True)
class Shown:
    """One answer, and the answers of the demonstrations before it in prompt order."""

    answer: str
    score: float
    image_id: int
    references: Sequence[str]
    labels: Sequence[str]

    @property
    def copied(self) -> bool:
        """The answer stands among those shown."""
        return normalise(self.answer) in map(normalise, self.labels)

    @property
    def reference_shown(self) -> bool:
        """An answer that somebody gave to the question stands among those shown."""
        return not set(map(normalise, self.labels)).isdisjoint(map(normalise, self.references))

    @property
    def follows_majority(self) -> bool:
        """The answer is the one that most demonstrations show."""
        return normalise(self.answer) == normalise(majority(self.labels))


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


def measure(answers: Iterable[Shown]) -> Copying | None:
    """What the answers behind demonstrations copied; None where none had any."""
    asked = [one for one in answers if one.labels]
    if not asked:
        return None
    shown = [one.reference_shown for one in asked]
    return Copying(
        copied=_mean(asked, [one.copied for one in asked]),
        right_copied=_mean(right := [one for one in asked if one.score > 0], [one.copied for one in right]),
        accuracy_shown=_mean(seen := [one for one, yes in zip(asked, shown, strict=True) if yes], _scores(seen)),
        accuracy_not_shown=_mean(
            rest := [one for one, yes in zip(asked, shown, strict=True) if not yes], _scores(rest)
        ),
        majority=_mean(asked, [one.follows_majority for one in asked]),
    )


def _scores(answers: Sequence[Shown]) -> list[float]:
    return [one.score for one in answers]


def _mean(answers: Sequence[Shown], values: Sequence[float]) -> Interval:
    return interval([float(value) for value in values], [one.image_id for one in answers])
