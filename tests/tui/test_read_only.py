"""A window that changes nothing: keys, requests of pages and the database refuse, and the home stays as it was."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from db import session
from db.home import Home
from db.schema import SCHEMA
from db.user_error import UserError
from docs.make_keys import bindings, nodes
from leverplus_tui.tui.library import Library
from leverplus_tui.tui.messages import EditLaunch, OpenRun
from leverplus_tui.tui.program.read_only import CHANGES, WORDS
from leverplus_tui.tui.screens.run.page import RunScreen
from leverplus_tui.tui.screens.runs.page import RunsScreen
from tests.helpers_tui import fill, kept, opened, text_of, until

LOOKING = """
answer app.focus_next back bands baseline beside by by_page cancel cell choose columns command_palette compare complete
copy counts cursor curves differences dismiss done drop end expect filter find first_error follow go group grow health
help image info keep large last_view line log mark mark_range match messages mode mouse move next_difference next_tab
offered open option other other_table page picture pin preview previous_tab prompt question quit remove reset restore
reverse reward screen.find screen.first_error screen.follow screen.match scroll scroll_pane seek settings shift shots
sideways smooth sort step swap to_end turn typed views wrap zoom
"""
"""Actions that look, or do something that only the form of a job, itself refused, leads to."""
READS = set(LOOKING.split())


def state(home: Home) -> dict[str, str]:
    """Every file that a person would call theirs; the database's own working files come and go."""
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(home.root.rglob("*"))
        if path.is_file() and not path.name.endswith(("-wal", "-shm"))
    }


@pytest.fixture
def filled(tmp_path: Path) -> Home:
    return fill(tmp_path / "home", n=10)


def test_every_key_is_known_to_look_or_to_change() -> None:
    actions = {one.action.partition("(")[0] for kind in nodes() for one in bindings(kind)}
    changing = {action for action in actions if action.rpartition(".")[2] in CHANGES}
    unknown = actions - READS - changing
    assert not unknown, "put them into CHANGES of leverplus_tui/tui/program/read_only.py, or into READS here"
    assert {action.rpartition(".")[2] for action in changing} | {"screen.pager"} >= CHANGES - {"again"}
    assert not {name.rpartition(".")[2] for name in READS} & CHANGES


async def test_keys_that_change_something_are_refused_and_nothing_changes(filled: Home) -> None:
    async with opened(filled, read_only=True) as pilot:
        before = state(filled)
        assert "read-only" in text_of(pilot).splitlines()[0]
        for key in ("e", "n", "t", "D", "r", "a", "x", "X", "R", "o", "I"):
            await pilot.press(key)
            assert kept(pilot).pop() == WORDS, key
            assert isinstance(pilot.app.screen, RunsScreen), key
            pilot.app.clear_notifications()
            vars(pilot.app)["_messages"].clear()
        pilot.app.post_message(EditLaunch("eval", None))
        await until(pilot, lambda: WORDS in kept(pilot))
        pilot.app.post_message(OpenRun(2))
        await until(pilot, lambda: isinstance(pilot.app.screen, RunScreen))
        await pilot.press("question_mark")
        await until(pilot, lambda: "Everywhere" in text_of(pilot))
        assert "tag the run" not in text_of(pilot)
    assert state(filled) == before
    assert not (filled.root / "terminal.json").exists()


def test_the_database_begins_no_transaction_that_writes(filled: Home) -> None:
    library = Library(filled, read_only=True)
    library.open()
    with pytest.raises(UserError, match="read-only: nothing was changed"):
        library.database.tag((1,), ["paper"])
    library.close()


def test_a_home_of_an_older_program_is_not_migrated(filled: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(sqlite3.connect(filled.database)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = state(filled)
    monkeypatch.setattr(session, "SCHEMA", SCHEMA + 1)
    with pytest.raises(UserError, match=r"older leverplus, .* `leverplus runs`, keeps a copy of it in backups/"):
        Library(filled, read_only=True).open()
    assert state(filled) == before


def test_a_home_without_runs_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not exist"):
        Library(Home(tmp_path / "none"), read_only=True).open()
    assert not (tmp_path / "none").exists()
