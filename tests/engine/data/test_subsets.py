"""Subsets: seeded, stratified, nested prefixes, and their labels."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.data.sample import Sample, Split
from engine.data.subsets import draw_ids, draw_subsets, share_out


def split_of(types: list[str]) -> Split:
    samples = [Sample(10 * row, row, "?", ("a",), "a", Path("x.jpg"), kind) for row, kind in enumerate(types)]
    return Split("val", samples[::-1])


MIXED = split_of(["colour"] * 60 + ["count"] * 30 + ["other"] * 10)


def test_without_wishes_all_questions_are_one_subset() -> None:
    (subset,) = draw_subsets(MIXED, dataset_sha="d")
    assert (subset.label, len(subset.question_ids), subset.split, subset.dataset_sha) == ("all", 100, "val", "d")
    assert subset.sha == hashlib.sha256(",".join(str(10 * row) for row in range(100)).encode()).hexdigest()


def test_random_subset_is_seeded_and_labelled() -> None:
    one, again, other = (draw_subsets(MIXED, dataset_sha="d", limit=20, seed=seed)[0] for seed in (1, 1, 2))
    assert one.label == "random 20 (seed 1)"
    assert one.rule == {"rule": "random", "n": 20, "seed": 1, "stratified": True}
    assert one == again
    assert one.sha != other.sha
    assert list(one.question_ids) == sorted(set(one.question_ids))


def test_random_subset_keeps_the_shares_of_question_types() -> None:
    chosen = draw_ids(MIXED, 20, 7)
    kinds = Counter(MIXED.questions[MIXED.index_of[one]].question_type for one in chosen)
    assert kinds == {"colour": 12, "count": 6, "other": 2}


def test_one_question_type_is_no_stratum() -> None:
    subset = draw_subsets(split_of([""] * 10), dataset_sha="d", limit=4)[0]
    assert subset.rule["stratified"] is False
    assert len(subset.question_ids) == 4


def test_prefixes_are_nested_and_labelled() -> None:
    small, large = draw_subsets(MIXED, dataset_sha="d", first=(50, 20, 20))
    assert (small.label, large.label) == ("first 20", "first 50")
    assert small.question_ids == MIXED.ids[:20]
    assert set(small.question_ids) < set(large.question_ids)
    assert small.rule == {"rule": "first", "n": 20}


@pytest.mark.parametrize("n", [100, 1000])
def test_a_subset_of_everything_is_called_all(n: int) -> None:
    assert [subset.label for subset in draw_subsets(MIXED, dataset_sha="d", limit=n)] == ["all"]
    assert [subset.label for subset in draw_subsets(MIXED, dataset_sha="d", first=(n,))] == ["all"]
    assert [subset.label for subset in draw_subsets(MIXED, dataset_sha="d", first=(5, n))] == ["first 5", "all"]


@given(st.lists(st.integers(1, 50), min_size=1, max_size=6), st.data())
def test_shares_are_exact_and_fair(sizes: list[int], data: st.DataObject) -> None:
    n = data.draw(st.integers(0, sum(sizes)))
    quotas = share_out(n, sizes)
    assert sum(quotas) == n
    assert all(0 <= quota <= size for quota, size in zip(quotas, sizes, strict=True))
    assert all(abs(quota - n * size / sum(sizes)) < 1 for quota, size in zip(quotas, sizes, strict=True))
