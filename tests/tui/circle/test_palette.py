"""Everything has a name that a person would type, and no two things have one key."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest
from textual.binding import Binding
from textual.fuzzy import Matcher

from db.home import Home
from docs.make_keys import nodes
from leverplus_tui.tui.app import LeverplusApp
from leverplus_tui.tui.messages import CompareRuns
from leverplus_tui.tui.screens.base import PageScreen
from leverplus_tui.tui.screens.comparing.page import CompareScreen
from leverplus_tui.tui.screens.launch.form import LaunchScreen
from tests.helpers_tui import fill, opened, settled, until

ANYWHERE = (
    "queue", "sweep", "trash", "restore", "report", "publish", "mlflow", "wandb", "doctor", "derive", "export", "generate",
    "embed", "train", "grpo", "rce", "evaluate", "backup", "gc", "disk", "fsck", "check", "import", "add", "demo", "help",
    "messages", "settings", "colours", "quit",
)  # fmt: skip
ON_RUNS = ("rerun", "repeat", "resume", "stop", "tag", "delete", "rename", "note", "curves", "compare", "filter")


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return fill(tmp_path_factory.mktemp("filled"), n=10)


def found(titles: Iterable[str], word: str) -> bool:
    """Whether the palette finds something by this word, as a word."""
    return any(Matcher(word).match(title) and word.lower() in title.lower() for title in titles)


async def test_every_task_is_found_by_the_word_for_it_on_every_page(filled: Home) -> None:
    async with opened(filled) as pilot:
        for key in ("1", "3", "4"):
            await pilot.press(key)
            await settled(pilot)
            titles = [one.title for one in pilot.app.get_system_commands(pilot.app.screen)]
            words = ANYWHERE if key == "3" else (*ANYWHERE, "rerun", "resume")
            assert [word for word in words if not found(titles, word)] == [], key
        await pilot.press("1")
        await settled(pilot)
        titles = [one.title for one in pilot.app.get_system_commands(pilot.app.screen)]
        assert [word for word in ON_RUNS if not found(titles, word)] == []


async def test_no_command_stands_in_the_palette_twice(filled: Home) -> None:
    async with opened(filled) as pilot:
        pilot.app.post_message(CompareRuns((1, 2)))
        await until(pilot, lambda: isinstance(pilot.app.screen, CompareScreen))
        for key in ("1", "2", "3", "4", "Q", "W", "T"):
            await pilot.press(key)
            await settled(pilot)
            titles = Counter(one.title for one in pilot.app.get_system_commands(pilot.app.screen))
            assert [title for title, times in titles.items() if times > 1] == [], key


async def test_a_command_of_the_palette_does_what_it_says(tmp_path: Path) -> None:
    async with opened(Home(tmp_path / "home")) as pilot:
        await pilot.press("3")
        await settled(pilot)
        commands = {one.title: one for one in pilot.app.get_system_commands(pilot.app.screen)}
        commands["Generate RL data: propose, answer, score"].callback()
        await until(pilot, lambda: isinstance(pilot.app.screen, LaunchScreen) and pilot.app.screen.kind == "generate")


def keys_of(bindings: Iterable[object]) -> list[str]:
    return [key.strip() for one in bindings if isinstance(one, Binding) for key in one.key.split(",")]


def test_the_keys_of_the_program_are_nobody_elses() -> None:
    ours = set(keys_of(LeverplusApp.BINDINGS))
    pages = [kind for kind in nodes() if issubclass(kind, PageScreen)]
    assert len(pages) > 12
    taken = {kind.__name__: ours & set(keys_of(kind.__dict__.get("BINDINGS", ()))) for kind in pages}
    assert {name: keys for name, keys in taken.items() if keys} == {}


def test_no_page_has_two_actions_on_one_key() -> None:
    for kind in nodes():
        times = Counter(keys_of(kind.__dict__.get("BINDINGS", ())))
        assert [key for key, number in times.items() if number > 1] == [], kind.__name__
