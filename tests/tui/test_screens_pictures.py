"""Pictures of the main pages, at fixed size, theme and time; update them with `pytest --snapshot-update` and look at them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

import pytest
from textual.pilot import Pilot

from db.home import Home
from leverplus_tui.tui.app import LeverplusApp
from leverplus_tui.tui.messages import OpenRun
from tests.helpers_tui import at_rest, fill, settled, text_of, until

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
Before = Callable[[Pilot[None]], Awaitable[None]]


class Compare(Protocol):
    """The plug-in's fixture."""

    def __call__(self, app: LeverplusApp, *, terminal_size: tuple[int, int], run_before: Before) -> bool:
        """Whether the picture is the one on disk."""


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = fill(tmp_path_factory.mktemp("filled"))
    at_rest(home, NOON - timedelta(minutes=10))
    return home


@pytest.fixture(autouse=True)
def _one_terminal(filled: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same colours and the same time everywhere, nothing remembered."""
    (filled.root / "terminal.json").unlink(missing_ok=True)
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("LEVERPLUS_ASCII", raising=False)
    monkeypatch.delenv("TEXTUAL_THEME", raising=False)
    monkeypatch.setattr("db.store.lists.filters.now", lambda: int(NOON.timestamp() * 1e6))
    monkeypatch.setattr("leverplus_tui.text.times.now", lambda: NOON)


def showing(*words: str, key: str = "", run: OpenRun | None = None) -> Before:
    """Go somewhere and wait until these words stand there."""

    async def before(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: "neighbours" in text_of(pilot))
        if run is not None:
            pilot.app.post_message(run)
        if key:
            await pilot.press(*key.split())
        await until(pilot, lambda: all(word in text_of(pilot) for word in words))
        await settled(pilot)

    return before


def test_runs_at_eighty_columns(filled: Home, snap_compare: Compare) -> None:
    before = showing("▶ run 50%", key="G")
    assert snap_compare(LeverplusApp(filled), terminal_size=(80, 24), run_before=before)


def test_runs_with_the_info_pane(filled: Home, snap_compare: Compare) -> None:
    before = showing("pool-degenerate", key="j j j")
    assert snap_compare(LeverplusApp(filled), terminal_size=(120, 36), run_before=before)


def test_comparison(filled: Home, snap_compare: Compare) -> None:
    async def before(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: "better" in text_of(pilot))
        await pilot.press(*"jjj")
        await until(pilot, lambda: "after Holm" in text_of(pilot))
        await settled(pilot)

    app = LeverplusApp(filled, compare="r1,r2,r3")
    assert snap_compare(app, terminal_size=(120, 36), run_before=before)


def test_curves(filled: Home, snap_compare: Compare) -> None:
    before = showing("grpo_loss", "val_loss", "1 000", run=OpenRun(4, "metrics"))
    assert snap_compare(LeverplusApp(filled), terminal_size=(100, 30), run_before=before)


def test_answers(filled: Home, snap_compare: Compare) -> None:
    before = showing("demonstrations, in prompt order", "▀▀▀", "2 What colour", run=OpenRun(2, "answers"))
    assert snap_compare(LeverplusApp(filled), terminal_size=(120, 36), run_before=before)


def test_curves_of_two_trainings(filled: Home, snap_compare: Compare) -> None:
    before = showing("val_loss", "rce_loss", "last value", key="C", run=OpenRun(4))
    assert snap_compare(LeverplusApp(filled), terminal_size=(120, 36), run_before=before)


def in_theme(theme: str, before: Before) -> Before:
    """The same in other colours."""

    async def themed(pilot: Pilot[None]) -> None:
        pilot.app.theme = theme
        await before(pilot)

    return themed


def test_runs_in_light_colours_on_a_wide_screen(filled: Home, snap_compare: Compare) -> None:
    before = in_theme("leverplus-light", showing("pool-degenerate", key="j j j"))
    assert snap_compare(LeverplusApp(filled), terminal_size=(200, 50), run_before=before)


def test_curves_in_safe_colours_on_a_small_screen(filled: Home, snap_compare: Compare) -> None:
    before = in_theme("leverplus-colour-blind", showing("val_loss", "last value", key="C", run=OpenRun(4)))
    assert snap_compare(LeverplusApp(filled), terminal_size=(80, 24), run_before=before)
