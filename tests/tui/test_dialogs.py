"""Windows that ask for a text: what is refused keeps the window and the text, and says why in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Static

from leverplus_tui.text import language
from leverplus_tui.tui.memory import ListView
from leverplus_tui.tui.screens.choosing import Choose, ChooseMany
from leverplus_tui.tui.screens.dialogs import Ask, Confirm
from leverplus_tui.tui.screens.runs.page import RunsScreen
from tests.helpers_tui import fill, kept, opened, text_of, until


@pytest.mark.parametrize(
    ("key", "typed", "refusal", "mended"),
    [("t", 'good a"b', "cannot be a tag", "good"), ("r", "  ", "give at least one letter", "better")],
)
async def test_a_refused_text_keeps_its_window(tmp_path: Path, key: str, typed: str, refusal: str, mended: str) -> None:
    async with opened(fill(tmp_path / "home", n=4)) as pilot:
        field = await asked(pilot, key)
        field.value = typed
        await pilot.press("enter")
        await until(pilot, lambda: refusal in str(pilot.app.screen.query_one("#refused", Static).content))
        assert pilot.app.focused is field
        assert field.value == typed
        field.value = mended
        await pilot.press("enter")
        await until(pilot, lambda: any(mended in message for message in kept(pilot)))
        assert not isinstance(pilot.app.screen, Ask)


async def asked(pilot: Pilot[None], key: str) -> Input:
    """The field of the window that a key opens."""
    await pilot.press(key)
    await until(pilot, lambda: isinstance(pilot.app.screen, Ask) and isinstance(pilot.app.focused, Input))
    return pilot.app.screen.query_one(Input)


async def test_enter_is_never_mute(tmp_path: Path) -> None:
    """Where it does nothing it says what does: nothing taken, nothing that holds the words, a question of yes or no."""
    async with opened(fill(tmp_path / "home", n=4)) as pilot:
        await pilot.press("b")
        await until(pilot, lambda: isinstance(pilot.app.screen, ChooseMany))
        await pilot.press("enter")
        await until(pilot, lambda: any("space takes the line" in message for message in kept(pilot)))
        assert isinstance(pilot.app.screen, ChooseMany)
        await pilot.press("escape", "s")
        await until(pilot, lambda: isinstance(pilot.app.screen, Choose))
        await pilot.press(*"zzzz", "enter")
        await until(pilot, lambda: any("holds these words" in message for message in kept(pilot)))
        await pilot.press("escape", "D")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
        await pilot.press("enter")
        await until(pilot, lambda: any("y says yes" in message for message in kept(pilot)))
        assert isinstance(pilot.app.screen, Confirm)


async def test_groups_end_where_all_settings_are_taken_off(tmp_path: Path) -> None:
    async with opened(fill(tmp_path / "home", n=4)) as pilot:
        for _ in range(2):
            await pilot.press("b")
            await until(pilot, lambda: isinstance(pilot.app.screen, ChooseMany))
            await pilot.press("space", "enter")
            await until(pilot, lambda: not isinstance(pilot.app.screen, ChooseMany))
        await until(pilot, lambda: "grouped" not in text_of(pilot))


async def test_a_view_with_a_name_is_gone_to_and_forgotten_in_chinese_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is chosen is a value, which no language changes."""
    monkeypatch.setenv("LEVERPLUS_LANG", "zh")
    async with opened(fill(tmp_path / "home", n=4)) as pilot:
        page = pilot.app.screen
        assert isinstance(page, RunsScreen)
        page.library.memory.keep(views={"mine": ListView(where="kind:grpo")})
        await pilot.press("w")
        await until(pilot, lambda: isinstance(pilot.app.screen, Choose))
        await pilot.press("enter")
        await until(pilot, lambda: "kind:grpo" in text_of(pilot))
        await pilot.press("w")
        await until(pilot, lambda: isinstance(pilot.app.screen, Choose))
        await pilot.press("end", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, Choose) and len(pilot.app.screen.choices) == 1)
        await pilot.press("enter")
        await until(pilot, lambda: not page.library.memory.now.views)
    language.choose("en")
