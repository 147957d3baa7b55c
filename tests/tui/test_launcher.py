"""Starting, stopping and resuming job processes from outside."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from db import store
from db.session import writing
from db.specs import EvalSpec, UserError
from leverplus_tui.jobs import launcher
from tests.helpers_cli import PATIENCE_S, Desk
from tests.helpers_worker import PAUSE_AFTER


def test_a_job_has_its_own_session_and_a_recorded_process(desk: Desk) -> None:
    run_id = desk.launch("pause")
    process = desk.until_paused(run_id)
    assert os.getsid(process.pid) == process.pid != os.getsid(0)
    assert process.log_path == str(desk.home.log(run_id))
    assert len(desk.detail(run_id).processes) == 1, "launcher and job recorded the same process"
    assert launcher.stop(desk.home, run_id, patience_s=PATIENCE_S) == "stopped"
    assert len(desk.answers(run_id)) == PAUSE_AFTER + 1


def test_a_deaf_job_is_killed_after_a_while(desk: Desk) -> None:
    run_id = desk.launch("deaf")
    process = desk.until_paused(run_id)
    assert launcher.stop(desk.home, run_id, patience_s=0.2) == "stopped"
    desk.wait(lambda: not store.is_alive(process))
    assert desk.detail(run_id).processes[-1].reason == "killed on request"
    assert len(desk.answers(run_id)) == PAUSE_AFTER


def test_stopping_twice_or_a_finished_run_changes_nothing(desk: Desk) -> None:
    run_id = desk.launch("plain")
    desk.until(run_id, "done")
    assert launcher.stop(desk.home, run_id) == "done"


def test_stopping_a_run_that_died_says_lost(desk: Desk) -> None:
    run_id = desk.launch("pause")
    process = desk.until_paused(run_id)
    os.kill(process.pid, signal.SIGKILL)
    desk.wait(lambda: not store.is_alive(process))
    assert launcher.stop(desk.home, run_id) == "lost"


def test_a_queued_run_without_a_process_can_be_stopped(desk: Desk) -> None:
    with writing(desk.database) as session:
        store.create_run(session, spec=EvalSpec(), environment={})
    assert launcher.stop(desk.home, 1) == "stopped"


def test_a_job_on_another_machine_is_left_alone(desk: Desk) -> None:
    with writing(desk.database) as session:
        store.create_run(session, spec=EvalSpec(), environment={})
        store.start_process(
            session, run_id=1, pid=1, pid_start="1", boot_id="x", host="elsewhere", argv=(), log_path=""
        )
        store.set_state(session, run_id=1, state="running")
    with pytest.raises(UserError, match="on elsewhere: stop it there"):
        launcher.stop(desk.home, 1)
    assert desk.state(1) == "running"


def test_a_done_run_is_not_resumed(desk: Desk) -> None:
    run_id = desk.launch("plain")
    desk.until(run_id, "done")
    with pytest.raises(UserError, match="`leverplus rerun r1`"):
        launcher.resume(desk.home, run_id)


def test_a_done_run_asks_again_what_it_could_not_ask(desk: Desk) -> None:
    run_id = desk.launch("gap")
    desk.until(run_id, "done")
    assert [one.question_id for one in desk.answers(run_id) if one.error] == [3]
    desk.call("resume", "r1")
    assert desk.state(run_id) == "done"
    assert (len(desk.answers(run_id)), desk.detail(run_id).facts["answered_before"]) == (30, 29)
    with pytest.raises(UserError, match="has an answer to every question"):
        launcher.resume(desk.home, run_id)


def test_a_running_run_is_not_resumed(desk: Desk) -> None:
    run_id = desk.launch("pause")
    desk.until_paused(run_id)
    with pytest.raises(UserError, match="running"):
        launcher.resume(desk.home, run_id)
    launcher.stop(desk.home, run_id)


def test_a_process_that_cannot_start_fails_the_run(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launcher, "WORKER", ("/nonexistent/python",))
    with pytest.raises(UserError, match="r1 could not be started"):
        desk.launch("plain")
    assert desk.state(1) == "failed"


def test_the_tail_of_a_log_is_read_from_its_end(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    log.write_text("".join(f"line {number}\n" for number in range(20_000)))
    assert launcher.log_tail(log, 2) == ["line 19998", "line 19999"]
    assert launcher.log_tail(tmp_path / "none") == []
