"""How near a wrong answer is: known distances, bounds, and 1 for every right answer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.common.accuracy import vqa_accuracy
from engine.rl.relevance import edit_similarity, relevance, token_f1

TEXT = st.text("ab c", max_size=8)


@pytest.mark.parametrize(
    ("one", "other", "expected"), [("kitten", "sitting", 3), ("", "abc", 3), ("flaw", "lawn", 2), ("same", "same", 0)]
)
def test_edits_are_single_characters_put_in_taken_out_or_replaced(one: str, other: str, expected: int) -> None:
    share = 1 - expected / max(len(one), len(other))
    assert edit_similarity(one, other) == edit_similarity(other, one) == share


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


@given(TEXT, TEXT)
def test_only_equal_texts_have_one(one: str, two: str) -> None:
    assert (edit_similarity(one, two) == 1) == (one == two)
    assert 0 <= edit_similarity(one, two) <= 1
