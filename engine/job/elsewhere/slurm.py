"""Slurm, through submitit: one job for a run, one array for a sweep; `squeue`, and `sacct` where it is kept, say how they stand.

submitit's own executor for this machine stands in where tests have no Slurm.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from db.specs import UserError
from engine.job.elsewhere.machine import FORGOTTEN, Handed, Resources, Status, Unreachable
from engine.job.elsewhere.node import Node

WAITING = ("PENDING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "SPECIAL_EXIT", "RESV_DEL_HOLD")
RUNNING = ("RUNNING", "COMPLETING", "CONFIGURING", "SUSPENDED", "STOPPED", "SIGNALING", "STAGE_OUT", "RESIZING")
FAILED, OUT_OF_MEMORY = "FAILED", "OUT_OF_MEMORY"
NO_ACCOUNTING = "accounting storage is disabled"
"""What `sacct` says where nothing is kept."""
PATIENCE_S = 60
WARNED_S = 60
"""How long before the time limit a job is asked to stop."""
NO_LIMIT_MIN = 24 * 60
"""submitit always states a limit: a day, where none is given."""
OF_PEOPLE = ("SLURM_CONF", "SBATCH_")
"""How variables begin that a person or a site sets: where Slurm is, who pays. A job has no others of these names."""
MEANINGS = {
    "Priority": "others are before it",
    "Resources": "no room yet",
    "Dependency": "another job must end first",
    "BeginTime": "it may not begin yet",
    "JobArrayTaskLimit": "as many of the array as may run at once are running",
    "QOSMaxJobsPerUserLimit": "as many jobs as your quality of service allows are running",
    "AssocGrpGRES": "your account has as many devices as it may have",
    "ReqNodeNotAvail": "a node that it needs is away",
    "PartitionTimeLimit": "its time limit is longer than the partition allows",
    "PartitionNodeLimit": "it asks for more than the partition has",
    "JobHeldUser": "held: `scontrol release JOB` lets it go on",
    "JobHeldAdmin": "held by an administrator",
}


class Slurm:
    """See `engine.job.elsewhere.machine.Machine`."""

    name = "Slurm"
    lasting = True

    def __init__(self) -> None:
        self._has_accounting = shutil.which("sacct") is not None

    def submit(self, folders: Sequence[Path], wanted: Resources, name: str) -> list[Handed]:
        """The folders lie on a disk that nodes see; the first holds what submitit writes for all."""
        import submitit  # an extra

        executor = submitit.AutoExecutor(folder=scratch(folders), cluster="slurm", slurm_max_num_timeout=0)
        # a folder called `engine` where the user happens to stand must not be imported in place of ours
        os.environ["PYTHONSAFEPATH"] = "1"
        try:
            executor.update_parameters(**parameters(wanted, name))
            own = {name: value for name, value in os.environ.items() if name.startswith(OF_PEOPLE)}
            with submitit.helpers.clean_env():  # home may itself stand in a job of Slurm
                os.environ.update(own)
                return handed_in(executor, folders)
        except (ValueError, NameError, submitit.core.utils.FailedJobError, RuntimeError) as error:
            raise UserError(f"Slurm refuses the job: {_sentence(error)}") from None

    def statuses(self, jobs: Sequence[str]) -> Mapping[str, Status]:
        """Jobs of this user, those included that ended a while ago."""
        told = _told("squeue", "--me", "--noheader", "--array", "--states=all", "--format=%i|%T|%r|%N")
        found = {job: _status(state, reason, node) for job, state, reason, node in _fields(told, 4)}
        known = {job: found[job] for job in jobs if job in found}
        unclear = [job for job in jobs if job not in known or known[job].word == FAILED]
        return known | self._accounted(unclear, known)

    def _accounted(self, jobs: Sequence[str], known: Mapping[str, Status]) -> dict[str, Status]:
        """Of jobs that `squeue` has forgotten, or calls failed for whatever reason: as the accounting has them."""
        why = "keeps no accounting"
        ends: Mapping[str, Status] = {}
        if jobs and self._has_accounting:
            try:
                ends, why = _ends(jobs), "its accounting does not know how it ended"
            except Unreachable as error:
                self._has_accounting = NO_ACCOUNTING not in str(error)
                why = f"its accounting does not answer ({error})" if self._has_accounting else why
        forgotten = Status("gone", FORGOTTEN, f"Slurm has forgotten it, and {why}")
        return {job: ends.get(job) or known.get(job, forgotten) for job in jobs}

    def ask_to_stop(self, jobs: Sequence[str]) -> None:
        """SIGTERM to the node's process, which stops as a job at home does."""
        _tell("scancel", "--signal=TERM", *jobs)

    def kill(self, jobs: Sequence[str]) -> None:
        """Running ones get SIGTERM, and SIGKILL after Slurm's own patience; waiting ones leave the queue."""
        _tell("scancel", *jobs)


def parameters(wanted: Resources, name: str) -> dict[str, Any]:
    """As submitit takes them; it says itself which it does not know."""
    minutes = NO_LIMIT_MIN if wanted.time_limit_s is None else max(1, -(-wanted.time_limit_s // 60))
    given: dict[str, Any] = {
        "name": name,
        "timeout_min": minutes,
        "slurm_signal_delay_s": WARNED_S,
        "slurm_partition": wanted.partition or None,
        "slurm_account": wanted.account or None,
        "gpus_per_node": wanted.gpus,
        "cpus_per_task": wanted.cpus,
        "mem_gb": wanted.memory_mb / 1024 if wanted.memory_mb else None,
    }
    extra = {"requeue": True}
    from submitit.slurm.slurm import SlurmExecutor  # an extra

    known = SlurmExecutor._valid_parameters()
    for key, value in wanted.sbatch.items():
        field = key.replace("-", "_")
        if field in known:
            given[f"slurm_{field}"] = int(value) if value.isdigit() else value
        else:
            extra[key] = value if value else True  # type: ignore[assignment]
    return {key: value for key, value in given.items() if value is not None} | {"slurm_additional_parameters": extra}


def scratch(folders: Sequence[Path]) -> Path:
    """Where submitit keeps what it writes for jobs that are handed in together."""
    return folders[0].parent / f"submitit-{folders[0].name}"


def handed_in(executor: Any, folders: Sequence[Path]) -> list[Handed]:
    """One job, or one array."""
    with executor.batch():
        jobs = [executor.submit(Node(str(folder))) for folder in folders]
    return [Handed(job.job_id, str(job.paths.stderr)) for job in jobs]


def _status(state: str, reason: str, node: str) -> Status:
    if state in WAITING:
        reason = "" if reason == "None" else reason
        meaning = MEANINGS.get(reason, "")
        return Status("waiting", state, f"{reason} ({meaning})" if meaning else reason)
    if state in RUNNING:
        return Status("running", state, node)
    return Status("gone", state, "" if reason == "None" else reason)


def _ends(jobs: Sequence[str]) -> dict[str, Status]:
    """How the accounting says that jobs ended. Raises Unreachable.

    Arrays are asked for whole: members that never began have one line, which is not found by theirs. A job counts as failed whose
    step ran out of memory, so that steps (`7_0.batch`) are looked at too. What the controller has forgotten neither waits nor
    runs: the accounting was not told of its end.
    """
    arrays = ",".join(dict.fromkeys(job.partition("_")[0] for job in jobs))
    told = _told("sacct", "--noheader", "--parsable2", "--format=JobID,State,ExitCode", "-j", arrays, patience_s=10)
    lines = [(name, state.split()[0], code) for name, state, code in _fields(told, 3) if state]
    out_of_memory = {name.partition(".")[0] for name, word, _ in lines if word == OUT_OF_MEMORY}
    found = {}
    for names, word, code in sorted(lines, key=lambda line: "[" not in line[0]):  # what a member says itself counts
        for job in _members(names) if word not in (*WAITING, *RUNNING) else ():
            word = OUT_OF_MEMORY if word == FAILED and job in out_of_memory else word
            found[job] = Status("gone", word, f"exit code {code}")
    return found


def _members(names: str) -> list[str]:
    """The jobs of a line of the accounting: `7`, `7_0`, `7_[1-3,5%2]` for those of an array that left the queue before they
    began; none for a step."""
    array, bracket, places = names.partition("_[")
    if not bracket:
        return [] if "." in names else [names]
    ranges = re.findall(r"(\d+)(?:-(\d+))?", places.partition("%")[0])
    return [f"{array}_{number}" for first, last in ranges for number in range(int(first), int(last or first) + 1)]


def _fields(told: str, count: int) -> list[list[str]]:
    return [line.split("|") for line in told.splitlines() if line.count("|") == count - 1]


def _told(*command: str, patience_s: float = PATIENCE_S) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=patience_s, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unreachable(str(error)) from None
    if done.returncode:
        raise Unreachable(f"{command[0]}: {done.stderr.strip() or done.returncode}")
    return done.stdout


def _tell(*command: str) -> None:
    """A job that is gone meanwhile is no error."""
    try:
        subprocess.run(command, capture_output=True, timeout=PATIENCE_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unreachable(str(error)) from None


def _sentence(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    said = [line for line in lines if line.startswith("sbatch: error:")] or lines[:1]
    return " ".join(line.removeprefix("sbatch: error:").strip() for line in said) or type(error).__name__
