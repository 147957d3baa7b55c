"""Runs with unlike seeds, against the tests that scipy has for their limits, and by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import t, ttest_1samp, ttest_ind

from engine.statistics.intervals import interval
from engine.statistics.seeds import combine_seeds, seed_difference

A, B = np.array([0.50, 0.52, 0.47]), np.array([0.55, 0.58, 0.53, 0.56])


def flat(means: np.ndarray[tuple[int], np.dtype[np.float64]]) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Runs whose questions all have the same score: the questions say nothing."""
    return np.repeat(means[:, None], 30, axis=1)


def test_where_only_runs_differ_it_is_the_t_interval_of_runs() -> None:
    found = combine_seeds(flat(A))
    known = ttest_1samp(A, 0).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((100 * known.low, 100 * known.high))
    assert found.question_se == pytest.approx(0, abs=1e-9)
    assert (found.runs, found.n) == (3, 30)


def test_where_only_runs_differ_two_recipes_are_compared_by_welchs_test() -> None:
    found = seed_difference(flat(A), flat(B))
    known = ttest_ind(B, A, equal_var=False)
    assert found.p == pytest.approx(known.pvalue)
    bounds = known.confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((100 * bounds.low, 100 * bounds.high))


def test_where_runs_are_alike_it_is_the_t_interval_of_questions() -> None:
    scores = np.random.default_rng(2).choice([0.0, 0.6, 1.0], size=400)
    found = combine_seeds(np.stack([scores] * 3))
    half = t.ppf(0.975, 399) * 100 * scores.std(ddof=1) / 20
    assert (found.low, found.high) == pytest.approx((found.mean - half, found.mean + half))
    assert found.run_se == 0
    assert found.high - found.low == pytest.approx(2 * interval(scores).half_width, rel=0.02)


def test_clusters_of_questions_count_here_too() -> None:
    scores = np.repeat(np.random.default_rng(2).choice([0.0, 1.0], size=100), 4)
    both = np.stack([scores] * 2)
    images = np.arange(400) // 4
    assert combine_seeds(both, images).question_se == pytest.approx(2 * combine_seeds(both).question_se, rel=0.02)


def test_a_recipe_with_one_run_borrows_the_spread_of_the_other() -> None:
    found = seed_difference(flat(A[:1]), flat(B))
    assert found.run_se == pytest.approx(100 * float(B.std(ddof=1)) * (1 + 1 / 4) ** 0.5)
    with pytest.raises(ValueError, match="two or more"):
        seed_difference(flat(A[:1]), flat(B[:1]))
    with pytest.raises(ValueError, match="two or more"):
        combine_seeds(flat(A[:1]))


def test_equal_runs_give_no_interval_and_no_error() -> None:
    found = seed_difference(np.ones((2, 9)), np.ones((2, 9)))
    assert (found.mean, found.low, found.high, found.p) == (0, 0, 0, 1)


@pytest.mark.parametrize("spread", [0.0, 0.02, 0.05])
def test_recipes_without_a_difference_are_told_apart_in_one_of_twenty(spread: float) -> None:
    rng = np.random.default_rng(4)
    told = 0
    for _ in range(600):
        easy = rng.uniform(0.1, 0.9, size=300)
        drawn = [rng.random((3, 300)) < np.clip(easy + rng.normal(0, spread, (3, 1)), 0, 1) for _ in range(2)]
        told += seed_difference(drawn[0].astype(np.float64), drawn[1].astype(np.float64)).p < 0.05
    assert told / 600 <= 0.085  # four standard errors above 5 %
