"""Every screen in Chinese over fixed rows: no English sentence is left on it, and wide signs stand in line."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.cells import cell_len
from textual.pilot import Pilot

from db.home import Home
from leverplus_tui.text import language
from leverplus_tui.tui.messages import Begin, CompareRuns, EditLaunch, OpenRun
from tests.helpers_tui import make_home, opened, settled, text_of, until
from tests.tui import test_screens_pictures as pictures

folder, made, filled = pictures.folder, pictures.made, pictures.filled
one_terminal, indexed_here = pictures._one_terminal, pictures._indexed_here

ENGLISH = re.compile(r"[A-Za-z][A-Za-z'’]+(?:[,;:]? [A-Za-z'’]+)+")
"""Two words or more, one after another."""
STORED = (
    r"What .*?(?:\?|…|  |$)", r"\b\w+, \w+ x\d", r"\b\w+ x\d+", r"yellow, grey",  # questions and answers
    r"leverplus [\w .=-]*", r"--[a-z-]+(?: \w+)?", r"\b(?:eval|rce|grpo) \w+", r"\b(?:created|id) (?:asc|desc)",
    r"\b(?:retriever|variant) \w+", r"\b(?:dataset|vlm) sha\b", r"log p\b", r"![a-z]+(?: [!\w]+)*", r"base \w+",
    r"(?:hidden-dim|pool)[ -]\w+", r"\w+ (?:vqaEval|synth)", r"cpu r\d", r"auto: \w+", r"left right",  # codes, kinds, fields
    r"\b(?:down|up|home|end) [jkgG]\b", r"INFO answered", r"image missing", r"baseline paper", r"same (?:fixed|synth)",
    r"What is wrong.*", r"in a long sentence", r"long sentence", r"is wrong.*", r"Mend it.*", r"pool size",
    r"run (?:rce|grpo)\b", r"variant, encoder", r"to sqlite", r"\w+_\w+(?:, \w+)*", r"Answer the last.*", r"Short answer",
    r"Reply as.*", r"Use the images.*", r"Use a\b.*", r"depends on the query.*", r"What (?:colo|is|sha)[\w \[\]/]*",
)  # fmt: skip
"""What is stored, typed or called so: questions, answers, names, commands, fields, codes, and findings that tests made up."""


def opened_as(kind: str) -> pictures.Go:
    return pictures.told(lambda: EditLaunch(kind, None))


def task(name: str) -> pictures.Go:
    async def go(pilot: Pilot[None]) -> None:
        before = pilot.app.screen
        pilot.app.post_message(Begin(name))
        await until(pilot, lambda: pilot.app.screen is not before)

    return go


MORE: dict[str, pictures.Go] = {
    **{f"launch-{kind}": opened_as(kind) for kind in ("rce", "grpo", "generate", "embed")},
    **{f"task-{name}": task(name) for name in ("report", "publish", "doctor", "backup", "restore", "gc", "fsck")},
    "palette": pictures.keys("ctrl+p"),
    "columns": pictures.keys("c"),
    "sort": pictures.keys("s"),
    "views": pictures.keys("w"),
    "add": pictures.keys("o"),
    "export": pictures.keys("x"),
    "compare-foot": pictures.told(lambda: CompareRuns((1, 2, 3)), "better", typed="G"),
    "config": pictures.told(lambda: OpenRun(2, "config")),
    "files": pictures.told(lambda: OpenRun(4, "files")),
}
WAITS_IN_ENGLISH = re.compile("task-|empty-|rl-compare|palette")
"""Pictures whose way there waits for English words; their pages are among those below."""
EMPTY: dict[str, pictures.Go] = {
    "runs": pictures.keys("1"),
    "compare": pictures.keys("2"),
    "data": pictures.keys("3"),
    "jobs": pictures.keys("4"),
    **{name: pictures.page(name) for name in ("queue", "sweeps", "trash")},
}


@pytest.fixture(autouse=True)
def _chinese(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LEVERPLUS_LANG", "zh")
    yield
    language.choose("en")


def english(text: str) -> set[str]:
    """English sentences of a screen."""
    for stored in STORED:
        text = re.sub(stored, " 。 ", text)
    return {found.group() for line in text.splitlines() for found in ENGLISH.finditer(line)}


async def left(name: str, pilot: Pilot[None], sizes: tuple[tuple[int, int], ...]) -> set[str]:
    """English that is left on the screen in view at these sizes."""
    found: set[str] = set()
    for width, height in sizes:
        await pilot.resize_terminal(width, height)
        pilot.app.screen.refresh(layout=True)
        await settled(pilot)
        text = text_of(pilot)
        assert {cell_len(line) for line in text.splitlines()} == {width}, text
        found |= english(text)
        if folder := os.environ.get("LEVERPLUS_CHINESE"):  # to look at
            (Path(folder) / f"{name}.{width}x{height}.svg").write_text(pilot.app.export_screenshot(), encoding="utf-8")
    return found


SIZES = ((60, 15), (80, 24), (120, 36), (200, 50))


@pytest.mark.parametrize("name", [*(name for name in pictures.SCREENS if not WAITS_IN_ENGLISH.match(name)), *MORE])
async def test_a_screen_is_chinese(name: str, filled: Home) -> None:
    async with opened(filled, (120, 36)) as pilot:
        await until(pilot, lambda: "neighbours" in text_of(pilot))
        await (pictures.SCREENS | MORE)[name](pilot)
        assert await left(name, pilot, SIZES) == set()


@pytest.mark.parametrize("name", EMPTY)
async def test_an_empty_page_is_chinese(name: str, tmp_path: Path) -> None:
    async with opened(make_home(tmp_path / "home"), (120, 36)) as pilot:
        await EMPTY[name](pilot)
        assert await left(name, pilot, SIZES) == set()
