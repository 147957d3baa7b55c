"""Fields that offer what they take: paths completed as a shell does, lists that follow what is typed."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.widgets import Input, Static

from leverplus_tui.tui.messages import AddData
from leverplus_tui.tui.screens.dialogs import AskPath
from leverplus_tui.tui.theme import fallbacks
from leverplus_tui.tui.widgets.picking.field import PathField, PickField
from leverplus_tui.tui.widgets.picking.offers import Entry, agreed, narrowed
from leverplus_tui.tui.widgets.picking.paths import paths
from tests.helpers_tui import fill, opened, text_of, until

FRUIT = (Entry("apple", "a fruit"), Entry("apricot", "another one"), Entry("builtin", "the world"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two files that begin alike, a folder, a hidden file."""
    (tmp_path / "okvqa" / "images").mkdir(parents=True)
    for name in ("report-a.md", "report-b.md", ".hidden", "okvqa/questions.json"):
        (tmp_path / name).write_text("x")
    return tmp_path


def test_paths_are_offered_as_a_shell_does(folder: Path) -> None:
    def values(text: str) -> list[str]:
        return [entry.value.removeprefix(f"{folder}/") for entry in paths(text)]

    assert values(f"{folder}/") == ["okvqa/", "report-a.md", "report-b.md"]
    assert values(f"{folder}/.") == [".hidden"]
    assert values(f"{folder}/rep") == ["report-a.md", "report-b.md"]
    assert values(f"{folder}/REP") == ["report-a.md", "report-b.md"]
    assert values(f"{folder}/okvqa/") == ["okvqa/images/", "okvqa/questions.json"]
    assert values(f"{folder}/nowhere/") == []
    assert values("\0") == []


def test_a_relative_path_and_a_home_folder_stay_as_they_were_typed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(folder / "okvqa"))
    assert [entry.value for entry in paths("ok")] == ["okvqa/"]
    assert [entry.value for entry in paths("./ok")] == ["./okvqa/"]
    assert [entry.value for entry in paths("~")] == ["~/"]
    assert [entry.value for entry in paths("~/q")] == ["~/questions.json"]


def test_names_agree_as_far_as_all_of_them_do() -> None:
    assert agreed(FRUIT, "a") == "ap"
    assert agreed(FRUIT, "AP") == "ap"
    assert agreed(FRUIT, "b") == "builtin"
    assert agreed(FRUIT, "x") == "x"
    assert agreed((), "x") == "x"
    assert [entry.value for entry in narrowed(FRUIT, "another")] == ["apricot"]
    assert [entry.value for entry in narrowed(FRUIT, "ap")] == ["apple", "apricot"]


class Alone(App[None]):
    """A field of its own."""

    def __init__(self, field: PickField) -> None:
        super().__init__()
        self.field = field
        self.submitted: list[str] = []

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Colours that our style sheets name."""
        return fallbacks(ansi=False, dark=True)

    def compose(self) -> ComposeResult:
        """The field."""
        yield self.field
        yield Input(id="next")

    def on_mount(self) -> None:
        """Begin in the field that is tried."""
        self.field.input.focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Keep what came."""
        self.submitted.append(event.value)


async def offered(pilot: Pilot[None], field: PickField, *values: str) -> None:
    """These are offered, in this order."""
    await until(pilot, lambda: [entry.value for entry in field.entries] == list(values))


async def test_tab_completes_as_far_as_names_agree_then_goes_through_them(folder: Path) -> None:
    field = PathField(f"{folder}/")
    app = Alone(field)
    async with app.run_test() as pilot:
        await offered(pilot, field, *(f"{folder}/{name}" for name in ("okvqa/", "report-a.md", "report-b.md")))
        await pilot.press("r", "tab")
        assert field.value == f"{folder}/report-"
        await pilot.press("b", "tab")
        assert field.value == f"{folder}/report-b.md"
        await pilot.press("enter")
        assert app.submitted == [f"{folder}/report-b.md"]


async def test_a_folder_is_gone_into_and_a_file_is_taken(folder: Path) -> None:
    field = PathField(f"{folder}/")
    app = Alone(field)
    async with app.run_test() as pilot:
        await until(pilot, lambda: field.entries)
        await pilot.press("down", "enter")
        assert field.value == f"{folder}/okvqa/"
        await offered(pilot, field, f"{folder}/okvqa/images/", f"{folder}/okvqa/questions.json")
        await pilot.press("down", "down", "enter")
        assert app.submitted == [f"{folder}/okvqa/questions.json"]


async def test_up_leads_out_of_the_list_and_tab_out_of_a_field_with_nothing_to_complete(folder: Path) -> None:
    field = PathField(f"{folder}/")
    app = Alone(field)
    async with app.run_test() as pilot:
        await until(pilot, lambda: field.entries)
        await pilot.press("down", "up", "enter")
        assert app.submitted == [f"{folder}/"]
        await pilot.press(*"nothing", "tab")
        assert app.focused is not None
        assert app.focused.id == "next"
        await until(pilot, lambda: not field.offered.display)


async def test_a_closed_field_takes_the_first_that_fits_and_a_list_its_last_part() -> None:
    field = PickField(lambda text: narrowed(FRUIT, text))
    field.closed = field.listed = True
    app = Alone(field)
    async with app.run_test() as pilot:
        await pilot.press("b")
        await offered(pilot, field, "builtin")
        await pilot.press("enter")
        assert app.submitted == ["builtin"]
        await pilot.press(*", apr")
        await offered(pilot, field, "apricot")
        await pilot.press("enter")
        assert app.submitted[-1] == "builtin, apricot"


async def test_a_path_that_is_asked_for_is_completed(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    home = fill(tmp_path_factory.mktemp("home"), n=4)
    async with opened(home) as pilot:
        pilot.app.post_message(AddData())
        await until(pilot, lambda: isinstance(pilot.app.screen, AskPath))
        field = pilot.app.screen.query_one(PathField)
        field.input.value = f"{folder}/"
        await until(pilot, lambda: "okvqa/" in text_of(pilot))
        assert ".hidden" not in text_of(pilot)
        await pilot.press("end", "o", "tab", *"nowhere", "enter")
        await until(pilot, lambda: "nowhere" in str(pilot.app.screen.query_one("#refused", Static).content))
        assert field.value == f"{folder}/okvqa/nowhere"
        await pilot.press(*["backspace"] * len("nowhere"), "q", "tab")
        assert field.value == f"{folder}/okvqa/questions.json"
