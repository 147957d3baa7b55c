"""How many lines are painted for what changed, and when changes are told: what a key and a live run cost."""

from __future__ import annotations

from textual.app import App, ComposeResult
from textual.content import Content
from textual.message import Message
from textual.strip import Strip

from leverplus_tui.tui.messages import DataChanged
from leverplus_tui.tui.theme import THEMES, Sheet
from leverplus_tui.tui.watcher import Watcher
from leverplus_tui.tui.widgets.kept import keep_lines
from leverplus_tui.tui.widgets.lines import Lines
from leverplus_tui.tui.widgets.table import Column, LineTable


class Table(LineTable):
    painted: list[int]

    def render_line(self, y: int) -> Strip:
        self.painted.append(y)
        return super().render_line(y)


class Pane(Lines):
    painted: list[int]

    def render_line(self, y: int) -> Strip:
        self.painted.append(y)
        return super().render_line(y)


class Host(App[None]):
    def __init__(self) -> None:
        super().__init__()
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = "leverplus-dark"
        self.table, self.pane = Table([Column("name", "name", 10)], id="table"), Pane(id="pane")
        self.table.painted, self.pane.painted = [], []

    def compose(self) -> ComposeResult:
        yield self.table
        yield self.pane


async def test_only_lines_that_changed_are_painted() -> None:
    app = Host()
    async with app.run_test(size=(40, 20)) as pilot:
        app.table.fill([{"name": f"row {place}"} for place in range(5)])
        await pilot.pause()
        app.table.painted.clear()
        app.table.put_rows({0: {"name": "row 0"}, 3: {"name": "other"}})
        app.table.set_keys(range(5))
        await pilot.pause()
        assert app.table.painted == [4]
        app.table.painted.clear()
        app.table.action_move(1)
        await pilot.pause()
        assert app.table.painted == [1, 2]


async def test_a_pane_paints_the_lines_that_changed_and_all_where_one_is_wrapped() -> None:
    app = Host()
    async with app.run_test(size=(40, 20)) as pilot:
        app.pane.show(Content("one\ntwo\nthree"))
        await pilot.pause()
        app.pane.painted.clear()
        app.pane.show(Content("one\n2\nthree"))
        await pilot.pause()
        assert app.pane.painted == [1]
        assert app.pane.visual.plain == "one\n2\nthree"  # type: ignore[attr-defined]  # it is a Content
        app.pane.painted.clear()
        app.pane.show(Content("one\n" + "long " * 20 + "\nthree"))
        await pilot.pause()
        assert set(app.pane.painted) >= {0, 1, 2}
        app.pane.painted.clear()
        app.pane.show(Content.assemble("one\n", ("long " * 20, "bold"), "\nthree"))
        await pilot.pause()
        assert app.pane.painted, "another colour is another text"


async def test_lines_that_stand_still_are_not_gone_through_again_and_others_are_seen_at_once() -> None:
    app = Host()
    async with app.run_test(size=(40, 20)) as pilot:
        app.pane.show(Content("one\ntwo\nthree"))
        keep_lines([app.pane])
        await pilot.pause()
        whole = app.pane.region.size.region
        first = app.pane.render_lines(whole)
        assert app.pane.render_lines(whole) is first
        app.pane.show(Content("one\n2\nthree"))
        assert app.pane.render_lines(whole)[1].text.rstrip() == "2"
        app.theme = "leverplus-light"
        await pilot.pause()
        styles = {segment.style for strip in app.pane.render_lines(whole) for segment in strip}
        assert styles.isdisjoint({segment.style for strip in first for segment in strip})


async def test_a_row_is_put_into_words_once_and_again_for_other_columns() -> None:
    app = Host()
    async with app.run_test(size=(40, 20)) as pilot:
        app.table.fill([{"name": f"row {place}", "state": "done"} for place in range(5)])
        await pilot.pause()
        words = app.table._texts[0]
        app.table.action_move(1)
        await pilot.pause()
        assert app.table._texts[0] is words
        app.table.set_columns([Column("state", "state", 10)])
        await pilot.pause()
        assert app.table._texts[0][0][0].split() == ["done"]


async def test_colours_of_a_table_are_those_of_the_theme_in_view() -> None:
    app = Host()
    async with app.run_test(size=(40, 20)) as pilot:
        app.table.fill([{"name": "row"}])
        await pilot.pause()
        dark = app.table.own_style
        app.theme = "leverplus-light"
        await pilot.pause()
        assert app.table.own_style != dark


def test_rules_are_read_again_for_other_colours_alone() -> None:
    sheet = Sheet({"primary": "red"})
    sheet.add_source("Static { color: $primary; }", read_from=("here", ""))
    before = sheet.rules
    sheet.set_variables({"primary": "red"})
    sheet.reparse()
    assert sheet.rules is before
    sheet.set_variables({"primary": "blue"})
    sheet.reparse()
    assert sheet.rules is not before


def versions(told: list[Message]) -> list[int]:
    return [one.version for one in told if isinstance(one, DataChanged)]


def test_changes_wait_while_nobody_touches_the_program_and_are_never_lost() -> None:
    told: list[Message] = []
    version = 1
    watcher = Watcher(tell=told.append, version=lambda: version)
    seen = watcher._look(-1)
    assert versions(told) == [1]
    version = 2
    seen = watcher._look(seen)
    assert len(told) == 1
    watcher.touched()
    assert watcher._look(seen) == 2
    assert versions(told) == [1, 2]
