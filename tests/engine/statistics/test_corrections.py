"""Corrections for many comparisons, against hand and scipy."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

from engine.statistics.corrections import benjamini_hochberg, holm

p_values = st.lists(st.floats(0, 1), min_size=1, max_size=30)


def test_holm_steps_down() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([]) == []


@given(p_values)
def test_benjamini_hochberg_is_scipys(values: list[float]) -> None:
    assert benjamini_hochberg(values) == pytest.approx(list(false_discovery_control(values)))
    assert benjamini_hochberg([]) == []


@given(p_values)
def test_holm_is_stricter_and_no_correction_makes_p_smaller(values: list[float]) -> None:
    for plain, discovery, family in zip(values, benjamini_hochberg(values), holm(values), strict=True):
        assert plain - 1e-12 <= discovery <= family + 1e-12 <= 1 + 2e-12
