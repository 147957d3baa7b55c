"""Asking about an evaluation: one job for however many terminals, real processes, and what is told when they die."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from db import store
from db.home import Home
from db.session import open_database, reading, writing
from db.specs import EvalSpec, Finding, TrialSpec, UserError
from leverplus_tui.jobs import asking, launcher, preflight
from leverplus_tui.keeping.check import check
from leverplus_tui.keeping.trash import erase
from tests.helpers_asking import HOLD, WORKER, again, evaluated, held, tables
from tests.helpers_cli import Desk
from tests.helpers_jobs import Jobs


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Jobs:
    return evaluated(tmp_path_factory.mktemp("asking"))[0]


@pytest.fixture
def desk(world: Jobs, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """Jobs are real processes that end before the test does."""
    monkeypatch.setattr(launcher, "WORKER", WORKER)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    monkeypatch.delenv("LEVERPLUS_HOME", raising=False)
    desk = Desk(world.home)
    yield desk
    with reading(desk.database) as session:
        jobs = store.asking_runs(session, run_ids=[1])
    for job in jobs:
        launcher.stop(desk.home, job)
    with writing(desk.database) as session:
        for job in jobs:
            store.discard(session, run_id=job)
        store.forget_trials(session, trial_ids=[one.id for one in store.trials(session, run_id=1)])


def found(desk: Desk, number: int) -> store.TrialRow:
    with reading(desk.database) as session:
        row = store.trial(session, trial_id=number)
    assert row is not None
    return row


def test_a_job_killed_in_the_middle_leaves_its_question_to_the_next(desk: Desk) -> None:
    stored = desk.answers(1, 2)
    before = tables(Jobs(desk.home))
    mine = asking.asker_of(os.getpid())
    first = asking.ask(desk.home, 1, again(stored[0]), asker=mine)
    held_up = asking.ask(desk.home, 1, again(stored[0], question=HOLD), asker=mine)
    last = asking.ask(desk.home, 1, again(stored[1]), asker=mine)
    job = asking.standing(desk.database, 1).job
    assert job is not None
    desk.wait(lambda: held(desk.home.run_dir(job)).exists())
    desk.wait(lambda: not found(desk, first).is_open)  # its answer is stored a moment after the next question is begun
    assert [found(desk, one).state for one in (first, held_up, last)] == ["answered", "answering", "waiting"]
    process = desk.detail(job).processes[-1]
    os.kill(process.pid, signal.SIGKILL)
    desk.wait(lambda: not asking.standing(desk.database, 1).is_up)
    assert [found(desk, one).state for one in (first, held_up, last)] == ["answered", "waiting", "waiting"]
    assert asking.standing(desk.database, 1).state == "lost"
    asking.start(desk.home, 1)
    desk.wait(lambda: not found(desk, last).is_open)
    assert asking.standing(desk.database, 1).job == job  # the same run goes on
    assert [found(desk, one).state for one in (first, held_up, last)] == ["answered"] * 3
    assert (found(desk, first).answer, found(desk, last).answer) == (stored[0].answer, stored[1].answer)
    assert tables(Jobs(desk.home)) == before


def test_the_command_starts_a_job_and_the_next_call_uses_it(desk: Desk) -> None:
    stored = desk.answers(1, 2)[0]
    told = desk.json("ask", "r1", "--question", str(stored.question_id))
    assert (told["answer"], told["score"], told["same_request"]) == (stored.answer, stored.score, True)
    assert told["stored"]["demonstrations"] == told["request"]["demonstrations"] == list(stored.demonstrations)
    assert told["picks"][0]["of"] == stored.demonstrations[0]
    standing = asking.standing(desk.database, 1)
    assert standing.is_ready
    other = desk.call("ask", "r1", "--question", str(stored.question_id), "--demo", "none", "--text", "What?")
    assert "a changed request" in other.stdout
    assert asking.standing(desk.database, 1).job == standing.job
    assert len(desk.detail(standing.job or 0).processes) == 1
    listed = desk.json("ask", "r1", "--tried")["tried"]
    assert [one["request"]["question"] for one in listed] == ["What?", ""]
    desk.call("ask", "r1", "--forget", str(listed[0]["trial"]))
    assert len(desk.json("ask", "r1", "--tried")["tried"]) == 1
    refused = desk.call("ask", "r1", "--question", str(stored.question_id), "--demo", "7", code=1)
    assert "demonstration 7 is no train question" in refused.stderr


def test_an_asker_that_is_gone_keeps_no_job_alive(desk: Desk) -> None:
    gone = {**asking.asker_of(os.getpid()), "pid_start": "0"}
    number = asking.ask(desk.home, 1, again(desk.answers(1, 1)[0]), asker=gone)
    desk.wait(lambda: not asking.standing(desk.database, 1).is_up)
    assert asking.standing(desk.database, 1).state == "done"
    assert found(desk, number).state == "answered"


def test_what_cannot_be_asked_is_a_sentence(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    question = str(desk.answers(1, 1)[0].question_id)
    assert "--question is missing" in desk.call("ask", "r1", code=2).stderr
    assert "r1 has no answer to question 7" in desk.call("ask", "r1", "--question", "7", code=2).stderr
    assert "at 5 shots" in desk.call("ask", "r1", "--question", question, "--shot", "5", code=2).stderr
    assert "--shot" in desk.call("ask", "r1", "--question", question, "--shot", "9" * 23, code=2).stderr
    assert "--idle" in desk.call("ask", "r1", "--question", question, "--idle", "0", code=2).stderr
    assert "--demo x" in desk.call("ask", "r1", "--question", question, "--demo", "x", code=2).stderr
    told = desk.call("ask", "r1", "--question", question, "--prompt", "query=What?", code=2).stderr
    assert "prompt: query must contain {question}" in told
    assert "nothing numbered 99" in desk.call("ask", "r1", "--forget", "99", code=2).stderr
    fault = Finding(code="x", severity="error", subject="x", message="The model is gone.", fix="Put it back.")
    monkeypatch.setattr(preflight, "check", lambda *_, **__: preflight.Checked((fault,)))
    assert "The model is gone. Put it back." in desk.call("ask", "r1", "--question", question, code=2).stderr
    with reading(desk.database) as session:
        assert store.trials(session, run_id=1) == []
        assert store.asking_run(session, run_id=1) is None


def request(question_id: int = 1) -> TrialSpec:
    return TrialSpec(question_id=question_id, shot=1, demonstrations=())


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home whose evaluation `r1` was never computed, and whose jobs are never started."""
    home = Home(tmp_path / "home")
    Jobs(home).queue(EvalSpec())
    monkeypatch.setattr(preflight, "check", lambda *_, **__: preflight.Checked(()))
    monkeypatch.setattr(launcher, "start", lambda *_, **__: None)
    return home


def test_two_terminals_share_one_job(home: Home) -> None:
    for _ in range(2):
        asking.ask(home, 1, request())
    with reading(open_database(home.database)) as session:
        assert store.asking_runs(session, run_ids=[1]) == [2]
        assert [one.state for one in store.trials(session, run_id=1)] == ["waiting", "waiting"]


def test_only_evaluations_are_asked_about(home: Home) -> None:
    asking.ask(home, 1, request())
    with pytest.raises(UserError, match=r"r2 is no evaluation \(ask\)"):
        asking.ask(home, 2, request())


def test_a_question_that_kills_every_job_is_asked_no_more(home: Home) -> None:
    number = asking.ask(home, 1, request())
    database = open_database(home.database)
    for left in (2, 1, 0):
        with writing(database) as session:
            row = store.start_process(
                session, run_id=2, pid=1, pid_start=f"never {left}", boot_id="gone", host="", argv=[], log_path=""
            )
            assert row.id is not None
            taken = store.take_trial(session, run_id=1, process_id=row.id)
            assert taken is not None
            assert store.take_trial(session, run_id=1, process_id=row.id) is None
            store.end_process(session, process_id=row.id, state="failed", exit_code=1)
            trial = store.trial(session, trial_id=number)
            assert trial is not None
            assert trial.state == ("waiting" if left else "failed")
            store.resume_run(session, run_id=2)
    assert trial is not None
    assert trial.error == "the job ended 3 times while it answered this"


def test_what_was_forced_is_asked_about_all_the_same(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    fault = Finding(code="hidden-dim", severity="error", subject="x", message="It does not fit.", fix="Mend it.")
    monkeypatch.setattr(preflight, "check", lambda *_, **__: preflight.Checked((fault,)))
    with pytest.raises(UserError, match="r1 cannot be asked now: It does not fit"):
        asking.ask(home, 1, request())
    Jobs(home).sql("UPDATE run SET forced = 1 WHERE id = 1")
    asking.ask(home, 1, request())
    assert [one.code for one in Jobs(home).detail(2).findings] == ["hidden-dim", "forced"]


def test_text_that_is_no_unicode_is_kept_as_far_as_it_is(home: Home) -> None:
    number = asking.ask(home, 1, request().model_copy(update={"question": "half \udcff of it"}))
    with reading(open_database(home.database)) as session:
        row = store.trial(session, trial_id=number)
    assert row is not None
    assert row.request.question == "half ? of it"


def test_it_goes_with_its_evaluation_and_holds_nothing_back(home: Home) -> None:
    asking.ask(home, 1, request())
    database = open_database(home.database)
    with writing(database) as session:
        store.set_state(session, run_id=1, state="stopped")
        with pytest.raises(store.StateConflict, match="r2 is queued"):
            store.soft_delete(session, run_ids=[1])
        store.set_state(session, run_id=2, state="stopped")
        store.soft_delete(session, run_ids=[1])
        assert store.deleted_runs(session) == [2, 1]
        store.restore(session, run_ids=[1])
        assert store.deleted_runs(session) == []
        store.soft_delete(session, run_ids=[1])
    home.run_dir(2).mkdir(parents=True)
    gone, kept = erase(home, database, [1])
    assert {one.run_id for one in gone} == {1, 2}
    assert not kept
    assert not home.run_dir(2).exists()
    with reading(database) as session:
        assert store.trials(session, run_id=1) == []
        assert store.run_states(session) == {}


def test_a_home_with_trials_is_sound_and_a_backup_holds_them(home: Home, tmp_path: Path) -> None:
    asking.ask(home, 1, request())
    desk = Desk(home)
    assert not [one for one in check(home).findings if one.severity == "error"]
    desk.call("backup", str(tmp_path / "copy.tar"))
    with writing(desk.database) as session:
        store.forget_trials(session, trial_ids=[1])
        store.set_state(session, run_id=2, state="stopped")
    desk.database.dispose()
    desk.call("restore", str(tmp_path / "copy.tar"), "--yes")
    with reading(open_database(home.database)) as session:
        assert [one.request for one in store.trials(session, run_id=1)] == [request()]


@pytest.mark.parametrize(
    "words", [("rerun", "r2"), ("compare", "r1", "r2"), ("report", "r2"), ("publish", "r2", "--to", "hub-folder")]
)
def test_it_has_nothing_to_repeat_compare_or_publish(home: Home, words: tuple[str, ...]) -> None:
    asking.ask(home, 1, request())
    assert "r2 answers what is asked about r1" in Desk(home).call(*words, code=2).stderr
