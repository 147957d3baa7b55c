"""Windows that begin long work: what they ask, what they refuse in place, what is written, how the end is told."""

from __future__ import annotations

import importlib.util
import shutil
import tarfile
from pathlib import Path

import pytest

from db.home import Home
from engine.demo.shipped import builtin_file
from leverplus_tui.tui.messages import CompareRuns
from leverplus_tui.tui.screens.comparing.page import CompareScreen
from leverplus_tui.tui.screens.dialogs import Confirm, Tell
from leverplus_tui.tui.screens.keeping.doctor import DoctorScreen
from leverplus_tui.tui.screens.keeping.freeing import FreeScreen
from leverplus_tui.tui.screens.runs.page import RunsScreen
from leverplus_tui.tui.screens.sheet import Pick, Sheet
from tests import helpers_report
from tests.helpers_circle import fill_in, sheet
from tests.helpers_cli import make_desk
from tests.helpers_tui import fill, kept, opened, settled, text_of, until


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """One home for the tests that only read its rows."""
    return fill(tmp_path_factory.mktemp("filled"), n=10)


# Reports


async def test_a_report_of_marked_runs_is_written_where_it_was_said_and_its_path_is_told(
    filled: Home, tmp_path: Path
) -> None:
    async with opened(filled, (120, 36)) as pilot:
        page = pilot.app.screen
        assert isinstance(page, RunsScreen)
        page.table.move_to(2)
        await pilot.press("space", "space", "P")
        shown = await sheet(pilot, "Report of r2, r1")
        field = shown.query_one("#sheet-format", Pick)
        shown.set_focus(field)
        await pilot.press("right")
        assert shown.values["out"].endswith("report-r2-r1.html")
        fill_in(shown, {"lang": "zh", "out": str(tmp_path / "mine.html")})
        await pilot.press("enter")
        await until(pilot, lambda: any(str(tmp_path / "mine.html") in words for words in kept(pilot)))
        text = (tmp_path / "mine.html").read_text()
        assert '<html lang="zh' in text
        assert "neighbours" in text
        await pilot.press("P")
        again = await sheet(pilot, "Report of")
        assert again.values["format"] == "html"
        assert again.values["lang"] == "zh"
        assert again.values["out"] == str(tmp_path / "report-r2-r1.html")


async def test_a_report_of_a_comparison_is_against_one_run_and_replaces_after_a_question(
    filled: Home, tmp_path: Path
) -> None:
    out = tmp_path / "report.csv"
    out.write_text("precious")
    async with opened(filled, (120, 36)) as pilot:
        pilot.app.post_message(CompareRuns((1, 2, 3)))
        await until(pilot, lambda: isinstance(pilot.app.screen, CompareScreen))
        await settled(pilot)
        for answer in ("n", "y"):
            await pilot.press("P")
            shown = await sheet(pilot, "Report of r1, r2, r3")
            fill_in(shown, {"format": "csv", "against": "r2", "out": str(out)})
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
            assert "Replace report.csv?" in text_of(pilot)
            await pilot.press(answer)
            assert answer == "y" or out.read_text() == "precious"
        await until(pilot, lambda: any(str(out) in words for words in kept(pilot)))
    assert "precious" not in out.read_text()


async def test_what_a_report_refuses_is_told_as_the_command_says_it(filled: Home, tmp_path: Path) -> None:
    async with opened(filled, (120, 36)) as pilot:
        await pilot.press("P")
        shown = await sheet(pilot, "Report of r6")
        fill_in(shown, {"out": ""})
        await pilot.press("enter")
        await until(pilot, lambda: "say where it is to be written" in shown.refused)
        (tmp_path / "file").write_text("")
        fill_in(shown, {"out": str(tmp_path / "file" / "report.md")})
        await pilot.press("enter")
        await until(pilot, lambda: any("cannot be written" in words for words in kept(pilot)))


async def test_without_a_run_it_is_said_where_to_mark_some(tmp_path: Path) -> None:
    async with opened(Home(tmp_path / "home"), (80, 24)) as pilot:
        for key, words in (("P", "A report of which runs?"), ("U", "Publish which runs?")):
            await pilot.press(key)
            await until(pilot, lambda words=words: any(words in one for one in kept(pilot)))  # type: ignore[misc]
            assert isinstance(pilot.app.screen, RunsScreen)


# Publishing


async def test_a_place_whose_library_is_missing_is_refused_before_anything_starts(
    filled: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "mlflow" else there(name))
    async with opened(filled, (80, 24)) as pilot:
        await pilot.press("U")
        shown = await sheet(pilot, "Publish r6")
        fill_in(shown, {"to": "mlflow"})
        await pilot.press("enter")
        await until(pilot, lambda: "pip install" in shown.refused)
        assert isinstance(pilot.app.screen, Sheet)
        assert not pilot.app.screen_stack[0].query_one("ModeBar").errands  # type: ignore[attr-defined]


async def test_a_training_is_published_as_a_folder_for_the_hub_and_a_refusal_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("huggingface_hub", reason="the folder's card is written by it")
    desk = make_desk(tmp_path, monkeypatch)
    helpers_report.fill(desk)
    async with opened(desk.home, (120, 36)) as pilot:
        page = pilot.app.screen
        assert isinstance(page, RunsScreen)
        for run_id, words in ((1, "r1 is in"), (2, "has no selector")):
            page.table.move_to(run_id)
            await pilot.press("U")
            shown = await sheet(pilot, f"Publish r{run_id}")
            fill_in(shown, {"to": "hub-folder", "out": str(tmp_path / "hub")})
            await pilot.press("enter")
            await until(pilot, lambda words=words: any(words in one for one in kept(pilot)))  # type: ignore[misc]
    assert list((tmp_path / "hub").rglob("README.md"))


# Doctor


async def test_the_doctor_says_what_is_wrong_with_a_file_and_what_to_do(filled: Home, tmp_path: Path) -> None:
    checkpoint = tmp_path / "mine.safetensors"
    shutil.copy(builtin_file("checkpoint"), checkpoint)
    async with opened(filled, (200, 50)) as pilot:
        await pilot.press("O")
        shown = await sheet(pilot, "Doctor")
        fill_in(shown, {"subject": str(checkpoint), "expect": "d_modell=3"})
        await pilot.press("enter")
        await until(pilot, lambda: "--expect d_modell=3" in shown.refused)
        fill_in(shown, {"expect": "d_model=77"})
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, DoctorScreen))
        await until(pilot, lambda: "d_model" in text_of(pilot))
        page = pilot.app.screen
        assert isinstance(page, DoctorScreen)
        (report,) = page.reports
        assert any(one.severity == "error" and one.fix for one in report.findings)
        assert "expected: d_model=77" in text_of(pilot)
        assert "1 error" in text_of(pilot)
        await pilot.press("e")
        again = await sheet(pilot, "Doctor")
        assert again.values == {"subject": str(checkpoint), "expect": "d_model=77"}
        fill_in(again, {"expect": ""})
        await pilot.press("enter")
        await until(pilot, lambda: pilot.app.screen is not page and isinstance(pilot.app.screen, DoctorScreen))
        await until(pilot, lambda: "expected" not in text_of(pilot))


async def test_the_doctor_ends_in_a_message_where_one_has_left(filled: Home, tmp_path: Path) -> None:
    gone = tmp_path / "gone.pt"
    async with opened(filled, (80, 24)) as pilot:
        for subject, words in ((str(gone), "there is nothing at"), ("r1", "r1: run")):
            await pilot.press("O")
            shown = await sheet(pilot, "Doctor")
            fill_in(shown, {"subject": subject, "expect": ""})
            await pilot.press("enter", "3" if subject == "r1" else "1")
            await until(pilot, lambda words=words: any(words in one for one in kept(pilot)))  # type: ignore[misc]
        assert not any(isinstance(page, DoctorScreen) for page in pilot.app.screen_stack)


# Keeping


async def test_a_home_is_backed_up_into_a_file(filled: Home, tmp_path: Path) -> None:
    async with opened(filled, (80, 24)) as pilot:
        await pilot.app.run_action("app.task('backup')")
        shown = await sheet(pilot, "Back up this home")
        fill_in(shown, {"file": str(tmp_path / "monday.tar.gz")})
        await pilot.press("enter")
        await until(pilot, lambda: any("6 runs" in words for words in kept(pilot)))
    with tarfile.open(tmp_path / "monday.tar.gz") as archive:
        assert "leverplus.db" in archive.getnames()


async def test_what_can_go_is_shown_before_it_goes(tmp_path: Path) -> None:
    home = fill(tmp_path / "home", n=10)
    state = home.run_dir(4) / "training.safetensors"
    state.parent.mkdir(parents=True, exist_ok=True)
    state.write_bytes(bytes(3000))
    async with opened(home, (100, 30)) as pilot:
        for answer in ("n", "y"):
            await pilot.app.run_action("app.task('gc')")
            await sheet(pilot, "What lies on the disk")
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(pilot.app.screen, FreeScreen))
            await until(pilot, lambda: "3.0 kB can go" in text_of(pilot) and "training that is done" in text_of(pilot))
            assert state.exists()
            await pilot.press(answer)
        await until(pilot, lambda: any("3.0 kB freed" in words for words in kept(pilot)))
    assert not state.exists()


async def test_a_home_is_checked_and_mended(tmp_path: Path) -> None:
    home = fill(tmp_path / "home", n=10)
    async with opened(home, (100, 30)) as pilot:
        await pilot.app.run_action("app.task('fsck')")
        shown = await sheet(pilot, "Check this home")
        fill_in(shown, {"repair": "yes"})
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, Tell))
        await until(pilot, lambda: "mended: r4: best.safetensors is gone" in text_of(pilot))
