"""The candidates of RL data that training would see, with what counts of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.rl.reading.columns import Floats
from engine.rl.reading.file import RLFile
from engine.rl.reading.pointer_spaces import Bools, Ints
from engine.rl.rewards import Outcomes, Weights, rewards


@dataclass(frozen=True, slots=True)
class Usable:
    """The candidates that training would see, with what counts of each."""

    group: Ints
    """(m,) position of the query."""
    index: Ints
    """(m,) position in the file's columns."""
    correct: Floats
    """(m,) vqa_correct, or accuracy > 0 where it is absent."""
    accuracy: Floats
    reward: Floats

    def starts(self) -> Ints:
        """Position of the first candidate of each group that has any."""
        return np.asarray(np.flatnonzero(np.diff(self.group, prepend=-1)))


def official(data: RLFile) -> Bools:
    """(M,) candidates that were scored, and not by the fallback."""
    return _sound(data) & ~data.candidates.mode.of("fallback")


def _sound(data: RLFile) -> Bools:
    return np.asarray(~(np.nan_to_num(data.candidates.failed) > 0) & ~data.candidates.mode.of("error"))


def usable(
    data: RLFile,
    *,
    mode: str = "hard_plus_soft",
    weights: Weights | None = None,
    fallback: bool = False,
    methods: Sequence[str] = (),
) -> Usable:
    """Candidates that were scored (not failed, no error; by the official metric unless `fallback`) and made by one of the
    `methods`, if any are named; with their reward."""
    c = data.candidates
    keep = _sound(data) if fallback else official(data)
    if methods:
        keep = keep & c.method.of(*methods)
    accuracy = np.nan_to_num(c.accuracy)
    outcomes = Outcomes(c.correct, c.accuracy, c.gt_prob, c.relevance, c.beam_score, c.logprob)
    reward = rewards(outcomes, mode=mode, weights=weights or Weights())
    correct = np.where(np.isnan(c.correct), accuracy > 0, c.correct)
    index = np.flatnonzero(keep)
    return Usable(data.group()[index], index, correct[index], accuracy[index], reward[index])


def group_deviations(seen: Usable) -> Floats:
    """Standard deviation (n - 1) of the rewards of each group with two usable candidates or more."""
    starts = seen.starts()
    if not len(starts):
        return np.zeros(0)
    sizes = np.diff(starts, append=len(seen.group))
    means = np.add.reduceat(seen.reward, starts) / sizes
    squares = np.add.reduceat(np.square(seen.reward - np.repeat(means, sizes)), starts)
    several = sizes >= 2
    return np.asarray(np.sqrt(squares[several] / (sizes[several] - 1)))
