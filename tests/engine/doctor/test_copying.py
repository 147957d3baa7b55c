"""Learning or copying: each measure against hand-made answers."""

from __future__ import annotations

import pytest

from engine.common.accuracy import majority
from engine.doctor.copying import Shown, measure


def shown(answer: str, score: float, *labels: str, references: tuple[str, ...] = ("cat", "dog")) -> Shown:
    return Shown(answer, score, hash((answer, labels)), references, labels)


def test_each_measure_is_over_the_answers_that_it_is_about() -> None:
    found = measure(
        [
            shown("The Cat", 1.0, "cat", "cow"),  # copied, right, reference shown
            shown("cow", 0.0, "cow", "cow"),  # copied, wrong, reference not shown, majority
            shown("dog", 0.6, "cow", "hen"),  # right though nobody showed it
            shown("hen", 0.0, "cow", "dog"),  # wrong although it was shown
            shown("owl", 0.0),  # no demonstrations: counts nowhere
        ]
    )
    assert found is not None
    assert (found.copied.n, found.copied.mean) == (4, 50.0)
    assert (found.right_copied.n, found.right_copied.mean) == (2, 50.0)
    assert (found.accuracy_shown.n, found.accuracy_shown.mean) == (2, 50.0)
    assert found.accuracy_not_shown.n == 2
    assert found.accuracy_not_shown.mean == pytest.approx(30.0)
    assert (found.majority.n, found.majority.mean) == (4, 25.0)
    assert found.copied.low < 50 < found.copied.high


def test_without_demonstrations_there_is_nothing_to_copy() -> None:
    assert measure([shown("owl", 1.0)]) is None


@pytest.mark.parametrize(
    ("labels", "most"), [(("a1", "b1", "B1"), "B1"), (("cow", "hen"), "hen"), (("cow", "hen", "cow"), "cow"), ((), "")]
)
def test_of_equally_frequent_answers_the_last_counts(labels: tuple[str, ...], most: str) -> None:
    assert majority(labels) == most
