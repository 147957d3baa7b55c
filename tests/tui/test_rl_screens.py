"""RL data in the terminal: readable at once, health first, queries at length, two files side by side, damaged files."""

from __future__ import annotations

import gc
import json
import shutil
from pathlib import Path

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input

from db import store
from db.home import Home
from db.session import open_database, writing
from engine.rl.index import build as rl_index
from leverplus_tui.data import rl_files
from leverplus_tui.data.rl_files import Indexing
from leverplus_tui.tui.screens.choosing import Choose
from leverplus_tui.tui.screens.rl.compare import RLCompareScreen
from leverplus_tui.tui.screens.rl.health import brief
from leverplus_tui.tui.screens.rl.page import RLDataScreen
from leverplus_tui.tui.screens.rl.query import RLQueryScreen
from tests import helpers_rl
from tests.engine.rl.test_index import BAD
from tests.helpers_tui import arrived, kept, opened, settled, text_of, until


@pytest.fixture(autouse=True)
def builders_run_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """An index is built in a thread of the test, and no data set is looked for; one test starts the real processes."""

    def start(self: Indexing) -> None:
        rl_index.main([str(self.path), "--cache", str(self.cache)])

    async def nothing(self: rl_files.RLSource, known: object) -> bool:
        return False

    monkeypatch.setattr(Indexing, "start", start)
    monkeypatch.setattr(rl_files.RLSource, "find_dataset", nothing)


def register(home: Home, *paths: Path) -> None:
    """Register files as RL data, whatever is in them; the last one stands first."""
    engine = open_database(home.database)
    with writing(engine) as session:
        for path in paths:
            store.add_data(session, path=path, kind="rl-data", size=path.stat().st_size, sha256="0" * 64)
    engine.dispose()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Two pooled files; `second` has other questions for some queries and leads the list."""
    first = helpers_rl.pooled(queries=12)
    second = helpers_rl.pooled(queries=10, seed=1)
    second["_meta"]["prompt"] = "Question: {question}"
    for record in first.values():
        for candidate in record.get("pointer_candidates", [])[:1]:
            record["pointer_candidates"].append(candidate | {"vqa_acc_score": 0.3, "vqa_correct": 1})
    home = Home(tmp_path / "home")
    home.root.mkdir()
    register(home, helpers_rl.write(tmp_path / "second.json", second), helpers_rl.write(tmp_path / "first.json", first))
    return home


async def open_data(pilot: Pilot[None]) -> RLDataScreen:
    """The page of the file that stands first."""
    await pilot.press("3")
    await settled(pilot)
    await pilot.press("enter")
    return await arrived(pilot, RLDataScreen)


@pytest.mark.parametrize("size", [(80, 24), (200, 50)])
async def test_health_comes_first_then_queries(home: Home, size: tuple[int, int]) -> None:
    async with opened(home, size) as pilot:
        await open_data(pilot)
        shown = text_of(pilot)
        assert gc.isenabled()  # put off while the page opened
        assert "R3  12 queries" in shown
        assert shown.index("signal") < shown.index("groups") < shown.index("12 queries   sort id asc")
        assert "What is bird" in shown
        assert "mixed" in shown
        await pilot.press("i")
        await settled(pilot)
        whole = text_of(pilot)
        assert "Findings" in whole
        await pilot.press("G")
        await pilot.press("i")
        assert "12 queries   sort id asc" in text_of(pilot)


def test_rates_carry_their_intervals_and_few_queries_are_not_judged() -> None:
    health = {
        "positive_rate": 0.001, "query_positive_rate": 0.2, "signal_rate": 0.0, "predicted_advantage_std": 0.0,
        "intervals": {"positive_rate": [0.0, 0.01], "signal_rate": [0.0, 0.435]},
        "candidates": 100, "groups": {"all_zero": 4, "mixed": 1, "all_one": 0}, "reward_histogram": [(0.0, 100)],
        "gen_methods": {"beam": {"count": 100, "positive_rate": 0.2, "mean": 0.1, "interval": [0.1, 0.3]}},
        "eval_modes": {},
    }  # fmt: skip
    said = brief(health, (), width=200, lines=5)
    assert "too few queries to tell (5)" in said.plain
    assert "signal 0.0 % [0.0, 43.5]" in said.plain
    assert "beam 100 (20.0 % ±10.0 right)" in said.plain
    assert said.plain.splitlines()[0].endswith("candidates 100   ")
    coloured = [span for span in said.spans if "$error" in str(span.style) or "$warning" in str(span.style)]
    assert all(span.start >= said.plain.index("too few") for span in coloured)
    many = health | {"groups": {"all_zero": 400, "mixed": 100, "all_one": 0}}
    assert "too few" not in brief(many, (), width=200, lines=5).plain


async def test_letters_typed_in_one_go_belong_into_the_filter(home: Home) -> None:
    async with opened(home) as pilot:
        page = await open_data(pilot)
        for key, character in (
            ("slash", "/"),
            *((letter, letter) for letter in "positive"),
            ("colon", ":"),
            ("0", "0"),
        ):
            pilot.app.post_message(events.Key(key, character))
        await until(pilot, lambda: page.where == "positive:0")
        assert page.query_one("#filter", Input).value == "positive:0"
        assert pilot.app.screen is page


async def test_filter_and_sort(home: Home) -> None:
    async with opened(home, (100, 30)) as pilot:
        page = await open_data(pilot)
        await pilot.press("slash")
        page.query_one("#filter", Input).value = 'n>5 "bird 1"'
        await until(pilot, lambda: page.ids == [1, 10, 11])
        assert "3 of 12 queries" in text_of(pilot)
        page.query_one("#filter", Input).value = "n>5 colour:red"
        await until(pilot, lambda: "'colour:red' names no field" in text_of(pilot))
        page.query_one("#filter", Input).value = "n>500"
        await until(pilot, lambda: "No queries match n>500" in text_of(pilot))
        await pilot.press("escape")
        await until(pilot, lambda: len(page.ids) == 12)
        await pilot.press("S")
        await until(pilot, lambda: page.ids == list(range(11, -1, -1)))
        await pilot.press("s", "down", "down", "enter")
        await until(pilot, lambda: page.sort == "positive desc")
        await settled(pilot)
        rows = page.source.rows(page.ids)
        assert [rows[key].positives for key in page.ids] == sorted(
            (row.positives for row in rows.values()), reverse=True
        )


async def test_a_query_shows_candidates_with_reward_marks_and_neighbours(home: Home) -> None:
    async with opened(home, (160, 40)) as pilot:
        data = await open_data(pilot)
        await pilot.press("j", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, RLQueryScreen))
        await settled(pilot)
        page = pilot.app.screen
        assert isinstance(page, RLQueryScreen)
        shown = text_of(pilot)
        assert "What is bird 1 famous for?" in shown
        assert "talking x6, mimicry x4" in shown
        assert "pool of 64" in shown
        assert "→#1" in shown
        assert "no registered data" in shown
        await pilot.press("w")
        assert "reward hard_plus_soft_v2" in text_of(pilot)
        await pilot.press("s")
        assert page.group is not None
        best = max(page.group.candidates, key=lambda one: (one.rewards[page.mode], -one.number))
        assert page.table.keys[0] == best.number
        await pilot.press("right_square_bracket")
        await until(pilot, lambda: "What is bird 2 famous for?" in text_of(pilot))
        await pilot.press("y")
        await settled(pilot)
        assert any("pointer_global" in message for message in kept(pilot))
        await pilot.press("escape")
        await settled(pilot)
        assert data.table.cursor_key == 2


async def test_the_last_and_the_first_query_say_so(home: Home) -> None:
    async with opened(home, (80, 24)) as pilot:
        await open_data(pilot)
        await pilot.press("enter")
        await settled(pilot)
        await pilot.press("left_square_bracket")
        assert any("first query of the list" in message for message in kept(pilot))
        for _ in range(3):
            await pilot.press("p")
            await settled(pilot)
        assert "What is bird 0" in text_of(pilot)


async def test_train_opens_the_form_with_this_file(home: Home, tmp_path: Path) -> None:
    async with opened(home, (120, 36)) as pilot:
        await open_data(pilot)
        await pilot.press("n")
        await settled(pilot)
        await until(pilot, lambda: "/first.json d2" in " ".join(text_of(pilot).split()))


async def test_two_files_side_by_side(home: Home) -> None:
    async with opened(home, (120, 40)) as pilot:
        await open_data(pilot)
        await pilot.press("v")
        await until(pilot, lambda: isinstance(pilot.app.screen, Choose))  # the other files are looked up first
        await pilot.press("enter")
        await until(
            pilot, lambda: isinstance(pilot.app.screen, RLCompareScreen) and "queries in both" in text_of(pilot)
        )
        await settled(pilot)
        shown = text_of(pilot)
        assert "10   only in A 2   only in B 0" in shown
        assert "Question: {question}" in shown
        await until(pilot, lambda: "pointers in both" in text_of(pilot))
        await pilot.press("s")
        assert "sort difference" in text_of(pilot)
        await pilot.press("b")
        await until(pilot, lambda: isinstance(pilot.app.screen, RLQueryScreen))
        await settled(pilot)
        assert "second" in text_of(pilot)


async def test_first_queries_are_readable_before_the_index(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Indexing, "start", lambda self: None)
    async with opened(home, (100, 30)) as pilot:
        page = await open_data(pilot)
        shown = text_of(pilot)
        assert "first 12 queries of the file" in shown
        assert "not indexed: r begins again" in shown
        await pilot.press("slash")
        assert any("when the index is ready" in message for message in kept(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, RLQueryScreen))
        await settled(pilot)
        assert "talking x6" in text_of(pilot)
        await pilot.press("escape")
        assert page.source.browse is None


async def test_a_changed_file_is_read_again(home: Home, tmp_path: Path) -> None:
    async with opened(home, (100, 30)) as pilot:
        page = await open_data(pilot)
        helpers_rl.write(tmp_path / "first.json", helpers_rl.strict(queries=5))
        page.look()
        await until(pilot, lambda: "R2  5 queries" in text_of(pilot))
        assert any("has changed on disk" in message for message in kept(pilot))
        (tmp_path / "first.json").unlink()
        page.look()
        await until(pilot, lambda: "put the file back" in text_of(pilot).replace("\n", " "))


async def test_each_malformed_kind_is_one_sentence(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.root.mkdir()
    text = helpers_rl.write(tmp_path / "good.json", helpers_rl.strict()).read_text()
    paths = {kind: tmp_path / f"{kind}.json" for kind in BAD}
    for kind, path in paths.items():
        path.write_text(BAD[kind][0](text))
    register(home, *paths.values())
    async with opened(home, (200, 30)) as pilot:
        for kind in reversed(BAD):
            page = await open_data(pilot)
            assert page.source.path == paths[kind]
            shown = text_of(pilot)
            assert BAD[kind][1] in shown or (kind == "not JSON" and "not a JSON object" in shown)
            assert "Something went wrong" not in shown
            if page.ids:
                await pilot.press("enter")
                await settled(pilot)
                assert isinstance(pilot.app.screen, RLQueryScreen)
                await pilot.press("escape")
                await settled(pilot)
            await pilot.press("escape")
            await settled(pilot)
            await pilot.press("j")


async def test_a_record_that_cannot_be_read_is_one_sentence_and_the_next_one_opens(tmp_path: Path) -> None:
    document = helpers_rl.strict(queries=3)
    document["0"]["pointer_candidates"][2]["gen_method"] = 5
    home = Home(tmp_path / "home")
    home.root.mkdir()
    register(home, helpers_rl.write(tmp_path / "bad.json", document))
    async with opened(home, (120, 36)) as pilot:
        await open_data(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: "pointer_candidates[2].gen_method" in text_of(pilot))
        await pilot.press("right_square_bracket")
        await until(pilot, lambda: "What is bird 1 famous for?" in text_of(pilot))


async def test_files_without_questions_and_of_mixed_kinds_are_shown(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.root.mkdir()
    kinds = ("R1", "R6", "legacy")
    made = {name: helpers_rl.write(tmp_path / f"{name}.json", helpers_rl.VARIANTS[name]()) for name in kinds}
    register(home, *made.values())
    async with opened(home, (120, 36)) as pilot:
        for variant in reversed(made):
            page = await open_data(pilot)
            assert page.source.browse is not None
            assert page.source.browse.variant == variant
            assert "10 queries" in text_of(pilot)
            await pilot.press("enter")
            await settled(pilot)
            assert isinstance(pilot.app.screen, RLQueryScreen)
            assert pilot.app.screen.group is not None
            await pilot.press("escape", "escape")
            await settled(pilot)
            await pilot.press("j")


# Behind the screens


def test_a_large_file_is_registered_by_its_head_and_judged_by_its_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = helpers_rl.write(tmp_path / "rl.json", helpers_rl.strict())
    small = rl_files.judged(path, tmp_path / "cache")
    monkeypatch.setattr(rl_files, "LARGE", 1)
    quick = rl_files.described(path)
    assert quick.kind == "rl-data"
    assert quick.facts["judged"] == "not yet"
    large = rl_files.judged(path, tmp_path / "cache")
    assert large.facts == json.loads(json.dumps(small.facts))
    assert large.findings == small.findings
    path.write_text(path.read_text()[:-300])
    assert [finding.code for finding in rl_files.judged(path, tmp_path / "cache").findings] == ["truncated"]


async def test_real_builders_start_stop_and_find_the_data_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    path, cache = helpers_rl.write(tmp_path / "rl.json", helpers_rl.strict()), tmp_path / "cache"
    indexing = Indexing(path, cache)
    assert not indexing.cancel()
    indexing.start()
    assert indexing.is_ours
    assert indexing.cancel()
    assert not indexing.progress().running
    shutil.rmtree(cache, ignore_errors=True)
    source = rl_files.RLSource(path, "rl", cache)
    source.indexing.start()
    assert source.indexing._process is not None
    assert source.indexing._process.wait(60) == 0
    assert source.load()
    found = await source.find_dataset([rl_files.KnownData("nowhere", str(tmp_path), "")])
    assert not found
    assert source.demonstrations([3])[3].question == "What is bird 3 famous for?"
