"""Processes begun, ended, found dead, and found alive after all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from db import store
from db.session import DatabaseFile, reading, writing
from tests.helpers_db import fresh, new_run, start


def _running(engine: DatabaseFile, **identity: Any) -> tuple[int, int]:
    run_id = new_run(engine)
    with writing(engine) as session:
        process = start(session, run_id, **identity)
        store.set_state(session, run_id=run_id, state="running")
    return run_id, process.id


def _state(engine: DatabaseFile, run_id: int) -> str:
    with reading(engine) as session:
        return store.get_run(session, run_id=run_id).state


def test_launcher_and_worker_may_both_announce_the_process(tmp_path: Path) -> None:
    engine = fresh(tmp_path)
    run_id, process_id = _running(engine)
    with writing(engine) as session:
        assert start(session, run_id).id == process_id
        assert len(store.processes(session, run_id=run_id)) == 1


def test_a_job_that_ended_at_once_is_not_recorded_twice(tmp_path: Path) -> None:
    """When the launcher looks, the process has no start time any more."""
    engine = fresh(tmp_path)
    run_id, process_id = _running(engine)
    with writing(engine) as session:
        store.end_process(session, process_id=process_id, state="failed", exit_code=2)
        assert start(session, run_id, pid_start="").id == process_id
    with reading(engine) as session:
        assert [row.state for row in store.processes(session, run_id=run_id)] == ["failed"]


def test_a_process_that_never_said_its_end_stops_the_clock(tmp_path: Path) -> None:
    engine = fresh(tmp_path)
    run_id, process_id = _running(engine)
    with writing(engine) as session:
        store.heartbeat(session, process_id=process_id)
        (process,) = store.processes(session, run_id=run_id)
        store.set_state(session, run_id=run_id, state="stopped")
        worked = (process.heartbeat - process.started).total_seconds()
        assert store.list_runs(session, where="duration<1m")[0].duration_s == pytest.approx(worked, abs=1e-5)


def test_a_second_living_process_is_refused(tmp_path: Path) -> None:
    engine = fresh(tmp_path)
    run_id, _ = _running(engine)
    with (
        pytest.raises(store.StateConflict, match=r"r1 is already worked on by process \d+"),
        writing(engine) as session,
    ):
        start(session, run_id, pid=1)


def test_an_ending_ends_process_and_run(tmp_path: Path) -> None:
    engine = fresh(tmp_path)
    run_id, process_id = _running(engine)
    with writing(engine) as session:
        store.end_process(session, process_id=process_id, state="failed", exit_code=1, reason="out of memory")
        store.set_state(session, run_id=run_id, state="failed")  # saying it twice is no fault
    with reading(engine) as session:
        detail = store.run_detail(session, run_id=run_id)
    (process,) = detail.processes
    assert (detail.row.state, process.state, process.exit_code, process.reason) == (
        "failed",
        "failed",
        1,
        "out of memory",
    )
    assert detail.row.ended is not None
    assert process.ended is not None
    assert process.argv == ("python", "-m", "engine.job.worker")


def test_a_resumed_run_has_a_second_process(tmp_path: Path) -> None:
    engine = fresh(tmp_path)
    run_id, first = _running(engine)
    with writing(engine) as session:
        store.end_process(session, process_id=first, state="stopped", exit_code=143)
        store.resume_run(session, run_id=run_id)
        assert store.lost_runs(session) == []  # queued again, and the old process is no reason to give up
        second = start(session, run_id, pid_start="later")
        store.set_state(session, run_id=run_id, state="running")
    assert [first, second.id] == [1, 2]
    with writing(engine) as session:
        store.end_process(session, process_id=first, state="failed", exit_code=1)  # the old one speaks up late
    assert _state(engine, run_id) == "running"


def test_a_dead_process_makes_a_lost_run(tmp_path: Path) -> None:
    engine = fresh(tmp_path)
    alive, dead = _running(engine)[0], _running(engine, pid_start="before the pid was given away")[0]
    elsewhere, waiting = _running(engine, pid_start="x", host="another-machine")[0], new_run(engine)
    with writing(engine) as session:
        assert store.lost_runs(session) == [dead]
        assert store.lost_runs(session) == []
    assert [_state(engine, run_id) for run_id in (alive, dead, elsewhere, waiting)] == [
        "running",
        "lost",
        "running",
        "queued",
    ]
    with reading(engine) as session:
        (process,) = store.processes(session, run_id=dead)
        assert process.state == "lost"
        assert process.ended == process.heartbeat  # nothing later is known
        assert "is gone without a word" in process.reason
        assert store.list_runs(session, where="state:lost")[0].duration_s == 0


def test_a_restarted_machine_is_named_as_the_reason(tmp_path: Path) -> None:
    engine = fresh(tmp_path)
    run_id, _ = _running(engine)
    with writing(engine) as session:
        session.run("UPDATE process SET boot_id = 'another-boot/pid:[1]'")
        assert store.lost_runs(session) == [run_id]
        (process,) = store.processes(session, run_id=run_id)
    assert process.reason == f"the machine was restarted while process {process.pid} worked"


def test_a_job_that_died_before_it_began_is_lost_too(tmp_path: Path) -> None:
    engine = fresh(tmp_path)
    run_id = new_run(engine)
    with writing(engine) as session:
        start(session, run_id, pid_start="dead")
        assert store.lost_runs(session) == [run_id]


def test_who_is_alive_is_for_the_caller_to_say(tmp_path: Path) -> None:
    engine = fresh(tmp_path)
    run_id, _ = _running(engine)
    with writing(engine) as session:
        assert store.lost_runs(session, alive=lambda row: row.run_id != run_id) == [run_id]


def test_a_sign_of_life_takes_lost_back(tmp_path: Path) -> None:
    engine = fresh(tmp_path)
    run_id, process_id = _running(engine)
    with writing(engine) as session:
        store.lost_runs(session, alive=lambda _: False)
    with writing(engine) as session:
        store.heartbeat(session, process_id=process_id, promise_s=600)
    with reading(engine) as session:
        (process,) = store.processes(session, run_id=run_id)
    assert (_state(engine, run_id), process.state, process.ended, process.promise_s) == (
        "running",
        "running",
        None,
        600,
    )


def test_the_last_word_of_a_lost_process_counts(tmp_path: Path) -> None:
    engine = fresh(tmp_path)
    run_id, process_id = _running(engine)
    with writing(engine) as session:
        store.lost_runs(session, alive=lambda _: False)
        store.end_process(session, process_id=process_id, state="done", exit_code=0)
    assert _state(engine, run_id) == "done"


def test_a_stopped_run_stays_stopped_whatever_its_process_says(tmp_path: Path) -> None:
    engine = fresh(tmp_path)
    run_id, process_id = _running(engine)
    with writing(engine) as session:
        store.set_state(session, run_id=run_id, state="stopped")
        store.end_process(session, process_id=process_id, state="failed", exit_code=-9)
    assert _state(engine, run_id) == "stopped"


def test_active_processes(tmp_path: Path) -> None:
    engine = fresh(tmp_path)
    first, ended = _running(engine), _running(engine)
    with writing(engine) as session:
        store.end_process(session, process_id=ended[1], state="done", exit_code=0)
    with reading(engine) as session:
        assert [row.run_id for row in store.active_processes(session)] == [first[0]]
