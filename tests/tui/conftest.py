"""What every test of the terminal needs: waiting that a busy machine cannot fool."""

from __future__ import annotations

import pytest
import textual.app
import textual.pilot

from tests.helpers_tui import nothing_left


@pytest.fixture(autouse=True)
def _idle_is_nothing_left_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (textual.app, textual.pilot):
        monkeypatch.setattr(module, "wait_for_idle", nothing_left)
