"""Intervals and paired comparison against published vectors, closed forms and brute force."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from engine.statistics.intervals import holm, interval, mcnemar, paired, questions_needed, wilson


@pytest.mark.parametrize(
    ("improved", "worsened", "p"),
    [
        (5, 0, 0.0625), (6, 0, 0.0312), (10, 2, 0.0386), (12, 4, 0.0768), (20, 12, 0.2153), (25, 12, 0.0470),
        (40, 27, 0.1421), (29, 21, 0.322), (0, 0, 1.0), (3, 3, 1.0), (900, 900, 1.0),
    ],
)  # fmt: skip
def test_mcnemar_is_exact(improved: int, worsened: int, p: float) -> None:
    assert mcnemar(improved, worsened) == pytest.approx(p, abs=6e-5 if p != 0.322 else 6e-4)


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
    assert there.difference == -back.difference
    assert there.improved == back.worsened
    assert there.p == pytest.approx(back.p, abs=0.01)


def test_sign_flip_agrees_with_enumeration() -> None:
    d = [1.0, 0.6, 0.6, -0.4, 1.0, 0.3, -0.6]
    flips = [sum(s * x for s, x in zip(signs, d, strict=True)) for signs in itertools.product((-1, 1), repeat=len(d))]
    exact = np.mean([abs(t) >= abs(sum(d)) - 1e-9 for t in flips])
    assert paired(dict.fromkeys(range(7), 0.0), dict(enumerate(d))).p == pytest.approx(exact, abs=0.01)


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


def test_interval_agrees_with_the_measured_okvqa_mix() -> None:
    scores = [1.0] * 357 + [0.6] * 83 + [0.0] * 360
    assert interval(scores).half_width == pytest.approx(3.29, abs=0.03)


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


def test_holm_steps_down() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([]) == []


@pytest.mark.parametrize(("points", "n"), [(0.5, 25117), (0.6, 17443), (1, 6280), (1.6, 2453), (2, 1570), (3, 698)])
def test_questions_needed_agrees_with_the_power_table(points: float, n: int) -> None:
    assert questions_needed(points, 0.1) == pytest.approx(n, abs=2)
