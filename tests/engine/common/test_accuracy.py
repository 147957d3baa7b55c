"""VQA accuracy against recorded outputs of the official evaluator, a worked table, and its invariants."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.common.accuracy import _PUNCTUATION, CONTRACTIONS, clean_answer, normalise, vqa_accuracy
from engine.statistics.intervals import interval

GOLDEN: dict[str, Any] = json.loads((Path(__file__).parents[2] / "golden" / "vqa_examples.json").read_text())
POSSIBLE = (0.0, 0.3, 0.6, 0.9, 1.0)


@pytest.mark.parametrize("example", GOLDEN["metric"], ids=lambda case: f"{case['name']} {case['prediction']!r}")
def test_recorded_example(example: dict[str, Any]) -> None:
    assert normalise(example["prediction"]) == example["normalised"]
    assert 100 * vqa_accuracy(example["prediction"], example["references"]) == pytest.approx(example["leave_one_out"])


@pytest.mark.parametrize(("generated", "expected"), GOLDEN["postprocess"])
def test_clean_answer(generated: str, expected: str) -> None:
    assert clean_answer(generated) == expected


def ten(count: int, word: str, rest: str) -> list[str]:
    return [word] * count + [rest] * (10 - count)


def pairs(words: str) -> list[str]:
    return [word for word in words.split() for _ in range(2)]


WORKED = [
    ("cat", ten(10, "dog", ""), "cat", 0),
    ("dog", ten(1, "dog", "cat"), "dog", 30),
    ("dog", ten(2, "dog", "cat"), "dog", 60),
    ("dog", ten(3, "dog", "cat"), "dog", 90),
    ("dog", ten(4, "dog", "cat"), "dog", 100),
    ("surf", pairs("surf swim ski run walk"), "surf", 60),
    ("surf", pairs("surf surf ski run walk"), "surf", 100),
    ("The Dog", ten(3, "dog", "cat"), "dog", 90),
    ("Two", ten(4, "2", "3"), "2", 100),
    ("none", ten(4, "0", "1"), "0", 100),
    ("2.5.", ten(4, "2.5", "3"), "2.5", 100),
    ("t-shirt", ten(4, "t shirt", "shirt"), "t shirt", 100),
    ("t-shirt", ten(4, "tshirt", "shirt"), "t shirt", 0),
    ("1,000", ten(4, "1000", "100"), "1000", 100),
    ("1,000-mile", ten(4, "1000 mile", "x"), "1000mile", 0),
    ("red,white", ten(4, "red white", "blue"), "red white", 100),
    ("black/white", ten(4, "black white", "gray"), "black white", 100),
    ("dont", ten(4, "don't", "yes"), "don't", 100),
    ("mcdonald's", ten(4, "mcdonalds", "kfc"), "mcdonald's", 0),
    ("A-frame", ten(4, "frame", "x"), "frame", 100),
    ("dogs", ten(4, "dog", "cat"), "dogs", 0),
    ("Yes", ten(10, "yes", ""), "yes", 100),
    ("the beach", ten(10, "beach", ""), "beach", 100),
    ("", ten(10, "dog", ""), "", 0),
    ("it is a dog", ten(10, "dog", ""), "it is dog", 0),
    ("u.s.", ten(4, "us", "uk"), "us", 100),
    ("dog-cat dog - cat", ten(4, "dog cat dog cat", "x"), "dogcat dog cat", 0),
    ("eleven", ten(4, "11", "12"), "eleven", 0),
    ("somebody'd", ten(4, "somebodyd", "x"), "somebodyd", 100),
    ("hot\ndog", ten(4, "hot dog", "cat"), "hot dog", 100),
]


@pytest.mark.parametrize(("prediction", "references", "normalised", "percent"), WORKED)
def test_worked_table(prediction: str, references: list[str], normalised: str, percent: float) -> None:
    assert normalise(prediction) == normalised
    assert 100 * vqa_accuracy(prediction, references) == percent


def test_equal_references_are_left_out_one_by_one() -> None:
    """The by-value bug of others: without ids, equal references vanish together (0 and 53.33 instead)."""
    assert vqa_accuracy("dog", ["dog"] * 10) == 1.0
    assert vqa_accuracy("surf", pairs("surf swim ski run walk")) == 0.6


def test_punctuation_and_contraction_tables_have_the_published_sizes() -> None:
    assert len(_PUNCTUATION) == len(set(_PUNCTUATION)) == 21
    assert len(CONTRACTIONS) == 120
    assert CONTRACTIONS["yall'd've"] == "y'all'd've"
    assert CONTRACTIONS["ow's'at"] == "'ow's'at"
    assert CONTRACTIONS["twas"] == "'twas"


def test_only_the_first_32_periods_are_deleted() -> None:
    assert normalise("x" + "." * 40) == "x" + "." * 8


def test_a_mark_next_to_a_space_is_deleted_everywhere() -> None:
    assert normalise("a-b c-d") == "b c d"
    assert normalise("ab-cd ef- gh") == "abcd ef gh"


def test_apostrophe_colon_percent_dollar_ampersand_and_hash_stay() -> None:
    assert normalise("o'x 3:30 50% $5 b&c #1") == "o'x 3:30 50% $5 b&c #1"


def test_without_references_there_is_no_score() -> None:
    with pytest.raises(ValueError, match="at least one reference"):
        vqa_accuracy("dog", [])


def test_aggregate_of_graded_scores() -> None:
    assert interval([1, 0.6, 0, 1]).mean == pytest.approx(65.0)
    assert interval([1.0] * 52 + [0.6] * 20 + [0.0] * 28).mean == pytest.approx(64.0)


words = st.text(alphabet=st.sampled_from("ab12 .,;-'\n\tTHEthe?!é"), max_size=12)


@given(words, st.lists(words, min_size=10, max_size=10))
def test_score_is_one_of_five(prediction: str, references: list[str]) -> None:
    assert vqa_accuracy(prediction, references) in POSSIBLE


@given(words, st.lists(words, min_size=10, max_size=10).flatmap(lambda r: st.tuples(st.just(r), st.permutations(r))))
def test_order_of_references_does_not_matter(prediction: str, both: tuple[list[str], list[str]]) -> None:
    assert vqa_accuracy(prediction, both[0]) == vqa_accuracy(prediction, both[1])


@given(words, st.integers(0, 10))
def test_score_follows_the_definition(word: str, matches: int) -> None:
    references = [word] * matches + ["zzz qqq"] * (10 - matches)
    by_hand = [min(1.0, (references[:i] + references[i + 1 :]).count(word) / 3) for i in range(10)]
    assert vqa_accuracy(word, references) == pytest.approx(sum(by_hand) / 10)


@given(st.lists(st.sampled_from(["dog", "cat", "2", "shirt", "hat"]), min_size=1, max_size=3))
def test_normalising_plain_words_changes_nothing(plain: list[str]) -> None:
    assert normalise(" ".join(plain)) == " ".join(plain)


@given(st.text(max_size=60))
def test_cleaning_keeps_a_prefix(generated: str) -> None:
    answer = clean_answer(generated)
    assert generated.startswith(answer)
    assert not any(stop in answer for stop in ("Question", "Answer", "Short", ", "))
