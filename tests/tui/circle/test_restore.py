"""A backup put back from the terminal program: looked into, asked about, restored while no page is open, and opened again."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from db.home import Home
from db.session import open_database, reading
from db.user_error import UserError
from leverplus_tui.commands.home import tui
from leverplus_tui.keeping.backup import back_up, look_into
from leverplus_tui.tui.app import LeverplusApp
from leverplus_tui.tui.memory import Memory
from leverplus_tui.tui.screens.dialogs import Confirm
from tests.helpers_circle import fill_in, sheet
from tests.helpers_tui import draw_images, evaluation, fill, kept, make_home, opened, text_of, until


def names(home: Home) -> list[str]:
    with reading(open_database(home.database)) as session:
        return [name for (name,) in session.rows("SELECT name FROM run ORDER BY id")]


def small(folder: Path, *runs: str) -> Home:
    home = make_home(folder)
    images = draw_images(folder / "images", 2)
    for name in runs:
        evaluation(open_database(home.database), images, name=name, retriever="random", skill=(0.5,), n=4)
    return home


async def test_a_backup_is_asked_for_looked_into_and_left_to_whoever_runs_the_program(tmp_path: Path) -> None:
    home = small(tmp_path / "home", "first")
    file = back_up(home, tmp_path / "monday.tar").path
    async with opened(home, (100, 30)) as pilot:
        app = pilot.app
        assert isinstance(app, LeverplusApp)
        await app.run_action("app.task('restore')")
        shown = await sheet(pilot, "Put a backup in the place of this home")
        await pilot.press("enter")
        assert shown.refused == "file: give one that backup wrote"
        fill_in(shown, {"file": str(file)})
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Confirm) and "with 1 run" in text_of(pilot))
        await pilot.press("n")
        assert app.restoring is None
        await app.run_action("app.task('restore')")
        fill_in(await sheet(pilot, "Put a backup"), {"file": str(file)})
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        await pilot.press("y")
        await until(pilot, lambda: app.restoring == file)


async def test_what_is_no_backup_and_a_home_with_jobs_are_refused_in_a_sentence(tmp_path: Path) -> None:
    home = fill(tmp_path / "home", n=4)
    (tmp_path / "notes.txt").write_text("no archive")
    with tarfile.open(tmp_path / "other.tar", "w") as archive:
        archive.add(tmp_path / "notes.txt", "notes.txt")
    async with opened(home, (100, 30)) as pilot:
        await pilot.app.run_action("app.task('restore')")
        fill_in(await sheet(pilot, "Put a backup"), {"file": str(tmp_path / "other.tar")})
        await pilot.press("enter")
        await until(pilot, lambda: any("r6 at work" in words for words in kept(pilot)))
    for name in ("notes.txt", "other.tar"):
        with pytest.raises(UserError, match="is no whole backup"):
            look_into(Home(tmp_path / "empty"), tmp_path / name)


async def test_what_a_browser_left_is_told_once_on_the_next_page_that_may_write(tmp_path: Path) -> None:
    home = small(tmp_path / "home", "first")
    memory = Memory(home.root)
    memory.keep(notice="Nothing was restored: no room")
    memory.write()
    for read_only, told in ((True, False), (False, True), (False, False)):
        async with opened(home, remembered=True, read_only=read_only) as pilot:
            await until(pilot, lambda: "first" in text_of(pilot))
            assert any("no room" in message for message in kept(pilot)) == told


def test_the_program_begins_anew_on_what_the_backup_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = small(tmp_path / "home", "first")
    file = back_up(home, tmp_path / "monday.tar").path
    small(tmp_path / "home", "second")
    shown: list[tuple[list[str], str]] = []
    asked = iter((file, tmp_path / "gone.tar", None))

    class Program:
        def __init__(self, place: Home, *, said: str, **_: object) -> None:
            shown.append((names(place), said))
            self.restoring = next(asked)

        def run(self) -> None:
            """Nobody looks."""

    monkeypatch.setattr("leverplus_tui.tui.app.LeverplusApp", Program)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    tui.tui(home=home.root)
    assert [found for found, _ in shown] == [["first", "second"], ["first"], ["first"]]
    assert f"This is what {file} holds; the home of before is {tmp_path}" in shown[1][1]
    assert shown[2][1].startswith("Nothing was restored: ")
    (before,) = tmp_path.glob("home-before-restore-*")
    assert names(Home(before)) == ["first", "second"]
