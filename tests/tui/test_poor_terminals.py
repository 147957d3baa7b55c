"""Terminals that lack signs, colours or speed, and names that would turn a line round or shift it."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.cells import cell_len

from db.home import Home
from db.session import open_database
from leverplus_tui.text import glyphs
from leverplus_tui.text.glyphs import ascii_only, fit_to_terminal, glyph
from leverplus_tui.tui.app import LeverplusApp
from leverplus_tui.tui.theme import THEMES
from leverplus_tui.tui.widgets.table import LineTable
from tests.helpers_tui import draw_images, evaluation, fill, opened, settled, text_of

UTF8 = {"TERM": "xterm-256color", "LANG": "en_US.UTF-8"}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return fill(tmp_path_factory.mktemp("filled"), n=10)


@pytest.mark.parametrize(
    ("told", "plain"),
    [
        ({}, False),
        ({"TERM": "vt100"}, True),
        ({"TERM": "linux"}, True),
        ({"TERM": "dumb"}, True),
        ({"LANG": "C"}, True),
        ({"LANG": "C", "LC_CTYPE": "C.UTF-8"}, True),  # as Python leaves it
        ({"LC_ALL": "C"}, True),
        ({"LC_ALL": "C.UTF-8", "LANG": "C"}, False),
        ({"LANG": "de_DE.ISO-8859-1"}, True),
        ({"LANG": ""}, False),
    ],
)
def test_signs_are_those_that_the_terminal_has(
    monkeypatch: pytest.MonkeyPatch, told: dict[str, str], *, plain: bool
) -> None:
    monkeypatch.setattr(glyphs, "_known_poor", False)
    monkeypatch.delenv("LEVERPLUS_ASCII", raising=False)
    fit_to_terminal(UTF8 | told)
    assert ascii_only() is plain
    assert glyph("done").isascii() is plain
    monkeypatch.setenv("LEVERPLUS_ASCII", "0")
    assert not ascii_only()  # who asks for signs gets them


@pytest.mark.parametrize(
    "keys", ["j", "equals_sign", "j j C", "j enter", "4", "e", "t", "question_mark", "space space v"]
)
async def test_every_line_is_ascii_where_nothing_else_can_be_drawn(
    filled: Home, monkeypatch: pytest.MonkeyPatch, keys: str
) -> None:
    monkeypatch.setenv("LEVERPLUS_ASCII", "1")
    async with opened(filled, (100, 30)) as pilot:
        for key in keys.split():
            await pilot.press(key)
            await settled(pilot)
        shown = text_of(pilot)
        assert shown.isascii(), {sign for sign in shown if not sign.isascii()}


async def test_nothing_moves_over_a_slow_line(filled: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_CONNECTION", "10.0.0.1 22 10.0.0.2 22")
    assert LeverplusApp(filled).animation_level == "none"
    monkeypatch.delenv("SSH_CONNECTION")
    assert LeverplusApp(filled).animation_level == "full"


async def test_names_neither_turn_a_line_round_nor_shift_it(tmp_path: Path) -> None:
    home = Home(tmp_path)
    engine = open_database(home.database)
    images = draw_images(tmp_path / "images", 2)
    for name in (
        "漢字のとても長い名前です、とても長い",
        "abc \u202egpj.exe \u2066x",
        "e\u0301 \U0001f469\u200d\U0001f4bb ok",
    ):
        evaluation(engine, images, name=name, retriever="random", skill=(0.5,), n=4)
    engine.dispose()
    for width, height in ((60, 15), (80, 24), (120, 36)):
        async with opened(home, (width, height)) as pilot:
            shown = text_of(pilot)
            assert not {"\u202e", "\u2066"} & set(shown)
            table = pilot.app.screen.query_one(LineTable)
            lines = [table.render_line(y) for y in range(1, 4)]
            assert {line.cell_length for line in lines} == {table.scrollable_content_region.width}
            assert all(cell_len(line.text) == line.cell_length for line in lines)
            ends = {cell_len(line.text[: line.text.index(glyph("done"))]) for line in lines}
            assert len(ends) == 1, "states stand below one another"


@pytest.mark.parametrize("theme", [*(theme.name for theme in THEMES), "ansi-dark", "ansi-light"])
async def test_the_cursor_and_what_is_marked_are_seen_in_every_theme(filled: Home, theme: str) -> None:
    async with opened(filled, (100, 30)) as pilot:
        pilot.app.theme = theme
        await pilot.press("space")
        await settled(pilot)
        table = pilot.app.screen.query_one(LineTable)
        at = table.cursor - table.scroll_offset.y + 1
        here, other, marked = (list(table.render_line(y)) for y in (at, at + 1, at - 1))
        assert {segment.style for segment in here} != {segment.style for segment in other}
        assert glyph("mark") in marked[0].text
