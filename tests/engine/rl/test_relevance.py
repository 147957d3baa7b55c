"""How near a wrong answer is: known distances, bounds, and 1 for every right answer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.common.accuracy import vqa_accuracy
from engine.rl.relevance import distance, edit_similarity, relevance, token_f1

TEXT = st.text("ab c", max_size=8)


@pytest.mark.parametrize(
    ("one", "other", "expected"), [("kitten", "sitting", 3), ("", "abc", 3), ("flaw", "lawn", 2), ("same", "same", 0)]
)
def test_distance(one: str, other: str, expected: int) -> None:
    assert distance(one, other) == distance(other, one) == expected


def test_token_f1() -> None:
    assert token_f1("red car", "red big car") == pytest.approx(0.8)
    assert token_f1("red red", "red") == pytest.approx(2 / 3)
    assert (token_f1("", ""), token_f1("", "red")) == (1.0, 0.0)


def test_the_best_reference_counts_and_both_sides_are_normalised() -> None:
    found = relevance("The Surf-Board!", ["kite", "surf boards"])
    assert found.token_f1 == pytest.approx(0.5)
    assert found.edit == pytest.approx(10 / 11)
    assert found.score == found.edit
    with pytest.raises(ValueError, match="at least one reference"):
        relevance("red", [])


@given(TEXT, st.lists(TEXT, min_size=1, max_size=4))
def test_right_answers_have_one_and_others_at_most_one(answer: str, references: list[str]) -> None:
    found = relevance(answer, references)
    assert 0 <= found.token_f1 <= 1
    assert 0 <= found.edit <= 1
    if vqa_accuracy(answer, references) > 0:
        assert found == (1, 1)


@given(TEXT, TEXT, TEXT)
def test_distance_is_a_metric(one: str, two: str, three: str) -> None:
    assert distance(one, three) <= distance(one, two) + distance(two, three)
    assert (distance(one, two) == 0) == (one == two)
    assert 0 <= edit_similarity(one, two) <= 1
