"""Pictures of the main pages, at fixed size, theme and time; update them with `pytest --snapshot-update` and look at them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

import pytest
from textual.pilot import Pilot

from db import rows, store
from db.home import Home
from db.session import open_database, writing
from db.specs import AskSpec, EvalSpec, TrialSpec
from leverplus_tui.tui.app import LeverplusApp
from leverplus_tui.tui.messages import AskModel, OpenRun
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
    # read last and drawn a second time below the view, which parts the same blanks into other rectangles
    monkeypatch.setattr("leverplus_tui.tui.database.Database.since", lambda *_: None)


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


@pytest.fixture
def asked(tmp_path: Path) -> Home:
    """A home in which a question was asked again, by a job that has ended since."""
    home = fill(tmp_path)
    pick = {"measure": "probability", "pool": 20, "said": ""}
    first = {"of": 1003, "best": [[1003, 0.41], [1009, 0.33], [1015, 0.12], [1001, 0.02]], "picked": [0.41, 1], **pick}
    after = {"of": None, "best": [[1009, 0.72], [None, 0.2]], "picked": None, **pick}
    reply = rows.TrialReply(1, "green.", "green", 0.0, False, -1.25, 0.1, "p", "r", "", "", (first, after))
    with writing(open_database(home.database)) as session:
        request = TrialSpec(question_id=1003, shot=2, demonstrations=(1003,), question="What shape is it?")
        store.add_trial(session, run_id=2, request=request)
        job = store.create_run(session, spec=AskSpec.about(2, EvalSpec()), environment={}, parent=2).id
        assert job is not None
        process = store.start_process(
            session, run_id=job, pid=1, pid_start="gone", boot_id="gone", host="", argv=[], log_path=""
        )
        assert process.id is not None
        store.take_trial(session, run_id=2, process_id=process.id)
        store.add_rows(session, run_id=job, process_id=process.id, rows=[reply])
        store.end_process(session, process_id=process.id, state="done", exit_code=0)
    at_rest(home, NOON - timedelta(minutes=10))
    return home


@pytest.mark.parametrize("size", [(120, 36), (80, 24)])
def test_asking_the_model(asked: Home, snap_compare: Compare, size: tuple[int, int]) -> None:
    async def before(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: "neighbours" in text_of(pilot))
        pilot.app.post_message(AskModel(2, 1003, 2))
        await until(pilot, lambda: "not asked yet" in text_of(pilot))
        await pilot.press("t", "enter")
        await until(pilot, lambda: "What shape is it?" in text_of(pilot))
        await pilot.press("t")
        await until(pilot, lambda: "33.0%" in text_of(pilot) and "▀▀▀" in text_of(pilot))
        await settled(pilot)

    assert snap_compare(LeverplusApp(asked), terminal_size=size, run_before=before)
