"""What becomes of a run, from what a queue says and what its node said last."""

from __future__ import annotations

import pytest

from engine.job.elsewhere.machine import AGAIN, FORGOTTEN, Status, Verdict, judged, with_its_log
from engine.job.elsewhere.row_files import Ended

DONE = Ended("done", 0, "", "")
FAILED = Ended("failed", 2, "no data set at /nowhere", "")
TERM = Ended("stopped", 0, "`leverplus resume r1` goes on from here", "SIGTERM")
WARNED = Ended("stopped", 0, "`leverplus resume r1` goes on from here", "SIGUSR2")


def verdict(status: Status | None, ended: Ended | None = None, *, begun: bool = True, asked: bool = False) -> Verdict:
    found = judged(status, ended, begun=begun, asked=asked, place="Slurm")
    assert found is not None
    return found


@pytest.mark.parametrize(
    "status", [None, Status("running", "COMPLETING"), Status("gone", "COMPLETED"), Status("gone", "UNKNOWN")]
)
def test_the_word_of_the_node_counts_most(status: Status | None) -> None:
    assert verdict(status, DONE).state == "done"
    assert verdict(status, FAILED) == Verdict("failed", "no data set at /nowhere", 2)
    assert verdict(status, TERM, asked=True).state == "stopped"


def test_a_run_waits_as_its_job_waits_and_runs_once_its_node_was_heard() -> None:
    waiting = Status("waiting", "PENDING", "Priority (others are before it)")
    assert verdict(waiting, begun=False) == Verdict("queued", "Slurm: waits: Priority (others are before it)")
    assert verdict(Status("running", "RUNNING", "n7"), begun=False) == Verdict("queued", "Slurm: starts on n7")
    assert verdict(Status("running", "RUNNING", "n7")) == Verdict("running")
    assert judged(None, None, begun=True, asked=False, place="Slurm") is None, "a queue that is silent changes nothing"


def test_a_run_that_was_put_back_waits_again() -> None:
    assert verdict(Status("waiting", "PENDING", "BeginTime"), TERM).state == "queued"
    assert verdict(Status("running", "COMPLETING", "n7"), TERM).reason == "Slurm: left n7, goes on where there is room"


@pytest.mark.parametrize("word", AGAIN)
def test_what_the_machine_took_away_is_handed_in_again(word: str) -> None:
    for ended in (None, TERM):
        found = verdict(Status("gone", word), ended)
        assert found.again
        assert word in found.reason
    assert not verdict(Status("gone", word), None, asked=True).again


@pytest.mark.parametrize(
    ("word", "ended", "state", "said"),
    [
        ("TIMEOUT", None, "stopped", "--time-limit TIME`"),
        ("COMPLETED", WARNED, "stopped", "time limit"),
        ("CANCELLED", TERM, "stopped", "cancelled in Slurm"),
        ("CANCELLED by 1000", None, "stopped", "cancelled in Slurm"),
        ("OUT_OF_MEMORY", None, "lost", "--memory GB`"),
        ("FAILED", None, "lost", "ended without a word (FAILED, NonZeroExitCode)"),
        ("COMPLETED", TERM, "stopped", "SIGTERM"),
        ("UNKNOWN", None, "lost", "without a word"),
    ],
)
def test_each_end_of_a_job_has_its_state_and_the_way_on(word: str, ended: Ended | None, state: str, said: str) -> None:
    found = verdict(Status("gone", word, "NonZeroExitCode" if word == "FAILED" else ""), ended)
    assert found.state == state
    assert said in found.reason
    assert "`leverplus resume {run}" in found.reason


def test_a_job_that_was_killed_for_us_is_stopped() -> None:
    assert verdict(Status("gone", "CANCELLED"), asked=True) == Verdict("stopped", "killed on request")


def test_a_step_that_ran_out_of_memory_is_told_from_other_failures_by_its_log() -> None:
    failed = Status("gone", "FAILED", "NonZeroExitCode")
    assert with_its_log(failed, b"slurmstepd: error: Detected 1 oom_kill event in StepId=16.0.") == Status(
        "gone", "OUT_OF_MEMORY"
    )
    assert with_its_log(failed, b"srun: error: n1: task 0: Out Of Memory") == Status("gone", "OUT_OF_MEMORY")
    assert with_its_log(failed, b"srun: error: n1: task 0: Killed") == failed


def test_a_job_that_is_forgotten_before_it_began_was_taken_out_of_the_queue() -> None:
    forgotten = Status("gone", FORGOTTEN, "Slurm has forgotten it")
    assert verdict(forgotten, begun=False).state == "stopped"
    assert verdict(forgotten).state == "lost"
