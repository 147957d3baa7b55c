"""The line below names the keys that fit what is under the cursor now; the others say why there is nothing to do."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot

from db import store
from db.home import Home
from db.session import open_database, writing
from leverplus_tui.tui.messages import OpenRun
from leverplus_tui.tui.screens.run.page import RunScreen
from leverplus_tui.tui.screens.runs.page import RunsScreen
from leverplus_tui.tui.screens.waiting.jobs import JobsScreen
from leverplus_tui.tui.widgets.charts.bars import KeyBar
from tests.helpers_tui import fill, kept, opened, settled, until

DONE, FAILED, LIVE = 2, 5, 6
NAMED: dict[int, set[str]] = {DONE: set(), FAILED: {"resume"}, LIVE: {"stop"}}


@pytest.fixture
def filled(tmp_path: Path) -> Home:
    return fill(tmp_path, n=10)


def named(pilot: Pilot[None]) -> set[str]:
    """Of stopping and going on, what the line below names."""
    return {word for _, word in pilot.app.screen.query_one(KeyBar).pairs()} & {"stop", "resume"}


async def names(pilot: Pilot[None], words: set[str]) -> None:
    """Until the line below names these."""
    await until(pilot, lambda: named(pilot) == words)


@pytest.mark.parametrize("mode", ["1", "4"])
async def test_stop_and_resume_follow_the_cursor(filled: Home, mode: str) -> None:
    async with opened(filled, (200, 50)) as pilot:
        await pilot.press(mode)
        await settled(pilot)
        page = pilot.app.screen
        assert isinstance(page, RunsScreen | JobsScreen)
        for run_id in (LIVE, DONE, FAILED, LIVE):
            page.table.move_to(run_id)
            await names(pilot, NAMED[run_id])


async def test_the_line_follows_a_run_that_ends(filled: Home) -> None:
    async with opened(filled, (200, 50)) as pilot:
        pilot.app.post_message(OpenRun(LIVE))
        await until(pilot, lambda: isinstance(pilot.app.screen, RunScreen) and named(pilot) == {"stop"})
        with writing(open_database(filled.database)) as session:
            store.set_state(session, run_id=LIVE, state="stopped")
        await until(pilot, lambda: named(pilot) == {"resume"})


async def test_a_key_that_is_not_named_says_why(filled: Home) -> None:
    async with opened(filled) as pilot:
        page = pilot.app.screen
        assert isinstance(page, RunsScreen)
        page.table.move_to(DONE)
        await pilot.press("X")
        await until(pilot, lambda: any("r2 is done: nothing to stop" in message for message in kept(pilot)))
        await pilot.press("R")
        await until(pilot, lambda: any("r2 is done and has an answer" in message for message in kept(pilot)))
