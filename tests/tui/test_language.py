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
from leverplus_tui.text import language
from leverplus_tui.text.catalogue import Catalogue, _read
from leverplus_tui.tui.memory import Memory
from leverplus_tui.tui.screens.help import EVERYWHERE, NAMES, PAGE
from leverplus_tui.tui.screens.settings import SettingsScreen
from leverplus_tui.tui.widgets.charts.bars import MODES
from tests.helpers_tui import fill, opened, text_of, until

SOURCE = Path(leverplus_tui.tui.__file__).parent
DIALOGS = ("Confirm", "Ask", "AskPath", "Tell", "Choose", "ChooseMany")
SECTIONS = _read("screens.toml")
HOLE = re.compile(r"\{[^{}]*\}")


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


def marked() -> set[str]:
    """Words of keys, titles, settings and the questions of windows."""
    found = {text for kind in nodes() for one in bindings(kind) for text in (one.description, one.tooltip) if text}
    found |= {title for _, title in MODES} | {PAGE, EVERYWHERE, *NAMES.values()}
    found |= {words(call.args[0]) for call in calls(*DIALOGS) if call.args}
    found |= {words(call.args[0]) for call in calls("shown") if call.args}
    for call in calls("keys_line"):
        found |= {words(pair.elts[1]) for pair in call.args if isinstance(pair, ast.Tuple)}
    return found - {""}


def literals() -> set[str]:
    """Every literal text of the program."""
    found = set()
    for path in [*SOURCE.rglob("*.py")]:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        found |= {words(node) for node in ast.walk(tree) if isinstance(node, ast.Constant | ast.JoinedStr)}
    return found


def known() -> dict[str, str]:
    return {english: chinese for section in SECTIONS.values() for english, chinese in section.items()}


def test_every_marked_word_has_its_chinese() -> None:
    lines = {HOLE.sub("{}", english) for english in known()}
    assert not {text for text in marked() if text not in lines}, "add them to text/catalogue/screens.toml"


def test_no_line_is_stale_and_holes_agree() -> None:
    present = literals() | marked()
    begins = {text.partition("{}")[0] for text in present if text.partition("{}")[0]}
    for english, chinese in known().items():
        plain = HOLE.sub("{}", english)
        assert plain in present or plain.partition("{}")[0] in begins, f"nobody says {english!r} any more"
        assert sorted(HOLE.findall(english)) == sorted(HOLE.findall(chinese)), english


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
