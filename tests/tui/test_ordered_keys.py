"""Keys typed faster than the program opens what they ask for: none is lost, none lands elsewhere."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual import events
from textual.widgets import ContentSwitcher

from db.home import Home
from leverplus_tui.tui.app import LeverplusApp
from leverplus_tui.tui.library import Library
from leverplus_tui.tui.messages import OpenRun, RunsLaunched
from leverplus_tui.tui.program import ordered_keys
from leverplus_tui.tui.reading.database import Database
from leverplus_tui.tui.screens.choosing import Choose
from leverplus_tui.tui.screens.comparing.page import CompareScreen
from leverplus_tui.tui.screens.launch import starting
from leverplus_tui.tui.screens.launch.form import LaunchScreen
from leverplus_tui.tui.screens.launch.preflight import PreflightReport
from leverplus_tui.tui.screens.launch.values import FormValues
from leverplus_tui.tui.screens.run.answers import Answers
from leverplus_tui.tui.screens.run.page import RunScreen
from leverplus_tui.tui.screens.runs.page import RunsScreen
from leverplus_tui.tui.widgets.table import LineTable
from tests.helpers_tui import arrived, burst, fill, held_back, kept, opened, settled, text_of, until


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return fill(tmp_path_factory.mktemp("filled"), n=10)


def held_up(
    monkeypatch: pytest.MonkeyPatch, name: str, waits: Callable[..., bool] = lambda *_: True
) -> threading.Event:
    """Readings of the database by this name that `waits` picks out are read, and told only when the event is set."""
    go, read = threading.Event(), getattr(Database, name)

    def late(self: Database, *arguments: Any) -> Any:
        found = read(self, *arguments)
        if waits(*arguments):
            go.wait(60)
        return found

    monkeypatch.setattr(Database, name, late)
    return go


async def test_keys_typed_while_the_form_opens_are_typed_into_the_form(filled: Home) -> None:
    async with opened(filled) as pilot:
        page = pilot.app.screen
        assert isinstance(page, RunsScreen)
        burst(pilot, "e", *["down"] * 3, "5")
        await until(pilot, lambda: isinstance(pilot.app.screen, LaunchScreen) and not held_back(pilot))
        form = pilot.app.screen
        assert isinstance(form, LaunchScreen)
        assert form.form.values["shots"] == "5"
        assert page.table.cursor == 0


async def test_a_dialog_that_has_to_read_first_gets_what_is_typed_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, go = threading.Event(), threading.Event()
    read = Database.run_rows

    def slowly(self: Database, ids: Any) -> Any:
        if threading.current_thread() is not threading.main_thread() and len(ids) == 1:
            reading.set()
            go.wait(60)
        return read(self, ids)

    home = fill(tmp_path, n=10)
    async with opened(home) as pilot:
        page = pilot.app.screen
        assert isinstance(page, RunsScreen)
        page.table.move_to(2)
        monkeypatch.setattr(Database, "run_rows", slowly)
        burst(pilot, "t", *"desk", "enter", "j")
        await until(pilot, reading.is_set)
        assert held_back(pilot) == 7
        go.set()
        await until(pilot, lambda: page._rows[2].tags == ("desk",) and not held_back(pilot))
        assert page.table.cursor_key == 1


async def test_keys_typed_while_a_request_is_checked_go_to_the_page_that_it_leads_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = threading.Event()

    def slowly(home: Home, values: FormValues) -> starting.Asked:
        go.wait(60)
        return starting.Asked(PreflightReport((), ()), lambda: RunsLaunched((4,)))

    monkeypatch.setattr(starting, "asked", slowly)
    async with opened(fill(tmp_path, n=10)) as pilot:
        burst(pilot, "e", "ctrl+r", "n")
        await until(pilot, lambda: "checking the request" in text_of(pilot))
        form = pilot.app.screen
        assert isinstance(form, LaunchScreen)
        assert held_back(pilot)
        assert form.form.values["name"] == ""
        go.set()
        await until(pilot, lambda: isinstance(pilot.app.screen, Choose) and not held_back(pilot))


async def test_escape_gives_a_check_up_that_takes_long_and_what_was_typed_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = threading.Event()

    def slowly(home: Home, values: FormValues) -> starting.Asked:
        go.wait(60)
        return starting.Asked(PreflightReport((), ()), lambda: pytest.fail("it was given up"))

    monkeypatch.setattr(starting, "asked", slowly)
    monkeypatch.setattr(ordered_keys, "PATIENCE_S", 0.0)
    async with opened(fill(tmp_path, n=10)) as pilot:
        burst(pilot, "e", "ctrl+r", "n")
        await until(pilot, lambda: "checking the request" in text_of(pilot) and held_back(pilot) == 2)
        burst(pilot, "escape")
        await until(pilot, lambda: any("Nothing was started" in words for words in kept(pilot)))
        go.set()
        await settled(pilot)
        form = pilot.app.screen
        assert isinstance(form, LaunchScreen)
        assert form.form.values["name"] == ""


async def test_keys_go_to_the_pages_that_the_keys_before_them_opened(filled: Home) -> None:
    async with opened(filled) as pilot:
        burst(pilot, "G", "enter", "tab", "tab", "escape", "space", "k", "space", "v", "j")
        await until(pilot, lambda: not held_back(pilot) and isinstance(pilot.app.screen, CompareScreen))
        await settled(pilot)
        page = pilot.app.screen
        assert isinstance(page, CompareScreen)
        assert page.run_ids == (1, 2)
        assert page.table.cursor == 2


async def test_keys_for_answers_wait_for_the_answers(filled: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    go = held_up(monkeypatch, "answers")
    async with opened(filled) as pilot:
        pilot.app.post_message(OpenRun(2))
        page = await arrived(pilot, RunScreen)
        burst(pilot, *["tab"] * 4, "j", "j")
        await until(pilot, lambda: held_back(pilot) == 3)  # with the place that the last one holds
        go.set()
        await until(pilot, lambda: not held_back(pilot))
        assert page.query_one(Answers).table.cursor == 2


async def test_a_tab_is_made_when_it_is_shown_first_and_keys_wait_for_it(filled: Home) -> None:
    async with opened(filled) as pilot:
        pilot.app.post_message(OpenRun(2))
        page = await arrived(pilot, RunScreen)
        assert not page.query(Answers)
        burst(pilot, *["tab"] * 4, "j", "j")
        await until(pilot, lambda: page.query(Answers) and not held_back(pilot))
        assert page.query_one(Answers).table.cursor == 2


async def test_of_tabs_that_are_still_being_made_the_last_one_is_shown(filled: Home) -> None:
    async with opened(filled) as pilot:
        pilot.app.post_message(OpenRun(2))
        page = await arrived(pilot, RunScreen)
        await asyncio.gather(*[page.action_tab(tab) for tab in ("config", "metrics", "overview", "config")])
        await settled(pilot)
        assert page.query_one(ContentSwitcher).current == page.tab == "config"
        assert len(page.query("#config")) == 1
        assert page.query_one("#config", LineTable).keys


async def test_a_list_that_comes_late_is_no_answer_to_a_filter(filled: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    go = held_up(monkeypatch, "listing", lambda view, *_: view.where == "kind:eval")
    async with opened(filled) as pilot:
        page = pilot.app.screen
        assert isinstance(page, RunsScreen)
        burst(pilot, "slash", *"kind:eval")
        await until(pilot, lambda: page.where == "kind:eval")
        burst(pilot, *["backspace"] * 4, *"grpo", "enter", "G", "space")
        await until(pilot, lambda: page.where == "kind:grpo")
        go.set()
        await until(pilot, lambda: page.table.marked == [4] and not held_back(pilot))
        assert page.table.keys == (4,)


async def test_keys_for_a_list_wait_for_its_order(filled: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    go = held_up(monkeypatch, "listing", lambda view, *_: view.sort.endswith("asc"))
    async with opened(filled) as pilot:
        page = pilot.app.screen
        assert isinstance(page, RunsScreen)
        burst(pilot, "S", "g", "space")
        await until(pilot, lambda: page.sort.endswith("asc"))
        go.set()
        await until(pilot, lambda: not held_back(pilot))
        assert page.table.marked == [1]


async def test_a_page_that_never_opens_keeps_keys_for_a_while_only(
    filled: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ordered_keys, "HOLD_S", 0.05)
    monkeypatch.setattr(RunScreen, "keeps_back", lambda *_: True)
    async with opened(filled) as pilot:
        burst(pilot, "enter", "escape", "j")
        await until(pilot, lambda: not held_back(pilot) and isinstance(pilot.app.screen, RunsScreen))


async def test_keys_typed_before_the_database_is_open_wait_for_it(
    filled: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    go, open_now = threading.Event(), Library.open

    def slowly(self: Library) -> None:
        go.wait(60)
        open_now(self)

    monkeypatch.setattr(Library, "open", slowly)
    (filled.root / "terminal.json").unlink(missing_ok=True)
    app = LeverplusApp(filled)
    async with app.run_test(size=(120, 36)) as pilot:
        burst(pilot, "slash", *"kind:grpo")
        app.post_message(events.Key("ctrl+j", None))  # enter, typed before the terminal was taken over
        burst(pilot, "space")
        await until(pilot, lambda: held_back(pilot) > 10)
        go.set()
        page = app.screen
        assert isinstance(page, RunsScreen)
        await until(pilot, lambda: page.table.marked == [4])
        assert page.where == "kind:grpo"


async def test_keys_behind_the_one_that_ends_the_program_go_nowhere(tmp_path: Path) -> None:
    async with opened(fill(tmp_path)) as pilot:
        app = pilot.app
        assert isinstance(app, LeverplusApp)
        stack = list(app._screen_stack)
        app._screen_stack.clear()  # as its end leaves it
        app._typed.append(events.Key("j", "j"))
        await app._pass_all()
        app._screen_stack.extend(stack)
        assert app._exception is None
        assert not app._typed
