"""Slurm: what is asked of submitit, what is read from `squeue`; then a real Slurm, where this machine is the whole cluster of one,
and submitit's executor for one machine, where submitit is installed."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import pytest

from db.home import Home
from db.specs import EvalSpec, UserError
from engine.common.sent import STOP, sent, wish
from engine.job.elsewhere import slurm
from engine.job.elsewhere.machine import Handed, Resources, Status, Unreachable, judged
from tests.helpers_elsewhere import ROOT, Away, Here, PlainNode, quick
from tests.helpers_worker import PAUSED, QUESTIONS

ALL = {(2, question): "a" for question in range(1, QUESTIONS + 1)}


def told(monkeypatch: pytest.MonkeyPatch, **answers: str | Exception) -> None:
    """What `squeue` says."""

    def say(*command: str, **_: float) -> str:
        answer = answers[command[0]]
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(slurm, "_told", say)


def test_each_job_has_its_own_state(monkeypatch: pytest.MonkeyPatch) -> None:
    listing = """\
7_0|RUNNING|None|n1
7_1|PENDING|Resources|
7_2|COMPLETED|None|n1
8|OUT_OF_MEMORY|OutOfMemory|n1
99|RUNNING|None|n2
"""
    told(monkeypatch, squeue=listing)
    assert slurm.Slurm().statuses(["7_0", "7_1", "7_2", "8"]) == {
        "7_0": Status("running", "RUNNING", "n1"),
        "7_1": Status("waiting", "PENDING", "Resources (no room yet)"),
        "7_2": Status("gone", "COMPLETED"),
        "8": Status("gone", "OUT_OF_MEMORY", "OutOfMemory"),
    }


def programs(folder: Path, monkeypatch: pytest.MonkeyPatch, **scripts: str) -> None:
    """These programs of Slurm, and none of this machine's own."""
    folder.mkdir(exist_ok=True)
    for name, script in scripts.items():
        (folder / name).write_text(f'#!/bin/sh\necho "$*" >> {folder}/{name}.asked\n{script}\n')
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin")


ENDS = """\
7_0|OUT_OF_MEMORY|0:125
7_0.batch|OUT_OF_MEMORY|0:125
7_1|FAILED|1:0
7_1.batch|FAILED|1:0
7_1.0|OUT_OF_MEMORY|0:125
7_2|TIMEOUT|0:0
7_2.batch|CANCELLED|0:15
7_3|NODE_FAIL|0:0
7_4|PREEMPTED|0:0
7_5|CANCELLED by 1000|0:15
7_6|FAILED|2:0
7_7|COMPLETED|0:0
7_8|RUNNING|0:0
7_[1,9-10,12%2]|CANCELLED by 0|0:0
7_11||
"""
VERDICTS = {
    "7_0": ("lost", "it needed more memory than it had"),
    "7_1": ("lost", "it needed more memory than it had"),
    "7_2": ("stopped", "its time limit on Slurm was reached"),
    "7_3": ("queued", "took its node away (NODE_FAIL)"),
    "7_4": ("queued", "took its node away (PREEMPTED)"),
    "7_5": ("stopped", "cancelled in Slurm"),
    "7_6": ("lost", "ended without a word (FAILED, exit code 2:0)"),
    "7_7": ("lost", "ended without a word (COMPLETED, exit code 0:0)"),
    "7_8": ("lost", "Slurm has forgotten it, and its accounting does not know how it ended"),
    "7_9": ("stopped", "cancelled in Slurm"),
    "7_11": ("lost", "its accounting does not know"),
    "7_12": ("stopped", "cancelled in Slurm"),
}


def test_how_a_forgotten_job_ended_the_accounting_tells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs(tmp_path, monkeypatch, squeue="", sacct=f"cat <<END\n{ENDS}END")
    found = slurm.Slurm().statuses(list(VERDICTS))
    for job, (state, said) in VERDICTS.items():
        verdict = judged(found[job], None, begun=True, asked=False, place="Slurm")
        assert verdict is not None
        assert (verdict.state, said in verdict.reason) == (state, True), (job, verdict)
        assert verdict.again == (state == "queued")
    assert (tmp_path / "sacct.asked").read_text().split()[-2:] == ["-j", "7"], "a real one finds 7_[9-10] by 7 alone"


def test_a_job_that_squeue_calls_failed_may_have_run_out_of_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs(
        tmp_path, monkeypatch, squeue="echo '7_1|FAILED|NonZeroExitCode|n1'; echo '7_2|RUNNING|None|n1'",
        sacct=f"cat <<END\n{ENDS}END",
    )  # fmt: skip
    assert slurm.Slurm().statuses(["7_1", "7_2"]) == {
        "7_1": Status("gone", "OUT_OF_MEMORY", "exit code 1:0"),
        "7_2": Status("running", "RUNNING", "n1"),
    }, "of what runs the accounting is not asked"


@pytest.mark.parametrize(
    ("sacct", "said", "asked"),
    [
        (None, "keeps no accounting", 0),
        ("echo 'Slurm accounting storage is disabled' >&2; exit 1", "keeps no accounting", 1),
        ("echo 'Problem talking to the database' >&2; exit 1", "does not answer (sacct: Problem talking", 2),
    ],
)
def test_without_accounting_a_forgotten_job_says_so_and_a_failed_one_stays_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sacct: str | None, said: str, asked: int
) -> None:
    scripts = {"squeue": "echo '7_1|FAILED|NonZeroExitCode|n1'"} | ({} if sacct is None else {"sacct": sacct})
    programs(tmp_path, monkeypatch, **scripts)
    if sacct is None:
        monkeypatch.setattr(shutil, "which", lambda name: None)
    queue = slurm.Slurm()
    for _ in range(2):
        found = queue.statuses(["7_0", "7_1"])
    assert (found["7_0"].word, said in found["7_0"].reason) == ("UNKNOWN", True), found
    assert found["7_1"] == Status("gone", "FAILED", "NonZeroExitCode")
    note = tmp_path / "sacct.asked"
    assert len(note.read_text().splitlines() if note.exists() else ()) == asked, "what is not there is not asked again"


def test_a_queue_that_does_not_answer_is_no_end_of_its_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    told(monkeypatch, squeue=Unreachable("Unable to contact slurm controller"))
    with pytest.raises(Unreachable):
        slurm.Slurm().statuses(["7"])


@pytest.fixture
def submitit() -> object:
    return pytest.importorskip("submitit", reason="submitit is an extra: pip install -e '.[slurm]'")


def test_resources_are_asked_by_submitits_names(submitit: object) -> None:
    wanted = Resources(
        "gpu", 2, 8, 3072, 5430, "lab", {"qos": "long", "array-parallelism": "4", "licenses": "a", "spread-job": ""}
    )
    assert slurm.parameters(wanted, "leverplus-r1") == {
        "name": "leverplus-r1",
        "timeout_min": 91,
        "slurm_signal_delay_s": slurm.WARNED_S,
        "slurm_partition": "gpu",
        "slurm_account": "lab",
        "gpus_per_node": 2,
        "cpus_per_task": 8,
        "mem_gb": 3.0,
        "slurm_qos": "long",
        "slurm_array_parallelism": 4,
        "slurm_additional_parameters": {"requeue": True, "licenses": "a", "spread-job": True},
    }
    assert slurm.parameters(Resources(), "n")["timeout_min"] == slurm.NO_LIMIT_MIN


def test_what_a_person_set_for_sbatch_reaches_it_and_what_a_job_was_given_does_not(
    submitit: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, str] = {}

    def hand_in(executor: object, folders: Sequence[Path]) -> list[Handed]:
        seen.update(os.environ)
        return []

    monkeypatch.setattr(slurm, "handed_in", hand_in)
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    for name in ("SLURM_CONF", "SBATCH_ACCOUNT", "SLURM_JOB_ID"):
        monkeypatch.setenv(name, "7")
    slurm.Slurm().submit([tmp_path / "1"], Resources(), "leverplus-r1")
    assert [name in seen for name in ("SLURM_CONF", "SBATCH_ACCOUNT", "SLURM_JOB_ID")] == [True, True, False]


class ThisMachine(Here):
    """submitit's executor for one machine in Slurm's place: files, pickles and signals as with Slurm, and no queue."""

    def submit(self, folders: Sequence[Path], wanted: Resources, name: str) -> list[Handed]:
        import submitit

        executor = submitit.AutoExecutor(folder=slurm.scratch(folders), cluster="local")
        executor.update_parameters(timeout_min=5)
        self.handed.append(tuple(folders))
        with executor.batch():
            jobs = [executor.submit(PlainNode(str(folder))) for folder in folders]
        self.processes |= {job.job_id: job._process for job in jobs}
        return [Handed(job.job_id, str(job.paths.stderr)) for job in jobs]


@pytest.fixture
def away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, submitit: object) -> Iterator[Away]:
    quick(monkeypatch)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    machine = ThisMachine()
    yield Away(Home(tmp_path / "home"), machine)
    machine.end()


def paused(away: Away, run_id: int) -> bool:
    return (away.home.run_dir(run_id) / PAUSED).exists() and len(away.answers(run_id)) > 0


def test_members_run_through_submitit_and_stop_and_go_on(away: Away) -> None:
    run_ids = [away.queue(EvalSpec(vlm=vlm, shots=(2,))) for vlm in ("plain", "pause")]
    found = away.collect(*run_ids, until=lambda: paused(away, run_ids[1]))
    wish(away.home.run_dir(run_ids[1]), STOP)
    away.turn(found)
    assert [away.row(run_id).state for run_id in run_ids] == ["done", "stopped"]
    away.collect(run_ids[1])
    assert [away.answers(run_id) for run_id in run_ids] == [ALL, ALL]


@lru_cache(maxsize=1)
def _whole_cluster() -> str:
    """Why no real Slurm is asked here; empty where one is."""
    if shutil.which("sbatch") is None:
        return "there is no sbatch here"
    known = subprocess.run(["sinfo", "--noheader", "-N", "--format=%N"], capture_output=True, text=True, check=False)
    if known.returncode:
        return f"Slurm does not answer: {known.stderr.strip()}"
    nodes = set(known.stdout.split())
    return "" if nodes == {platform.node().split(".")[0]} else "its nodes do not see this machine's temporary folder"


@pytest.fixture
def real(away: Away, monkeypatch: pytest.MonkeyPatch) -> Away:
    if reason := _whole_cluster():
        pytest.skip(reason)
    monkeypatch.setattr(slurm, "Node", PlainNode)
    away.machine = slurm.Slurm()
    return away


SMALL: Mapping[str, object] = {"cpus": 1}


def test_a_real_slurm_works_on_an_array(real: Away) -> None:
    specs = [EvalSpec(vlm=vlm, shots=(2,), seed=seed) for seed, vlm in enumerate(("plain", "user-error", "plain"))]
    run_ids = [real.queue(spec, resources=SMALL, memory_mb=1024) for spec in specs]
    found = real.collect(*run_ids, until=lambda: True)
    jobs = [one.sent.job for one in found.open if one.sent is not None]
    assert [job.rpartition("_")[2] for job in jobs] == ["0", "1", "2"]
    real.turn(found)
    assert [real.row(run_id).state for run_id in run_ids] == ["done", "failed", "done"]
    assert [real.answers(run_id) for run_id in run_ids] == [ALL, {}, ALL]


def test_a_real_slurm_puts_a_job_back_and_the_run_goes_on(real: Away) -> None:
    run_id = real.queue(EvalSpec(vlm="pause", shots=(2,)), resources=SMALL, memory_mb=1024)
    found = real.collect(run_id, until=lambda: paused(real, run_id))
    before = sent(real.home.run_dir(run_id))
    assert before is not None
    subprocess.run(["scontrol", "requeue", before.job], check=True)
    real.turn(found, until=lambda: "PENDING" in _state(before.job))
    subprocess.run(["scontrol", "update", f"JobId={before.job}", "StartTime=now"], check=True)  # else in two minutes
    real.turn(found)
    assert (real.row(run_id).state, real.answers(run_id)) == ("done", ALL)
    assert real.detail(run_id).facts["answered_before"] >= 10
    assert "attempt 2" in real.home.log(run_id).read_text()


def test_what_is_cancelled_in_a_real_slurm_is_stopped_here(real: Away) -> None:
    run_id = real.queue(EvalSpec(vlm="pause", shots=(2,)), resources=SMALL, memory_mb=1024)
    found = real.collect(run_id, until=lambda: paused(real, run_id))
    before = sent(real.home.run_dir(run_id))
    assert before is not None
    subprocess.run(["scancel", before.job], check=True)
    real.turn(found)
    assert real.row(run_id).state == "stopped"
    assert "cancelled in Slurm" in real.process(run_id).reason


def test_a_job_that_waits_in_a_real_slurm_says_for_what_and_is_taken_back(real: Away) -> None:
    later = {**SMALL, "sbatch": {"begin": "now+1hour"}}
    run_id = real.queue(EvalSpec(vlm="plain", shots=(2,)), resources=later, memory_mb=1024)
    found = real.collect(run_id, until=lambda: "BeginTime" in real.row(run_id).waiting)
    job = found.open[0].sent
    assert job is not None
    wish(real.home.run_dir(run_id), STOP)
    real.turn(found)
    assert real.row(run_id).state == "stopped"
    assert "CANCELLED" in _state(job.job)


def test_a_partition_that_does_not_exist_is_named(real: Away) -> None:
    run_id = real.queue(EvalSpec(vlm="plain", shots=(2,)), runner="slurm:nowhere")
    real.collect(run_id)
    assert real.row(run_id).state == "failed"
    assert "partition" in real.process(run_id).reason


def test_without_its_extra_slurm_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.common import extras, where

    monkeypatch.setattr(shutil, "which", lambda name: "/usr/bin/sbatch")
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"goes through submitit, which needs .*leverplus\[slurm\]"):
        where.check_place("slurm")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(UserError, match="there is no sbatch here"):
        where.check_place("slurm")


def _state(job: str) -> str:
    return subprocess.run(["scontrol", "show", "job", "-o", job], capture_output=True, text=True, check=False).stdout
