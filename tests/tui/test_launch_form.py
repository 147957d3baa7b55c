"""The launch form: what is set first stands open, the rest is folded, sought by name and put back to its default."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets._toast import Toast

from db import store
from db.home import Home
from db.session import open_database, reading, writing
from db.specs.embed import EmbedSpec
from db.specs.generate import GenerateSpec
from leverplus_tui.jobs.spec_options import options
from leverplus_tui.queue.grid import grid
from leverplus_tui.tui.messages import EditLaunch, RunsLaunched
from leverplus_tui.tui.screens.choosing import Choose
from leverplus_tui.tui.screens.help import HelpScreen
from leverplus_tui.tui.screens.launch.form import LaunchScreen
from leverplus_tui.tui.screens.launch.preflight import PreflightScreen
from leverplus_tui.tui.screens.launch.topics import REST, Lines, topics
from leverplus_tui.tui.screens.launch.values import FormValues
from leverplus_tui.tui.screens.runs.page import RunsScreen
from leverplus_tui.tui.screens.waiting.jobs import JobsScreen
from leverplus_tui.tui.widgets.spec_fields import FIRST, NAME, SEEDS, SWEPT, fields
from tests.helpers_circle import nobody_dispatches
from tests.helpers_tui import burst, fill, held_back, kept, opened, settled, text_of, until


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
    assert sorted([NAME, *([SEEDS] if kind in SWEPT else ()), *FIRST[kind], *held]) == sorted(paths)
    assert REST not in [topic.title for topic in found], "a new field has no topic in tui/screens/launch/topics.py"


def test_a_search_finds_fields_by_words_of_their_names_in_any_topic() -> None:
    lines = Lines("eval", [field.path for field in fields("eval")], sought="num beams")
    assert [lines.all[key] for key in lines.shown()] == ["decode.num_beams"]
    lines.sought = "seed"
    assert [lines.all[key] for key in lines.shown()] == ["seeds", "decode.seed", "seed"]


async def test_topics_are_folded_and_tell_how_many_of_their_fields_were_changed(filled: Home) -> None:
    async with opened(filled) as pilot:
        form = (await form_of(pilot)).form
        await until(pilot, lambda: "▸ decoding" in text_of(pilot))
        assert "decode." not in text_of(pilot)
        form.set_value("decode.num_beams", "1")
        await until(pilot, lambda: "1 of 10 changed" in text_of(pilot))
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
        assert form.field.path == "seeds"
        assert "3 fields" in text_of(pilot)
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


async def test_what_is_typed_after_enter_takes_the_place_of_a_choice_and_of_a_default(filled: Home) -> None:
    async with opened(filled) as pilot:
        page = await form_of(pilot)
        for path, typed in (("retriever", "random,t2t"), ("vlm", "other"), ("vlm", "more")):
            burst(pilot, "slash", *path, "enter", "enter", *typed, "enter")
            await until(pilot, lambda: not held_back(pilot))
        assert page.form.values["retriever"] == "random,t2t"
        assert page.form.values["vlm"] == "othermore"


async def test_the_first_and_the_last_of_few_choices_are_one_key_away(filled: Home) -> None:
    async with opened(filled) as pilot:
        burst(pilot, "n", "G", "k", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, LaunchScreen) and not held_back(pilot))
        form = pilot.app.screen
        assert isinstance(form, LaunchScreen)
        assert form.kind == "generate"


async def test_a_duplicate_is_told_before_it_is_started(filled: Home) -> None:
    async with opened(filled) as pilot:
        page = await form_of(pilot, "eval", 2)
        await until(pilot, lambda: "same as r2, done" in text_of(pilot))
        assert "answers will" in text_of(pilot)
        page.form.set_value("fresh", "true")
        await until(pilot, lambda: "same as" not in text_of(pilot))


async def test_a_list_in_a_field_for_one_value_makes_a_sweep(filled: Home) -> None:
    async with opened(filled) as pilot:
        page = await form_of(pilot, "rce")
        page.form.load_values({"rl_data": "builtin", "embeddings": "builtin"})
        for path, text in (("rce_lr", "1e-4 3e-4"), ("dropout", "0, 0.1"), ("seeds", "3"), ("name", "my sweep")):
            page.form.set_value(path, text)
        assert page.command() == (
            "leverplus sweep rce --data builtin --embeddings builtin --set dropout=0,0.1 --set rce_lr=1e-4,3e-4 "
            "--seeds 3 --name 'my sweep'"
        )
        await until(pilot, lambda: "a sweep of 12 runs" in text_of(pilot))
        page.form.set_value("seeds", "0-1")
        await until(pilot, lambda: "a sweep of 8 runs" in text_of(pilot))
        assert "--seeds 0,1" in page.command()


@pytest.mark.parametrize(
    ("kind", "texts"),
    [
        ("eval", {"retriever": "auto,t2t", "shots": "[1,2],[4]", "limit": "10 20", "seeds": "7,11"}),
        ("rce", {"rl_data": "builtin", "embeddings": "builtin", "variant": "v1,v4_3", "shuffle": "true,false"}),
        ("rce", {"rl_data": "builtin", "embeddings": "builtin", "rce_epochs": "1-3", "seed": "5", "seeds": "2"}),
        ("generate", {"temperatures": "[1.0] [0.7,1.3]", "queries": "20"}),
    ],
)
def test_the_command_of_a_sweep_makes_the_same_runs(kind: str, texts: dict[str, str]) -> None:
    held = FormValues(kind)
    held.load(texts, "test")
    words = shlex.split(held.command())
    assert words[:3] == ["leverplus", "sweep", kind]
    given = dict.fromkeys([option.field for option in options(kind)])
    flags: dict[str, Any] = {}
    sets, seeds, at = [], None, 3
    flag_fields = {option.flag: option for option in options(kind)}
    while at < len(words):
        word, value = words[at], words[at + 1]
        if word == "--set":
            sets.append(value)
        elif word == "--seeds":
            seeds = value
        elif flag_fields[word].kind == "list":
            flags.setdefault(flag_fields[word].field, []).append(value)
        else:
            flags[flag_fields[word].field] = value
        at += 2
    same = grid(kind, {**given, **flags}, None, sets, seeds)
    mine = held.grid()
    assert mine is not None
    assert {member.spec.sha() for member in mine.members} == {member.spec.sha() for member in same.members}
    assert len(mine.members) == held.count() > 1


def test_texts_that_are_no_lists_are_never_taken_apart(tmp_path: Path) -> None:
    (tmp_path / "a,b").mkdir()
    held = FormValues("eval")
    held.load({"dataset": str(tmp_path / "a,b"), "prompt.system": "Say one, two, 3.", "device": "cuda:0,cuda:1",
               "shots": "0 2 4", "name": "one, two"}, "test")  # fmt: skip
    assert held.axes() == {}


async def test_a_sweep_is_queued_and_the_cursor_is_on_its_first_run(tmp_path: Path) -> None:
    home = fill(tmp_path / "home", n=4)
    async with opened(home) as pilot:
        page = await form_of(pilot, "eval")
        page.form.set_value("limit", "3,4")
        page.form.set_value("shots", "0")
        page.form.set_value("retriever", "random")
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "Preflight found nothing wrong" in text_of(pilot))
        assert isinstance(pilot.app.screen, PreflightScreen)
        assert "2 runs (2 preflights); " in text_of(pilot)
        assert [(dict(one.settings), one.level) for one in pilot.app.screen.report.members] == [
            ({"limit": "3"}, "ok"),
            ({"limit": "4"}, "ok"),
        ]
        await pilot.press("enter")
        await until(pilot, lambda: any("2 runs to r8 wait in the queue" in message for message in kept(pilot)))
        await pilot.press("4")
        await until(pilot, lambda: isinstance(pilot.app.screen, JobsScreen) and pilot.app.screen.here() == 7)
        with reading(open_database(home.database)) as session:
            assert [sweep.axes for sweep in store.list_sweeps(session)] == [{"limit": [3, 4]}]


async def test_a_sweep_of_a_run_begins_with_its_settings_and_one_of_nothing_asks_for_a_kind(filled: Home) -> None:
    async with opened(filled) as pilot:
        page = pilot.app.screen
        assert isinstance(page, RunsScreen)
        page.table.move_to(2)
        await pilot.app.run_action("app.sweep")
        await until(pilot, lambda: isinstance(pilot.app.screen, LaunchScreen) and pilot.app.screen.query("#command"))
        await settled(pilot)
        form = pilot.app.screen
        assert isinstance(form, LaunchScreen)
        assert (form.kind, form.form.values["limit"], form.form.values["retriever"]) == ("eval", "10", "t2t")
        await pilot.press("escape", "W", "n")
        await until(pilot, lambda: isinstance(pilot.app.screen, Choose))
        await pilot.press("j", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, LaunchScreen) and pilot.app.screen.kind == "rce")


async def test_which_runs_of_a_sweep_preflight_blocks_is_shown_and_they_are_not_queued(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody_dispatches(monkeypatch)
    home = Home(tmp_path / "home")
    async with opened(home, (100, 30)) as pilot:
        page = await form_of(pilot, "eval")
        page.form.load_values({"dataset": f"builtin,{tmp_path}", "limit": "3", "seeds": "2", "retriever": "random"})
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "Preflight blocks 2 of 4 runs" in text_of(pilot))
        shown = text_of(pilot)
        assert "each seed draws questions of its own" in " ".join(shown.replace("│", " ").split())
        assert shown.index("✗ block") < shown.index("✓ ok")
        await pilot.press("escape")
    with reading(open_database(home.database)) as session:
        assert store.list_sweeps(session) == []


@pytest.mark.parametrize("size", [(120, 36), (60, 15)])
async def test_a_refused_text_keeps_its_field(filled: Home, size: tuple[int, int]) -> None:
    async with opened(filled, size) as pilot:
        form = (await form_of(pilot)).form
        form.table.move_to(form.lines.key("limit"))
        for leaving in ("enter", "tab", "down", "up"):
            await pilot.press("x", leaving)
            await until(pilot, lambda: "limit = 'x': must be a whole number" in " ".join(text_of(pilot).split()))
            assert pilot.app.focused is form.editor.input
            await pilot.press("escape")
            assert form.values["limit"] == ""
        await until(pilot, lambda: "must be a whole number" not in text_of(pilot))


async def test_a_fault_in_a_folded_field_opens_its_topic_and_is_edited(filled: Home) -> None:
    async with opened(filled) as pilot:
        form = (await form_of(pilot)).form
        for path, text in (("decode.top_p", "3"), ("prompt.query", "no placeholder"), ("selector", "nowhere.pt")):
            before = form.values[path]
            form.set_value(path, text)
            await pilot.press("ctrl+r")
            await until(pilot, lambda: pilot.app.focused is form.editor.input)
            assert form.field is not None
            assert form.field.path == path
            await pilot.press("escape")
            form.set_value(path, before)


async def test_a_changed_field_says_what_it_came_from(filled: Home) -> None:
    async with opened(filled) as pilot:
        page = await form_of(pilot, "eval", 2)
        await until(pilot, lambda: "r2, default auto" in text_of(pilot))
        page.form.set_value("retriever", "i2i")
        await until(pilot, lambda: "typed, r2 has t2t" in text_of(pilot))
        page.form.set_value("retriever", "t2t")
        page.form.set_value("dataset", "mine")
        await until(pilot, lambda: "r2, default auto" in text_of(pilot) and "typed, default builtin" in text_of(pilot))


async def test_what_is_known_of_a_field_is_offered_and_taken(filled: Home) -> None:
    async with opened(filled) as pilot:
        form = (await form_of(pilot)).form
        form.table.move_to(form.lines.key("selector"))
        await pilot.press("enter")
        await until(pilot, lambda: "grpo-k64, v3, 20+20 epochs" in text_of(pilot))
        await pilot.press(*"k64")
        await until(pilot, lambda: [entry.value for entry in form.editor.entries] == ["r4"])
        await pilot.press("down", "enter")
        assert form.values["selector"] == "r4"
        form.table.move_to(form.lines.key("retriever"))
        await pilot.press("m", "m")
        await until(pilot, lambda: [entry.value for entry in form.editor.entries] == ["mmices", "mmr"])
        await pilot.press("down", "enter")
        assert form.values["retriever"] == "mmr"
        form.table.move_to(form.lines.key("retriever"))
        await pilot.press("comma", *"t2", "enter")
        assert form.values["retriever"] == "mmr,t2t"


async def test_a_path_is_completed_in_a_field_that_takes_one(filled: Home, tmp_path: Path) -> None:
    (tmp_path / "okvqa").mkdir()
    async with opened(filled) as pilot:
        form = (await form_of(pilot)).form
        form.table.move_to(form.lines.key("dataset"))
        await pilot.press(*str(tmp_path / "ok"), "tab")
        await until(pilot, lambda: form.editor.display and form.editor.value == str(tmp_path / "ok"))
        await pilot.press("tab")
        assert form.editor.value == f"{tmp_path / 'okvqa'}/"
        await pilot.press("enter")
        assert form.values["dataset"] == f"{tmp_path / 'okvqa'}/"


async def test_the_help_of_the_form_names_no_key_that_is_typed_there(filled: Home) -> None:
    async with opened(filled, (100, 50)) as pilot:
        form = (await form_of(pilot)).form
        await pilot.press("question_mark")
        await until(pilot, lambda: "letters and digits replace its text" in " ".join(text_of(pilot).split()))
        assert isinstance(pilot.app.screen, HelpScreen)
        keys = [key for actions in pilot.app.screen.sections.values() for found, _ in actions.values() for key in found]
        assert not {"1", "2", "3", "4", "m", "-", "+", "q", "%", "="} & set(keys)
        await pilot.press("escape", "4")
        assert form.editor.value == "4"


async def test_after_launching_the_cursor_is_on_the_new_run_or_it_is_said_why_not(tmp_path: Path) -> None:
    home = fill(tmp_path / "home", n=4)
    async with opened(home) as pilot:
        page = pilot.app.screen
        assert isinstance(page, RunsScreen)
        pilot.app.library.memory.view(groups=("kind",))  # type: ignore[attr-defined]  # the program
        page.select_again()
        await until(pilot, lambda: 3 not in page.table.keys)
        pilot.app.post_message(RunsLaunched((3,)))
        await until(pilot, lambda: page.here() == 3)
        page.where = "kind:grpo"
        pilot.app.post_message(RunsLaunched((2,)))
        await until(
            pilot, lambda: any("r2 is none of those that the filter shows" in message for message in kept(pilot))
        )


async def test_a_message_leaves_the_help_of_the_field_to_be_read(filled: Home) -> None:
    async with opened(filled, (80, 24)) as pilot:
        page = await form_of(pilot)
        pilot.app.notify("r3 demo has ended", timeout=3600)
        await until(pilot, lambda: any(toast.region for toast in pilot.app.screen.query(Toast)))
        toast = pilot.app.screen.query_one(Toast)
        assert "r3 demo has ended" in text_of(pilot)
        assert not toast.region.overlaps(page.query_one("#help").region)


async def test_an_evaluation_asked_for_on_a_training_takes_its_selector(filled: Home) -> None:
    async with opened(filled) as pilot:
        page = pilot.app.screen
        assert isinstance(page, RunsScreen)
        page.table.move_to(4)
        await pilot.press("e")
        await until(pilot, lambda: isinstance(pilot.app.screen, LaunchScreen) and "grpo" not in text_of(pilot))
        await settled(pilot)
        form = pilot.app.screen
        assert isinstance(form, LaunchScreen)
        assert form.form.values["selector"] == "r4"
        assert form.form.held.told("selector") == "r4, default none"
        assert form.kind == "eval"


async def test_a_training_takes_the_data_and_the_embeddings_of_the_runs_that_are_meant(tmp_path: Path) -> None:
    home = fill(tmp_path, n=4)
    with writing(open_database(home.database)) as session:
        made = [store.create_run(session, spec=spec, environment={}).id for spec in (EmbedSpec(), GenerateSpec())]
    async with opened(home) as pilot:
        page = pilot.app.screen
        assert isinstance(page, RunsScreen)
        await until(pilot, lambda: set(made) <= set(page.table.keys))
        page.table.move_to(made[0])
        burst(pilot, "space")
        await until(pilot, lambda: page.table.marked == made[:1])
        page.table.move_to(made[1])
        burst(pilot, "n", "g", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, LaunchScreen) and not held_back(pilot))
        form = pilot.app.screen
        assert isinstance(form, LaunchScreen)
        assert form.kind == "rce"
        values = form.form.values
        assert [values["embeddings"], values["rl_data"]] == [f"r{run}" for run in made]
        assert [form.form.held.told(field) for field in ("embeddings", "rl_data")] == [f"r{run}" for run in made]
