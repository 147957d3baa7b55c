"""Pictures of every screen in three sizes and two themes, over fixed rows and a fixed clock.

Write them anew with `LEVERPLUS_PICTURES=write pytest tests/tui/test_screens_pictures.py`, and look at the differences.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Input

from db import rows, store
from db.home import Home
from db.session import open_database, writing
from db.specs import AskSpec, EvalSpec, TrialSpec
from leverplus_tui.data import rl_files
from leverplus_tui.text.language import shown
from leverplus_tui.tui.messages import AskModel, CompareRuns, EditLaunch, OpenCurves, OpenRun
from leverplus_tui.tui.screens.launch.preflight import PreflightReport, PreflightScreen
from leverplus_tui.tui.screens.rl.compare import RLCompareScreen
from leverplus_tui.tui.screens.rl.page import RLDataScreen
from leverplus_tui.tui.screens.sheet import Sheet
from tests import helpers_rl
from tests.helpers_pictures import differences, picture, strips
from tests.helpers_tui import at_rest, fill, opened, settled, text_of, until
from tests.tui.test_preflight_screen import CHECKS, FINDINGS

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
PICTURES = Path(__file__).parent / "pictures"
SIZES = ((80, 24), (120, 36), (200, 50))
THEMES = ("leverplus-dark", "leverplus-light")
Go = Callable[[Pilot[None]], Awaitable[object]]


def keys(typed: str, *words: str) -> Go:
    """Type these keys, then wait until these words stand there."""

    async def go(pilot: Pilot[None]) -> None:
        for key in typed.split():
            await pilot.press(key)
            await settled(pilot)
        await until(pilot, lambda: all(word in text_of(pilot) or shown(word) in text_of(pilot) for word in words))

    return go


def told(message: Callable[[], object], *words: str, typed: str = "") -> Go:
    """Send this message, wait for the words, then type."""

    async def go(pilot: Pilot[None]) -> None:
        pilot.app.post_message(message())  # type: ignore[arg-type]  # one of the app's messages
        await until(pilot, lambda: all(word in text_of(pilot) or shown(word) in text_of(pilot) for word in words))
        await settled(pilot)
        await keys(typed)(pilot)

    return go


def pushed(screen: Callable[[], Screen[bool]]) -> Go:
    """Put this window on top."""

    async def go(pilot: Pilot[None]) -> None:
        await pilot.app.push_screen(screen())

    return go


def page(name: str) -> Go:
    """Open a page that has a name."""

    async def go(pilot: Pilot[None]) -> None:
        before = pilot.app.screen
        await pilot.app.run_action(f"app.page('{name}')")
        await until(pilot, lambda: pilot.app.screen is not before)

    return go


def task(name: str, *words: str) -> Go:
    """Open the window of a task."""

    async def go(pilot: Pilot[None]) -> None:
        await pilot.app.run_action(f"app.task('{name}')")
        await until(pilot, lambda: isinstance(pilot.app.screen, Sheet))
        await until(pilot, lambda: all(word in text_of(pilot) for word in words))

    return go


async def side_by_side(pilot: Pilot[None]) -> None:
    """Two files of RL data."""
    await keys("3 enter", "queries")(pilot)
    shown = pilot.app.screen
    assert isinstance(shown, RLDataScreen)
    helpers_rl.write(Path("other.json"), helpers_rl.pooled(queries=12, seed=5))
    other = replace(shown.row, id=2, path="other.json", name="other")
    await pilot.app.push_screen(RLCompareScreen(shown.library, shown.source, other))
    await until(pilot, lambda: "other" in text_of(pilot) and "query" in text_of(pilot))


SCREENS: dict[str, Go] = {
    "task-report": task("report", "Report of r6"),
    "task-publish": task("publish", "Publish r6"),
    "task-doctor": task("doctor", "variant=v3"),
    "task-backup": task("backup", "Back up this home"),
    "task-restore": task("restore", "Put a backup"),
    "task-gc": task("gc", "What lies on the disk"),
    "task-fsck": task("fsck", "Check this home"),
    "derive-steps": keys("3 enter d", "Derive a new file by"),
    "derive": keys("3 enter d enter", "balanced.min_positive"),
    "palette": keys("ctrl+p", "Search for commands"),
    "rl-compare": side_by_side,
    "empty-runs": keys("", "No runs yet"),
    "empty-compare": keys("2", "Nothing to compare yet"),
    "empty-data": keys("3", "o"),
    "empty-jobs": keys("4", "No jobs yet"),
    "empty-queue": page("queue"),
    "empty-sweeps": page("sweeps"),
    "empty-trash": page("trash"),
    "queue": page("queue"),
    "sweeps": page("sweeps"),
    "trash": page("trash"),
    "runs": keys("j j j", "❯  r3"),
    "runs-group": keys("b", "all but the seed"),
    "run": told(lambda: OpenRun(2), "neighbours"),
    "run-answers": told(lambda: OpenRun(2, "answers"), "2 What colour"),
    "run-metrics": told(lambda: OpenRun(4, "metrics"), "val_loss"),
    "run-log": told(lambda: OpenRun(6, "log"), "1 image missing"),
    "curves": told(lambda: OpenCurves((4,)), "val_loss"),
    "curves-large": told(lambda: OpenCurves((4,)), "val_loss", typed="enter comma"),
    "curves-histogram": told(lambda: OpenCurves((4,)), "val_loss", typed="end enter comma comma"),
    "ask-model": told(lambda: AskModel(2, 1003, 2), "not asked yet", typed="t enter t"),
    "compare": told(lambda: CompareRuns((1, 2, 3)), "better", typed="j j j"),
    "data": keys("3", "answers.json"),
    "rl-data": keys("3 enter", "What is bird"),
    "rl-query": keys("3 enter enter", "reward"),
    "jobs": keys("4", "1 image missing"),
    "launch": told(lambda: EditLaunch("eval", None), "shots"),
    "preflight": pushed(lambda: PreflightScreen(PreflightReport(CHECKS, FINDINGS))),
    "help": keys("question_mark", "In the table"),
    "settings": keys("equals_sign", "enter chooses"),
    "confirm": keys("D", "yes"),
    "ask": keys("t", "baseline paper"),
    "messages": keys("m", "Messages, newest first"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the home lies; tests stand in it and name it relatively, so that pictures know no place."""
    return tmp_path_factory.mktemp("filled")


@pytest.fixture(scope="module")
def made(folder: Path) -> Home:
    home = fill(folder / "home")
    path = helpers_rl.write(folder / "answers.json", helpers_rl.pooled(queries=12))
    with writing(open_database(home.database)) as session:
        store.add_data(
            session, path=path, kind="rl-data", size=path.stat().st_size, sha256=sha256(path.read_bytes()).hexdigest()
        )
        session.run("UPDATE data_file SET path = ?", (path.name,))
    ask_again(home)
    at_rest(home, NOON - timedelta(minutes=10))
    return home


def ask_again(home: Home) -> None:
    """A question of r2 was asked again, by a job that has ended since."""
    pick = {"measure": "probability", "pool": 20, "said": ""}
    first = {"of": 1003, "best": [[1003, 0.41], [1009, 0.33], [1015, 0.12], [1001, 0.02]], "picked": [0.41, 1], **pick}
    after = {"of": None, "best": [[1009, 0.72], [None, 0.2]], "picked": None, **pick}
    reply = rows.TrialReply(1, "green.", "green", 0.0, False, -1.25, 0.1, "p", "r", "", "", (first, after))
    with writing(open_database(home.database)) as session:
        request = TrialSpec(question_id=1003, shot=2, demonstrations=(1003,), question="What shape is it?")
        store.add_trial(session, run_id=2, request=request)
        job = store.create_run(session, spec=AskSpec.about(2, EvalSpec()), environment={}, parent=2).id
        assert job is not None
        process = store.start_process(
            session, run_id=job, pid=1, pid_start="gone", boot_id="gone", host="", argv=[], log_path=""
        )
        assert process.id is not None
        store.take_trial(session, run_id=2, process_id=process.id)
        store.add_rows(session, run_id=job, process_id=process.id, rows=[reply])
        store.end_process(session, process_id=process.id, state="done", exit_code=0)


@pytest.fixture
def filled(made: Home, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.chdir(folder)
    return Home(Path(made.root.name))


@pytest.fixture(autouse=True)
def _one_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same colours, signs, places and time everywhere."""
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("LEVERPLUS_ASCII", "TEXTUAL_THEME", "NO_COLOR", "SSH_CONNECTION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("db.store.lists.filters.now", lambda: int(NOON.timestamp() * 1e6))
    monkeypatch.setattr("leverplus_tui.text.times.now", lambda: NOON)


@pytest.fixture(autouse=True)
def _indexed_here(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(self: rl_files.Indexing) -> None:
        from engine.rl.index import build

        build.main([str(self.path), "--cache", str(self.cache)])

    async def nothing(self: rl_files.RLSource, known: object) -> bool:
        return False

    monkeypatch.setattr(rl_files.Indexing, "start", start)
    monkeypatch.setattr(rl_files.RLSource, "find_dataset", nothing)


@pytest.fixture
def empty(folder: Path, filled: Home) -> Home:
    """A home in which nothing was done yet."""
    (folder / "empty").mkdir(exist_ok=True)
    return Home(Path("empty"))


@pytest.mark.parametrize("name", SCREENS)
async def test_a_screen_looks_as_it_did(name: str, filled: Home, empty: Home, tmp_path: Path) -> None:
    changed = ""
    begins = name.startswith("empty")
    async with opened(empty if begins else filled, SIZES[0]) as pilot:
        await until(pilot, lambda: ("No runs yet" if begins else "neighbours") in text_of(pilot))
        await SCREENS[name](pilot)
        for width, height in SIZES:
            await pilot.resize_terminal(width, height)
            for field in pilot.app.screen.query(Input):
                field.cursor_blink, field._cursor_visible = False, True
            pilot.app.screen.refresh(layout=True)
            drawn = []
            for theme in THEMES:
                pilot.app.theme = theme
                await settled(pilot)
                drawn.append(strips(pilot.app))
            path = PICTURES / f"{name}.{width}x{height}.txt"
            changed += differences(path, picture(drawn), pilot.app.export_screenshot(), tmp_path)
    assert not changed, f"{changed}\n\n{__doc__}"


def test_no_picture_is_of_a_screen_that_is_gone() -> None:
    known = {f"{name}.{width}x{height}.txt" for name in SCREENS for width, height in SIZES}
    assert {path.name for path in PICTURES.iterdir()} == known
