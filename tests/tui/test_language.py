"""The program in Chinese: every marked word has its line and none is stale, wide signs stand in line, the choice is kept."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.cells import cell_len

import leverplus_tui.tui
from db.home import Home
from docs.make_keys import bindings, nodes
from leverplus_tui.text import catalogue, language
from leverplus_tui.text.catalogue import Catalogue, screens
from leverplus_tui.tui.memory import Memory
from leverplus_tui.tui.program.palette import COMMANDS
from leverplus_tui.tui.screens.help import EVERYWHERE, NAMES, PAGE
from leverplus_tui.tui.screens.settings import SettingsScreen
from leverplus_tui.tui.widgets.charts.bars import MODES
from leverplus_tui.tui.widgets.spec_fields import FIRST, fields
from tests.helpers_tui import fill, opened, text_of, until

SOURCE = Path(leverplus_tui.tui.__file__).parent
FOLDER = Path(catalogue.__file__).parent
DIALOGS = ("Confirm", "Ask", "AskPath", "Tell", "Choose", "ChooseMany")
SECTIONS = screens()
PUT_TOGETHER = ("counts", "together", "fields")
"""Sections of what stands in the source in several pieces, or in the specifications."""
HOLE = re.compile(r"\{[^{}]*\}")
NAMED = {"_meta"}
"""What is shown as it is called."""


@pytest.fixture(autouse=True)
def _english_again(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("LEVERPLUS_LANG", raising=False)
    yield
    language.choose("en")


def calls(*names: str) -> Iterator[ast.Call]:
    """Every call of these names in the program's source."""
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
                if name in names:
                    yield node


def words(node: ast.expr) -> str:
    """A literal text, with `{}` for what is put into it; empty where it is none."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return ""


def choices(node: ast.expr) -> Iterator[str]:
    """The literal texts of which an expression is one."""
    if isinstance(node, ast.IfExp):
        yield from (*choices(node.body), *choices(node.orelse))
    elif isinstance(node, ast.BoolOp):
        yield from (inner for value in node.values for inner in choices(value))
    elif re.search(r"[A-Za-z]{2}", HOLE.sub("", words(node))):
        yield words(node)


def pattern(text: str) -> str:
    """A text that is put together of others, as they may be."""
    return re.escape(text).replace(r"\{\}", ".*")


def marked() -> set[str]:
    """Words of keys, titles, settings, fields and the questions of windows, and all that is said to be shown."""
    found = {text for kind in nodes() for one in bindings(kind) for text in (one.description, one.tooltip) if text}
    found |= {title for _, title in MODES} | {PAGE, EVERYWHERE, *NAMES.values()}
    found |= {words(call.args[0]) for call in calls(*DIALOGS) if call.args}
    found |= {inner for call in calls("shown") if call.args for inner in choices(call.args[0])} - NAMED
    found |= {text for one in COMMANDS for text in (one.title, one.help)}
    found |= {field.help for kind in FIRST for field in fields(kind)}
    for call in calls("keys_line"):
        found |= {words(pair.elts[1]) for pair in call.args if isinstance(pair, ast.Tuple)}
    return found - {""}


def literals() -> set[str]:
    """Every literal text of the program."""
    found = set()
    for path in SOURCE.parent.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        found |= {
            form
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant | ast.JoinedStr)
            for form in (words(node), words(node).strip())
        }
    return found


def known() -> dict[str, str]:
    return {english: chinese for section in SECTIONS.values() for english, chinese in section.items()}


def test_every_marked_word_has_its_chinese() -> None:
    lines = {HOLE.sub("{}", english) for english in known()}
    missing = {text for text in marked() if not {text, text.strip(), HOLE.sub("{}", text)} & lines}
    pieces = {text for text in missing if any(re.fullmatch(pattern(text.strip()), line) for line in lines)}
    assert not missing - pieces, f"add them to {FOLDER}"


def test_no_line_is_stale_and_holes_agree() -> None:
    present = literals() | marked()
    begins = {text.partition("{}")[0] for text in present if text.partition("{}")[0]}
    for section, lines in SECTIONS.items():
        for english in lines if section not in PUT_TOGETHER else ():
            plain = HOLE.sub("{}", english)
            assert plain in present or plain.partition("{}")[0] in begins, f"nobody says {english!r} any more"
    for english, chinese in known().items():
        assert sorted(HOLE.findall(english)) == sorted(HOLE.findall(chinese)), english


def test_a_sentence_of_somebody_else_is_left_alone() -> None:
    """Faults that engine and database tell of are no sentences of the screens, nor made so by half."""
    say, root = Catalogue("zh"), SOURCE.parents[1]
    paths = [*(root / "engine").rglob("*.py"), *(root / "db").rglob("*.py")]
    nodes = [node for path in paths for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))]
    told = {words(node).replace("{}", "x7").strip() for node in nodes if isinstance(node, ast.JoinedStr)}
    assert len(told) > 1000
    assert {text for text in told if len(text) > 12 and say.shown(text) != text} == set()


def test_a_sentence_with_figures_is_found_by_its_pattern() -> None:
    assert Catalogue("zh").shown("Stop r12 best one?") == "停止 r12 best one？"
    assert Catalogue("zh").shown("said by nobody") == "said by nobody"
    assert Catalogue("en").shown("Runs") == "Runs"


async def test_pages_are_chinese_and_lines_as_wide_as_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = fill(tmp_path / "home", n=10)
    monkeypatch.setenv("LEVERPLUS_LANG", "zh_CN.UTF-8")
    for size in ((60, 15), (80, 24), (120, 36)):
        async with opened(home, size) as pilot:
            assert "1 运行" in text_of(pilot)
            assert "? 按键" in text_of(pilot).splitlines()[-1]
            assert {cell_len(line) for line in text_of(pilot).splitlines()} == {size[0]}
            await pilot.press("question_mark")
            await until(pilot, lambda: "在表格中" in text_of(pilot))


async def test_the_language_is_changed_on_the_page_of_settings_and_kept(tmp_path: Path) -> None:
    home: Home = fill(tmp_path / "home", n=10)
    async with opened(home) as pilot:
        await pilot.press("equals_sign")
        await until(pilot, lambda: isinstance(pilot.app.screen, SettingsScreen))
        screen = pilot.app.screen
        assert isinstance(screen, SettingsScreen)
        place = [name for name, *_ in screen._shown].index("language")
        await pilot.press(*"j" * place, "enter")
        await until(pilot, lambda: "语言" in text_of(pilot))
    assert Memory(home.root).now.language == "zh"
