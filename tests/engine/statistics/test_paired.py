"""Paired comparison against published vectors, its own test, brute force and simulation."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from engine.statistics.clusters import Clusters
from engine.statistics.paired import all_pairs, difference_bounds, mcnemar, paired

CHANGES = (-1.0, -0.7, -0.6, -0.4, -0.3, -0.1, 0.1, 0.3, 0.4, 0.6, 0.7, 1.0)


@pytest.mark.parametrize(
    ("improved", "worsened", "p"),
    [
        (5, 0, 0.0625), (6, 0, 0.0312), (10, 2, 0.0386), (12, 4, 0.0768), (20, 12, 0.2153), (25, 12, 0.0470),
        (40, 27, 0.1421), (29, 21, 0.322), (0, 0, 1.0), (3, 3, 1.0), (900, 900, 1.0),
    ],
)  # fmt: skip
def test_mcnemar_is_exact(improved: int, worsened: int, p: float) -> None:
    assert mcnemar(improved, worsened) == pytest.approx(p, abs=6e-5 if p != 0.322 else 6e-4)


@given(st.integers(0, 3000), st.integers(0, 3000))
def test_mcnemar_is_a_binomial_test(improved: int, worsened: int) -> None:
    known = binomtest(improved, improved + worsened).pvalue if improved + worsened else 1.0
    assert mcnemar(improved, worsened) == pytest.approx(known, rel=1e-9, abs=1e-300)


def _published_differences() -> tuple[dict[int, float], dict[int, float]]:
    d = [1.0] * 20 + [-1.0] * 12 + [0.6] * 6 + [-0.6] * 4 + [0.4] * 3 + [-0.4] * 5
    d += [0.0] * (800 - len(d))
    return dict.fromkeys(range(800), 0.0), dict(enumerate(d))


def test_paired_agrees_with_the_published_vector() -> None:
    result = paired(*_published_differences())
    assert result.difference == pytest.approx(1.05)
    assert result.se == pytest.approx(0.7587, abs=1e-4)
    assert result.low == pytest.approx(-0.43, abs=0.06)
    assert result.high == pytest.approx(2.55, abs=0.06)
    assert (result.improved, result.worsened, result.unchanged) == (29, 21, 750)
    assert result.mcnemar_p == pytest.approx(0.322, abs=5e-4)
    assert result.p == pytest.approx(0.17, abs=0.02)


def test_paired_is_reproducible_and_antisymmetric() -> None:
    a, b = _published_differences()
    assert paired(a, b) == paired(a, b)
    there, back = paired(a, b), paired(b, a)
    assert (there.difference, there.p, there.improved) == (-back.difference, back.p, back.worsened)
    assert (there.low, there.high) == pytest.approx((-back.high, -back.low), abs=1e-9)


def _changed(n: int, changes: list[float]) -> tuple[dict[int, float], dict[int, float]]:
    return dict.fromkeys(range(n), 0.0), dict(enumerate(changes + [0.0] * (n - len(changes))))


def test_few_changes_leave_room() -> None:
    four = paired(*_changed(4, [1.0] * 4))
    assert four.p == pytest.approx(0.125)
    assert four.low < 0
    assert four.high == pytest.approx(100)
    none = paired(*_changed(100, []))
    assert none.p == 1
    assert (none.low, none.high) == pytest.approx((-3.7, 3.7), abs=0.1)
    assert paired(*_changed(100, [1.0] * 6)).low > 0
    near = paired(*_changed(100, [0.3]))
    assert near.high > 3  # one small change does not say that the unseen ones are small


rows = st.lists(st.tuples(st.sampled_from((0.0, *CHANGES)), st.integers(0, 30)), min_size=1, max_size=80)


@given(rows)
def test_the_interval_leaves_out_0_exactly_when_p_is_below_the_level(drawn: list[tuple[float, int]]) -> None:
    d, images = np.array([[change for change, _ in drawn]]), [image for _, image in drawn]
    for clusters in (Clusters.of(None, d.shape[1]), Clusters.of(images, d.shape[1])):
        low, high, p = difference_bounds(d, clusters)
        assert (low[0] > 0 or high[0] < 0) == (p[0] < 0.05)
        assert low[0] <= d.mean() + 1e-9
        assert d.mean() - 1e-9 <= high[0]
        assert low[0] < high[0]


@pytest.mark.parametrize("m", [19, 20, 40, 41, 100, 101, 400])
def test_interval_and_p_agree_for_every_outcome_of_m_changes(m: int) -> None:
    d = np.array([[1.0] * up + [-1.0] * (m - up) + [0.0] * 400 for up in range(m + 1)])
    low, high, p = difference_bounds(d, Clusters.of(None, m + 400))
    assert ((low > 0) | (high < 0)).tolist() == (p < 0.05).tolist()
    assert (np.diff(low) > 0).all()
    assert (np.diff(high) > 0).all()


def test_questions_on_one_image_count_as_one_cluster() -> None:
    rng = np.random.default_rng(1)
    per_image = rng.choice([-1.0, 0.0, 1.0], size=40)
    b = {i: float(per_image[i // 5]) for i in range(200)}
    a = dict.fromkeys(range(200), 0.0)
    alone, together = paired(a, b), paired(a, b, {i: i // 5 for i in range(200)})
    assert together.high - together.low > 1.8 * (alone.high - alone.low)
    assert together.se == pytest.approx(alone.se * 5**0.5, rel=0.05)


def test_only_common_questions_are_compared() -> None:
    result = paired({1: 0.0, 2: 1.0, 3: 1.0}, {2: 1.0, 3: 0.0, 4: 1.0})
    assert (result.n, result.improved, result.worsened) == (2, 0, 1)
    assert paired({1: 1.0}, {2: 1.0}).n == 0


def test_all_pairs_are_what_each_two_are() -> None:
    rng = np.random.default_rng(3)
    scores = rng.choice([0.0, 0.6, 1.0], size=(4, 150))
    scores[rng.random(scores.shape) < 0.1] = np.nan
    scores[3, :] = np.nan
    images = rng.integers(0, 90, size=150)
    runs = [{q: float(s) for q, s in enumerate(row) if not np.isnan(s)} for row in scores]
    known = [paired(runs[a], runs[b], dict(enumerate(images.tolist()))) for a, b in combinations(range(4), 2)]
    found = all_pairs(scores, images)
    assert [(one.n, one.improved, one.worsened) for one in found] == [(o.n, o.improved, o.worsened) for o in known]
    for one, other in zip(found, known, strict=True):
        assert (one.low, one.high, one.p, one.se) == pytest.approx((other.low, other.high, other.p, other.se))
    assert all_pairs(scores, images, [(2, 0)])[0].improved == known[1].worsened
    assert all_pairs(scores, images, []) == []


@pytest.mark.parametrize("share", [0.04, 0.5])
@pytest.mark.parametrize("clustered", [False, True])
def test_intervals_cover_and_tests_keep_their_level(share: float, clustered: bool) -> None:
    rng = np.random.default_rng(11)
    n, draws = 120, 1500
    images = np.arange(n) // 2
    sizes = rng.choice([0.4, 0.6, 1.0], p=[0.2, 0.2, 0.6], size=(draws, n)) * (rng.random((draws, n)) < share)
    if clustered:
        sizes = np.where(rng.random((draws, n)) < 0.5, sizes[:, 2 * images], sizes)
    for better in (0.5, 0.9):
        signs = np.where(rng.random((draws, n)) < better, 1.0, -1.0)
        d = sizes * (signs[:, 2 * images] if clustered else signs)
        low, high, p = difference_bounds(d, Clusters.of(images if clustered else None, n))
        truth = share * (2 * better - 1) * 0.8
        # 1,500 draws tell 92.5 % from 95 % by four standard errors.
        assert float(((low <= truth) & (truth <= high)).mean()) >= 0.925
        if better == 0.5:
            assert float((p < 0.05).mean()) <= 0.075
