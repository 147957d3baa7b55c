"""What the launch form asks of the queue: when a run starts, what it may take, what comes after it."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from db import store
from db.home import Home
from db.session import open_database, reading
from db.store import TicketRow
from db.user_error import UserError
from leverplus_tui.queue.wishes import Wishes
from leverplus_tui.tui.screens.dialogs import Confirm
from leverplus_tui.tui.screens.launch import starting
from leverplus_tui.tui.screens.launch.preflight import PreflightScreen
from leverplus_tui.tui.screens.launch.values import FormValues
from leverplus_tui.tui.screens.runs.page import RunsScreen
from tests.helpers_tui import fill, kept, opened, text_of, until
from tests.tui.test_launch_form import form_of

ASKED = {"after": "r6", "priority": "3", "memory": "1.5", "retries": "2", "time_limit": "90m", "then": "eval --first 5"}
TRAINING = {"rl_data": "builtin", "embeddings": "builtin"}


@pytest.fixture(autouse=True)
def _nobody_starts_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("submit", "sweep"):
        monkeypatch.setattr(f"leverplus_tui.queue.{module}.ensure_dispatcher", lambda home, database: None)


def held(kind: str = "rce", **texts: str) -> FormValues:
    found = FormValues(kind)
    found.load({**TRAINING, **texts}, "test")
    return found


def ticket(home: Home, run_id: int) -> TicketRow:
    with reading(open_database(home.database)) as session:
        found = store.ticket_of(session, run_id=run_id)
    assert found is not None
    return found


def test_the_command_asks_the_same_of_the_queue() -> None:
    words = shlex.split(held(**ASKED, name="mine").command())
    beside = words[words.index("--name") :]
    assert beside == shlex.split(
        "--name mine --after r6 --priority 3 --memory 1.5 --retries 2 --time-limit 90m --then 'eval --first 5'"
    )
    assert held(queue="true").command().endswith(" --queue")
    sweep = held(queue="true", seeds="2", memory="4").command()
    assert sweep.endswith("--seeds 2 --memory 4"), "a sweep waits anyway"


@pytest.mark.parametrize(
    ("path", "text", "sentence"),
    [
        ("time_limit", "soon", "time_limit = 'soon': write a time such as 90s, 15m, 2h30m or 1d"),
        ("memory", "much", "memory = 'much': must be a number"),
        ("retries", "-1", "retries = '-1': must be greater than or equal to 0"),
        ("priority", "1.5", "priority = '1.5': must be a whole number"),
        ("then", "dance", "then dance: give one of eval"),
        ("then", "eval --shot two", "shots = 'two'"),
    ],
)
def test_a_wish_that_cannot_be_is_refused_in_its_field(path: str, text: str, sentence: str) -> None:
    form = held(**{path: text})
    assert form.refusal(path).startswith(sentence)
    assert form.refusal("seed") == ""
    with pytest.raises(UserError, match=sentence.partition("(")[0]):
        form.command()


def test_wishes_read_what_they_write() -> None:
    wishes = Wishes(queue=True, after=("r1", "r2"), memory=8, time_limit="2h")
    assert wishes.words() == shlex.split("--queue --after r1 --after r2 --memory 8 --time-limit 2h")
    assert not Wishes().queues


def test_a_queued_run_has_what_was_asked_and_is_followed(tmp_path: Path) -> None:
    home = fill(tmp_path / "home", n=4)
    started = starting.asked(home, held(**ASKED)).start()
    assert (started.run_ids, started.following, started.queued) == ((7,), (8,), True)
    first, second = ticket(home, 7), ticket(home, 8)
    assert (first.needs, first.priority, first.memory_mb, first.retries, first.time_limit_s) == ((6,), 3, 1536, 2, 5400)
    assert second.needs == (7,)
    with reading(open_database(home.database)) as session:
        assert store.run_detail(session, run_id=8).spec["selector"] == "r7"


def test_the_runs_of_a_sweep_wait_as_asked_and_have_none_after_them(tmp_path: Path) -> None:
    home = fill(tmp_path / "home", n=4)
    started = starting.asked(home, held(seeds="2", priority="5")).start()
    assert {ticket(home, run).priority for run in started.run_ids} == {5}
    with pytest.raises(UserError, match="runs of a sweep have none after them"):
        starting.asked(home, held(seeds="2", then="eval"))


async def test_a_run_on_what_another_still_writes_waits_for_it_after_a_question(tmp_path: Path) -> None:
    home = fill(tmp_path / "home", n=4)
    async with opened(home) as pilot:
        page = await form_of(pilot, "eval")
        page.form.set_value("selector", "r6")
        await pilot.press("ctrl+r")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm) and "r6 has not ended" in text_of(pilot))
        await pilot.press("n")
        await until(pilot, lambda: "queue waits for it" in text_of(pilot))
        await pilot.press("escape", "ctrl+r")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
        await pilot.press("y")
        await until(pilot, lambda: isinstance(pilot.app.screen, PreflightScreen | RunsScreen))
        await until(pilot, lambda: any("r7 queued" in message for message in kept(pilot)))
    assert ticket(home, 7).needs == (6,)


async def test_more_memory_than_any_device_has_is_refused_before_anything_is_asked(tmp_path: Path) -> None:
    home = fill(tmp_path / "home", n=2)
    async with opened(home) as pilot:
        page = await form_of(pilot, "eval")
        page.form.set_value("device", "cpu")
        page.form.set_value("memory", "9000")
        await pilot.press("ctrl+r")
        await until(
            pilot, lambda: any("the run declares 9216000 MB, and cpu has" in message for message in kept(pilot))
        )
        assert not isinstance(pilot.app.screen, PreflightScreen)


async def test_runs_that_go_on_are_offered_to_wait_for(tmp_path: Path) -> None:
    async with opened(fill(tmp_path / "home", n=4)) as pilot:
        form = (await form_of(pilot, "rce")).form
        form.go_to("after")
        await pilot.press("r")
        await until(pilot, lambda: [entry.value for entry in form.editor.entries] == ["r6"])
        form.go_to("then")
        await pilot.press("escape")
        form.go_to("then")
        await pilot.press("e")
        await until(pilot, lambda: [entry.value for entry in form.editor.entries][:2] == ["eval", "embed"])
