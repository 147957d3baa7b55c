"""The queue page: what runs and waits, for what; moving, pausing, priorities, giving up and coming back."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot

from db import store
from db.home import Home
from db.session import reading, writing
from leverplus_tui.tui.screens.dialogs import Confirm
from leverplus_tui.tui.screens.run.page import RunScreen
from leverplus_tui.tui.screens.waiting.queue import QueueScreen
from tests.helpers_circle import database_of, line_of, nobody_dispatches, queued
from tests.helpers_tui import arrived, fill, kept, opened, text_of, until


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """One run at work (r6), three that wait (r7 to r9)."""
    nobody_dispatches(monkeypatch)
    home = fill(tmp_path / "home", n=10)
    queued(home, "first", "second", "third")
    with writing(database_of(home)) as session:
        store.say_waiting(
            session, reasons={7: "waits for cpu: r6 at work", 8: "waits for cpu: r6 at work, r7 before it"}
        )
    return home


async def the_page(pilot: Pilot[None]) -> QueueScreen:
    await pilot.press("Q")
    return await arrived(pilot, QueueScreen)


async def test_it_says_what_runs_on_which_device_and_what_waits_for_what(home: Home) -> None:
    async with opened(home, (80, 24)) as pilot:
        page = await the_page(pilot)
        shown = text_of(pilot)
        assert "cpu r6 +3 waiting" in shown
        assert list(page.table.keys) == [6, 7, 8, 9]
        assert "cpu: r6 at work" in shown
        await pilot.press("j", "j")
        await until(pilot, lambda: "waits for cpu: r6 at work, r7 before it" in text_of(pilot))
        assert "asks for cpu, shares with nobody" in text_of(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, RunScreen))


async def test_what_waits_is_moved_paused_and_given_another_priority(home: Home) -> None:
    async with opened(home, (120, 36)) as pilot:
        page = await the_page(pilot)
        page.table.move_to(9)
        await pilot.press("K")
        await until(pilot, lambda: [run for run, _, _ in line_of(home)] == [7, 9, 8])
        await until(pilot, lambda: list(page.table.keys) == [6, 7, 9, 8])
        await pilot.press("J")
        await until(pilot, lambda: [run for run, _, _ in line_of(home)] == [7, 8, 9])
        await until(pilot, lambda: list(page.table.keys) == [6, 7, 8, 9])
        await pilot.press("F")
        await until(pilot, lambda: [run for run, _, _ in line_of(home)] == [9, 7, 8])
        await pilot.press("p")
        await until(pilot, lambda: line_of(home)[0] == (9, 0, True))
        await until(pilot, lambda: "p lets it go on" in text_of(pilot))
        await pilot.press("p", "greater_than_sign")
        await until(pilot, lambda: line_of(home)[0] == (9, 1, False))
        await pilot.press("Z")
        await until(pilot, lambda: all(paused for _, _, paused in line_of(home)))
        await until(pilot, lambda: page._queue is not None and page._queue.tickets[8].paused)
        await pilot.press("Z")
        await until(pilot, lambda: not any(paused for _, _, paused in line_of(home)))


async def test_a_run_at_work_is_not_moved_and_that_is_said(home: Home) -> None:
    async with opened(home, (80, 24)) as pilot:
        page = await the_page(pilot)
        page.table.move_to(6)
        await pilot.press("p")
        await until(pilot, lambda: any("does not wait" in words for words in kept(pilot)))
        page.table.move_to(7)
        await pilot.press("K")
        await until(pilot, lambda: any("r7 is the first of those that wait" in words for words in kept(pilot)))


async def test_marked_runs_are_given_up_together_and_come_back(home: Home) -> None:
    async with opened(home, (120, 36)) as pilot:
        page = await the_page(pilot)
        page.table.move_to(8)
        await pilot.press("space", "space", "X")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm) and "Stop 2 runs?" in text_of(pilot))
        await pilot.press("y")
        await until(pilot, lambda: any("r8 is stopped, r9 is stopped" in words for words in kept(pilot)))
        await until(pilot, lambda: "R queues it again" in text_of(pilot))
        page.table.clear_marks()
        page.table.move_to(8)
        await pilot.press("R")
        await until(pilot, lambda: [run for run, _, _ in line_of(home)] == [7, 8])
        await until(pilot, lambda: list(page.table.keys) == [6, 7, 8, 9])


async def test_the_next_try_need_not_be_waited_for(home: Home) -> None:
    with writing(database_of(home)) as session:
        store.set_state(session, run_id=7, state="failed")
        store.try_again(session, run_id=7, not_before=2**60)
    async with opened(home, (120, 36)) as pilot:
        page = await the_page(pilot)
        page.table.move_to(7)
        await pilot.press("R")
        await until(pilot, lambda: any("waits for its device alone" in words for words in kept(pilot)))
    with reading(database_of(home)) as session:
        ticket = store.ticket_of(session, run_id=7)
    assert ticket is not None
    assert ticket.not_before == 0
    assert ticket.tried == 1


async def test_an_empty_queue_says_how_something_comes_into_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nobody_dispatches(monkeypatch)
    async with opened(Home(tmp_path / "home"), (80, 24)) as pilot:
        await the_page(pilot)
        assert "Nothing runs and nothing waits" in text_of(pilot)
        await pilot.press("p", "X", "R", "escape")
        await until(pilot, lambda: not isinstance(pilot.app.screen, QueueScreen))
