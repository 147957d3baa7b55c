"""How the list of runs is looked at: any setting and metric as a column, groups with means, saved views, pins; remembered."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input

from db.home import Home
from db.session import open_database
from leverplus_tui.tui.memory import ListView, Memory
from leverplus_tui.tui.screens.dialogs import Ask, Confirm
from leverplus_tui.tui.screens.runs.columns import chosen_columns
from leverplus_tui.tui.screens.runs.page import RunsScreen
from leverplus_tui.tui.widgets.columns import fit
from leverplus_tui.tui.widgets.run_view import run_columns
from leverplus_tui.tui.widgets.table import Cell, Row
from tests.helpers_tui import burst, draw_images, evaluation, fill, held_back, opened, settled, text_of, training, until


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Beside the usual six: two evaluations that differ from `neighbours` by their seeds, a training with other epochs."""
    made = fill(tmp_path_factory.mktemp("filled"), n=10)
    engine = open_database(made.database)
    images = draw_images(made.root / "images", 12)
    for seed in (2, 3):
        evaluation(
            engine, images, name=f"neighbours-{seed}", retriever="t2t", skill=(0.36, 0.62, 0.72), n=10, seed=seed
        )
    training(engine, name="longer", epochs=60)
    engine.dispose()
    return made


def names_of(page: RunsScreen) -> list[int]:
    return list(page.table.keys)


async def test_metrics_and_settings_are_columns_and_sort_keys(home: Home) -> None:
    async with opened(home, (140, 36)) as pilot:
        page = pilot.app.screen
        assert isinstance(page, RunsScreen)
        burst(pilot, "c", *"best.val", "space", "ctrl+u", *"grpo_epochs", "space", "enter")
        await until(pilot, lambda: "best.val_loss" in text_of(pilot) and "grpo_epochs" in text_of(pilot))
        await settled(pilot)
        line = next(line for line in text_of(pilot).splitlines() if " longer " in line)
        assert {"30", "0.2195"} <= set(line.split())
        burst(pilot, "s", *"best.val", "enter")
        await until(pilot, lambda: page.sort == "best.val_loss asc" and names_of(page)[0] == 9)
        burst(pilot, "slash", *"grpo_epochs<30", "enter", "j")
        await until(pilot, lambda: names_of(page) == [4] and not held_back(pilot))


async def test_runs_of_several_seeds_are_one_line_with_mean_and_spread(home: Home) -> None:
    async with opened(home, (140, 36)) as pilot:
        page = pilot.app.screen
        assert isinstance(page, RunsScreen)
        burst(pilot, "b", "space", "enter")
        await until(pilot, lambda: len(page.listing.groups) > 3)
        await settled(pilot)
        group = next(group for group in page.listing.groups if len(group.ids) == 3)
        assert group.ids == (8, 7, 2)
        means = group.means["acc@1"]
        assert means.mean is not None
        assert means.spread is not None
        assert f"{means.mean:.2f} sd {means.spread:.2f}"[:9] in text_of(pilot)
        page.table.move_to(group.key)
        await pilot.press("space")
        assert page.table.marked == [8, 7, 2]
        page.table.move_to(group.key)
        await pilot.press("enter")
        await until(pilot, lambda: "neighbours-2" in text_of(pilot))


async def test_a_group_over_unlike_questions_has_no_mean(tmp_path: Path) -> None:
    made = fill(tmp_path, n=10)
    engine = open_database(made.database)
    images = draw_images(made.root / "images", 12)
    evaluation(engine, images, name="fewer", retriever="t2t", skill=(0.36, 0.62), n=5)
    engine.dispose()
    async with opened(made) as pilot:
        page = pilot.app.screen
        assert isinstance(page, RunsScreen)
        pilot.app.library.memory.view(groups=("retriever",))  # type: ignore[attr-defined]  # the program's
        page.select_again()
        await until(pilot, lambda: "unlike" in text_of(pilot))


async def test_pins_stand_on_top_and_all_is_there_the_next_time(home: Home) -> None:
    async with opened(home) as pilot:
        page = pilot.app.screen
        assert isinstance(page, RunsScreen)
        page.table.move_to(1)
        burst(pilot, "p", "slash", *"kind:grpo", "enter", "G", "space")
        await until(pilot, lambda: names_of(page) == [1, 9, 4] and not held_back(pilot))
        library = page.library
        burst(pilot, "w", "down", "enter", *"trainings", "enter")
        await until(pilot, lambda: "trainings" in library.memory.now.views)
        await pilot.press("4")
    async with opened(home, remembered=True) as pilot:
        await until(pilot, lambda: pilot.app.current_mode == "jobs")
        await pilot.press("1")
        again = pilot.app.screen
        assert isinstance(again, RunsScreen)
        await until(pilot, lambda: names_of(again) == [1, 9, 4])
        assert again.table.marked == [4]
        assert "↑r1" in text_of(pilot)
        burst(pilot, "escape", "w", "enter")
        await until(pilot, lambda: not held_back(pilot) and again.where == "kind:grpo")
        assert again.library.memory.now.views["trainings"].where == "kind:grpo"


def test_a_memory_that_cannot_be_read_is_told_and_begun_anew(tmp_path: Path) -> None:
    (tmp_path / "terminal.json").write_text('{"view": {"columns": 3}}')
    memory = Memory(tmp_path)
    assert "columns" in memory.problem
    assert memory.now.view == ListView()
    memory.view(where="kind:eval")
    assert memory.write() == ""
    assert Memory(tmp_path).now.view.where == "kind:eval"


def test_a_name_gets_the_room_of_columns_that_say_nothing() -> None:
    row: Row = {"name": "eval-builtin-selector-long", "@0": Cell("-"), "@1": "48.55 ±3.3", "tags": ""}
    rows = {key: row for key in (1, 2, 3)}
    columns = {column.key: column for column in chosen_columns(run_columns((0, 1)), (), rows, {}, 120)}
    assert "@0" not in columns
    assert "tags" not in columns
    assert columns["name"].width == 26
    assert columns["@1"].title == "acc@1"


async def test_a_bad_filter_keeps_the_order_and_a_column_of_another_version_is_put_aside(home: Home) -> None:
    async with opened(home, (120, 30)) as pilot:
        page = pilot.app.screen
        assert isinstance(page, RunsScreen)
        page.sort = "name asc"
        burst(pilot, "slash", *"colour:red", "enter")
        await until(pilot, lambda: "names no field" in text_of(pilot) and not held_back(pilot))
        assert page.sort == "name asc"
        assert isinstance(pilot.app.focused, Input)
        await pilot.press("escape")
        page.library.memory.view(columns=("name", "best.val_loss", "no_such_setting"))
        page.select_again()
        await until(pilot, lambda: page.looked == ListView())
        await until(pilot, lambda: "neighbours" in text_of(pilot))


async def test_a_saved_view_is_replaced_after_a_question(home: Home) -> None:
    async with opened(home) as pilot:
        page = pilot.app.screen
        assert isinstance(page, RunsScreen)
        memory = page.library.memory
        burst(pilot, "w", "down", "enter", *"mine", "enter")
        await until(pilot, lambda: "mine" in memory.now.views)
        burst(pilot, "w", "down", "down", "enter", *"mine", "enter")
        await until(pilot, lambda: not held_back(pilot) and not isinstance(pilot.app.screen, Ask))
        burst(pilot, "slash", *"kind:grpo", "enter")
        await until(pilot, lambda: names_of(page) == [9, 4] and not held_back(pilot))
        for answer, where in (("n", ""), ("y", "kind:grpo")):
            burst(pilot, "w", "down", "down", "enter", *"mine", "enter")
            await until(pilot, lambda: isinstance(pilot.app.screen, Confirm) and "all runs" in text_of(pilot))
            await pilot.press(answer)
            await settled(pilot)
            assert memory.now.views["mine"].where == where


def test_at_eighty_columns_a_name_is_whole_before_what_all_runs_share() -> None:
    names = ("eval-builtin-selector-a", "eval-builtin-selector-b")
    row: Row = {"@1": "48.55 ±3.3", "@2": "48.55 ±3.3", "how": "selector", "dataset": "builtin", "flag": "synth"}
    rows = {key: {**row, "name": name} for key, name in enumerate(names)}
    columns = dict(fit(chosen_columns(run_columns((1, 2)), (), rows, {}, 80), 80 - 3))
    shown = {column.key: width for column, width in columns.items()}
    assert "dataset" not in shown
    assert "how" in shown
    assert shown["name"] == len(names[0])


def test_flags_are_whole_where_there_is_room() -> None:
    rows: dict[int, Row] = {1: {"name": "a", "flag": "▲1 synth"}, 2: {"name": "b", "flag": "synth"}}
    flags = {
        width: next(one for one in chosen_columns(run_columns((1,)), (), rows, {}, width) if one.key == "flag")
        for width in (80, 200)
    }
    assert [dict(fit([flag], room)) for flag, room in ((flags[200], 40), (flags[80], 7))] == [
        {flags[200]: 8},
        {flags[80]: 7},
    ]
