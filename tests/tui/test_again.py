"""Going on with a run and repeating it ask for what the launch form asks: when, and what it may take."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from db import store
from db.home import Home
from db.session import open_database, reading
from db.store import TicketRow
from leverplus_tui.queue import submit
from leverplus_tui.tui.messages import RepeatRun, ResumeRun
from leverplus_tui.tui.screens.launch.preflight import PreflightScreen
from leverplus_tui.tui.screens.sheet import Sheet
from tests.helpers_tui import fill, opened, text_of, until

BROKEN = 5
"""Of the filled home, a run that failed."""


@pytest.fixture(autouse=True)
def _nobody_starts_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submit, "ensure_dispatcher", lambda home, database: None)


async def ask_for(pilot: Pilot[None], **texts: str) -> None:
    """Type into the lines of the window, and say yes."""
    await until(pilot, lambda: isinstance(pilot.app.screen, Sheet))
    for name, text in texts.items():
        pilot.app.screen.query_one(f"#sheet-{name}", Input).value = text
    await pilot.press("enter")


def ticket(home: Home, run_id: int) -> TicketRow | None:
    with reading(open_database(home.database)) as session:
        return store.ticket_of(session, run_id=run_id)


async def test_going_on_with_more_memory_and_a_time_limit_waits_in_the_queue(tmp_path: Path) -> None:
    home = fill(tmp_path / "home", n=4)
    async with opened(home, (120, 36)) as pilot:
        pilot.app.post_message(ResumeRun(BROKEN))
        await until(pilot, lambda: isinstance(pilot.app.screen, Sheet))
        await until(pilot, lambda: "it starts at once" in text_of(pilot))
        await ask_for(pilot, memory="12", time_limit="2 moons")
        await until(pilot, lambda: "write a time such as 90s" in " ".join(text_of(pilot).split()))
        await ask_for(pilot, time_limit="2h")
        await until(pilot, lambda: f"r{BROKEN} waits in the queue" in text_of(pilot))
    found = ticket(home, BROKEN)
    assert found is not None
    assert (found.memory_mb, found.time_limit_s) == (12 * 1024, 7200)


async def test_repeating_asks_for_the_same(tmp_path: Path) -> None:
    home = fill(tmp_path / "home", n=4)
    async with opened(home, (120, 36)) as pilot:
        pilot.app.post_message(RepeatRun(BROKEN))
        await ask_for(pilot, memory="8", retries="2", priority="3")
        await until(pilot, lambda: isinstance(pilot.app.screen, PreflightScreen) or ticket(home, 7) is not None)
        if isinstance(pilot.app.screen, PreflightScreen):
            await pilot.press("F", "y") if pilot.app.screen.report.blocked else await pilot.press("enter")
        await until(pilot, lambda: ticket(home, 7) is not None)
    found = ticket(home, 7)
    assert found is not None
    assert (found.memory_mb, found.retries, found.priority) == (8 * 1024, 2, 3)


async def test_a_window_of_many_lines_keeps_its_keys_where_there_is_little_room(tmp_path: Path) -> None:
    async with opened(fill(tmp_path / "home", n=4), (80, 24)) as pilot:
        pilot.app.post_message(RepeatRun(1))
        await until(pilot, lambda: isinstance(pilot.app.screen, Sheet))
        await until(pilot, lambda: "esc cancel" in text_of(pilot))
        await pilot.press("up", "up")
        await until(pilot, lambda: "shared" in text_of(pilot) and "esc cancel" in text_of(pilot))
