"""Learning or copying: each measure against hand-made answers."""

from __future__ import annotations

from itertools import starmap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.common.accuracy import majority
from engine.doctor.copying import measure
from engine.doctor.shown_answer import Shown
from engine.statistics.intervals import Interval, interval


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


WORDS = ("cat", "The Cat", "dog", "two", "2", "hen", "")
ANSWERS = st.tuples(
    st.sampled_from(WORDS), st.sampled_from((0.0, 0.6, 1.0)), st.integers(0, 3),
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=4), st.lists(st.sampled_from(WORDS), max_size=5),
)  # fmt: skip


@given(st.lists(ANSWERS, max_size=20))
def test_many_answers_at_once_are_measured_as_one_by_one(
    rows: list[tuple[str, float, int, list[str], list[str]]],
) -> None:
    asked = [one for one in starmap(Shown, rows) if one.labels]
    found = measure(starmap(Shown, rows))
    assert (found is None) == (not asked)
    if found is None:
        return
    parts: list[tuple[Interval, list[float], list[Shown]]] = [
        (found.copied, [float(one.copied) for one in asked], asked),
        (found.right_copied, [float(one.copied) for one in asked if one.score > 0], [o for o in asked if o.score > 0]),
        (found.accuracy_shown, [o.score for o in asked if o.reference_shown], [o for o in asked if o.reference_shown]),
        (
            found.accuracy_not_shown,
            [one.score for one in asked if not one.reference_shown],
            [one for one in asked if not one.reference_shown],
        ),
        (found.majority, [float(one.follows_majority) for one in asked], asked),
    ]
    for one, values, over in parts:
        alone = interval(values, [shown.image_id for shown in over])
        assert (one.n, one.mean, one.low, one.high) == pytest.approx((alone.n, alone.mean, alone.low, alone.high))


def test_without_demonstrations_there_is_nothing_to_copy() -> None:
    assert measure([shown("owl", 1.0)]) is None


@pytest.mark.parametrize(
    ("labels", "most"), [(("a1", "b1", "B1"), "B1"), (("cow", "hen"), "hen"), (("cow", "hen", "cow"), "cow"), ((), "")]
)
def test_of_equally_frequent_answers_the_last_counts(labels: tuple[str, ...], most: str) -> None:
    assert majority(labels) == most
