"""The sign-flip test against all signs, one by one."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from engine.statistics import sign_flip as room
from engine.statistics.paired import paired
from engine.statistics.sign_flip import sign_flip

SIZES = (0.1, 0.3, 0.4, 0.6, 0.7, 0.9, 1.0, -0.3, -0.6, -1.0)


def enumerated(changes: list[float]) -> float:
    signs = np.array(list(itertools.product((-1, 1), repeat=len(changes))))
    return float(np.mean(np.abs(signs @ np.array(changes)) >= abs(sum(changes)) - 1e-9))


def test_sign_flip_agrees_with_enumeration() -> None:
    d = [1.0, 0.6, 0.6, -0.4, 1.0, 0.3, -0.6]
    result = paired(dict.fromkeys(range(7), 0.0), dict(enumerate(d)))
    assert result.p == pytest.approx(enumerated(d), abs=1e-9)


@given(st.lists(st.sampled_from(SIZES), min_size=1, max_size=10))
def test_p_of_few_changes_is_exact(changes: list[float]) -> None:
    assert sign_flip(np.array(changes)).p == pytest.approx(enumerated(changes), abs=1e-9)


@given(st.lists(st.floats(0.05, 1.0), min_size=2, max_size=10))
def test_p_of_sizes_without_a_unit_is_close(changes: list[float]) -> None:
    # All one way: nothing but the mirror image is as extreme, however sizes are rounded.
    assert sign_flip(np.array(changes)).p == pytest.approx(2.0 ** (1 - len(changes)), rel=1e-6)


@pytest.mark.parametrize(("m", "up"), [(20, 15), (24, 17), (26, 18), (60, 35), (100, 62)])
def test_p_of_more_changes_counts_half_of_what_is_as_extreme(m: int, up: int) -> None:
    known = 2 * binom.sf(up, m, 0.5) + binom.pmf(up, m, 0.5)
    assert sign_flip(np.array([1.0] * up + [-1.0] * (m - up))).p == pytest.approx(known, rel=1e-9)


@pytest.mark.parametrize("up", [75, 80, 86, 90, 100])
def test_p_of_many_changes_is_close_to_the_count(up: int, monkeypatch: pytest.MonkeyPatch) -> None:
    changes = np.array([1.0] * up + [-0.6] * (150 - up))
    near = sign_flip(changes)
    monkeypatch.setattr(room, "MOST_EXACT", 200)
    counted = sign_flip(changes)
    assert math.log(near.p) == pytest.approx(math.log(counted.p), rel=0.01)
    assert near.critical == pytest.approx(counted.critical, rel=0.02)


@pytest.mark.parametrize("m", [*range(1, 60), 99, 100])
def test_no_number_of_changes_is_tested_far_above_the_level(m: int) -> None:
    outcomes = [sign_flip(np.array([1.0] * up + [-1.0] * (m - up))) for up in range(m + 1)]
    level = sum(binom.pmf(up, m, 0.5) for up, one in enumerate(outcomes) if one.p < 0.05)
    assert level <= (0.05 if m < 20 else 0.067)
    assert {one.decides for one in outcomes} == {m >= 6}


def test_nothing_changed() -> None:
    assert sign_flip(np.array([])).p == 1
