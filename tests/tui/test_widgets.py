"""What the widgets compute, without a screen: columns that fit, numbers as text, heat, curves, images, logs, intervals."""

from __future__ import annotations

import math
import random
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from engine.statistics.histogram import Histogram
from leverplus_tui.text.glyphs import glyph
from leverplus_tui.text.numbers import accuracy
from leverplus_tui.text.scale import ticks
from leverplus_tui.tui.graphics.finished import Key, Unreadable, finished
from leverplus_tui.tui.screens.comparing.said import head
from leverplus_tui.tui.theme import OWN, THEMES, fallbacks
from leverplus_tui.tui.watcher import FIRST_READ, Tail
from leverplus_tui.tui.widgets import text
from leverplus_tui.tui.widgets.charts.axes import Look, texts_of
from leverplus_tui.tui.widgets.charts.bins import aligned, bars_of
from leverplus_tui.tui.widgets.charts.curves import Rule, Series, reduce, smoothed, within
from leverplus_tui.tui.widgets.charts.plot import UNCHANGED, plot
from leverplus_tui.tui.widgets.charts.whisker import whisker
from leverplus_tui.tui.widgets.columns import ALIKE, Column, fit
from leverplus_tui.tui.widgets.log import level_of
from leverplus_tui.tui.widgets.matrix import Figure, heat
from leverplus_tui.tui.widgets.run_view import run_columns


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


def test_a_column_that_says_the_same_in_every_line_gives_its_room_to_one_that_stays() -> None:
    columns = [Column("name", "name", 12, flex=20), Column("how", "how", 9, priority=5, flex=4)]
    alike = Column("dataset", "dataset", 9, priority=ALIKE + 7, flex=6)
    assert [(column.key, width) for column, width in fit([*columns, alike], 40)] == [("name", 30), ("how", 9)]
    assert [column.key for column, _ in fit([*columns, alike], 52)] == ["name", "how", "dataset"]


def test_eighty_columns_hold_three_shots_with_their_intervals() -> None:
    widths = {1: len("?48.55 ±10.3")}
    columns = run_columns((0, 1, 2), newest=412, largest=5046, widths=widths)
    shown = {column.key: width for column, width in fit(columns, 80 - 3)}
    assert {"id", "name", "@0", "@1", "@2", "state", "flag"} <= set(shown)
    assert shown["@1"] >= len("?48.55 ±10.3")
    lopsided = run_columns((0, 1, 2), widths={0: len("1.67 [0.0, 4.9]")})
    assert next(column.width for column in lopsided if column.key == "@0") == len("1.67 [0.0, 4.9]")


def test_text_is_as_wide_as_its_place() -> None:
    assert text.pad("日本語の名前", 6) == "日本… "
    assert text.shorten_path("/a/long/way/to/image.jpg", 12) == "…o/image.jpg"
    assert text.shorten_path("/日本語の名前/画像.jpg", 10) == "…/画像.jpg"
    assert text.bar(0.5, 4) == "━━──"


def test_ascii_is_asked_for_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEVERPLUS_ASCII", "1")
    assert glyph("done") == "+"
    assert accuracy(48.5, 45.2, 51.8).isascii()
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


def test_no_tick_lies_outside_and_steps_are_whole() -> None:
    assert ticks(0.001, 0.067, 2) == pytest.approx([0.02, 0.04, 0.06])
    assert ticks(3, 5, 4, whole=True) == [3, 4, 5]
    assert ticks(3.2, 3.8, 4, whole=True) == []
    drawn = random.Random(5)
    for _ in range(2000):
        low = drawn.uniform(-1, 1) * 10 ** drawn.randint(-6, 6)
        high = low + drawn.random() * 10 ** drawn.randint(-6, 6)
        for most in (2, 3, 8):
            found = ticks(low, high, most)
            assert len(found) >= 2
            assert all(low - 1e-6 * (high - low) <= mark <= high + 1e-6 * (high - low) for mark in found)


def test_labels_of_an_axis_are_told_apart() -> None:
    assert texts_of([1000.01, 1000.02]) == ["1000.01", "1000.02"]
    assert texts_of([0.0, 20.0]) == ["0", "20"]
    near = Series("loss", tuple((float(x), 1000 + 0.01 * x) for x in range(9)))
    labels = [line.partition("┤")[0].strip() for line in drawn_text(plot([near], 60, 12)) if "┤" in line]
    assert len(set(labels)) == len(labels) >= 2


def test_rounding_is_no_curve() -> None:
    noise = Series("spread", tuple((float(x), 0.9186 + 1e-8 * (x % 3)) for x in range(9)))
    level = Series("spread", tuple((float(x), 0.9186) for x in range(9)))
    assert plot([noise], 60, 12) == plot([level], 60, 12)


def bars_text(*found: Histogram, look: Look = UNCHANGED, width: int = 60) -> list[str]:
    return drawn_text(plot([Series(str(place), (), histogram=one) for place, one in enumerate(found)], width, 10, look))


def test_histograms_are_shares_of_each_run_in_its_colour() -> None:
    few, many = Histogram((1, 3), (0.0, 2.0)), Histogram((100, 300), (0.0, 2.0))
    assert bars_text(few) == bars_text(many)
    series = [Series("a", (), look=2, histogram=few), Series("b", (), look=5, histogram=many)]
    assert {colour for line in plot(series, 60, 10) for _, colour in line} >= {2, 5}
    assert any("50 %" in line for line in bars_text(few))
    assert bars_text(few)[-1].split() == ["0", "2"]
    assert bars_text(Histogram()) == []


def test_histograms_of_other_widths_are_laid_over_each_other() -> None:
    fine = Histogram((1, 2, 3, 4), width=0.1, first=-2)
    coarse = Histogram((5, 5, 5), width=0.4, first=-1)
    series = [Series("", (), histogram=one) for one in (fine, coarse, Histogram((7,), (0.5,)), Histogram())]
    found = bars_of(series)
    assert [(round(low, 6), counts) for low, _, counts in found] == [
        (-0.4, [3, 5, 0, 0]), (0.0, [7, 5, 0, 0]), (0.4, [0, 5, 7, 0]),
    ]  # fmt: skip
    apart = [Histogram((1,), width=0.1, first=0), Histogram((1,), width=0.1, first=1000)]
    assert len(aligned(apart)[0].counts) == 1
    assert len(bars_of([Series("", (), histogram=one) for one in apart])) == 2


def test_histograms_have_a_log_scale_a_cursor_numbers_and_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    one = Histogram((1000, 1), (0.0, 1.0))
    assert bars_text(one, look=Look(log=True)) != bars_text(one)
    assert bars_text(one, look=Look(bar=1)) != bars_text(one)
    assert bars_text(one, look=Look(bar=9)) == bars_text(one)
    assert any("1" in line for line in bars_text(one, look=Look(numbers=True))[:-2])
    monkeypatch.setenv("LEVERPLUS_ASCII", "1")
    assert all(line.isascii() for line in bars_text(one, one))


def a_curve(name: str = "loss", **more: Any) -> Series:
    return Series(name, tuple((float(x), 1 / (x + 1)) for x in range(50)), **more)


def drawn_text(lines: list[list[tuple[str, int]]]) -> list[str]:
    return ["".join(text for text, _ in line) for line in lines]


def test_a_plot_has_the_size_that_was_asked_for() -> None:
    lines = drawn_text(plot([a_curve()], 60, 10))
    assert len(lines) == 10
    assert {len(line) for line in lines} == {60}
    assert plot([Series("none", ())], 60, 10) == []
    assert plot([a_curve()], 8, 10) == []


def test_curves_are_told_apart_by_colour_alone_or_by_numbers() -> None:
    two = [a_curve(), a_curve("other", look=4)]
    colours = {colour for line in plot(two, 60, 12) for _, colour in line if colour >= 0}
    assert 4 in colours
    signs = {sign for line in drawn_text(plot(two, 60, 12)) for sign in line if ord(sign) > 0x2800}
    assert signs
    assert any("5" in line for line in drawn_text(plot(two, 60, 12, Look(numbers=True)))[:-2])


def test_ascii_charts_are_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEVERPLUS_ASCII", "1")
    assert all(line.isascii() for line in drawn_text(plot([a_curve()], 60, 10)))


def test_levels_bands_and_the_cursor_are_drawn() -> None:
    bare = drawn_text(plot([a_curve()], 60, 12))
    ruled = drawn_text(plot([a_curve(rules=(Rule("uniform", 0.5),))], 60, 12))
    assert any("uniform" in line for line in ruled)
    assert not any("uniform" in line for line in bare)
    far = drawn_text(plot([a_curve(rules=(Rule("uniform", 50.0),))], 60, 12))
    assert far == bare, "a level far away would press the curve flat"
    band = tuple((float(x), 0.2, 0.8) for x in range(50))
    assert drawn_text(plot([a_curve(band=band)], 60, 12)) != bare
    assert drawn_text(plot([a_curve()], 60, 12, Look(cursor=25.0))) != bare


def test_log_scale_leaves_out_what_has_no_logarithm() -> None:
    points = ((0.0, 100.0), (1.0, 0.0), (2.0, 1.0), (3.0, float("nan")))
    lines = drawn_text(plot([Series("loss", points)], 60, 12, Look(log=True)))
    assert lines[0].startswith("100┤")
    assert plot([Series("loss", ((0.0, -1.0),))], 60, 12, Look(log=True)) == []


def test_smoothing_corrects_its_beginning_and_keeps_a_level() -> None:
    assert smoothed([(0.0, 2.0), (1.0, 2.0), (2.0, 2.0)], 0.9) == pytest.approx([(0.0, 2.0), (1.0, 2.0), (2.0, 2.0)])
    assert smoothed([(0.0, 1.0), (1.0, 3.0)], 0.5)[1][1] == pytest.approx((0.25 * 1 + 0.5 * 3) / 0.75)
    assert smoothed([(0.0, 1.0)], 0) == ((0.0, 1.0),)


def test_a_zoom_keeps_what_leads_in_and_out() -> None:
    part = within(a_curve(), 10, 20)
    assert (part.points[0][0], part.points[-1][0]) == (9, 21)
    assert within(a_curve(), 100, 200).points == ()
    assert a_curve().at(10.5) == a_curve().points[10][1]
    assert a_curve().at(-1) is None


def test_half_cells_keep_the_shape_of_an_image(tmp_path: Path) -> None:
    path = tmp_path / "wide [1].png"
    Image.new("RGB", (64, 32), "#ff0000").save(path)
    strips = finished(Key(str(path), 20, 20)).strips
    assert len(strips) == 5
    assert {strip.cell_length for strip in strips} == {20}
    style = next(iter(strips[0])).style
    assert style is not None
    assert style.color is not None
    assert style.color.name == "#ff0000"


def test_an_image_that_cannot_be_shown_says_why(tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"no image")
    with pytest.raises(Unreadable) as missing:
        finished(Key(str(tmp_path / "gone.jpg"), 10, 10))
    assert missing.value.reason == f"gone.jpg not found under {tmp_path}"
    with pytest.raises(Unreadable) as broken:
        finished(Key(str(tmp_path / "broken.jpg"), 10, 10))
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


def test_the_head_of_a_comparison_is_never_cut() -> None:
    parts, notes = (
        ["baseline r5", "34 of 93 lines differ", "synthetic figures"],
        ["r11: answers 74 by this run", "r12 is failed"],
    )
    assert head(parts, [], 80) == ["baseline r5   34 of 93 lines differ   synthetic figures"]
    assert head(parts, notes, 120) == [f"{'   '.join(parts)}   {'   '.join(notes)}"]
    assert head(parts, notes, 60) == ["   ".join(parts), "   ".join(notes)]
    assert head(parts, notes * 3, 60) == ["   ".join(parts), "6 notes, under `notes` below"]
    assert head(parts, notes * 3, 90) == [f"{'   '.join(parts)}   6 notes, under `notes` below"]
    assert head(parts, [], 40) == ["baseline r5   34 of 93 lines differ", "synthetic figures"]


def test_lines_of_a_log_are_parted_at_blanks() -> None:
    assert text.wrapped("one two three", 8) == ["one two ", "three"]
    assert text.wrapped("0123456789abc", 5) == ["01234", "56789", "abc"]
    assert text.wrapped("a 0123456789", 5) == ["a 012", "34567", "89"]
    assert text.wrapped("日本語 テキスト", 8) == ["日本語 ", "テキスト"]
    assert text.wrapped("", 5) == [""]
