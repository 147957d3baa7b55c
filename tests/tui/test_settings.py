"""What can be told to the program: keys, colours, the mouse, sizes of panes; the line that says what runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot

from db.home import Home
from leverplus_tui.tui.app import LeverplusApp
from leverplus_tui.tui.messages import RunsLaunched
from leverplus_tui.tui.program.keymap import read_keymap
from leverplus_tui.tui.screens.curves import CurvesScreen
from leverplus_tui.tui.screens.runs.page import RunsScreen
from leverplus_tui.tui.screens.settings import SettingsScreen
from leverplus_tui.tui.screens.waiting.jobs import JobsScreen
from tests.helpers_tui import fill, kept, opened, settled, text_of, until


@pytest.fixture(autouse=True)
def _no_keys_of_mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return fill(tmp_path_factory.mktemp("filled"), n=10)


def test_keys_are_read_from_both_files_and_the_homes_wins(tmp_path: Path) -> None:
    config = tmp_path / "config" / "leverplus"
    config.mkdir(parents=True)
    (config / "keymap.toml").write_text('"runs.compare" = "V"\n[run]\nstop = "ctrl+x"\n')
    (tmp_path / "keymap.toml").write_text('"runs.compare" = "K"\n"runs.sort" = 3\n')
    keys, problems = read_keymap(tmp_path)
    assert keys == {"runs.compare": "K", "run.stop": "ctrl+x"}
    assert len(problems) == 1
    assert "runs.sort" in problems[0]
    (tmp_path / "keymap.toml").write_text("no toml")
    keys, problems = read_keymap(tmp_path)
    assert keys["runs.compare"] == "V"
    assert "is left out" in problems[0]


async def test_a_key_of_the_users_own_does_what_its_id_says(tmp_path: Path) -> None:
    home = fill(tmp_path / "home", n=10)
    (home.root / "keymap.toml").write_text('"run.curves" = "K"\n"help" = 7\n')
    async with opened(home) as pilot:
        assert any("help must be a key" in message for message in kept(pilot))
        await pilot.press("K")
        await until(pilot, lambda: isinstance(pilot.app.screen, CurvesScreen))


async def test_settings_are_shown_and_changed(filled: Home) -> None:
    async with opened(filled) as pilot:
        await pilot.press("equals_sign")
        assert isinstance(pilot.app.screen, SettingsScreen)
        shown = text_of(pilot)
        assert "leverplus-dark" in shown
        assert "as they come" in shown
        page = pilot.app.screen_stack[0]
        assert isinstance(page, RunsScreen)
        page.library.memory.keep(pinned=[1])
        await pilot.press("G", "enter")
        assert page.library.memory.now.pinned == []
        await pilot.press("escape")


async def test_panes_grow_shrink_and_keep_their_size(filled: Home) -> None:
    async with opened(filled, (120, 40)) as pilot:
        pane = pilot.app.screen.query_one("#info")
        before = pane.outer_size.height
        await pilot.press("plus", "plus")
        await until(pilot, lambda: pane.outer_size.height == before + 4)
        await pilot.press(*["underscore"] * 20)
        await until(pilot, lambda: pane.outer_size.height == 4)
        await pilot.press("4")
        await settled(pilot)
        job = pilot.app.screen.query_one("#job")
        wide = job.outer_size.width
        await pilot.press("plus")
        await until(pilot, lambda: job.outer_size.width == wide + 6)
    async with opened(filled, (120, 40), remembered=True) as pilot:
        await until(pilot, lambda: isinstance(pilot.app.screen, JobsScreen))
        await until(pilot, lambda: pilot.app.screen.query_one("#job").outer_size.width == wide + 6)


async def test_every_line_above_says_what_runs(filled: Home) -> None:
    async with opened(filled) as pilot:
        for key in ("2", "3", "1"):
            await pilot.press(key)
            await until(pilot, lambda: "▶ 1 running" in text_of(pilot).splitlines()[0])


async def test_the_lists_put_their_cursor_on_what_was_started(filled: Home) -> None:
    async with opened(filled) as pilot:
        await pilot.press("4")
        await settled(pilot)
        pilot.app.post_message(RunsLaunched((3,)))
        jobs = pilot.app.screen
        assert isinstance(jobs, JobsScreen)
        await until(pilot, lambda: jobs.table.cursor_key == 3)
        await pilot.press("1")
        runs = pilot.app.screen
        assert isinstance(runs, RunsScreen)
        await until(pilot, lambda: runs.table.cursor_key == 3)


async def test_the_comparison_asked_for_on_the_command_line_never_says_that_there_is_none(filled: Home) -> None:
    said: list[str] = []

    def shows(pilot: Pilot[None], words: str) -> bool:
        said.append(text_of(pilot))
        return words in said[-1]

    app = LeverplusApp(filled, compare="r1,r2")
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: shows(pilot, "settings that differ"))
    assert not any("Nothing to compare yet" in text for text in said)


async def test_without_colours_curves_have_numbers(filled: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with opened(filled) as pilot:
        page = pilot.app.screen
        assert isinstance(page, RunsScreen)
        page.table.move_to(4)
        await pilot.press("C")
        await until(pilot, lambda: "1 r4 grpo-k64" in text_of(pilot))


@pytest.mark.parametrize("key", ["1", "2", "3", "4"])
async def test_the_smallest_window_shows_every_mode(filled: Home, key: str) -> None:
    async with opened(filled, (60, 15)) as pilot:
        await pilot.press(key)
        await settled(pilot)
        lines = text_of(pilot).splitlines()
        assert "leverplus needs" not in lines[1]
        assert "? keys" in lines[-1]


@pytest.mark.parametrize("size", [(80, 24), (60, 15), (200, 50)])
async def test_how_a_setting_is_changed_is_never_cut(tmp_path: Path, size: tuple[int, int]) -> None:
    async with opened(fill(tmp_path), size=size) as pilot:
        await pilot.press("equals_sign", "down", "down", "down")
        await settled(pilot)
        assert "curves get numbers" in " ".join(text_of(pilot).split())
        assert "❯  colour at all" in text_of(pilot)
