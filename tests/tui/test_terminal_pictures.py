"""Pictures in pixels, behind terminals that a test scripts: asked, answered, drawn whole, and gone where they do not belong."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from PIL import Image
from textual import events
from textual.drivers.headless_driver import HeadlessDriver
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

from leverplus_tui.tui import key_reader
from leverplus_tui.tui.graphics import kitty, sixel
from leverplus_tui.tui.graphics.asking import AskingDriver, taken, with_answers
from leverplus_tui.tui.graphics.finished import Key, finished
from leverplus_tui.tui.graphics.way import Terminal, decided, draw, fitted, to_be_asked
from leverplus_tui.tui.key_reader import Answered, KeyReader
from leverplus_tui.tui.memory import Memory
from leverplus_tui.tui.screens.settings import SettingsScreen
from tests import helpers_terminal
from tests.helpers_terminal import terminal
from tests.helpers_tui import arrived, fill, opened, text_of, until

KITTY = "\x1b_Gi=31;OK\x1b\\"
CELL = "\x1b[6;17;8t"
SIXEL, PLAIN = "\x1b[?63;1;2;4;6;9;15;22c", "\x1b[?62;22c"
OPEN_ANSWERS = "\t\t\t\tj"
"""From a run's overview to its answers, and to a question with two demonstrations."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill(tmp_path_factory.mktemp("pictures") / "home", n=10).root


@pytest.fixture(autouse=True)
def _nothing_remembered(home: Path) -> None:
    (home / "terminal.json").unlink(missing_ok=True)


def halves(one: helpers_terminal.Terminal) -> set[tuple[int, int]]:
    """Cells that show two pixels as a letter."""
    return {place for place, letter in one.screen.letters.items() if letter == "▀"}


def whole(one: helpers_terminal.Terminal, pictures: int) -> bool:
    """Whether so many pictures stand there, each of them in pixels to its edges, and no pixel elsewhere."""
    return len(one.screen.covered()) == pictures and halves(one) == set(one.screen.pixels)


def test_sixel_pictures_stand_whole_and_leave_nothing_behind(home: Path) -> None:
    with terminal(home, "--run", "r2", answers={"kitty": "", "16t": CELL, "c": SIXEL}) as one:
        one.sees("since r1 random")
        one.type(OPEN_ANSWERS)
        one.until(lambda: whole(one, 3))
        assert one.screen.asked == ["kitty", "16t", "c"]
        one.type("j")
        one.sees("What colour is the triangle?  #1002")
        one.until(lambda: whole(one, 3))
        one.type("?")
        one.until(lambda: "In the table" in one.screen.text and not one.screen.pixels)
        one.type("\x1b")
        one.until(lambda: whole(one, 3))
        one.resize(100, 30)
        one.until(lambda: len(one.screen.line(29).strip()) > 20 and whole(one, 3))
        one.type("1")
        one.until(lambda: "grpo-k64" in one.screen.text and not one.screen.pixels and not halves(one))
        one.type("q")
        one.until(lambda: one.over)


def test_a_picture_that_is_cut_by_the_edge_of_its_pane_is_letters_until_it_is_whole(home: Path) -> None:
    with terminal(home, "--run", "r2", answers={"16t": CELL, "c": SIXEL}, size=(120, 17)) as one:
        one.sees("since r1 random")
        one.type(OPEN_ANSWERS)
        one.until(lambda: len(halves(one)) > 100)
        assert not one.screen.pixels
        one.type("lll")
        one.until(lambda: len(one.screen.covered()) == 2 and set(one.screen.pixels) <= halves(one))
        one.type("hhh")
        one.until(lambda: "people said" in one.screen.text and not one.screen.pixels)


def test_kitty_pictures_are_told_once_and_forgotten_at_the_end(home: Path) -> None:
    with terminal(home, "--run", "r2", answers={"kitty": KITTY, "16t": CELL, "c": PLAIN}) as one:
        screen = one.screen
        one.sees("since r1 random")
        one.type(OPEN_ANSWERS)
        one.until(lambda: len(screen.placed()) == 3)
        assert all(screen.known[number] for number in screen.placed()), "each was sent before its letters"
        first = screen.placed()
        one.type("j")
        one.until(lambda: len(screen.placed() | first) == 5 and len(screen.placed()) == 3)
        one.type("k")
        one.until(lambda: screen.placed() == first)
        assert len(screen.known) == 5, "what was shown before is not sent again"
        one.type("1")
        one.until(lambda: "grpo-k64" in screen.text and not screen.placed())
        one.type("q")
        one.until(lambda: one.over)
        assert not screen.known


@pytest.mark.parametrize(
    ("answers", "environment", "asked"),
    [
        ({}, {}, 3),
        ({"kitty": "\x1b_Gi=31;ENOTSUP:no\x1b\\", "16t": CELL, "c": PLAIN}, {}, 3),
        ({"c": SIXEL}, {}, 3),
        ({"kitty": KITTY, "16t": CELL, "c": SIXEL}, {"SSH_CONNECTION": "1 2 3 4"}, 0),
        ({"kitty": KITTY, "16t": CELL, "c": SIXEL}, {"TMUX": "/tmp/tmux,1,0", "TERM": "tmux-256color"}, 0),
        ({"kitty": KITTY, "16t": CELL, "c": SIXEL}, {"NO_COLOR": "1"}, 0),
    ],
    ids=["silent", "refused", "no-size-of-cells", "ssh", "tmux", "no-colour"],
)
def test_half_cells_stand_wherever_pixels_cannot(
    home: Path, answers: Mapping[str, str], environment: Mapping[str, str], asked: int
) -> None:
    with terminal(home, "--run", "r2", answers=answers, typed="\t\t", environment=environment) as one:
        one.sees("Nothing logged yet")  # the log, by two keys that were typed before the program was there
        one.type("\t\tj")
        one.until(lambda: len(halves(one)) > 200)
        assert len(one.screen.asked) == asked
        assert not one.screen.pixels
        assert not one.screen.known


def test_tmux_lets_kitty_through_where_one_insists(home: Path) -> None:
    with terminal(home, "--run", "r2", "--pictures", "kitty", answers={}, environment={"TMUX": "/tmp/tmux,1,0"}) as one:
        one.sees("since r1 random")
        one.type(OPEN_ANSWERS)
        one.until(lambda: len(one.screen.placed()) == 3)
        assert one.screen.placed() <= set(one.screen.known)
        assert one.screen.asked == []


# What is typed while the terminal answers


def read(parser: KeyReader, *parts: str) -> tuple[list[str], list[str]]:
    """Keys and answers of what comes in these parts."""
    found: list[Message] = [message for part in parts if part for message in parser.feed(part)]
    for late in (1e12, 2e12):
        with (
            patch.object(key_reader, "monotonic", lambda late=late: late),
            patch("textual._parser.get_time", lambda late=late: late),
        ):
            found += parser.tick()
    keys = [one.key for one in found if isinstance(one, events.Key)]
    return keys, [one.text for one in found if isinstance(one, Answered)]


@pytest.mark.parametrize("answer", [KITTY, CELL, SIXEL, PLAIN])
def test_no_key_is_lost_to_an_answer_wherever_it_is_torn(answer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(KeyReader, "expected", float("inf"))
    text = f"n\x1b[B{answer}x\x1b[B"
    for at in range(len(text) + 1):
        assert read(KeyReader(), text[:at], text[at:]) == (["n", "down", "x", "down"], [answer]), at


def test_an_escape_alone_is_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(KeyReader, "expected", float("inf"))
    assert read(KeyReader(), "\x1b") == (["escape"], [])
    monkeypatch.setattr(KeyReader, "expected", 0.0)
    assert read(KeyReader(), "\x1b[6;", "5~") == (["ctrl+pagedown"], [])


def test_only_a_terminal_of_ones_own_is_listened_to() -> None:
    assert with_answers(LinuxDriver) is AskingDriver
    assert with_answers(HeadlessDriver) is HeadlessDriver


# Which way follows


def known(*answers: str, still: bool = False, colours: str = "truecolor", **environment: str) -> Terminal:
    one = Terminal(is_ours=True, colours=colours, still=still, environment=environment)
    for answer in answers:
        taken(one, answer)
    return one


@pytest.mark.parametrize(
    ("asked", "one", "way"),
    [
        ("auto", known(), "cells"),
        ("auto", known(KITTY, PLAIN), "kitty"),
        ("auto", known(CELL, SIXEL), "sixel"),
        ("auto", known(KITTY, CELL, SIXEL), "sixel"),
        ("auto", known(SIXEL), "cells"),
        ("auto", known(CELL, SIXEL, still=True), "cells"),
        ("auto", known(KITTY, PLAIN, still=True), "kitty"),
        ("auto", known(KITTY, PLAIN, colours="256"), "cells"),
        ("auto", known(KITTY, PLAIN, SSH_CONNECTION="1"), "cells"),
        ("auto", known(KITTY, PLAIN, TMUX="1"), "cells"),
        ("auto", known(KITTY, PLAIN, TERM="screen-256color"), "cells"),
        ("auto", known(KITTY, PLAIN, TERM_PROGRAM="WarpTerminal"), "cells"),
        ("auto", known(KITTY, PLAIN, NO_COLOR="1"), "cells"),
        ("auto", known(colours="standard"), "off"),
        ("auto", Terminal(colours="truecolor", kitty=True), "cells"),
        ("kitty", known(SSH_CONNECTION="1"), "kitty"),
        ("kitty", known(TMUX="1"), "kitty"),
        ("kitty", known(NO_COLOR="1"), "cells"),
        ("sixel", known(CELL), "sixel"),
        ("sixel", known(), "cells"),
        ("sixel", known(CELL, TMUX="1"), "cells"),
        ("cells", known(KITTY, CELL, SIXEL), "cells"),
        ("off", known(KITTY, CELL, SIXEL), "off"),
    ],
)
def test_the_way_follows_from_wish_and_terminal(asked: str, one: Terminal, way: str) -> None:
    assert decided(asked, one) == way


def test_ascii_names_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEVERPLUS_ASCII", "1")
    assert decided("kitty", known(KITTY)) == "off"


def test_nobody_is_asked_whose_answer_changes_nothing() -> None:
    assert to_be_asked("auto", known())
    assert to_be_asked("sixel", known(SSH_CONNECTION="1"))
    assert not any(to_be_asked(wish, known()) for wish in ("kitty", "cells", "off"))
    assert not to_be_asked("auto", Terminal(colours="truecolor"))


async def test_the_way_is_changed_on_the_page_of_settings_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLORTERM", "truecolor")
    home = fill(tmp_path / "home", n=10)
    async with opened(home) as pilot:
        await pilot.press("equals_sign")
        screen = await arrived(pilot, SettingsScreen)
        assert re.search(r"pictures +auto: cells", text_of(pilot))
        place = [name for name, *_ in screen._shown].index("pictures")
        await pilot.press(*"j" * place, "enter", "enter", "enter", "enter")
        await until(pilot, lambda: re.search(r"pictures +off", text_of(pilot)))
    assert Memory(home.root).now.pictures == "off"
    draw("auto", known())


# The two protocols


def decoded(text: str, width: int, height: int) -> np.ndarray:
    """The pixels of a sixel sequence (H, W, 3), in percent."""
    found = re.fullmatch(r'\x1bP0;1;0q"1;1;(\d+);(\d+)(.*)\x1b\\', text, re.DOTALL)
    assert found
    assert (int(found[1]), int(found[2])) == (width, height)
    pixels = np.full((-(-height // 6) * 6, width, 3), -1)
    colours: dict[int, list[int]] = {}
    now = x = top = 0
    for number, definition, run, letter in re.findall(r"#(\d+)((?:;\d+){4})?|!(\d+)|([?-~$-])", found[3]):
        if number:
            now = int(number)
            if definition:
                colours[now] = [int(part) for part in definition.split(";")[2:]]
        elif run:
            times = int(run)
            continue
        elif letter in "$-":
            x, top = 0, top + (6 if letter == "-" else 0)
        else:
            for bit in range(6):
                if ord(letter) - 63 >> bit & 1:
                    pixels[top + bit, x : x + times] = colours[now]
            x += times
        times = 1
    return pixels


def test_sixel_has_every_pixel_once_in_its_colour() -> None:
    generator = np.random.default_rng(3)
    blocks = generator.integers(0, 256, (5, 4, 3), dtype=np.uint8).repeat(4, 0).repeat(9, 1)[:19]  # (19, 36, 3)
    pixels = decoded(sixel.encoded(Image.fromarray(blocks)), 36, 19)
    assert (pixels[19:] == -1).all(), "below the last line nothing is drawn"
    assert np.abs(pixels[:19] - blocks / 2.55).max() < 4


def test_kitty_gets_the_whole_file_in_parts_and_its_size_in_cells(tmp_path: Path) -> None:
    path = tmp_path / "noise.png"
    Image.effect_noise((300, 150), 90).save(path)
    picture = finished(Key(str(path), 20, 20, "kitty", (10, 20)))
    parts = [part.partition(";") for part in re.findall(r"\x1b_G(.*?)\x1b\\", picture.sent)]
    assert len(parts) > 3
    assert all(len(data) <= kitty.PART for _, _, data in parts)
    assert [head[-3:] for head, _, _ in parts[:-1]] == ["m=1"] * (len(parts) - 2) + ["m=0"]
    assert parts[-1][0] == f"a=p,U=1,i={picture.number},c=20,r=5,q=2"
    assert len(picture.strips) == 5
    assert {strip.cell_length for strip in picture.strips} == {20}


def test_pictures_keep_their_shape_in_cells_of_any_shape() -> None:
    assert fitted(64, 32, 20, 20, (1, 2)) == (20, 5)
    assert fitted(32, 64, 20, 20, (8, 17)) == (20, 19)
    assert fitted(4000, 10, 60, 22, (10, 20)) == (60, 1)
    assert fitted(1, 5000, 60, 22, (10, 20)) == (1, 22)
