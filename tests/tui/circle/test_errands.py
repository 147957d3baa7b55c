"""Work of the program: announced, shown above, ended in a message wherever one is; leaving asks while it goes on."""

from __future__ import annotations

import re
import threading
from pathlib import Path

import pytest
from textual.pilot import Pilot

from db.home import Home
from db.user_error import UserError
from leverplus_tui.tui.app import LeverplusApp
from leverplus_tui.tui.messages import Outcome, Work
from leverplus_tui.tui.screens.choosing import Choose
from leverplus_tui.tui.screens.dialogs import Tell
from leverplus_tui.tui.screens.runs.page import RunsScreen
from leverplus_tui.tui.widgets.charts.bars import ModeBar
from tests.helpers_tui import fill, kept, opened, text_of, until


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return fill(tmp_path_factory.mktemp("filled"), n=10)


class Held:
    """Work that ends when it is let go."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome, self.go = outcome, threading.Event()

    def begin(self, pilot: Pilot[None], noun: str = "counting") -> None:
        pilot.app.post_message(Work("Counting the stars", self, pilot.app.screen, noun))

    def __call__(self) -> Outcome:
        self.go.wait(120)
        if self.outcome.failed:
            raise UserError(self.outcome.text)
        return self.outcome


def bar_of(pilot: Pilot[None]) -> str:
    return pilot.app.screen.query_one(ModeBar).errands


async def test_it_stands_above_every_page_and_among_the_messages(filled: Home) -> None:
    async with opened(filled, (80, 24)) as pilot:
        held = Held(Outcome("there are 12", heading="Counted"))
        held.begin(pilot)
        await until(pilot, lambda: bar_of(pilot) == "counting")
        assert "1 running, counting" in text_of(pilot)
        await pilot.press("3")
        await until(pilot, lambda: bar_of(pilot) == "counting")
        await pilot.press("m")
        await until(pilot, lambda: isinstance(pilot.app.screen, Tell))
        assert re.search(r"at work for \d+s: Counting the stars", text_of(pilot))
        await pilot.press("escape")
        held.go.set()
        await until(pilot, lambda: "Counting the stars: counted\nthere are 12" in kept(pilot))
        await until(pilot, lambda: bar_of(pilot) == "")


async def test_where_it_was_asked_for_the_end_is_told_at_length_unless_it_is_brief(filled: Home) -> None:
    async with opened(filled, (80, 24)) as pilot:
        brief, long = (Held(Outcome("there are 12", heading="Counted", brief=brief)) for brief in (True, False))
        brief.go.set()
        brief.begin(pilot)
        await until(pilot, lambda: "Counting the stars: counted\nthere are 12" in kept(pilot))
        assert isinstance(pilot.app.screen, RunsScreen)
        long.go.set()
        long.begin(pilot)
        await until(pilot, lambda: isinstance(pilot.app.screen, Tell))
        assert sum("there are 12" in words for words in kept(pilot)) == 1


async def test_a_failure_is_told_and_nothing_stays_above(filled: Home) -> None:
    async with opened(filled, (80, 24)) as pilot:
        held = Held(Outcome("the sky is covered", failed=True))
        held.begin(pilot)
        held.go.set()
        await until(pilot, lambda: "the sky is covered" in kept(pilot))
        await until(pilot, lambda: bar_of(pilot) == "")


async def test_leaving_asks_and_staying_changes_nothing(filled: Home) -> None:
    async with opened(filled, (80, 24)) as pilot:
        held = Held(Outcome("there are 12", brief=True))
        held.begin(pilot)
        await until(pilot, lambda: bar_of(pilot) == "counting")
        await pilot.press("q")
        await until(pilot, lambda: isinstance(pilot.app.screen, Choose))
        assert "Still at work: counting" in text_of(pilot)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, RunsScreen))
        held.go.set()
        await until(pilot, lambda: "there are 12" in kept(pilot))
        assert pilot.app.is_running


async def test_one_may_wait_for_the_end_and_then_leave(filled: Home) -> None:
    async with opened(filled, (80, 24)) as pilot:
        held = Held(Outcome("there are 12", brief=True))
        held.begin(pilot)
        await until(pilot, lambda: bar_of(pilot) == "counting")
        await pilot.press("q")
        await until(pilot, lambda: isinstance(pilot.app.screen, Choose))
        await pilot.press("enter")
        await until(pilot, lambda: any(words.startswith("Quits when this is done") for words in kept(pilot)))
        assert not pilot.app._exit
        held.go.set()
        await until(pilot, lambda: pilot.app._exit)


async def test_one_may_leave_at_once_and_children_are_killed(filled: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[bool] = []
    held = Held(Outcome("there are 12", brief=True))

    def end_all() -> None:
        ended.append(True)
        held.go.set()

    monkeypatch.setattr("leverplus_tui.jobs.own_command.end_all", end_all)
    async with opened(filled, (80, 24)) as pilot:
        held.begin(pilot)
        await until(pilot, lambda: bar_of(pilot) == "counting")
        await pilot.press("q")
        await until(pilot, lambda: isinstance(pilot.app.screen, Choose))
        await pilot.press("down", "enter")
        await until(pilot, lambda: pilot.app._exit)
    assert ended == [True]


async def test_without_work_one_leaves_unasked(tmp_path: Path) -> None:
    async with opened(Home(tmp_path / "home"), (80, 24)) as pilot:
        assert isinstance(pilot.app, LeverplusApp)
        await pilot.press("q")
        await until(pilot, lambda: pilot.app._exit)
