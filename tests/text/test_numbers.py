"""Numbers as both front ends write them."""

from __future__ import annotations

import pytest

from leverplus_tui.text import numbers


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.12345678, "0.1235"),
        (1e-7, "1.00e-07"),
        (41_200, "41 200"),
        (999, "999"),
        (float("nan"), "nan"),
        (0.0, "0"),
        (None, "-"),
    ],
)
def test_numbers_keep_their_order_of_magnitude(value: float | None, written: str) -> None:
    assert numbers.number(value) == written


def test_thousands_stand_apart_with_and_without_a_noun() -> None:
    assert numbers.count(1_234_567) == "1 234 567"
    assert numbers.plural(1, "run") == "1 run"
    assert numbers.plural(1_200, "query", "queries") == "1 200 queries"


@pytest.mark.parametrize(
    ("value", "low", "high", "written"),
    [
        (48.55, 45.25, 51.85, "48.55 ±3.3"),
        (48.55, 45.27, 51.85, "48.55 ±3.3"),  # the arms differ by less than a half-width shows
        (48.55, 45.25, 51.95, "48.55 [45.2, 52.0]"),
        (1.67, 0.0, 4.9, "1.67 [0.0, 4.9]"),
        (100.0, 93.98, 100.0, "100.00 [94.0, 100.0]"),
        (50.0, None, None, "50.00"),
        (50.0, float("nan"), float("nan"), "50.00"),
        (None, None, None, "-"),
    ],
)
def test_a_half_width_is_written_only_for_a_symmetric_interval(
    value: float | None, low: float | None, high: float | None, written: str
) -> None:
    assert numbers.accuracy(value, low, high) == written


def test_differences_have_a_sign_and_the_ends_of_their_interval() -> None:
    assert numbers.difference(2.31, -0.44, 5.06) == "+2.31 [-0.44, +5.06]"
    assert numbers.difference(-0.001) == "0.00"
    assert numbers.signed(None) == numbers.signed(float("nan")) == numbers.signed_interval(None, None) == "-"


def test_shares_are_in_percent_and_rare_things_keep_two_digits() -> None:
    assert numbers.share(0.45, (0.249, 0.651)) == "45.0 % ±20.1"
    assert numbers.share(1.0, (0.566, 1.0)) == "100.0 % [56.6, 100.0]"
    assert numbers.share(0.0123) == "1.23 %"
    assert numbers.share(0.0, (0.0, 0.037)) == "0.0 % [0.0, 3.7]"
    assert numbers.percent(0.617) == "62 %"


def test_scores_are_short_and_never_look_like_nothing() -> None:
    assert [numbers.score(value) for value in (0.0, 0.6, 0.004, float("nan"))] == ["0.00", "0.60", "4e-03", "-"]


def test_sizes_are_in_thousands_of_bytes() -> None:
    assert [numbers.size(octets) for octets in (999, 3_250_000, 12_000_000_000)] == ["999 B", "3.2 MB", "12.0 GB"]


def test_plain_signs_where_they_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEVERPLUS_ASCII", "1")
    assert numbers.accuracy(48.5, 45.2, 51.8) == "48.50 +-3.3"
