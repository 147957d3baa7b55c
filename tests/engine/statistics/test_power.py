"""What could have been seen, and what choosing the best adds, against the published table, closed forms and simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine.statistics.power import (
    best_of_inflation,
    expected_largest,
    questions_for,
    questions_needed,
    smallest_difference,
    visible_difference,
)


@pytest.mark.parametrize(("points", "n"), [(0.5, 25117), (0.6, 17443), (1, 6280), (1.6, 2453), (2, 1570), (3, 698)])
def test_questions_needed_agrees_with_the_power_table(points: float, n: int) -> None:
    assert questions_needed(points, 0.1) == pytest.approx(n, abs=2)


@pytest.mark.parametrize("power", [0.5, 0.8, 0.95])
def test_the_smallest_difference_needs_just_the_questions(power: float) -> None:
    points = smallest_difference(5046, 0.1, power=power)
    assert questions_needed(points, 0.1, power=power) == pytest.approx(5046, abs=1)


def test_the_smallest_difference_is_seen_as_often_as_said() -> None:
    rng = np.random.default_rng(5)
    n, share = 2000, 0.1
    lean = smallest_difference(n, share, 1.0) / 100 / share
    d = (rng.random((4000, n)) < share) * np.where(rng.random((4000, n)) < (1 + lean) / 2, 1.0, -1.0)
    seen = np.abs(d.sum(1)) / np.sqrt((d**2).sum(1)) > 1.96
    assert float(seen.mean()) == pytest.approx(0.8, abs=0.04)


@pytest.mark.parametrize(
    ("k", "known"), [(1, 0.0), (2, 1 / math.sqrt(math.pi)), (3, 1.5 / math.sqrt(math.pi)), (11, 1.5864), (100, 2.5076)]
)
def test_expected_largest_of_normal_draws(k: int, known: float) -> None:
    assert expected_largest(k) == pytest.approx(known, abs=1e-4)


def test_the_best_of_equal_runs_is_better_by_the_inflation() -> None:
    rng = np.random.default_rng(9)
    gains, said = [], []
    for _ in range(300):
        questions = rng.random(400)
        scores = (questions < 0.4 + 0.2 * rng.random((8, 400))).astype(
            np.float64
        )  # alike where questions are easy or hard
        gains.append(100 * float(scores.mean(1).max() - 0.5))
        said.append(best_of_inflation(scores))
    # The questions move all runs together: that is no choice's fault, and averages out.
    assert float(np.mean(said)) == pytest.approx(float(np.mean(gains)), abs=0.6)
    assert best_of_inflation(np.ones((1, 5))) == 0
    assert best_of_inflation(np.ones((3, 5))) == 0


def test_what_an_interval_could_have_shown_is_the_smallest_difference() -> None:
    n, share, squared = 800, 0.1, 0.64
    half = 100 * 1.959964 * math.sqrt(share * squared / n)
    assert visible_difference(half) == pytest.approx(smallest_difference(n, share, squared), rel=1e-6)
    assert questions_for(1.6, n, half) == pytest.approx(questions_needed(1.6, share, squared), abs=1)
    assert questions_for(0.0, n, half) is None
