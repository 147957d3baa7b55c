"""Intervals of an accuracy against published vectors, closed forms and simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from engine.statistics.clusters import Clusters, Sums
from engine.statistics.intervals import (
    bounds,
    finite_population_factor,
    interval,
    published_interval,
    unpaired_difference,
    unpaired_p,
    wilson,
)

SCORES = (0.0, 0.3, 0.6, 0.9, 1.0)


def test_interval_agrees_with_the_measured_okvqa_mix() -> None:
    scores = [1.0] * 357 + [0.6] * 83 + [0.0] * 360
    assert interval(scores).half_width == pytest.approx(3.29, abs=0.03)


@pytest.mark.parametrize(("right", "n"), [(0, 10), (12, 40), (30, 100), (5046, 5046)])
def test_interval_of_binary_scores_with_a_dozen_of_both_is_wilsons(right: int, n: int) -> None:
    found = interval([1.0] * right + [0.0] * (n - right))
    low, high = wilson(right / n, n)
    assert (found.low / 100, found.high / 100) == pytest.approx((low, high), abs=1e-9)


@pytest.mark.parametrize(("n", "least"), [(50, 0.93), (51, 0.93), (100, 0.926), (200, 0.932)])
def test_every_accuracy_is_covered_counted_exactly(n: int, least: float) -> None:
    right = np.arange(n + 1)
    low, high = bounds((np.arange(n) < right[:, None]).astype(float), Clusters.of(None, n))
    # Coverage falls at the ends of the intervals alone, so just beside them is where it is least.
    ends = np.concatenate([low - 1e-9, low + 1e-9, high - 1e-9, high + 1e-9])
    truths = ends[(ends > 1e-6) & (ends < 1 - 1e-6)][:, None]
    chances = binom.pmf(right, n, truths)
    covered = (chances * ((low <= truths) & (truths <= high))).sum(1)
    assert covered.min() > least
    assert (chances * (truths < low)).sum(1).max() < 0.0501


def test_the_exact_end_for_few_right_answers_is_clopper_and_pearsons() -> None:
    low, high = bounds(np.repeat([1.0, 0.0], [3, 47]), Clusters.of(None, 50))
    assert binom.sf(2, 50, float(low)) == pytest.approx(0.05)
    assert float(high) == pytest.approx(wilson(3 / 50, 50)[1])
    mirrored = bounds(np.repeat([1.0, 0.0], [47, 3]), Clusters.of(None, 50))
    assert mirrored[1] == pytest.approx(1 - float(low))


def test_a_published_figure_has_the_interval_of_right_or_wrong_answers() -> None:
    for right in (0, 3, 25, 50):
        own, published = interval([1.0] * right + [0.0] * (50 - right)), published_interval(2 * right, 50)
        assert (published.low, published.high) == pytest.approx((own.low, own.high), abs=1e-7)


def test_interval_of_small_equal_and_empty_samples() -> None:
    assert interval([]).n == 0
    perfect = interval([1.0] * 50)
    assert (perfect.mean, perfect.high) == pytest.approx((100.0, 100.0))
    assert 90 < perfect.low < 95
    assert interval([0.0, 1.0]).half_width > 30
    assert wilson(0.5, 100) == pytest.approx((0.404, 0.596), abs=1e-3)


def test_interval_widens_with_clusters() -> None:
    scores = [float(i // 5 % 2) for i in range(400)]
    assert interval(scores, [i // 5 for i in range(400)]).half_width > 2 * interval(scores).half_width
    assert interval([1.0] * 60, [i // 3 for i in range(60)]).low == pytest.approx(100 * wilson(1.0, 20)[0], rel=0.01)


@given(st.lists(st.tuples(st.sampled_from(SCORES), st.integers(0, 9)), min_size=1, max_size=60))
def test_interval_holds_its_mean_and_stays_in_range(rows: list[tuple[float, int]]) -> None:
    found = interval([score for score, _ in rows], [image for _, image in rows])
    assert 0 <= found.low <= found.mean + 1e-9
    assert found.mean - 1e-9 <= found.high <= 100
    assert found.low < found.high


@given(st.lists(st.tuples(st.sampled_from(SCORES), st.integers(0, 5)), min_size=1, max_size=40))
def test_sums_agree_with_loops(rows: list[tuple[float, int]]) -> None:
    values, images = np.array([score for score, _ in rows]), [image for _, image in rows]
    sums = Sums.of(values, Clusters.of(images, len(values)))
    members = [values[np.array(images) == image] for image in sorted(set(images))]
    assert float(sums.groups) == len(members)
    assert float(sums.own) == pytest.approx(sum(float(one.sum()) ** 2 for one in members))
    assert float(sums.cross) == pytest.approx(sum(float(one.sum()) * len(one) for one in members))
    assert float(sums.sizes) == sum(len(one) ** 2 for one in members)


@pytest.mark.parametrize("share", [0.05, 0.5, 0.95])
@pytest.mark.parametrize("clustered", [False, True])
def test_intervals_cover_graded_scores_of_few_questions(share: float, clustered: bool) -> None:
    rng = np.random.default_rng(7)
    n, chances = 60, [1 - share, *[share * part for part in (0.1, 0.1, 0.1, 0.7)]]
    alone = rng.choice(SCORES, p=chances, size=(4000, n))
    images = np.arange(n) // 2
    shared = rng.choice(SCORES, p=chances, size=(4000, n // 2))[:, images]
    values = np.where(rng.random((4000, n)) < 0.6, shared, alone) if clustered else alone
    low, high = bounds(values, Clusters.of(images if clustered else None, n))
    truth = float(np.dot(SCORES, chances))
    # 4,000 draws tell 93 % from 95 % by six standard errors.
    assert 0.93 <= float(((low <= truth) & (truth <= high)).mean()) <= 0.99


def test_a_sample_of_a_finite_population() -> None:
    scores = [1.0] * 357 + [0.6] * 83 + [0.0] * 360
    assert interval(scores, population=5046).half_width == pytest.approx(3.02, abs=0.02)
    whole = interval(scores, population=800)
    assert whole.low == pytest.approx(whole.mean)
    assert whole.high == pytest.approx(whole.mean)
    with pytest.raises(ValueError, match="a sample of 3 cannot be drawn from 2"):
        finite_population_factor(3, 2)


def test_unpaired_difference_agrees_with_newcombes_example() -> None:
    found = unpaired_difference(100 * 48 / 80, 80, 100 * 56 / 70, 70)
    assert (found.mean, found.low, found.high) == pytest.approx((20.0, 5.24, 33.39), abs=0.006)


@pytest.mark.parametrize("gain", [0.0, 3.0, 6.0, 6.7, 6.8, 7.0, 12.0, -3.0, -6.9, -20.0])
def test_the_unpaired_p_agrees_with_its_interval(gain: float) -> None:
    found = unpaired_difference(48.0, 400, 48.0 + gain, 400)
    p = unpaired_p(48.0, 400, 48.0 + gain, 400)
    assert (found.low > 0 or found.high < 0) == (p < 0.05)
    assert 0 <= p <= 1
