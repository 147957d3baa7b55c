"""Windows that ask for a text: what is refused keeps the window and the text, and says why in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Static

from leverplus_tui.tui.screens.dialogs import Ask
from tests.helpers_tui import fill, kept, opened, until


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
