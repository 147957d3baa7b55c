"""The launch form: what is set first stands open, the rest is folded, sought by name and put back to its default."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot

from db.home import Home
from leverplus_tui.tui.messages import EditLaunch
from leverplus_tui.tui.screens.launch.form import LaunchScreen
from leverplus_tui.tui.screens.launch.topics import REST, Lines, topics
from leverplus_tui.tui.widgets.spec_fields import FIRST, NAME, fields
from tests.helpers_tui import burst, fill, held_back, opened, settled, text_of, until


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return fill(tmp_path_factory.mktemp("filled"), n=10)


async def form_of(pilot: Pilot[None], kind: str = "eval", run_id: int | None = None) -> LaunchScreen:
    """The launch form."""
    pilot.app.post_message(EditLaunch(kind, run_id))
    await until(pilot, lambda: isinstance(pilot.app.screen, LaunchScreen) and pilot.app.screen.query("#command"))
    await settled(pilot)
    page = pilot.app.screen
    assert isinstance(page, LaunchScreen)
    return page


@pytest.mark.parametrize("kind", sorted(FIRST))
def test_every_field_stands_open_or_under_one_topic(kind: str) -> None:
    paths = [field.path for field in fields(kind)]
    found = topics(kind, paths)
    held = [path for topic in found for path in topic.paths]
    assert 3 <= len(FIRST[kind]) <= 6
    assert sorted([NAME, *FIRST[kind], *held]) == sorted(paths)
    assert REST not in [topic.title for topic in found], "a new field has no topic in tui/screens/launch/topics.py"


def test_a_search_finds_fields_by_words_of_their_names_in_any_topic() -> None:
    lines = Lines("eval", [field.path for field in fields("eval")], sought="num beams")
    assert [lines.all[key] for key in lines.shown()] == ["decode.num_beams"]
    lines.sought = "seed"
    assert [lines.all[key] for key in lines.shown()] == ["decode.seed", "seed"]


async def test_topics_are_folded_and_tell_how_many_of_their_fields_were_changed(filled: Home) -> None:
    async with opened(filled) as pilot:
        form = (await form_of(pilot)).form
        await until(pilot, lambda: "▸ decoding" in text_of(pilot))
        assert "decode." not in text_of(pilot)
        form.set_value("decode.num_beams", "1")
        await until(pilot, lambda: "1 of 10 fields changed" in text_of(pilot))
        form.table.move_to(form.lines.key(form.lines.topics[2]))
        await pilot.press("right")
        await until(pilot, lambda: "decode.num_beams" in text_of(pilot))
        await pilot.press("left")
        await until(pilot, lambda: "decode.num_beams" not in text_of(pilot).partition("the same from a shell")[0])


async def test_a_field_is_found_by_its_name_changed_marked_and_put_back(filled: Home) -> None:
    async with opened(filled) as pilot:
        page = await form_of(pilot)
        form = page.form
        burst(pilot, *"/beams", "enter", "1", "up")
        await until(pilot, lambda: form.values["decode.num_beams"] == "1" and not held_back(pilot))
        key = form.lines.key("decode.num_beams")
        assert form.table.marked == [key]
        assert form.values["decode.min_new_tokens"] == "0"
        await pilot.press("down", "ctrl+z")
        assert form.field is not None
        assert form.field.path == "decode.num_beams"
        assert form.values["decode.num_beams"] == "3"
        assert form.table.marked == []
        assert page.command() == "leverplus run eval"


async def test_a_search_that_is_left_goes_back_to_where_it_began(filled: Home) -> None:
    async with opened(filled) as pilot:
        form = (await form_of(pilot)).form
        await pilot.press("down", "slash", *"seed")
        assert form.field is not None
        assert form.field.path == "decode.seed"
        assert "2 fields" in text_of(pilot)
        await pilot.press("escape")
        assert form.field.path == "dataset"
        assert isinstance(pilot.app.screen, LaunchScreen)


async def test_typing_on_a_topic_searches_and_a_typed_path_is_not_lost(filled: Home) -> None:
    async with opened(filled) as pilot:
        form = (await form_of(pilot)).form
        form.table.move_to(form.lines.key(form.lines.topics[0]))
        await pilot.press(*"dtype", "enter")
        assert form.field is not None
        assert form.field.path == "dtype"
        topic = form.lines.key(form.lines.topics[0])
        form.table.move_to(topic)
        await pilot.press("s", "escape")
        assert form.table.cursor_key == topic
        form.table.move_to(form.lines.key("dataset"))
        burst(pilot, *"./okvqa", "enter", "up")
        await until(pilot, lambda: form.values["dataset"] == "./okvqa" and not held_back(pilot))
        await pilot.press("slash", *"data", "slash", *"okvqa")
        await until(pilot, lambda: "enter sets dataset" in text_of(pilot))
        await pilot.press("enter")
        assert form.values["dataset"] == "/data/okvqa"
        form.table.move_to(form.lines.key("name"))
        await pilot.press("slash", *"zz", "enter", "escape")
        assert form.values["name"] == ""


async def test_lists_are_taken_as_people_type_them(filled: Home) -> None:
    async with opened(filled) as pilot:
        page = await form_of(pilot)
        for typed in ("0 2 4", "0,2,4", "0, 2, 4"):
            page.form.set_value("shots", typed)
            assert page.command() == "leverplus run eval --shot 0 --shot 2 --shot 4"
        page.form.set_value("shots", "0-2")
        assert page.command() == "leverplus run eval --shot 0 --shot 1 --shot 2"


async def test_a_duplicate_is_told_before_it_is_started(filled: Home) -> None:
    async with opened(filled) as pilot:
        page = await form_of(pilot, "eval", 2)
        await until(pilot, lambda: "same as r2, done" in text_of(pilot))
        assert "answers will" in text_of(pilot)
        page.form.set_value("fresh", "true")
        await until(pilot, lambda: "same as" not in text_of(pilot))
