"""Curves of several trainings: overlaid, read at one step, averaged over seeds, filtered; the line about the machine."""

from __future__ import annotations

import json
import math
import random
import re
from pathlib import Path

import pytest
from textual.pilot import Pilot

from db.home import Home
from db.session import open_database, reading
from engine.training.objectives import BETA_BOUNDS, KL_HIGH, KL_LOW
from leverplus_tui.results.curves import BETA_LIMITS, KL_LIMITS, averaged, between, levels
from leverplus_tui.results.pairs.choices import Chosen, held
from leverplus_tui.text.numbers import number
from leverplus_tui.tui.reading.curve_rows import read_curves
from leverplus_tui.tui.reading.system import System
from leverplus_tui.tui.screens.comparing.page import CompareScreen
from leverplus_tui.tui.screens.curves import CurvesScreen
from leverplus_tui.tui.screens.runs.page import RunsScreen
from tests.helpers_tui import burst, fill, held_back, opened, settled, text_of, training, until


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Four trainings, two of which are alike."""
    made = fill(tmp_path_factory.mktemp("filled"), n=10)
    engine = open_database(made.database)
    for epochs in (20, 40, 60):
        training(engine, name=f"epochs-{epochs}", epochs=epochs, told=epochs != 20)
    training(engine, name="grpo-k64 seed=7")
    engine.dispose()
    return made


async def curves_of(pilot: Pilot[None]) -> CurvesScreen:
    await until(pilot, lambda: isinstance(pilot.app.screen, CurvesScreen) and pilot.app.screen.found is not None)
    await settled(pilot)
    page = pilot.app.screen
    assert isinstance(page, CurvesScreen)
    return page


async def test_marked_trainings_are_overlaid_and_read_at_one_step(home: Home) -> None:
    async with opened(home, (120, 36)) as pilot:
        runs = pilot.app.screen
        assert isinstance(runs, RunsScreen)
        runs.table.marked = [4, 7, 9]
        burst(pilot, "C", "enter", "comma", "comma")
        page = await curves_of(pilot)
        await until(pilot, lambda: not held_back(pilot))
        assert page.grid.large
        panel = page.grid.here
        assert panel is not None
        assert [one.look for one in panel.series] == [0, 1, 2]
        shown = text_of(pilot)
        for run, epochs in ((4, 40), (7, 20), (9, 60)):
            assert f"r{run} " in shown, epochs
        assert f"step {round(page.grid.look.cursor or 0)}" in shown
        assert "xx" not in shown
        await pilot.press("escape", "slash", *"val", "enter")
        assert [panel.metric for panel in page.grid.panels] == ["val_loss"]
        await pilot.press("escape", "L", "s", "z", "H")
        assert (page.grid.look.log, page.grid.look.smooth, page.grid.bars) == (True, 0.6, True)
        assert "how often each value came" in text_of(pilot)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, RunsScreen))


async def test_rewards_and_advantages_of_candidates_are_histograms_of_their_own(home: Home) -> None:
    async with opened(home, (120, 36)) as pilot:
        runs = pilot.app.screen
        assert isinstance(runs, RunsScreen)
        runs.table.marked = [4, 7, 9]
        burst(pilot, "C")
        page = await curves_of(pilot)
        names = [panel.metric for panel in page.grid.panels]
        assert names[-2:] == ["candidate rewards", "advantages"]
        burst(pilot, "end", "left")
        await until(pilot, lambda: not held_back(pilot))
        here = page.grid.here
        assert here is not None
        assert [(one.look, one.histogram is None) for one in here.series] == [(0, False), (1, True), (2, False)]
        shown = " ".join(text_of(pilot).split())
        assert "candidate rewards" in shown
        assert "r7: not stored" in shown
        assert "r4 1.395" in shown
        assert "r4 r9: 8 201 candidates" in shown
        await pilot.press("comma")
        assert "2  r4 5 000 (61.0 %)  r7 0 (0.0 %)  r9 5 000 (61.0 %)" in text_of(pilot)
        await pilot.press("comma")
        assert "1.6  r4 901 (11.0 %)" in text_of(pilot)
        await pilot.press("right")
        assert page.grid.look.bar is None
        assert "31 advantages cut at 2" in text_of(pilot)


async def test_titles_hold_whole_values_and_say_how_many_are_left_out(home: Home) -> None:
    async with opened(home, (80, 24)) as pilot:
        runs = pilot.app.screen
        assert isinstance(runs, RunsScreen)
        runs.table.marked = [4, 7, 8, 9, 10]
        burst(pilot, "C")
        page = await curves_of(pilot)
        title = next(line for line in text_of(pilot).splitlines() if "rce_loss" in line)[:38]
        values = [number(one.points[-1][1]) for one in page.grid.panels[0].series]
        told = re.findall(r"━(\S+)", title)
        assert told == values[: len(told)]
        assert title.split()[-1] == f"+{len(values) - len(told)}"


async def test_a_zoom_has_whole_steps_on_its_axis(home: Home) -> None:
    async with opened(home, (80, 24), run="r4") as pilot:
        burst(pilot, "C", *"zzzzzzzzzz")
        page = await curves_of(pilot)
        await until(pilot, lambda: not held_back(pilot))
        zoom = page.grid.look.zoom
        assert zoom is not None
        assert zoom[1] - zoom[0] >= 1
        assert all(end == int(end) for end in zoom)
        axes = [line for line in text_of(pilot).splitlines() if line.strip() and not re.search(r"[^\d ]", line)]
        assert axes


async def test_a_training_older_than_its_histograms_says_so(home: Home) -> None:
    async with opened(home, (120, 36), run="r7") as pilot:
        burst(pilot, "tab")
        await until(pilot, lambda: "were not stored" in text_of(pilot))
        burst(pilot, "C")
        page = await curves_of(pilot)
        assert [panel.metric for panel in page.grid.panels][-1] == "candidate rewards"
        await until(pilot, lambda: "were not stored" in text_of(pilot))


async def test_the_metrics_of_a_run_end_with_its_histograms(home: Home) -> None:
    async with opened(home, (120, 36), run="r4") as pilot:
        burst(pilot, "tab")
        await until(
            pilot, lambda: "◆ advantages" in text_of(pilot) and "no signal in 208 of 800 groups" in text_of(pilot)
        )
        lines = text_of(pilot).splitlines()
        assert any(line.count("share of candidates") == 2 for line in lines), "beside each other"
        assert any("◆ candidate rewards" in line and "1.395" in line for line in lines)


async def test_a_large_chart_is_walked_through_by_metric_and_step(home: Home) -> None:
    async with opened(home, (80, 24)) as pilot:
        page = pilot.app.screen
        assert isinstance(page, RunsScreen)
        page.table.move_to(4)
        burst(pilot, "C", "enter", "j", "h", "h")
        curves = await curves_of(pilot)
        await until(pilot, lambda: not held_back(pilot))
        assert curves.grid.here is not None
        assert curves.grid.here.metric == "val_loss"
        steps = [x for x, _ in curves.grid.here.series[0].points]
        assert curves.grid.look.cursor == steps[-2], "where there is no value, nothing would be read"


def test_runs_that_differ_by_their_seed_are_one_curve_with_its_interval(home: Home) -> None:
    engine = open_database(home.database)
    with reading(engine) as session:
        apart = read_curves(session, [4, 8, 9])
        together = read_curves(session, [4, 8, 9], by_seed=True)
        seeds = read_curves(session, [10, 4], by_seed=True)
    engine.dispose()
    assert len(apart.runs) == 3
    assert [name for name, _ in together.runs] == ["r4+r8 grpo-k64", "r9 epochs-60"]
    assert [name for name, _ in seeds.runs] == ["r10+r4 grpo-k64"], "a mean over seeds bears the name of none"
    loss = next(chart for chart in together.charts if chart.metric == "val_loss")
    assert len(loss.series[0].band) == len(loss.series[0].points)
    assert loss.series[1].band == ()


def test_the_mean_of_curves_has_students_interval_where_all_reach() -> None:
    mean, band = averaged([((0.0, 1.0), (2.0, 3.0)), ((1.0, 4.0), (2.0, 5.0), (3.0, 9.0))])
    assert mean == ((1.0, 3.0), (2.0, 4.0))
    half = 12.7062 * math.sqrt(2) / math.sqrt(2)  # t(0.975, 1) times the deviation of (2, 4) over root two
    assert band[0] == pytest.approx((1.0, 3.0 - half, 3.0 + half), rel=1e-4)
    assert averaged([((0.0, 1.0),)]) == (((0.0, 1.0),), ((0.0, 1.0, 1.0),))
    assert math.isnan(between(((1.0, 1.0),), 0.0))


def test_levels_are_those_that_training_uses() -> None:
    assert set(KL_LIMITS.values()) == {KL_HIGH, KL_LOW}
    assert tuple(BETA_LIMITS.values()) == BETA_BOUNDS
    assert levels("val_loss", {"uniform_loss": 8.3}, {}) == {"uniform policy": 8.3}
    assert levels("std_advantage", {}, {"predicted_advantage_std": 0.4}) == {"signal in the data": 0.4}
    assert levels("greedy_reward", {"random_reward": 0.2, "oracle_reward": math.nan}, {}) == {"random pick": 0.2}
    assert levels("entropy", {}, {}) == {}


def test_the_machine_is_read_from_the_kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leverplus_tui.tui.reading.system.shutil.which", lambda _: None)
    (tmp_path / "meminfo").write_text("MemTotal: 16000000 kB\nMemAvailable: 4000000 kB\n")
    (tmp_path / "stat").write_text("cpu  100 0 0 100 0 0 0 0 0 0\n")
    system = System(tmp_path)
    assert system.line() == "memory 12.0/16.0 GB"
    (tmp_path / "stat").write_text("cpu  160 0 0 140 0 0 0 0 0 0\n")
    assert system.line() == "cpu 60 %   memory 12.0/16.0 GB"
    assert System(tmp_path / "elsewhere").line() == ""


async def test_trainings_are_compared_by_metrics_and_checkpoints_and_enter_draws_a_metric(home: Home) -> None:
    async with opened(home, (120, 36), compare="r4,r9") as pilot:
        await until(pilot, lambda: isinstance(pilot.app.screen, CompareScreen) and pilot.app.screen.compared)
        await settled(pilot)
        page = pilot.app.screen
        assert isinstance(page, CompareScreen)
        shown = text_of(pilot)
        assert "▾ metrics" in shown
        assert "▾ checkpoints" in shown
        assert "grpo 30" in shown
        assert "Nothing to compare yet" not in shown
        place = next(index for index, line in enumerate(page._lines) if line.metric == "val_loss")
        page.table.cursor = place
        await pilot.press("enter")
        curves = await curves_of(pilot)
        assert curves.grid.large
        assert curves.grid.here is not None
        assert curves.grid.here.metric == "val_loss"


async def test_what_runs_choose_and_copy_stands_in_their_comparison(home: Home) -> None:
    async with opened(home, (120, 48), compare="r1,r2") as pilot:
        await until(pilot, lambda: "distinct sets" in text_of(pilot) and "majority's answer" in text_of(pilot))
        shown = text_of(pilot)
        assert "same as r1" in shown
        assert "100.0 % of 10" in shown  # both take the next questions in the made-up data
        assert "of right ones" in shown


def test_choices_are_held_against_the_baseline_question_by_question() -> None:
    mine = Chosen.of([(1, "[5,6]"), (2, "[7,8]"), (3, "[1,2]")])
    one = held("r2", 2, "r2", mine, Chosen.of([(2, "[8,7]"), (4, "[1,2]"), (1, "[5,6]")]))
    assert (one.n, one.same, one.shared, one.distinct) == (2, 0.5, 1.0, 3)
    assert held("r2", 2, "r2", mine, Chosen.of([])).n == 0


def test_choices_of_unlike_length_and_with_repeats_are_sets() -> None:
    drawn = random.Random(3)
    lists = [[[drawn.randrange(6) for _ in range(drawn.randrange(5))] for _ in range(60)] for _ in range(2)]
    first, second = (Chosen.of([(q, json.dumps(one)) for q, one in enumerate(side)]) for side in lists)
    one = held("r2", 4, "r2", first, second)
    both = list(zip(*lists, strict=True))
    assert one.same == pytest.approx(sum(a == b for a, b in both) / 60)
    assert one.shared == pytest.approx(sum(len({*a} & {*b}) / max(len(a), len(b), 1) for a, b in both) / 60)
    assert one.distinct == len({frozenset(a) for a in lists[0]})
