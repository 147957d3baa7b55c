"""Times and durations as both front ends write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from leverplus_tui.text import times

NOON = datetime(2026, 6, 12, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (None, "-"),
        (-1, "0s"),
        (8.9, "8s"),
        (252, "4m12"),
        (7860, "2h11"),
        (60 * 3600, "2d12h"),
        (3 * 86400 + 4 * 3600, "3d04h"),
    ],
)
def test_durations(seconds: float | None, written: str) -> None:
    assert times.duration(seconds) == written


def test_ages_turn_into_dates_that_name_their_year_where_it_is_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(times, "now", lambda: NOON)
    assert times.age(None) == "-"
    assert times.age(NOON - timedelta(seconds=252)) == "4m12 ago"
    assert times.age(NOON - timedelta(days=3)) == (NOON - timedelta(days=3)).astimezone().strftime("%m-%d %H:%M")
    assert times.age(NOON - timedelta(days=400)).startswith("2025-")


def test_moments_are_local_and_to_the_minute() -> None:
    assert times.moment(NOON) == NOON.astimezone().strftime("%Y-%m-%d %H:%M")
    assert times.moment(None) == "-"
    assert times.iso(NOON) == "2026-06-12T12:00:00+00:00"
