"""The job process, as a real process: it stores what it yields, stops when asked, dies without losing, goes on where it was."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from db import store
from db.errors import DatabaseBusy, DiskFull
from db.rows import Cell, Fact, Metric, Prediction, Settle
from db.session import Session, open_database, reading, writing
from db.specs import EvalSpec, UserError
from engine.job import recorder as recording
from engine.job import worker
from engine.job.claims import merged
from engine.job.recorder import Recorder, Reserve, in_database
from leverplus_tui.jobs import launcher
from tests.helpers_cli import FAKE_WORKER, Desk
from tests.helpers_worker import PAUSE_AFTER, QUESTIONS

Row = Fact | Metric | Cell


def test_a_run_ends_with_everything_stored(desk: Desk) -> None:
    run_id = desk.launch("plain", shots=(1, 2))
    desk.until(run_id, "done")
    detail = desk.detail(run_id)
    assert [(cell.shot, cell.n_done) for cell in detail.cells] == [(1, QUESTIONS), (2, QUESTIONS)]
    assert len(desk.answers(run_id, 1)) == len(desk.answers(run_id, 2)) == QUESTIONS
    assert detail.environment["versions"]["leverplus"]
    assert detail.environment["git_commit"]
    [process] = detail.processes
    assert (process.state, process.exit_code) == ("done", 0)
    assert not (desk.home.run_dir(run_id) / "reserve").exists()


def test_a_killed_run_resumes_with_one_answer_per_question_and_shot(desk: Desk) -> None:
    run_id = desk.launch("pause", shots=(1, 2))
    process = desk.until_paused(run_id)
    os.kill(process.pid, signal.SIGKILL)
    desk.wait(lambda: not store.is_alive(process))
    launcher.resume(desk.home, run_id)
    desk.until(run_id, "done")
    answered = Counter((row.question_id, row.shot) for shot in (1, 2) for row in desk.answers(run_id, shot))
    assert answered == {(q, shot): 1 for q in range(1, QUESTIONS + 1) for shot in (1, 2)}
    detail = desk.detail(run_id)
    assert detail.facts["answered_before"] == PAUSE_AFTER
    assert [p.state for p in detail.processes] == ["lost", "done"]


def test_sigterm_stores_everything_and_ends_as_stopped(desk: Desk) -> None:
    run_id = desk.launch("pause")
    process = desk.until_paused(run_id)
    os.kill(process.pid, signal.SIGTERM)
    desk.until(run_id, "stopped")
    assert len(desk.answers(run_id)) == PAUSE_AFTER + 1, "the row after the pause was yielded, so it is stored"
    assert "resume" in desk.detail(run_id).processes[-1].reason


def test_the_users_fault_is_one_sentence_without_a_traceback(desk: Desk) -> None:
    run_id = desk.launch("user-error")
    desk.until(run_id, "failed")
    [process] = desk.detail(run_id).processes
    assert process.exit_code == 2
    assert process.reason == "no data set at /nowhere: give a folder with --dataset"
    assert "Traceback" not in desk.log(run_id)


def test_our_fault_is_one_line_with_the_traceback_in_the_log(desk: Desk) -> None:
    run_id = desk.launch("bug")
    desk.until(run_id, "failed")
    [process] = desk.detail(run_id).processes
    assert process.exit_code == 1
    assert process.reason == "ZeroDivisionError: a bug"
    assert "Traceback" in desk.log(run_id)


def test_two_runs_at_once_keep_to_themselves(desk: Desk) -> None:
    first, second = desk.launch("plain", seed=1), desk.launch("plain", seed=2)
    desk.until(first, "done")
    desk.until(second, "done")
    assert len(desk.answers(first)) == len(desk.answers(second)) == QUESTIONS


def test_a_stored_answer_is_reused_by_another_run(desk: Desk) -> None:
    first = desk.launch("plain")
    desk.until(first, "done")
    second = desk.launch("plain")
    desk.until(second, "done")
    assert not any(row.reused for row in desk.answers(first))
    assert all(row.reused for row in desk.answers(second))


def test_a_run_that_somebody_works_on_is_refused(desk: Desk) -> None:
    run_id = desk.launch("pause")
    process = desk.until_paused(run_id)
    again = subprocess.run(
        [*FAKE_WORKER, "--home", str(desk.home.root), f"r{run_id}"], capture_output=True, text=True, check=False
    )
    assert again.returncode == 1
    assert f"worked on by process {process.pid}" in again.stderr
    launcher.stop(desk.home, run_id)


def test_a_database_from_the_future_is_one_sentence(desk: Desk) -> None:
    run_id = desk.launch("plain")
    desk.until(run_id, "done")
    with writing(desk.database) as session:
        session.run("PRAGMA user_version = 99")
    result = subprocess.run(
        [*FAKE_WORKER, "--home", str(desk.home.root), "r1"], capture_output=True, text=True, check=False
    )
    assert result.returncode == 4
    assert "newer leverplus" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_recipe_that_does_not_exist_is_said(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launcher, "WORKER", (FAKE_WORKER[0], "-c", "raise SystemExit(7)"))
    run_id = desk.launch("plain")
    desk.wait(lambda: not store.is_alive(desk.detail(run_id).processes[-1]))
    with writing(desk.database) as session:
        assert store.lost_runs(session) == [run_id]


def test_another_machine_is_added_beside_the_first() -> None:
    first = merged({"argv": ["leverplus"]}, {"host": "a", "versions": {"torch": "1"}})
    assert first == {"argv": ["leverplus"], "host": "a", "versions": {"torch": "1"}}
    assert merged(first, {"host": "a", "versions": {"torch": "1"}}) == first
    moved = merged(first, {"host": "b", "versions": {"torch": "1"}})
    assert moved["host"] == "a"
    assert moved["resumed_with"] == [{"host": "b"}]


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (OSError(28, "No space left on device", "/tmp/x"), "no space left for /tmp/x: free some, then resume"),
        (MemoryError(), "out of memory: lower batch_size"),
        (ValueError("one\ntwo"), "ValueError: one"),
        (ValueError(), "ValueError"),
    ],
)
def test_an_error_becomes_one_line(error: Exception, sentence: str) -> None:
    said = worker._sentence(error)
    assert said.startswith(sentence)
    assert "\n" not in said


class Disk:
    """Stands before the store: full for the next `full` writes."""

    def __init__(self, full: int, error: UserError) -> None:
        self.full, self.error, self.written = full, error, 0
        self._add = store.add_rows

    def add_rows(self, session: Session, *, rows: list[Row], **names: Any) -> None:
        """As `store.add_rows`."""
        if self.full:
            self.full -= 1
            raise self.error
        self.written += len(rows)
        self._add(session, rows=rows, **names)


@pytest.fixture
def claimed(desk: Desk) -> tuple[Desk, int, int]:
    """A running run and its process, which is this one."""
    with writing(desk.database) as session:
        run = store.create_run(session, spec=EvalSpec(), environment={})
        assert run.id is not None
        row = store.start_process(
            session, run_id=run.id, pid=os.getpid(), pid_start="", boot_id="", host="", argv=(), log_path=""
        )
        assert row.id is not None
        return desk, run.id, row.id


@pytest.mark.parametrize("error", [DiskFull("no room"), DatabaseBusy("held by another program")])
def test_a_full_disk_or_a_busy_database_is_waited_for(
    claimed: tuple[Desk, int, int], error: UserError, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    desk, run_id, process_id = claimed
    disk = Disk(3, error)
    monkeypatch.setattr(store, "add_rows", disk.add_rows)
    monkeypatch.setattr(recording, "FIRST_PAUSE_S", 0.001)
    recorder = Recorder(in_database(desk.database, run_id, process_id), reserve=Reserve(tmp_path / "reserve", 10))
    for number in range(5):
        recorder.put(Fact(f"fact {number}", number))
    desk.wait(lambda: disk.written == 5)
    recorder.close()
    assert (tmp_path / "reserve").exists()
    assert set(desk.detail(run_id).facts) == {f"fact {number}" for number in range(5)}


def test_a_disk_that_stays_full_ends_the_run_with_its_rows_stored(
    claimed: tuple[Desk, int, int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    desk, run_id, process_id = claimed
    reserve = Reserve(tmp_path / "reserve", 10)
    disk = Disk(10**6, DiskFull("no room to write"))

    def released() -> None:
        disk.full = 0
        reserve.path.unlink()

    monkeypatch.setattr(store, "add_rows", disk.add_rows)
    monkeypatch.setattr(recording, "FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr(recording, "PATIENCE_S", 0.0)
    monkeypatch.setattr(reserve, "release", released)
    recorder = Recorder(in_database(desk.database, run_id, process_id), reserve=reserve)
    recorder.put(Fact("kept", 1))
    recorder._thread.join()
    with pytest.raises(DiskFull):
        recorder.put(Fact("refused", 2))
    with pytest.raises(DiskFull):
        recorder.close()
    assert set(desk.detail(run_id).facts) == {"kept"}


@pytest.mark.parametrize("how", ["deleted", "moved", "replaced"])
def test_a_home_that_vanishes_ends_the_job_with_the_reason(
    claimed: tuple[Desk, int, int], tmp_path: Path, how: str
) -> None:
    desk, run_id, process_id = claimed
    recorder = Recorder(in_database(desk.database, run_id, process_id), reserve=Reserve(tmp_path / "reserve", 10))
    recorder.put(Fact("before", 1))
    recorder.put(Settle())
    if how == "deleted":
        shutil.rmtree(desk.home.root)
    else:
        desk.home.root.rename(tmp_path / "elsewhere")
    if how == "replaced":
        open_database(desk.home.database).dispose()
    recorder.put(Fact("after", 1))
    with pytest.raises(UserError, match=r"was moved, deleted or replaced .* put the home back, then resume"):
        recorder.put(Settle())
    with pytest.raises(UserError, match="was moved"):
        recorder.close()
    assert desk.home.root.exists() == (how == "replaced"), "a home that is gone is not made anew"


def test_metrics_reach_the_store_in_order(claimed: tuple[Desk, int, int], tmp_path: Path) -> None:
    desk, run_id, process_id = claimed
    recorder = Recorder(in_database(desk.database, run_id, process_id), reserve=Reserve(tmp_path / "reserve", 10))
    for step in range(5000):
        recorder.put(Metric("rce", 1, step, "rce_loss", float(step)))
    recorder.close()
    with reading(desk.database) as session:
        series = store.metric_series(session, run_id=run_id, name="rce_loss")
    assert [value for *_, value in series] == [float(step) for step in range(5000)]


def test_an_answer_is_stored_at_once_and_other_rows_with_it(
    claimed: tuple[Desk, int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, run_id, process_id = claimed
    monkeypatch.setattr(recording, "FLUSH_S", 3600.0)
    recorder = Recorder(in_database(desk.database, run_id, process_id), reserve=Reserve(tmp_path / "reserve", 10))
    for number in range(3):
        recorder.put(Fact(f"before{number}", number))
        recorder.put(Prediction(number, 2, (1, 2), "p", f"r{number}", "a", "a", 1.0, False, False, "", run_id, ""))
        desk.wait(lambda n=number + 1: len(desk.answers(run_id)) == n)  # type: ignore[misc]
        assert len(desk.detail(run_id).facts) == number + 1
    recorder.close()


def test_settling_waits_until_all_rows_are_stored(
    claimed: tuple[Desk, int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, run_id, process_id = claimed
    monkeypatch.setattr(recording, "FLUSH_S", 3600.0)
    recorder = Recorder(in_database(desk.database, run_id, process_id), reserve=Reserve(tmp_path / "reserve", 10))
    for number in range(3):
        recorder.put(Fact(f"kept{number}", number))
        recorder.put(Settle())
        assert len(desk.detail(run_id).facts) == number + 1
    recorder.close()
