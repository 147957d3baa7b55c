"""What every test of the terminal needs: waiting that a busy machine cannot fool."""

from __future__ import annotations

import pytest
import textual.app
import textual.pilot

from leverplus_tui.tui.program import ordered_keys
from tests.helpers_tui import held_back, nothing_left, until


@pytest.fixture(autouse=True)
def _idle_is_nothing_left_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (textual.app, textual.pilot):
        monkeypatch.setattr(module, "wait_for_idle", nothing_left)


@pytest.fixture(autouse=True)
def _keys_wait_as_long_as_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ordered_keys, "HOLD_S", 60.0)
    press = textual.pilot.Pilot.press

    async def pressed(pilot: textual.pilot.Pilot[None], *keys: str) -> None:
        await press(pilot, *keys)
        await until(pilot, lambda: not held_back(pilot))

    monkeypatch.setattr(textual.pilot.Pilot, "press", pressed)
