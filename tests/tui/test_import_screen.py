"""Importing in the terminal: the reading is shown, can be completed, and is stored after a yes alone."""

from __future__ import annotations

from pathlib import Path

from textual.screen import Screen
from textual.widgets import Input, Static

from db import store
from db.home import Home
from db.session import open_database, reading
from leverplus_tui.tui.screens.dialogs import Ask
from leverplus_tui.tui.screens.files.importing import ConfirmReading
from leverplus_tui.tui.screens.runs.page import RunsScreen
from tests.helpers_tui import opened, text_of, until

REPORTS = Path(__file__).parent.parent / "engine" / "figures" / "reports"


def said_in(screen: Screen[object]) -> str:
    """What a dialog says of a text that it refused."""
    return " ".join(str(screen.query_one("#refused", Static).content).split()) if isinstance(screen, Ask) else ""


async def test_a_report_is_shown_completed_and_stored(tmp_path: Path) -> None:
    async with opened(Home(tmp_path / "home"), (120, 36)) as pilot:
        await pilot.press("I")
        await until(pilot, lambda: isinstance(pilot.app.screen, Ask) and isinstance(pilot.app.focused, Input))
        pilot.app.screen.query_one(Input).value = str(REPORTS / "columns_of_models.md")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, ConfirmReading))
        assert "accuracies of V4-6 STOP" in text_of(pilot)
        assert "24 figures in 3 runs" in text_of(pilot)
        await pilot.press("d")
        await until(pilot, lambda: isinstance(pilot.app.screen, Ask) and isinstance(pilot.app.focused, Input))
        pilot.app.screen.query_one(Input).value = "okvqa"
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, ConfirmReading))
        shown = pilot.app.screen
        assert isinstance(shown, ConfirmReading)
        assert any("OKVQA" in line for line in shown.lines)
        assert not any("--dataset" in line for line in shown.lines)
        await pilot.press("y")
        await until(pilot, lambda: "V4-6 STOP" in text_of(pilot) and not isinstance(pilot.app.screen, ConfirmReading))
        assert "3 runs" in text_of(pilot)


async def test_what_is_lacking_is_asked_for_by_keys_and_refused_where_it_can_be_said(tmp_path: Path) -> None:
    answers = tmp_path / "answers.json"
    answers.write_text('[{"question_id": 1, "answer": "dog"}]')
    async with opened(Home(tmp_path / "home"), (120, 36)) as pilot:
        await pilot.press("I")
        await until(pilot, lambda: isinstance(pilot.app.screen, Ask) and isinstance(pilot.app.focused, Input))
        pilot.app.screen.query_one(Input).value = str(answers)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, ConfirmReading))
        await pilot.press("y")
        await until(pilot, lambda: "give the data set with d" in " ".join(text_of(pilot).split()))
        await pilot.press("s")
        await until(pilot, lambda: isinstance(pilot.app.screen, Ask) and isinstance(pilot.app.focused, Input))
        await pilot.press("x", "enter")
        await until(pilot, lambda: "no number of demonstrations" in said_in(pilot.app.screen))
        await pilot.press("backspace", "2", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, ConfirmReading) and "shots: 2" in text_of(pilot))


async def test_a_reading_that_is_left_stores_nothing_and_a_refusal_is_told(tmp_path: Path) -> None:
    async with opened(Home(tmp_path / "home"), (80, 24)) as pilot:
        for path, key in ((REPORTS / "wide_by_shot.md", "n"), (tmp_path / "gone.md", "")):
            await pilot.press("I")
            await until(pilot, lambda: isinstance(pilot.app.screen, Ask) and isinstance(pilot.app.focused, Input))
            pilot.app.screen.query_one(Input).value = str(path)
            await pilot.press("enter")
            if key:
                await until(pilot, lambda: isinstance(pilot.app.screen, ConfirmReading))
                await pilot.press(key)
                await until(pilot, lambda: isinstance(pilot.app.screen, RunsScreen))
        await until(pilot, lambda: "does not exist" in said_in(pilot.app.screen))
        assert pilot.app.screen.query_one(Input).value == str(tmp_path / "gone.md")
        with reading(open_database(Home(tmp_path / "home").database)) as session:
            assert store.count_runs(session) == 0
