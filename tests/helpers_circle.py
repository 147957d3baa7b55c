"""For tests of pages and windows that hold for the whole program: a queue that nobody works on, windows that are filled in."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from db import store
from db.home import Home
from db.session import DatabaseFile, open_database, reading, writing
from db.specs import EvalSpec
from leverplus_tui.queue import lock, submit
from leverplus_tui.queue import sweep as sweeping
from leverplus_tui.tui.reading.upkeep import Upkeep
from leverplus_tui.tui.screens.sheet import Pick, Sheet
from leverplus_tui.tui.widgets.picking.field import PickField
from tests.helpers_tui import text_of, until


def nobody_dispatches(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is queued stays queued, on a machine with a processor alone."""
    for module in (lock, submit, sweeping):
        monkeypatch.setattr(module, "ensure_dispatcher", lambda home, database: None)
    monkeypatch.setattr(Upkeep, "lanes", {"cpu": 16_000})


def database_of(home: Home) -> DatabaseFile:
    """The home's database."""
    return open_database(home.database)


def queued(home: Home, *names: str, **ticket: int) -> list[int]:
    """Evaluations that wait for the processor, in this order."""
    with writing(database_of(home)) as session:
        run_ids = []
        for name in names:
            run = store.create_run(session, spec=EvalSpec(device="cpu", limit=10), name=name, environment={})
            assert run.id is not None, "a stored run has a key"
            store.enqueue(session, run_id=run.id, device="cpu", **ticket)  # type: ignore[arg-type]  # numbers all
            run_ids.append(run.id)
    return run_ids


def line_of(home: Home) -> list[tuple[int, int, bool]]:
    """(run, priority, paused) of what waits, in its order."""
    with reading(database_of(home)) as session:
        return [(row.run_id, row.priority, row.paused) for row in store.tickets(session) if row.state == "queued"]


async def sheet(pilot: Pilot[None], heading: str) -> Sheet:
    """The window with this heading, ready to be typed into."""
    await until(pilot, lambda: isinstance(pilot.app.screen, Sheet) and heading in text_of(pilot))
    await until(pilot, lambda: isinstance(pilot.app.focused, Input | Pick))
    found = pilot.app.screen
    assert isinstance(found, Sheet)
    return found


def fill_in(shown: Sheet, values: Mapping[str, str]) -> None:
    """Say these values, as typing and stepping would."""
    for name, value in values.items():
        field = shown.query_one(f"#sheet-{name}")
        if isinstance(field, Pick):
            field.action_step([one for one, _ in field.choices].index(value) - field.place)
        else:
            text = field.input if isinstance(field, PickField) else field
            assert isinstance(text, Input)
            text.value = value
