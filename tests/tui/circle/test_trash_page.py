"""The trash page: what deleted runs hold, bringing them back, erasing them after a question."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot

from db import store
from db.home import Home
from db.session import reading, writing
from leverplus_tui.tui.screens.dialogs import Confirm
from leverplus_tui.tui.screens.keeping.trash import TrashScreen
from leverplus_tui.tui.screens.runs.page import RunsScreen
from tests.helpers_circle import database_of
from tests.helpers_tui import arrived, fill, kept, opened, text_of, until


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Two deleted runs (r1, r2), the first with a file of 2 kB."""
    home = fill(tmp_path / "home", n=10)
    folder = home.run_dir(1)
    folder.mkdir(parents=True)
    (folder / "notes.bin").write_bytes(bytes(2000))
    with writing(database_of(home)) as session:
        store.soft_delete(session, run_ids=[1, 2])
    return home


def states(home: Home) -> dict[int, str]:
    with reading(database_of(home)) as session:
        return store.states(session, run_ids=[1, 2, 3])


async def the_page(pilot: Pilot[None]) -> TrashScreen:
    await pilot.press("T")
    return await arrived(pilot, TrashScreen)


async def test_runs_are_brought_back_alone_and_marked(home: Home) -> None:
    async with opened(home, (80, 24)) as pilot:
        page = await the_page(pilot)
        assert "2 deleted runs, 2.0 kB on disk" in text_of(pilot)
        page.table.move_to(1)
        await pilot.press("R")
        await until(pilot, lambda: "r1 brought back" in kept(pilot) and list(page.table.keys) == [2])
        assert states(home)[1] == "done"
        await pilot.press("space", "R")
        await until(pilot, lambda: "The trash is empty" in text_of(pilot))
        await pilot.press("R", "X", "E", "escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, RunsScreen))
        await until(pilot, lambda: "neighbours" in text_of(pilot))


async def test_erasing_asks_and_frees_the_disk(home: Home) -> None:
    async with opened(home, (80, 24)) as pilot:
        page = await the_page(pilot)
        await pilot.press("E")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
        await pilot.press("n")
        assert len(page.table.keys) == 2
        page.table.move_to(1)
        await pilot.press("X")
        await until(pilot, lambda: "Erase r1 for ever?" in text_of(pilot))
        await pilot.press("y")
        await until(pilot, lambda: any("1 run erased, 2.0 kB free" in words for words in kept(pilot)))
        await until(pilot, lambda: list(page.table.keys) == [2])
    assert states(home) == {2: "deleted", 3: "done"}
    assert not home.run_dir(1).exists()


async def test_a_deleted_run_can_be_read_before_it_is_erased(home: Home) -> None:
    async with opened(home, (120, 36)) as pilot:
        page = await the_page(pilot)
        page.table.move_to(1)
        await pilot.press("enter")
        await until(pilot, lambda: "r1 random" in text_of(pilot) and "Made of" in text_of(pilot))
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.screen is page)
