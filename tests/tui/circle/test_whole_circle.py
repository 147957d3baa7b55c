"""From an empty home to a report on two trained selectors beside their controls, with real jobs and without a command line."""

from __future__ import annotations

from pathlib import Path

from textual.pilot import Pilot

from db.home import Home
from leverplus_tui.tui.screens.choosing import Choose
from leverplus_tui.tui.screens.comparing.page import CompareScreen
from leverplus_tui.tui.screens.launch.form import LaunchScreen
from leverplus_tui.tui.screens.launch.preflight import PreflightScreen
from leverplus_tui.tui.screens.runs.page import RunsScreen
from leverplus_tui.tui.screens.waiting.queue import QueueScreen
from leverplus_tui.tui.screens.waiting.sweep import SweepScreen
from leverplus_tui.tui.screens.waiting.sweeps import SweepsScreen
from tests.helpers_circle import fill_in, sheet
from tests.helpers_tui import kept, opened, settled, text_of, until


async def test_an_empty_home_comes_to_a_report_without_the_command_line(tmp_path: Path) -> None:
    async with opened(Home(tmp_path / "home"), (100, 30)) as pilot:
        await make_rl_data(pilot)
        await sweep(
            pilot,
            "rce",
            {"rl_data": "r1", "embeddings": "builtin", "rce_epochs": "1", "queries_per_step": "8", "seeds": "2"},
            "s1",
        )
        await sweep(pilot, "eval", {"retriever": "selector", "selector": "r2,r3", "first": "12", "shots": "1"}, "s2")
        await sweep(pilot, "eval", {"retriever": "random,t2t", "first": "12", "shots": "1"}, "s3")
        await look_at_the_queue(pilot)
        await compare(pilot, (7, 6, 5, 4))
        await report(pilot, tmp_path / "report.md")
    text = (tmp_path / "report.md").read_text()
    assert all(f"r{run}" in text for run in (4, 5, 6, 7))
    assert "r2" in text, "the trainings are told beside the evaluations of their selectors"


async def make_rl_data(pilot: Pilot[None]) -> None:
    """The launch form for RL data, filled in, checked and started; its end is told."""
    await pilot.press("n")
    await until(pilot, lambda: isinstance(pilot.app.screen, Choose))
    await pilot.press("j", "j", "enter")
    await until(pilot, lambda: isinstance(pilot.app.screen, LaunchScreen))
    await settled(pilot)
    page = pilot.app.screen
    assert isinstance(page, LaunchScreen)
    assert page.kind == "generate"
    page.form.load_values({"queries": "24", "shots": "1", "seed": "7"})
    await pilot.press("ctrl+r")
    await until(pilot, lambda: isinstance(pilot.app.screen, PreflightScreen | RunsScreen))
    if isinstance(pilot.app.screen, PreflightScreen):
        await pilot.press("enter")
    await until(pilot, lambda: isinstance(pilot.app.screen, RunsScreen))
    await until(pilot, lambda: any(words.startswith("r1 ") and words.endswith("is done") for words in kept(pilot)))


async def sweep(pilot: Pilot[None], kind: str, values: dict[str, str], ref: str) -> None:
    """Runs over several settings, listed in the launch form, queued, followed to their end on the sweep's page."""
    await pilot.press("W")
    await until(pilot, lambda: isinstance(pilot.app.screen, SweepsScreen))
    await settled(pilot)
    await pilot.press("n")
    await until(pilot, lambda: isinstance(pilot.app.screen, Choose))
    await pilot.press(*"j" * ("eval", "rce").index(kind), "enter")
    await until(pilot, lambda: isinstance(pilot.app.screen, LaunchScreen))
    await settled(pilot)
    page = pilot.app.screen
    assert isinstance(page, LaunchScreen)
    assert page.kind == kind
    page.form.load_values(values)
    await pilot.press("ctrl+r")
    await until(pilot, lambda: isinstance(pilot.app.screen, PreflightScreen))
    assert "2 runs (" in text_of(pilot)
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(pilot.app.screen, SweepsScreen) and f"{ref} " in text_of(pilot))
    await pilot.press("g", "enter")
    await until(pilot, lambda: isinstance(pilot.app.screen, SweepScreen))
    await until(pilot, lambda: any(words.startswith(f"{ref}: 2 of 2 done") for words in kept(pilot)))
    await until(pilot, lambda: "2 of 2 done" in text_of(pilot))
    await settled(pilot)
    assert ("val_loss" if kind == "rce" else "acc@1") in text_of(pilot)
    await pilot.press("escape", "escape")
    await until(pilot, lambda: isinstance(pilot.app.screen, RunsScreen))


async def look_at_the_queue(pilot: Pilot[None]) -> None:
    """Nothing waits any more."""
    await pilot.press("Q")
    await until(pilot, lambda: isinstance(pilot.app.screen, QueueScreen))
    await until(pilot, lambda: "Nothing runs and nothing waits" in text_of(pilot))
    await pilot.press("escape")
    await until(pilot, lambda: isinstance(pilot.app.screen, RunsScreen))


async def compare(pilot: Pilot[None], run_ids: tuple[int, ...]) -> None:
    """Marked in the list, side by side, with verdicts."""
    page = pilot.app.screen
    assert isinstance(page, RunsScreen)
    for run_id in run_ids:
        page.table.move_to(run_id)
        await pilot.press("space")
    await pilot.press("v")
    await until(pilot, lambda: isinstance(pilot.app.screen, CompareScreen))
    shown = pilot.app.screen
    assert isinstance(shown, CompareScreen)
    await until(pilot, lambda: shown.compared)
    await settled(pilot)


async def report(pilot: Pilot[None], path: Path) -> None:
    """Of the comparison in view."""
    await pilot.press("P")
    shown = await sheet(pilot, "Report of r7, r6, r5, r4")
    fill_in(shown, {"out": str(path)})
    await pilot.press("enter")
    await until(pilot, lambda: any(str(path) in words for words in kept(pilot)))
