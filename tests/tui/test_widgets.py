"""What the widgets compute, without a screen: columns that fit, numbers as text, heat, curves, images, logs, intervals."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from PIL import Image

from leverplus_tui.tui.theme import OWN, THEMES, fallbacks, glyph
from leverplus_tui.tui.watcher import FIRST_READ, Tail
from leverplus_tui.tui.widgets import text
from leverplus_tui.tui.widgets.chart import Series, draw, reduce, ticks
from leverplus_tui.tui.widgets.columns import Column, fit
from leverplus_tui.tui.widgets.log import level_of
from leverplus_tui.tui.widgets.matrix import Figure, heat
from leverplus_tui.tui.widgets.picture import Unreadable, half_cells
from leverplus_tui.tui.widgets.run_view import run_columns
from leverplus_tui.tui.widgets.whisker import whisker


def test_columns_are_left_out_by_priority_and_never_cut() -> None:
    columns = [
        Column("id", "id", 5),
        Column("a", "a", 10, priority=2),
        Column("b", "b", 10, priority=9),
        Column("c", "c", 10, priority=1),
    ]
    assert [column.key for column, _ in fit(columns, 38)] == ["id", "a", "b", "c"]
    assert [column.key for column, _ in fit(columns, 37)] == ["id", "a", "c"]
    assert [column.key for column, _ in fit(columns, 20)] == ["id", "c"]
    assert [column.key for column, _ in fit(columns, 4)] == ["id"]


def test_room_that_is_left_goes_to_flexible_columns() -> None:
    assert [width for _, width in fit([Column("id", "id", 5), Column("name", "name", 10, flex=8)], 30)] == [5, 18]


def test_eighty_columns_hold_three_shots_with_their_intervals() -> None:
    shown = {column.key: width for column, width in fit(run_columns((0, 1, 2), newest=412, largest=5046), 80 - 3)}
    assert {"id", "name", "@0", "@1", "@2", "state", "flag"} <= set(shown)
    assert shown["@1"] >= len("?48.5 ±10.3")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.12345678, "0.1235"),
        (1e-7, "1.00e-07"),
        (41_200, "41 200"),
        (9_999, "9999"),
        (float("nan"), "nan"),
        (0.0, "0"),
    ],
)
def test_numbers_keep_their_order_of_magnitude(value: float, said: str) -> None:
    assert text.number(value) == said


@pytest.mark.parametrize(
    ("seconds", "said"), [(None, "-"), (8.9, "8s"), (252, "4m12"), (7860, "2h11"), (3 * 86400 + 4 * 3600, "3d04h")]
)
def test_durations(seconds: float | None, said: str) -> None:
    assert text.duration(seconds) == said


def test_accuracies_and_differences_carry_their_intervals() -> None:
    assert text.accuracy(48.55, 45.25, 51.85) == "48.5 ±3.3"
    assert text.difference(2.31, -0.44, 5.06) == "+2.3 [-0.4, +5.1]"
    assert text.difference(-0.01) == "0.0"


def test_text_of_others_loses_escapes_and_keeps_its_width() -> None:
    assert text.clean("\x1b[31mred\x1b[0m\ttab\x07\x1b]0;title\x07") == "red  tab"
    assert text.pad("日本語の名前", 6) == "日本… "
    assert text.shorten_path("/a/long/way/to/image.jpg", 12) == "…o/image.jpg"
    assert text.plural(1, "run") == "1 run"
    assert text.size(3_250_000) == "3.2 MB"
    assert text.bar(0.5, 4) == "━━──"
    assert text.spark([0, 1, 2, 3], 4) == "▁▃▆█"


def test_facts_are_written_in_words() -> None:
    assert text.said({"train": 800, "val": 200}) == "train 800, val 200"
    assert text.said({"all": "d" * 64, "half": None}) == "all dddddddddd, half -"
    assert text.said({"beam": {"count": 15}, "none": {}}) == "beam (count 15), none -"
    assert text.said([0.123456, True]) == "0.1235, yes"
    assert text.said(None) == text.said({}) == "-"
    assert text.spaced("lineage.top_share") == "lineage top share"


def test_names_are_short_but_tell_apart() -> None:
    assert text.short_name("http://127.0.0.1:1/v1") == "127.0.0.1:1"
    assert text.short_name("nope/nope") == "nope/nope"
    assert text.short_name("Qwen/Qwen2.5-VL-3B-Instruct") == "Qwen2.5-VL-3B-Instruct"
    assert text.short_name("/data/models/qwen/") == "qwen"
    assert text.short_name("/data/a/qwen", ["/data/a/qwen", "/data/b/qwen", ""]) == "a/qwen"
    assert text.short_name("") == ""


def test_ascii_is_asked_for_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEVERPLUS_ASCII", "1")
    assert glyph("done") == "+"
    assert text.accuracy(48.5, 45.2, 51.8).isascii()
    assert whisker(1, 2, 3, (0, 4), 9, zero=True).isascii()


def test_heat_is_never_finer_than_the_noise() -> None:
    alike = [Figure(50.0 + step, 45.0 + step, 55.0 + step, 100, 100) for step in range(4)]
    assert set(heat(alike).values()) == {0}
    apart = [Figure(20.0, 19.0, 21.0, 100, 100), Figure(80.0, 79.0, 81.0, 100, 100)]
    assert sorted(heat(apart).values()) == [0, 6]
    assert heat([]) == {}


def test_reducing_keeps_the_extremes_of_each_column() -> None:
    points = [(float(x), math.sin(x / 50)) for x in range(10_000)] + [(10_000.0, float("nan"))]
    points[1234] = (1234.0, 99.0)
    kept = reduce(points, 80)
    assert len(kept) <= 160
    assert (1234.0, 99.0) in kept
    assert kept == sorted(kept)
    assert reduce(points[:5], 80) == points[:5]


def test_ticks_are_round() -> None:
    assert ticks(0, 100, 5) == pytest.approx([0, 50, 100])
    assert ticks(0.031, 0.097, 5) == pytest.approx([0.04, 0.06, 0.08])
    assert ticks(2, 2, 5) == [2]


def test_a_chart_has_the_size_that_was_asked_for() -> None:
    lines = draw([Series("loss", tuple((float(x), 1 / (x + 1)) for x in range(50)))], 60, 10, ["#5cc8b5"] * 7)
    assert len(lines) == 10
    assert max(len(line.plain) for line in lines) <= 60
    assert any(line.plain.strip() for line in lines)


def test_half_cells_keep_the_shape_of_an_image(tmp_path: Path) -> None:
    path = tmp_path / "wide [1].png"
    Image.new("RGB", (64, 32), "#ff0000").save(path)
    strips = half_cells(path, 20, 20)
    assert len(strips) == 5
    assert {strip.cell_length for strip in strips} == {20}
    style = next(iter(strips[0])).style
    assert style is not None
    assert style.color is not None
    assert style.color.name == "#ff0000"


def test_an_image_that_cannot_be_shown_says_why(tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"no image")
    with pytest.raises(Unreadable) as missing:
        half_cells(tmp_path / "gone.jpg", 10, 10)
    assert missing.value.reason == f"gone.jpg not found under {tmp_path}"
    with pytest.raises(Unreadable) as broken:
        half_cells(tmp_path / "broken.jpg", 10, 10)
    assert broken.value.reason.startswith("broken.jpg cannot be read")


def test_levels_are_seen_by_their_words() -> None:
    assert level_of("14:02 | WARNING | 2 samples skipped") == "warning"
    assert level_of("ValueError: no such field") == "error"
    assert level_of("14:02 INFO errors=0") == ""


def test_intervals_lie_where_their_numbers_say() -> None:
    assert whisker(-2, 0, 2, (-4, 4), 9) == "  ├─●─┤  "
    assert whisker(1, 2, 3, (-4, 4), 9, zero=True) == "    ┊├●┤ "


def test_a_tail_gives_whole_lines_and_notices_a_new_file(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    tail = Tail(path)
    assert tail.read() is None
    path.write_text("one\ntwo\nthr")
    first = tail.read()
    assert first is not None
    assert (first.lines, first.skipped) == (["one", "two"], False)
    assert tail.read() is None
    with path.open("a") as file:
        file.write("ee\n")
    second = tail.read()
    assert second is not None
    assert second.lines == ["three"]
    path.write_text("new\n")
    third = tail.read()
    assert third is not None
    assert (third.lines, third.restarted) == (["new"], True)


def test_a_long_log_is_read_from_its_end(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    path.write_text("".join(f"line {number}\n" for number in range(60_000)))
    found = Tail(path).read()
    assert found is not None
    assert found.skipped
    assert found.lines[-1] == "line 59999"
    assert found.lines[0].startswith("line ")
    assert sum(len(line) + 1 for line in found.lines) <= FIRST_READ


def test_every_theme_knows_the_colours_that_the_style_sheet_names() -> None:
    for theme in THEMES:
        assert set(OWN) <= set(theme.variables)
    assert set(fallbacks(ansi=True, dark=True)) == set(OWN)
    assert set(fallbacks(ansi=False, dark=False)) == set(OWN)
