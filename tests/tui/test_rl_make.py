"""New files from the RL data in view: exported, derived, registered; a refusal is told and nothing is written."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from db import store
from db.home import Home
from db.session import open_database, writing
from engine.rl.index import build as rl_index
from engine.rl.reading.file import read_rl_file
from engine.rl.writing.steps import STEPS as KNOWN
from leverplus_tui.data.rl_files import Indexing
from leverplus_tui.tui.screens.choosing import Choose, ChooseMany
from leverplus_tui.tui.screens.dialogs import Confirm, Tell
from leverplus_tui.tui.screens.rl.page import RLDataScreen
from leverplus_tui.tui.screens.sheet import Sheet
from leverplus_tui.tui.tasks import making
from leverplus_tui.tui.tasks.making import WORDS
from tests import helpers_rl
from tests.helpers_tui import burst, held_back, kept, opened, settled, text_of, until


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    def start(self: Indexing) -> None:
        rl_index.main([str(self.path), "--cache", str(self.cache)])

    monkeypatch.setattr(Indexing, "start", start)
    home = Home(tmp_path / "home")
    home.root.mkdir()
    path = helpers_rl.write(tmp_path / "mine.json", helpers_rl.strict())
    engine = open_database(home.database)
    with writing(engine) as session:
        store.add_data(session, path=path, kind="rl-data", size=path.stat().st_size, sha256="0" * 64)
    engine.dispose()
    return home


async def open_file(pilot: Pilot[None]) -> None:
    await pilot.press("3")
    await settled(pilot)
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(pilot.app.screen, RLDataScreen))
    await settled(pilot)


async def wait_for(pilot: Pilot[None], kind: type) -> None:
    await until(pilot, lambda: isinstance(pilot.app.screen, kind))
    await settled(pilot)


async def test_an_export_is_written_registered_and_told(home: Home) -> None:
    async with opened(home) as pilot:
        await open_file(pilot)
        await pilot.press("x")
        await wait_for(pilot, Choose)
        await pilot.press("j", "j", "enter")
        await wait_for(pilot, Sheet)
        assert pilot.app.screen.query_one(Input).value == str(home.root / "exports" / "mine.jsonl")
        await pilot.press("enter")
        await wait_for(pilot, Tell)
        assert "registered as d2" in text_of(pilot)
    assert len(read_rl_file(home.root / "exports" / "mine.jsonl").query_ids) == 10


async def test_what_is_written_outlives_its_page_and_is_told_elsewhere(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = threading.Event()
    run = making._run

    def held(*arguments: Any) -> Any:
        go.wait(60)
        return run(*arguments)

    monkeypatch.setattr(making, "_run", held)
    async with opened(home) as pilot:
        await open_file(pilot)
        burst(pilot, "x", "j", "j", "enter", "enter", "escape")
        await until(
            pilot, lambda: not held_back(pilot) and not isinstance(pilot.app.screen, RLDataScreen | Sheet | Choose)
        )
        go.set()
        await until(pilot, lambda: any("registered as d2" in message for message in kept(pilot)))
    assert len(read_rl_file(home.root / "exports" / "mine.jsonl").query_ids) == 10


async def test_a_derivation_names_its_steps_and_leaves_the_original(home: Home, tmp_path: Path) -> None:
    before = (tmp_path / "mine.json").read_bytes()
    async with opened(home) as pilot:
        await open_file(pilot)
        await pilot.press("d")
        await wait_for(pilot, ChooseMany)
        await pilot.press("g", "space", "enter")
        await wait_for(pilot, Sheet)
        await pilot.press("enter")
        await wait_for(pilot, Tell)
        shown = text_of(pilot)
        assert "balanced" in shown
        assert "registered as d2" in shown
    derived = home.root / "exports" / "mine.rescore.balanced.json"
    steps = json.loads(derived.read_text())["_meta"]["lineage"]["steps"]
    assert [step["step"] for step in steps] == ["rescore", "balanced"]
    assert (tmp_path / "mine.json").read_bytes() == before


async def test_a_file_that_is_there_already_is_not_written_over(home: Home) -> None:
    there = home.root / "exports" / "mine.r2.json"
    there.parent.mkdir()
    there.write_text("precious")
    async with opened(home) as pilot:
        await open_file(pilot)
        await pilot.press("x")
        await wait_for(pilot, Choose)
        await pilot.press("enter")
        await wait_for(pilot, Sheet)
        await pilot.press("enter")
        await wait_for(pilot, Confirm)
        await pilot.press("n")
        await wait_for(pilot, RLDataScreen)
    assert there.read_text() == "precious"


def test_the_steps_offered_are_those_there_are() -> None:
    assert set(WORDS) == set(KNOWN)


async def test_a_derivation_takes_parameters_and_what_is_merged_in(home: Home, tmp_path: Path) -> None:
    with writing(open_database(home.database)) as session:
        more = helpers_rl.write(tmp_path / "more.json", helpers_rl.strict(seed=3))
        store.add_data(session, path=more, kind="rl-data", size=more.stat().st_size, sha256="1" * 64)
    async with opened(home, (120, 40)) as pilot:
        await open_file(pilot)
        await pilot.press("d")
        await wait_for(pilot, ChooseMany)
        await pilot.press("enter")
        await wait_for(pilot, Sheet)
        sheet = pilot.app.screen
        assert isinstance(sheet, Sheet)
        await pilot.press("down", *"mi")
        await until(pilot, lambda: [entry.value for entry in sheet.offers] == ["mine"])
        await pilot.press("down", "enter", *"many", "enter")
        assert "balanced.min_positive=many: input should be a valid integer" in sheet.refused
        await pilot.press(*["backspace"] * 4, "2", "enter")
        await wait_for(pilot, Tell)
        assert "registered as d3" in text_of(pilot)
    lineage = json.loads((home.root / "exports" / "more.balanced.json").read_text())["_meta"]["lineage"]
    assert lineage["steps"][0]["parameters"] == {"min_positive": 2, "min_negative": 1}
    assert {Path(one["source"]).name for one in lineage["merged"]} == {"mine.json", "more.json"}


async def test_nothing_to_do_is_said_before_the_window_closes(home: Home) -> None:
    async with opened(home) as pilot:
        await open_file(pilot)
        await pilot.press("d")
        await wait_for(pilot, ChooseMany)
        await pilot.press("G", "k", "space", "enter")
        await wait_for(pilot, Sheet)
        sheet = pilot.app.screen
        assert isinstance(sheet, Sheet)
        await pilot.press("enter")
        assert "there is nothing to do" in sheet.refused
        await pilot.press("down", *"nowhere", "enter")
        assert "nothing is registered by that name" in sheet.refused
