"""The preflight dialogue fits the terminal: what is wrong comes first, keys stay in view."""

from __future__ import annotations

from pathlib import Path

import pytest

from db.home import Home
from db.specs import Finding
from engine.doctor.preflight import Check
from leverplus_tui.jobs.preflight import comparison
from leverplus_tui.tui.screens.launch.preflight import PreflightReport, PreflightScreen
from leverplus_tui.tui.widgets.charts.bars import KeyBar
from leverplus_tui.tui.widgets.table import LineTable
from tests.helpers_tui import opened, settled, text_of

LONG = "openai/clip-vit-large-patch14-336-projection"
CHECKS = [Check(f"field {at}", LONG, LONG) for at in range(11)] + [Check("pool size", "64", "2", "block")]
FINDINGS = tuple(
    Finding(
        code=f"code-{at}",
        severity="error",
        subject="x",
        message="What is wrong, in a long sentence. " * 3,
        fix="Mend it.",
    )
    for at in range(6)
)


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (60, 20)])
async def test_keys_and_the_worst_row_are_in_view(tmp_path: Path, size: tuple[int, int]) -> None:
    async with opened(Home(tmp_path), size) as pilot:
        screen = PreflightScreen(PreflightReport(CHECKS, FINDINGS))
        await pilot.app.push_screen(screen)
        await settled(pilot)
        assert text_of(pilot).index("✗ block") < text_of(pilot).index("✓ ok")
        keys, table = screen.query_one(KeyBar), screen.query_one(LineTable)
        assert 0 < keys.region.bottom < size[1]
        assert table.shown_columns == ["what", "checkpoint", "request", "level"]
        assert table.region.height >= 4


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_the_table_of_the_command_line_has_a_line_for_each_row(columns: int) -> None:
    lines = comparison(CHECKS, columns).splitlines()
    assert len(lines) == len(CHECKS) + 1
    assert max(map(len, lines)) <= columns
    assert lines[-1].split() == ["pool", "size", "64", "2", "BLOCK"]
