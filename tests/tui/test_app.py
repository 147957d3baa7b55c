"""The program as a person meets it: first run, the four modes, help, filter, marks, small windows, errors, messages."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Static

from db.home import Home
from db.session import open_database, writing
from db.specs import UserError
from leverplus_tui.jobs import launcher
from leverplus_tui.text import times
from leverplus_tui.tui.library import Library
from leverplus_tui.tui.messages import CopyText
from leverplus_tui.tui.program.started_runs import StartedRuns
from leverplus_tui.tui.screens.comparing.page import CompareScreen
from leverplus_tui.tui.screens.dialogs import Ask, Confirm, Tell
from leverplus_tui.tui.screens.help import HelpScreen
from leverplus_tui.tui.screens.launch import starting
from leverplus_tui.tui.screens.run.page import RunScreen
from leverplus_tui.tui.screens.runs.page import RunsScreen
from leverplus_tui.tui.screens.sheet import Sheet
from leverplus_tui.tui.widgets.run_view import hidden_words, run_columns
from leverplus_tui.tui.widgets.table import LineTable
from tests.helpers_tui import fill, kept, opened, settled, text_of, until


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """One home for the tests that only look."""
    return fill(tmp_path_factory.mktemp("filled"))


async def test_an_empty_home_says_where_it_is_and_what_can_be_done(tmp_path: Path) -> None:
    async with opened(Home(tmp_path / "home"), (80, 24)) as pilot:
        shown = text_of(pilot)
        assert "No runs yet" in shown
        assert "demo: two small real runs" in shown
        assert "space mark" not in shown
        for key, words in (("2", "Nothing to compare yet"), ("3", "No data registered yet"), ("4", "No jobs yet")):
            await pilot.press(key)
            await settled(pilot)
            assert words in text_of(pilot)


async def test_the_list_shows_figures_with_intervals_states_and_marks(filled: Home) -> None:
    async with opened(filled, (80, 24)) as pilot:
        shown = text_of(pilot)
        assert "6 runs" in shown
        assert "1 running" in shown
        assert "▶ run 50%" in shown
        assert "✗ failed" in shown
        assert "fixed [pair]" in shown
        assert "!cfg+2" in shown
        assert re.search(r"\d\.\d\d \d+–\d+", shown), "few questions have lopsided intervals"
        assert shown.count("random") == 1  # the column of retrievers has no room
        await _help_comes_from_the_table_of_keys(pilot)
        titles = {command.title for command in pilot.app.get_system_commands(pilot.app.screen)}
        assert {"Go to jobs", "Compare the marked runs", "Sort"} <= titles


async def _help_comes_from_the_table_of_keys(pilot: Pilot[None]) -> None:
    await pilot.press("question_mark")
    assert isinstance(pilot.app.screen, HelpScreen)
    keys = pilot.app.screen.sections
    assert list(keys) == ["In the table", "This page", "Everywhere"]
    assert keys["This page"]["compare"] == (["v"], "compare the marked runs")
    assert keys["In the table"]["move(1)"][0] == ["down", "j"]
    signs = [sign for actions in keys.values() for found, _ in actions.values() for sign in found]
    assert {"{", "}"} <= set(signs)
    assert not [sign for sign in signs if "_" in sign[1:]], "a key is shown as it stands on the keyboard"
    await pilot.press("escape")
    assert isinstance(pilot.app.screen, RunsScreen)


async def test_the_list_is_filtered_sorted_and_compared(filled: Home) -> None:
    async with opened(filled, (100, 24)) as pilot:
        page = pilot.app.screen
        assert isinstance(page, RunsScreen)
        await _filter(pilot, page)
        await _sort(pilot, page)
        await _compare(pilot)


async def _filter(pilot: Pilot[None], page: RunsScreen) -> None:
    await pilot.press("slash")
    page.query_one("#filter", Input).value = "kind:grpo"
    await until(pilot, lambda: len(page.listing.ids) == 1)
    await settled(pilot)
    assert "1 of 6" in text_of(pilot)
    page.query_one("#filter", Input).value = "colour:red"
    await until(pilot, lambda: "colour" in str(page.query_one("#filter-error", Static).render()))
    page.query_one("#filter", Input).value = "kind:embed"
    await until(pilot, lambda: "No runs match kind:embed" in text_of(pilot))
    await pilot.press("escape")
    await until(pilot, lambda: len(page.listing.ids) == 6)


async def _sort(pilot: Pilot[None], page: RunsScreen) -> None:
    await pilot.press("s")
    await until(pilot, lambda: "Sort by" in text_of(pilot))
    await pilot.press(*"acc@1", "enter")
    await until(pilot, lambda: page.sort == "acc@1 desc" and page.listing.ids[0] == 2)
    await pilot.press("S")
    await until(pilot, lambda: page.sort == "acc@1 asc" and page.listing.ids[0] != 2)


async def _compare(pilot: Pilot[None]) -> None:
    await pilot.press("v")
    assert "Mark two or more runs" in text_of(pilot)
    table = pilot.app.screen.query_one(LineTable)
    table.move_to(1)
    await pilot.press("space")
    table.move_to(2)
    await pilot.press("space", "v")
    await until(pilot, lambda: isinstance(pilot.app.screen, CompareScreen) and pilot.app.screen.compared)
    assert isinstance(pilot.app.screen, CompareScreen)
    assert pilot.app.screen.run_ids == (1, 2)


async def test_wide_windows_show_what_the_run_under_the_cursor_is(filled: Home) -> None:
    async with opened(filled, (170, 40)) as pilot:
        await pilot.press("j", "j", "j")
        await until(pilot, lambda: "pool-degenerate" in text_of(pilot))
        assert "Use a pool that depends on the query" in text_of(pilot)
        await pilot.press("i")
        assert "pool-degenerate" not in text_of(pilot)


async def test_a_tiny_window_asks_for_room_and_nothing_else(filled: Home) -> None:
    async with opened(filled, (50, 12)) as pilot:
        assert "leverplus needs 60x15 cells, this is 50x12" in text_of(pilot)
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: "neighbours" in text_of(pilot))


async def test_deep_links_open_a_run_and_a_comparison_or_say_why_not(filled: Home) -> None:
    async with opened(filled, run="neighbours") as pilot:
        await until(pilot, lambda: isinstance(pilot.app.screen, RunScreen))
        await until(pilot, lambda: "started" in text_of(pilot))
        assert "r2 neighbours" in text_of(pilot)
        await pilot.press("escape")
        assert isinstance(pilot.app.screen, RunsScreen)
    async with opened(filled, run="r99", compare="r1,r2") as pilot:
        await until(pilot, lambda: "not distinguishable" in text_of(pilot))
        assert any("there is no run 'r99'" in message for message in kept(pilot))


async def test_what_others_write_appears_by_itself(tmp_path: Path) -> None:
    home = fill(tmp_path / "home", n=10)
    async with opened(home, (100, 30)) as pilot:
        engine = open_database(home.database)
        with writing(engine) as session:
            from db import store

            store.rename(session, run_id=1, name="renamed elsewhere")
        engine.dispose()
        await until(pilot, lambda: "renamed elsewhere" in text_of(pilot))


async def test_the_demo_starts_two_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Home] = []

    def launch_demo(home: Home) -> tuple[int, ...]:
        asked.append(home)
        return (1, 2)

    monkeypatch.setattr(starting, "launch_demo", launch_demo)
    async with opened(Home(tmp_path / "home"), (80, 24)) as pilot:
        await pilot.press("d")
        await until(pilot, lambda: "r1, r2 started" in text_of(pilot))
        assert asked


async def test_a_database_of_the_future_is_refused_in_one_sentence(tmp_path: Path) -> None:
    import sqlite3

    home = fill(tmp_path / "home", n=10)
    connection = sqlite3.connect(home.database)
    connection.execute("PRAGMA user_version = 999")
    connection.close()
    from leverplus_tui.tui.app import LeverplusApp

    app = LeverplusApp(home)
    async with app.run_test(size=(100, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, Tell) and "newer leverplus" in text_of(pilot))
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, Tell))
        assert "evaluate" not in text_of(pilot)
        assert "train" not in text_of(pilot).splitlines()[-1]
        await pilot.press("3")
        await until(pilot, lambda: "No data registered" in text_of(pilot))
        assert "o add" not in text_of(pilot).splitlines()[-1]


async def test_stopping_is_asked_and_failures_are_told(filled: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped: list[int] = []

    def stop(_: Home, run_id: int) -> str:
        stopped.append(run_id)
        return "stopped"

    monkeypatch.setattr(launcher, "stop", stop)
    faults: list[Exception] = [UserError("r6 runs on another machine: stop it there"), ValueError("a bug")]

    def resume(_home: Home, _run_id: int) -> None:
        raise faults.pop(0)

    monkeypatch.setattr(launcher, "resume", resume)
    async with opened(filled) as pilot:
        await pilot.press("X")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
        assert "Stop r6 live?" in text_of(pilot)
        await pilot.press("n")
        assert not stopped
        await pilot.press("X")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
        await pilot.press("y")
        await until(pilot, lambda: stopped == [6])
        await until(pilot, lambda: isinstance(pilot.app.screen, RunsScreen))
        await pilot.press("j", "X")
        await until(pilot, lambda: "r5 is failed: nothing to stop" in text_of(pilot))
        await go_on(pilot)
        await until(pilot, lambda: "stop it there" in text_of(pilot))
        await go_on(pilot)
        await until(pilot, lambda: isinstance(pilot.app.screen, Tell))
        assert "ValueError: a bug" in (filled.root / "tui-errors.log").read_text()
        await pilot.press("escape", "m")
        assert "stop it there" in text_of(pilot)


async def test_what_has_no_room_is_named_and_columns_can_be_chosen(filled: Home) -> None:
    async with opened(filled, (70, 24)) as pilot:
        assert "8 columns hidden (c)" in text_of(pilot)
        await pilot.press("c")
        await until(pilot, lambda: "Which columns?" in text_of(pilot))
        assert "take or leave" in text_of(pilot), "the keys of the window stand below a long list"
        await pilot.press(*"acc@0", "space", "ctrl+u", *"acc@1", "space", "enter")
        await until(pilot, lambda: "Which columns?" not in text_of(pilot))
        header = ["id", "name", "kind", "retriever", "acc@2", "n", "state", "flag"]
        await until(pilot, lambda: text_of(pilot).splitlines()[2].split() == header)


async def go_on(pilot: Pilot[None]) -> None:
    """R, and yes to its window."""
    await pilot.press("R")
    await until(pilot, lambda: isinstance(pilot.app.screen, Sheet))
    await pilot.press("enter")


def test_hidden_figures_are_named_and_other_columns_counted() -> None:
    columns = run_columns((0, 1, 2, 4))
    assert hidden_words([]) == ""
    assert hidden_words([column for column in columns if column.key == "kind"]) == "1 column hidden (c)"
    hidden = [column for column in columns if column.key in ("@2", "@4", "kind", "tags")]
    assert hidden_words(hidden) == "acc@2 acc@4 hidden, 2 columns more (c)"


async def test_runs_are_tagged_exported_and_deleted(tmp_path: Path) -> None:
    home = fill(tmp_path / "home", n=10)
    async with opened(home, (120, 36)) as pilot:
        page = pilot.app.screen
        assert isinstance(page, RunsScreen)
        page.table.move_to(2)
        await pilot.press("t")
        await until(pilot, lambda: isinstance(pilot.app.screen, Ask))
        await pilot.press(*"paper", "space", *"-old", "enter")
        await until(pilot, lambda: "r2: paper -old" in text_of(pilot))
        await until(pilot, lambda: page._rows[2].tags == ("paper",))
        page.table.move_to(1)
        await pilot.press("space", "x")
        await until(pilot, lambda: "Export 1 run as" in text_of(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: "Exported" in text_of(pilot))
        lines = (home.root / "exports" / "runs.csv").read_text().splitlines()
        assert len(lines) == 1 + 3
        assert lines[1].startswith("r1,random,eval,done,False,builtin")
        await pilot.press("D")
        await until(pilot, lambda: "Delete r1?" in text_of(pilot))
        await pilot.press("n")
        assert 1 in page.listing.ids
        await pilot.press("D")
        await until(pilot, lambda: "Delete r1?" in text_of(pilot))
        await pilot.press("y")
        await until(pilot, lambda: 1 not in page.listing.ids and not page.table.marked)
        assert any("T shows the trash" in message for message in kept(pilot))


async def test_a_run_is_renamed_and_noted_from_the_list(filled: Home) -> None:
    async with opened(filled, (120, 36)) as pilot:
        page = pilot.app.screen
        assert isinstance(page, RunsScreen)
        page.table.move_to(2)
        await pilot.press("f2")
        await until(pilot, lambda: "New name of r2" in text_of(pilot))
        await pilot.press("home", "ctrl+k", *"mine", "enter")
        await until(pilot, lambda: page._rows[2].name == "mine")
        await pilot.press("a")
        await until(pilot, lambda: "Note about r2" in text_of(pilot))
        await pilot.press(*"odd", "enter")
        await until(pilot, lambda: page.library.database.note(2) == "odd")


async def test_a_run_is_renamed_and_noted_on_its_page(filled: Home) -> None:
    async with opened(filled, (120, 36)) as pilot:
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, RunScreen) and pilot.app.screen.detail is not None)
        page = pilot.app.screen
        assert isinstance(page, RunScreen)
        await pilot.press("f2")
        await until(pilot, lambda: "New name of" in text_of(pilot))
        await pilot.press("end", *"-x", "enter")
        await until(pilot, lambda: page.detail is not None and page.detail.row.name.endswith("-x"))
        await pilot.press("a")
        await until(pilot, lambda: "Note about" in text_of(pilot))
        await pilot.press(*"odd", "enter")
        await until(pilot, lambda: page.detail is not None and page.detail.note == "odd")
        await until(pilot, lambda: "odd" in text_of(pilot))
        await pilot.press("a")
        await until(pilot, lambda: "Note about" in text_of(pilot))
        await pilot.press("home", "ctrl+k", "enter")
        await until(pilot, lambda: page.detail is not None and page.detail.note == "")


async def test_the_demonstration_is_asked_for_where_there_are_runs(
    filled: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(starting, "launch_demo", lambda home: pytest.fail("nobody said yes"))
    async with opened(filled) as pilot:
        await pilot.press("d")
        await until(pilot, lambda: "Start the demonstration?" in text_of(pilot))
        await pilot.press("n")


async def test_one_goes_to_the_list_and_minus_to_the_view_before(filled: Home) -> None:
    async with opened(filled) as pilot:
        await pilot.press("minus")
        assert "no view before this one" in kept(pilot)[-1]
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, RunScreen) and pilot.app.screen.detail is not None)
        await pilot.press("tab", "1")
        await until(pilot, lambda: isinstance(pilot.app.screen, RunsScreen))
        await pilot.press("minus")
        await until(pilot, lambda: isinstance(pilot.app.screen, RunScreen) and pilot.app.screen.tab == "metrics")
        await pilot.press("minus")
        await until(pilot, lambda: isinstance(pilot.app.screen, RunsScreen))
        await pilot.press("2", "escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, RunsScreen))
        await pilot.press("minus")
        await until(pilot, lambda: isinstance(pilot.app.screen, CompareScreen))


async def test_the_end_of_what_was_started_here_is_told(filled: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launcher, "resume", lambda home, run_id: None)
    async with opened(filled) as pilot:
        page = pilot.app.screen
        assert isinstance(page, RunsScreen)
        page.table.move_to(5)
        await go_on(pilot)
        await until(pilot, lambda: any("r5 broken failed again: its log says more" in text for text in kept(pilot)))


def test_only_runs_that_ended_are_told_and_each_once(filled: Home) -> None:
    library = Library(filled)
    library.open()
    started = StartedRuns()
    started.add([1, 6])
    started.add([5], again=True)
    said = started.ended(library)
    assert said == [("r1 random is done", False), ("r5 broken failed again: its log says more", True)]
    assert started
    assert started.ended(library) == []
    library.close()


async def test_ages_grow_while_nothing_happens(filled: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(filled, (200, 36)) as pilot:
        page = pilot.app.screen
        assert isinstance(page, RunsScreen)
        later = times.now() + timedelta(hours=2)
        monkeypatch.setattr(times, "now", lambda: later)
        assert "2h0" not in text_of(pilot)
        page._grow_older()
        await until(pilot, lambda: "2h0" in text_of(pilot))
        await pilot.press("4")
        await settled(pilot)
        later += timedelta(hours=3)
        page._grow_older()  # hidden now, so that nothing is done
        assert "5h0" not in str(page.table._rows)


async def test_the_palette_has_our_commands_alone(filled: Home) -> None:
    async with opened(filled) as pilot:
        titles = {command.title for command in pilot.app.get_system_commands(pilot.app.screen)}
    assert {"Choose colours", "Quit (jobs go on)", "Go to jobs"} <= titles
    assert not titles & {"Focus Next", "Focus Previous", "Maximize", "Screenshot", "Keys", "Copy selected text"}


async def test_a_long_copy_is_told_by_its_length(filled: Home) -> None:
    async with opened(filled) as pilot:
        pilot.app.post_message(CopyText("a\nb\nc\n", "the comparison"))
        await until(pilot, lambda: "Copied the comparison, 3 lines" in kept(pilot))
        pilot.app.post_message(CopyText("leverplus run", "the command"))
        await until(pilot, lambda: "Copied the command: leverplus run" in kept(pilot))


async def test_help_scrolls_to_its_end(filled: Home) -> None:
    async with opened(filled, (80, 24)) as pilot:
        await pilot.press("question_mark", "G")
        await until(pilot, lambda: "messages so far" in text_of(pilot))
        await pilot.press("g")
        await until(pilot, lambda: "This page" in text_of(pilot))
