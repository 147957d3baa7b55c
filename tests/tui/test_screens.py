"""The pages behind the list: one run in its five tabs, comparison, jobs, data, launching."""

from __future__ import annotations

import math
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from db import store
from db.home import Home
from db.rows import Checkpoint, Fact
from db.session import open_database, writing
from db.specs import EvalSpec, Finding, JobSpec
from leverplus_tui.tui.messages import CompareRuns, EditLaunch, OpenRun
from leverplus_tui.tui.reading.database import Database
from leverplus_tui.tui.screens.comparing.lines import Line
from leverplus_tui.tui.screens.comparing.page import CompareScreen
from leverplus_tui.tui.screens.launch import starting
from leverplus_tui.tui.screens.launch.form import LaunchScreen
from leverplus_tui.tui.screens.launch.preflight import PreflightReport, PreflightScreen
from leverplus_tui.tui.screens.run.answers import Answers
from leverplus_tui.tui.screens.run.info import unit_of
from leverplus_tui.tui.screens.run.metrics import rests_on
from leverplus_tui.tui.screens.run.page import RunScreen
from leverplus_tui.tui.screens.runs.page import RunsScreen
from leverplus_tui.tui.widgets.charts.chart import Chart
from leverplus_tui.tui.widgets.charts.curves import Series
from leverplus_tui.tui.widgets.log import LogView
from leverplus_tui.tui.widgets.matrix import Matrix
from tests.helpers_tui import (
    PATIENCE_S,
    SAME,
    SHAPE,
    draw_images,
    evaluation,
    fill,
    kept,
    make_home,
    opened,
    settled,
    text_of,
    until,
)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """One home for the tests that only look."""
    return fill(tmp_path_factory.mktemp("filled"))


async def open_run(pilot: Pilot[None], run_id: int, tab: str = "overview") -> RunScreen:
    """A run's page, read."""
    pilot.app.post_message(OpenRun(run_id, tab))
    await until(pilot, lambda: isinstance(pilot.app.screen, RunScreen) and pilot.app.screen.detail is not None)
    await settled(pilot)
    page = pilot.app.screen
    assert isinstance(page, RunScreen)
    return page


async def test_the_overview_has_the_matrix_with_n_and_badges_and_the_findings(filled: Home) -> None:
    async with opened(filled, (80, 24)) as pilot:
        page = await open_run(pilot, 3)
        shown = text_of(pilot)
        assert "n=40" in shown
        assert "▲ forced" in shown
        assert "!same every question got the same demonstrations" in shown
        assert "leverplus doctor selector.pt" in shown
        matrix = page.query_one(Matrix)
        await pilot.press("l", "l")
        assert matrix.place == (0, 2)
        await pilot.press("enter")
        await until(pilot, lambda: page.tab == "answers" and "2 shots" in text_of(pilot))
        await pilot.press("escape")
        await open_run(pilot, 6)
        assert "? 20/40" in text_of(pilot)


async def test_tab_goes_round_and_each_pane_says_something(filled: Home) -> None:
    async with opened(filled, (80, 24)) as pilot:
        page = await open_run(pilot, 1)
        said = {
            "metrics": "writes no metrics",
            "log": "Nothing logged yet",
            "config": "retriever",
            "answers": "40 answers",
        }
        for tab, words in said.items():
            await pilot.press("tab")
            assert page.tab == tab
            await until(pilot, lambda words=words: words in text_of(pilot))  # type: ignore[misc]  # bound per round
        await pilot.press("tab")
        assert page.tab == "overview"
        await page.action_tab("config")
        await until(pilot, lambda: text_of(pilot).splitlines()[5].split() == ["dataset", "builtin"])


async def test_curves_are_drawn_and_chosen_with_space(filled: Home) -> None:
    async with opened(filled) as pilot:
        page = await open_run(pilot, 4, "metrics")
        chart = page.query_one("#chart", Chart)
        await until(pilot, lambda: len(chart.series) == 5)
        await until(pilot, lambda: "loss by step" in text_of(pilot))
        assert [unit for unit, _ in chart.panels()] == ["loss", "candidate rewards", "advantages"]
        await pilot.press("space")
        await until(pilot, lambda: len(chart.series) == 4)
        steps = [x for x, _ in chart.series[0].points]
        assert steps == sorted(steps)


async def test_the_log_is_tailed_coloured_by_level_and_stops_following_when_scrolled(filled: Home) -> None:
    async with opened(filled, (80, 24)) as pilot:
        page = await open_run(pilot, 6, "log")
        view = page.query_one(LogView)
        await until(pilot, lambda: len(view.lines) == 31)
        await until(pilot, lambda: "1 image missing" in text_of(pilot))
        await pilot.press("k")
        assert not view.follow
        with filled.log(6).open("a") as log:
            log.write("14:04:00 ERROR no space left\n")
        await until(pilot, lambda: view.unseen == 1)
        assert "paused, 1 new line" in text_of(pilot)
        await pilot.press("f")
        await until(pilot, lambda: "no space left" in text_of(pilot))
        await pilot.press("E")
        assert not view.follow


async def test_the_end_of_a_log_is_shown_before_the_view_has_its_scroll_bar(tmp_path: Path) -> None:
    home = home_with(tmp_path, {"retriever": "t2t"})
    async with opened(home, (80, 24)) as pilot:
        view = (await open_run(pilot, 1, "log")).query_one(LogView)
        view.add(f"line {number}" for number in range(100))
        assert not view.show_vertical_scrollbar
        view._show_end()  # as a refresh does that comes before the layout
        assert view.scroll_offset.y == view.max_scroll_y > 0


async def test_a_log_is_searched_wrapped_and_read_in_the_pager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = home_with(tmp_path, {"retriever": "t2t"})
    home.log(1).parent.mkdir(parents=True)
    home.log(1).write_text("".join(f"line {number} {'x' * 100} end{number}\n" for number in range(20)))
    async with opened(home, (80, 24)) as pilot:
        view = (await open_run(pilot, 1, "log")).query_one(LogView)
        await until(pilot, lambda: "20 lines · the job has ended" in text_of(pilot))
        await until(pilot, lambda: "end19" in text_of(pilot))
        await pilot.press("g", "slash")
        await until(pilot, lambda: "Find in the log" in text_of(pilot))
        await pilot.press(*"LINE1", "backspace", "space", "1", "enter")
        await until(pilot, lambda: "'LINE 1' 1 of 11 (n N)" in text_of(pilot))
        await pilot.press("n", "n")
        assert "'LINE 1' 3 of 11" in text_of(pilot)
        await pilot.press("N", "N", "N")
        assert "'LINE 1' 11 of 11" in text_of(pilot)
        await pilot.press("w", "g")
        await until(pilot, lambda: "end0" not in text_of(pilot))
        await pilot.press(*"lllllll")
        await until(pilot, lambda: "end0" in text_of(pilot))
        assert len(view.lines) == 20
        monkeypatch.setenv("PAGER", "no-such-pager")
        await pilot.press("o")
        await until(pilot, lambda: str(home.log(1)) in kept(pilot)[-1])


async def test_a_log_that_outgrows_the_view_keeps_its_newest_lines_and_what_was_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = home_with(tmp_path, {"retriever": "t2t"})
    home.log(1).parent.mkdir(parents=True)
    home.log(1).write_text("".join(f"line {number}\n" for number in range(4995)))
    async with opened(home, (80, 24)) as pilot:
        view = (await open_run(pilot, 1, "log")).query_one(LogView)
        await until(pilot, lambda: "line 4994 " in text_of(pilot))
        view.find("LINE 499")
        assert "'LINE 499' 2 of 6" in view.status
        view.add([f"more {number}{' wide' * 20}" for number in range(100)])
        assert (view.lines[0], view.lines[-1][:7], view.dropped) == ("line 95", "more 99", 95)
        assert "'LINE 499' 2 of 6" in view.status
        view.action_match(1)
        assert "'LINE 499' 3 of 6" in view.status
        await until(pilot, lambda: "line 4991" in text_of(pilot))
        await pilot.press("g")
        await until(pilot, lambda: "line 95 " in text_of(pilot))
        await pilot.press("G")
        await until(pilot, lambda: "more 99 " in text_of(pilot))


async def test_answers_show_the_question_its_image_its_demonstrations_and_another_run(
    filled: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLORTERM", "truecolor")
    async with opened(filled) as pilot:
        page = await open_run(pilot, 2, "answers")
        await until(pilot, lambda: "demonstrations, in prompt order" in text_of(pilot) and "▀▀▀▀" in text_of(pilot))
        shown = text_of(pilot)
        assert "What is [bold]this[/bold]?" in shown
        assert "people said red x7, grey x3" in shown
        assert "raw" in shown
        await pilot.press("right_square_bracket")
        await until(pilot, lambda: "What colour is the square?  #1001" in text_of(pilot))
        await pilot.press("c")
        await until(pilot, lambda: "Whose answers" in text_of(pilot))
        await pilot.press("end", "enter")
        answers = page.query_one(Answers)
        await until(pilot, lambda: answers.other == 1 and "shared scores unlike r1's" in text_of(pilot))
        assert answers._rows[0].change != 0
        await until(pilot, lambda: "r1 answer" in text_of(pilot))


async def test_without_true_colour_an_image_is_named(filled: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEVERPLUS_ASCII", "1")
    async with opened(filled) as pilot:
        await open_run(pilot, 2, "answers")
        await until(pilot, lambda: "0000.png" in text_of(pilot))


async def compared(pilot: Pilot[None]) -> CompareScreen:
    """The compare page, read."""
    await until(pilot, lambda: isinstance(pilot.app.screen, CompareScreen) and pilot.app.screen.compared)
    await settled(pilot)
    page = pilot.app.screen
    assert isinstance(page, CompareScreen)
    return page


async def test_what_a_comparison_says_of_many_runs_is_scrolled_through(tmp_path: Path) -> None:
    home = fill(tmp_path / "home")
    engine, images = open_database(home.database), draw_images(tmp_path / "images", 2)
    more = [evaluation(engine, images, name=f"more {n}", retriever="t2t", skill=(0.3, 0.6), seed=n) for n in (7, 8)]
    engine.dispose()
    async with opened(home, size=(80, 24)) as pilot:
        pilot.app.post_message(CompareRuns((1, 2, *more)))
        await until(pilot, lambda: isinstance(pilot.app.screen, CompareScreen) and pilot.app.screen.compared)
        await settled(pilot)
        last = f"r{more[-1]} and r1 are not"
        assert last not in text_of(pilot)
        for _ in range(8):
            await pilot.press("right_curly_bracket")
        await until(pilot, lambda: last in text_of(pilot))
        await pilot.press("down")
        await until(pilot, lambda: last not in text_of(pilot))  # another line is read from its beginning


@pytest.mark.parametrize("size", [(60, 15), (60, 20)])
async def test_all_shots_are_readable_in_the_smallest_window(filled: Home, size: tuple[int, int]) -> None:
    async with opened(filled, size=size) as pilot:
        assert all(f"acc@{shot}" in text_of(pilot) for shot in (0, 1, 2))
        assert "85.00" in text_of(pilot)
        page = await open_run(pilot, 2)
        matrix = page.query_one(Matrix)
        assert matrix.max_scroll_x == 0
        assert matrix.virtual_size.width <= size[0]
        matrix.place = (2, 0)
        await pilot.press("enter")
        await until(pilot, lambda: page.query_one(Answers).display and "2 shots" in text_of(pilot))


async def test_a_comparison_says_in_words_what_is_noise(filled: Home) -> None:
    async with opened(filled, compare="r1,r2,r3") as pilot:
        page = await compared(pilot)
        shown = text_of(pilot)
        assert "not distinguishable" in shown
        assert "synthetic figures" in shown
        assert "better" in shown
        assert "r3 !cfg !same" in shown
        assert "r3 was forced past preflight" in shown
        await until(pilot, lambda: "not distinguishable from noise at 0 shots" in text_of(pilot))
        before = len(page.table.keys)
        await pilot.press("d")
        assert len(page.table.keys) < before
        await pilot.press("g", "enter")
        assert "accuracy  (" in text_of(pilot)


async def test_a_comparison_is_turned_round_exported_and_opened(filled: Home) -> None:
    async with opened(filled, compare="r1,r2") as pilot:
        page = await compared(pilot)
        await _turn_round(pilot, page)
        await _export(pilot, filled.root / "exports" / "compare-r1-r2.md")
        await pilot.press("g", "j", "enter")
        await until(
            pilot, lambda: isinstance(pilot.app.screen, RunScreen) and "shared scores unlike r2's" in text_of(pilot)
        )


async def _turn_round(pilot: Pilot[None], page: CompareScreen) -> None:
    there = [line for line in page._lines if line.label == "  difference"][-1].cells["r2"].text
    await pilot.press("b")
    await until(pilot, lambda: "Judge the others against" in text_of(pilot))
    await pilot.press("j", "enter")
    await until(pilot, lambda: page.base == "r2")
    back = [line for line in page._lines if line.label == "  difference"][-1].cells["r1"].text
    assert there.startswith("+")
    assert back.startswith("-")
    assert there.split()[0][1:] == back.split()[0][1:]


async def _export(pilot: Pilot[None], path: Path) -> None:
    await pilot.press("x")
    await until(pilot, lambda: "Export as" in text_of(pilot))
    await pilot.press("enter")
    await until(pilot, path.exists)
    await until(pilot, lambda: "Exported" in text_of(pilot))
    assert path.read_text().startswith("#")


async def test_jobs_show_progress_and_the_end_of_the_log(filled: Home) -> None:
    async with opened(filled) as pilot:
        await pilot.press("4")
        await until(pilot, lambda: "INFO answered 0 of 80" in text_of(pilot) or "1 image missing" in text_of(pilot))
        shown = ("▶ run 50%", "1 running, goes on after q", "━")  # read apart from the log
        await until(pilot, lambda: all(words in text_of(pilot) for words in shown))


async def test_data_lists_what_is_registered_and_says_what_is_gone(tmp_path: Path) -> None:
    from db import store
    from db.session import open_database, writing

    home = Home(tmp_path / "home")
    engine = open_database(home.database)
    with writing(engine) as session:
        store.add_data(
            session, path=tmp_path / "gone [1].json", kind="rl-data", size=1234, sha256="a" * 64, facts={"queries": 800}
        )
    engine.dispose()
    async with opened(home, (80, 24)) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: "gone [1]" in text_of(pilot))
        assert "not found at this path" in text_of(pilot)
        assert "queries  800" in text_of(pilot)
        await pilot.press("n")
        await until(pilot, lambda: isinstance(pilot.app.screen, LaunchScreen))
        assert isinstance(pilot.app.screen, LaunchScreen)
        assert pilot.app.screen.form.values["rl_data"] == str(tmp_path / "gone [1].json")


async def form_of(pilot: Pilot[None], kind: str, run_id: int | None = None) -> LaunchScreen:
    """The launch form."""
    pilot.app.post_message(EditLaunch(kind, run_id))
    await until(pilot, lambda: isinstance(pilot.app.screen, LaunchScreen) and pilot.app.screen.query("#command"))
    await settled(pilot)
    page = pilot.app.screen
    assert isinstance(page, LaunchScreen)
    return page


async def test_the_form_is_filled_from_a_run_and_shows_the_equal_command(filled: Home) -> None:
    async with opened(filled) as pilot:
        page = await form_of(pilot, "eval", 2)
        await until(pilot, lambda: "--retriever t2t" in text_of(pilot))
        assert page.command() == "leverplus run eval --limit 40 --shot 0 --shot 1 --shot 2 --retriever t2t --seed 1"
        page.form.set_value("decode.num_beams", "1")
        page.form.set_value("name", "two words")
        assert page.command().endswith("--set decode.num_beams=1 --seed 1 --name 'two words'")
        page.form.set_value("limit", "many")
        await until(pilot, lambda: "limit = 'many'" in text_of(pilot))


async def test_fields_are_typed_into_stepped_through_and_left_by_arrows(filled: Home) -> None:
    async with opened(filled) as pilot:
        form = (await form_of(pilot, "eval")).form
        await pilot.press("down", "down", "down", "1", "comma", "4", "down", "7", "down", "right")
        assert form.values["retriever"] == "zero-shot"
        assert form.values["shots"] == "1,4"
        assert form.values["limit"] == "7"
        await pilot.press("up", "x")
        assert "? keys" not in text_of(pilot)
        assert "esc restore" in text_of(pilot)
        await pilot.press("question_mark", "escape")
        assert form.values["limit"] == "7"
        await pilot.press("5", "down", "escape")
        await until(pilot, lambda: "Leave this form?" in text_of(pilot))
        assert "shots, limit, retriever" in text_of(pilot)
        await pilot.press("n")
        assert isinstance(pilot.app.screen, LaunchScreen)
        assert form.values["limit"] == "5"
        await pilot.press("escape")
        await until(pilot, lambda: "Leave this form?" in text_of(pilot))
        await pilot.press("y")
        await until(pilot, lambda: isinstance(pilot.app.screen, RunsScreen))


async def test_a_form_without_changes_is_left_at_once(filled: Home) -> None:
    async with opened(filled) as pilot:
        await form_of(pilot, "eval", 2)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, RunsScreen))


async def test_every_kind_of_job_has_a_form_that_gives_its_spec_back(filled: Home) -> None:
    async with opened(filled) as pilot:
        for kind in ("rce", "grpo", "generate", "embed"):
            page = await form_of(pilot, kind)
            if kind in ("rce", "grpo"):
                await until(pilot, lambda: "fill in rl_data" in text_of(pilot))
                page.form.load_values({"rl_data": "builtin", "embeddings": "builtin"})
            spec = page.form.to_spec()
            assert spec.kind == kind
            page.form.load_spec(spec)
            assert page.form.to_spec() == spec
            page.dismiss()


class Check:
    """A row of preflight's table."""

    what, checkpoint, request, level = "hidden_dim", "256", "512", "block"


async def test_preflight_stands_between_the_form_and_the_job(filled: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    launched: list[JobSpec] = []
    reports = [PreflightReport((), (SAME,)), PreflightReport((Check(),), (SHAPE, _info())), PreflightReport((), ())]

    def launch(_home: Home, spec: JobSpec, _name: str, _report: PreflightReport | None) -> int:
        launched.append(spec)
        return 77

    monkeypatch.setattr(starting, "examined", lambda *_: reports.pop(0))
    monkeypatch.setattr(starting, "launch", launch)
    async with opened(filled) as pilot:
        await form_of(pilot, "eval", 2)
        await _warned(pilot)
        assert not launched
        await _blocked(pilot, launched)
        await form_of(pilot, "eval", 2)
        await pilot.press("ctrl+r")
        await until(pilot, lambda: len(launched) == 2 and isinstance(pilot.app.screen, RunsScreen))
        assert isinstance(launched[0], EvalSpec)
        assert launched[0].retriever == "t2t"
        await until(pilot, lambda: "r77 started" in text_of(pilot))


async def _warned(pilot: Pilot[None]) -> None:
    await pilot.press("ctrl+r")
    await until(pilot, lambda: isinstance(pilot.app.screen, PreflightScreen))
    assert "Preflight has warnings" in text_of(pilot)
    await pilot.press("escape")
    await until(pilot, lambda: isinstance(pilot.app.screen, LaunchScreen))


async def _blocked(pilot: Pilot[None], launched: list[JobSpec]) -> None:
    await pilot.press("ctrl+r")
    await until(pilot, lambda: isinstance(pilot.app.screen, PreflightScreen))
    shown = text_of(pilot)
    assert "Preflight blocks this run" in shown
    assert "hidden_dim" in shown
    assert "✗ block" in shown
    await pilot.press("enter")
    assert isinstance(pilot.app.screen, PreflightScreen)
    await pilot.press("F")
    await until(pilot, lambda: "Run it although" in text_of(pilot))
    assert not launched
    await pilot.press("y")
    await until(pilot, lambda: bool(launched))


def _info() -> Finding:
    return Finding(code="unverifiable", severity="info", subject="encoder", message="The encoder cannot be verified.")


async def test_answers_beside_a_run_of_fewer_questions_count_what_both_answered(tmp_path: Path) -> None:
    home = home_with(tmp_path, {"n": 4, "retriever": "random"}, {"n": 12, "retriever": "t2t"})
    async with opened(home, compare="r1,r2") as pilot:
        await compared(pilot)
        await pilot.press("g", "j", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, RunScreen) and "of 4 shared scores" in text_of(pilot))
        shown = text_of(pilot)
        assert "unlike r1's, 8 only here" in shown
        assert shown.count("not asked") == 8
        rows = pilot.app.screen.query_one(Answers)._rows
        assert [row.second is None for row in rows] == [False] * 4 + [True] * 8
        await pilot.press("question_mark")
        assert "previous question" in text_of(pilot)


def home_with(folder: Path, *runs: dict[str, Any]) -> Home:
    """A home with evaluations made of these parts."""
    home = make_home(folder / "home")
    engine = open_database(home.database)
    images = draw_images(folder / "images", 2)
    for number, parts in enumerate(runs, start=1):
        evaluation(engine, images, **({"name": f"run {number}", "skill": (0.3, 0.6)} | parts))
    engine.dispose()
    return home


async def test_a_choice_that_is_left_out_reads_auto_everywhere(tmp_path: Path) -> None:
    home = home_with(tmp_path, {"retriever": None, "seed": 1}, {"retriever": None, "seed": 2})
    async with opened(home, compare="r1,r2") as pilot:
        page = await compared(pilot)
        agreeing = [line for line in lines_of(page, "retriever") if line.group == "settings that agree"]
        assert [cell.text for cell in agreeing[0].cells.values()] == ["auto", "auto"]
        await open_run(pilot, 1, "config")
        await until(pilot, lambda: ["retriever", "auto"] in [line.split() for line in text_of(pilot).splitlines()])
        form = (await form_of(pilot, "eval", 1)).form
        assert form.values["retriever"] == "auto"
        spec = form.to_spec()
        assert isinstance(spec, EvalSpec)
        assert spec.retriever is None


def lines_of(page: CompareScreen, label: str) -> list[Line]:
    """The lines of that label, folded or not."""
    return [line for line in page._made if line.label == label]


async def test_a_failed_run_says_so_first_and_facts_are_words(tmp_path: Path) -> None:
    home = home_with(tmp_path, {"retriever": "t2t", "state": "failed", "done": 4})
    with sqlite3.connect(home.database) as connection:
        connection.execute("UPDATE process SET reason = 'no space left on the disk'")
    connection.close()
    engine = open_database(home.database)
    facts = [Fact("oracle_gap", None), Fact("demonstrations", {"distinct": 63, "top_share": 0.083333333})]
    gone = [Checkpoint("last.safetensors", "rce", epoch, str(epoch) * 64, 9, False, {}) for epoch in range(5)]
    with writing(engine) as session:
        store.add_rows(session, run_id=1, process_id=1, rows=[*facts, *gone])
    engine.dispose()
    async with opened(home, (120, 36)) as pilot:
        await open_run(pilot, 1)
        shown = text_of(pilot)
        assert shown.splitlines()[3].strip() == "✗ Failed  no space left on the disk"
        assert "distinct 63, top share 0.08333" in shown
        assert "oracle gap" in shown
        assert "None" not in shown
        assert "4 earlier, written over" in shown
        assert shown.count("last.safetensors") == 1


def test_series_of_unlike_units_never_share_an_axis() -> None:
    names = ("rce_loss", "val_loss", "greedy_reward", "top1_agreement", "signal_rate", "mean_advantage", "kl")
    units = [unit_of(name) for name in names]
    assert units == ["loss", "loss", "reward", "share", "share", "advantage", "kl"]


def test_figures_of_validation_say_how_many_queries_they_rest_on() -> None:
    assert rests_on(None) == ""
    assert rests_on({"train": 800, "val": 200}).endswith("over 200 validation queries")
    assert rests_on({"train": 8, "val": 1}).endswith("over 1 validation query: too few to tell small differences")


async def test_jobs_say_their_order_and_give_names_the_room_of_empty_columns(tmp_path: Path) -> None:
    home = home_with(tmp_path, {"name": "a-long-name-of-a-finished-evaluation", "retriever": "t2t"})
    async with opened(home, (120, 36)) as pilot:
        await pilot.press("4")
        await until(pilot, lambda: "running, then waiting, then the last to end first" in text_of(pilot))
        await until(pilot, lambda: "a-long-name-of" in text_of(pilot))
        assert "progress" not in text_of(pilot)


async def test_a_sentence_in_place_of_curves_does_not_hold_them_back(filled: Home) -> None:
    async with opened(filled) as pilot:
        chart = (await open_run(pilot, 4, "metrics")).query_one("#chart", Chart)
        await until(pilot, lambda: "loss by step" in text_of(pilot))
        series = chart.series
        chart._drawn_at = -math.inf  # the last drawing was long ago
        chart.show([], "Reading the curves")
        await until(pilot, lambda: "Reading the curves" in text_of(pilot))
        chart.show(series)
        assert chart._timer is None
        await until(pilot, lambda: "loss by step" in text_of(pilot))


async def test_panels_that_have_no_room_are_named(filled: Home) -> None:
    async with opened(filled, (100, 22)) as pilot:
        chart = (await open_run(pilot, 4, "metrics")).query_one("#chart", Chart)
        points = ((0.0, 1.0), (1.0, 2.0))
        chart._drawn_at = -math.inf
        chart.show([Series(name, points, name) for name in ("loss", "reward", "share")])
        await until(
            pilot, lambda: "no room for reward, share" in text_of(pilot) or "no room for share" in text_of(pilot)
        )
        assert "loss by step" in text_of(pilot)


async def test_a_comparison_shows_figures_before_it_has_compared(filled: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    go, asked = threading.Event(), []

    def slow(_: Database, ids: tuple[int, ...], go_on: Callable[[], bool]) -> None:
        go.wait(PATIENCE_S)
        asked.append((ids, go_on()))

    monkeypatch.setattr(Database, "compared", slow)
    async with opened(filled) as pilot:
        pilot.app.post_message(CompareRuns((1, 2)))
        await until(pilot, lambda: "comparing, esc leaves" in text_of(pilot))
        page = pilot.app.screen
        assert isinstance(page, CompareScreen)
        assert (lines_of(page, "  difference"), page.found is not None) == ([], True)
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.screen is not page)
        go.set()
        await until(pilot, lambda: asked == [((1, 2), False)])


async def test_what_two_runs_differ_in_stands_beside_the_verdict(tmp_path: Path) -> None:
    home = home_with(tmp_path, {"retriever": "t2t"}, {"retriever": "i2i", "pool": "first"})
    async with opened(home, compare="r1,r2") as pilot:
        await compared(pilot)
        assert "confounded:" not in text_of(pilot), "without demonstrations the two do the same"
        await pilot.press(*"jjj")
        await until(pilot, lambda: "confounded: r2 and r1 differ in 2 things" in " ".join(text_of(pilot).split()))
        assert "!confounded" in text_of(pilot)
