"""How near a wrong answer is to the references: graded where VQA accuracy is 0. On normalised texts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from rapidfuzz.distance import Levenshtein

from engine.common.accuracy import normalise


class Relevance(NamedTuple):
    """Similarity of an answer to the reference that it is most like, each 0..1; 1 for every right answer."""

    token_f1: float
    """Harmonic mean of precision and recall over words."""
    edit: float
    """1 - Levenshtein distance / length of the longer text."""

    @property
    def score(self) -> float:
        """The larger of the two, as published."""
        return max(self)


def relevance(prediction: str, references: Sequence[str]) -> Relevance:
    """Best word overlap and best edit similarity over the distinct references. Raises ValueError without references."""
    if not references:
        raise ValueError("relevance needs at least one reference answer, got none")
    answer, others = normalise(prediction), {normalise(reference) for reference in references}
    return Relevance(max(token_f1(answer, one) for one in others), max(edit_similarity(answer, one) for one in others))


def token_f1(one: str, other: str) -> float:
    """F1 of the words of two texts, counted with repetition; 1 for two empty texts."""
    words, others = one.split(), other.split()
    if not (words and others):
        return float(words == others)
    common = (Counter(words) & Counter(others)).total()
    return 2 * common / (len(words) + len(others))


def edit_similarity(one: str, other: str) -> float:
    """1 - Levenshtein distance / longer length; 1 for two empty texts."""
    longest = max(len(one), len(other))
    return 1 - Levenshtein.distance(one, other) / longest if longest else 1.0
