"""Counts by value and by bins: exact, of few bins, and such that any two can be laid over each other."""

from __future__ import annotations

import json

import numpy as np
import pytest

from engine.statistics.histogram import FEW, MOST, Histogram, counted


def test_few_values_are_counted_each_for_itself() -> None:
    found = counted(np.array([0.0, 0.6, 0.6, 2.0, 2.0, 2.0, np.nan], np.float32))
    assert list(found.bars()) == [(0.0, 0.0, 1), (0.6, 0.6, 2), (2.0, 2.0, 3)]
    assert found.ends == pytest.approx((0.0, 1.2, 2.0))
    assert counted([5.0, 5.0]).values == (5.0,)
    assert counted(range(10)).width, "where no value comes twice, each for itself says nothing"


def test_what_differs_by_rounding_alone_is_one_value() -> None:
    assert counted([0.9187, 0.9187 + 1e-8, 0.5, 0.5]).counts == (2, 2)
    assert counted([0.1, -0.1 + 1e-9]).ends[1] == 0.0


def test_many_values_are_counted_in_round_bins_that_hold_their_lower_edge() -> None:
    values = np.linspace(-1.0, 1.0, 801)
    found = counted(values)
    assert len(found.counts) <= 2 * 801 ** (1 / 3)
    assert found.n == 801
    for low, high, n in found.bars():
        assert n == np.sum((np.round(values, 9) >= round(low, 9)) & (np.round(values, 9) < round(high, 9)))
    assert found.width == pytest.approx(0.2)
    tenths = counted(np.arange(100, dtype=np.float32) / np.float32(10))
    assert set(tenths.counts[:-1]) == {round(tenths.width * 10)}, "0.7 in single precision is less than 0.7"


@pytest.mark.parametrize("n", [1, 2, 3, 21, 50, 5000, 200_000])
def test_there_are_never_more_bars_than_can_be_drawn(n: int) -> None:
    values = np.random.default_rng(n).normal(3e4, 1e-2, n)
    found = counted(values)
    assert found.n == n
    assert len(found.counts) <= (MOST if found.width else FEW)


def test_bins_of_any_two_histograms_nest() -> None:
    rng = np.random.default_rng(0)
    fine, coarse = counted(rng.normal(0, 0.3, 4000)), counted(rng.normal(0, 3, 4000))
    assert coarse.width > fine.width
    wider = fine.wider(coarse.width)
    assert wider.n == fine.n
    assert {low for low, *_ in wider.bars()} <= {low for low, *_ in fine.wider(fine.width).bars()} | {
        wider.first * wider.width
    }
    assert [n for *_, n in counted([0.0, 0.0, 0.25, 0.25]).wider(0.1).bars()] == [2, 0, 2]


def test_it_is_stored_as_integers_and_read_again() -> None:
    for found in (counted(np.random.default_rng(1).normal(size=500)), counted([1.0, 1.0, 2.0, 2.0]), Histogram()):
        stored = json.loads(json.dumps(found.as_json()))
        assert all(isinstance(count, int) for count in stored["counts"])
        read = Histogram.read(stored)
        assert (read.counts, read.values, read.width, read.first) == (
            found.counts,
            found.values,
            found.width,
            found.first,
        )
        assert read.ends == found.ends
