"""For tests of runs elsewhere: nodes with the recipe that costs nothing, as processes of this machine.

`python -m tests.helpers_elsewhere FOLDER` is such a node.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from db import store
from db.home import Home
from db.session import DatabaseFile, open_database, reading, writing
from db.specs import EvalSpec
from engine.job import worker
from engine.job.elsewhere import collector, node
from engine.job.elsewhere.collector import Collector, claimed
from engine.job.elsewhere.machine import Handed, Machine, Resources, Status

PATIENCE_S = 200.0
ROOT = Path(__file__).parents[1]


class PlainNode(node.Node):
    """A node whose evaluations are those of `tests.helpers_worker`."""

    def __call__(self) -> int:
        worker.RECIPES["eval"] = ("tests.helpers_worker", "evaluate")
        return super().__call__()


@dataclass
class Here:
    """A queue that starts everything at once on this machine, and says what a test wants it to say."""

    name: str = "Here"
    lasting: bool = True
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    handed: list[tuple[Path, ...]] = field(default_factory=list)
    said: dict[str, Status] = field(default_factory=dict)
    """In place of what is true."""

    def submit(self, folders: Sequence[Path], wanted: Resources, name: str) -> list[Handed]:
        self.handed.append(tuple(folders))
        jobs = []
        for folder in folders:
            job = f"{len(self.processes) + 1}"
            self.processes[job] = self.begin(folder)
            jobs.append(Handed(job, ""))
        return jobs

    def begin(self, folder: Path, *parent: str) -> subprocess.Popen[bytes]:
        """A node; also how a queue starts one again."""
        return subprocess.Popen([sys.executable, "-m", "tests.helpers_elsewhere", str(folder), *parent], cwd=ROOT)

    def statuses(self, jobs: Sequence[str]) -> Mapping[str, Status]:
        return {job: self.said.get(job) or self._true(job) for job in jobs}

    def _true(self, job: str) -> Status:
        code = self.processes[job].poll()
        if code is None:
            return Status("running", "RUNNING", "here")
        return Status("gone", "COMPLETED" if code == 0 else "FAILED", f"exit code {code}")

    def ask_to_stop(self, jobs: Sequence[str]) -> None:
        self._signal(jobs, signal.SIGTERM)

    def kill(self, jobs: Sequence[str]) -> None:
        self._signal(jobs, signal.SIGKILL)

    def _signal(self, jobs: Sequence[str], number: signal.Signals) -> None:
        for job in jobs:
            if self.processes[job].poll() is None:
                self.processes[job].send_signal(number)

    def end(self) -> None:
        """Nothing outlives a test."""
        self.kill(list(self.processes))
        for process in self.processes.values():
            process.wait()


@dataclass
class Away:
    """A home, and runs of it that are elsewhere."""

    home: Home
    machine: Any
    database: DatabaseFile = field(init=False)

    def __post_init__(self) -> None:
        self.database = open_database(self.home.database)

    def queue(self, spec: Any = None, *, resources: Mapping[str, Any] | None = None, **ticket: Any) -> int:
        """A queued run with its ticket; its number."""
        spec = spec or EvalSpec(vlm="plain", shots=(2,))
        environment = {"resources": dict(resources)} if resources else {}
        with writing(self.database) as session:
            run_id = store.create_run(session, spec=spec, environment=environment).id
            assert run_id is not None
            store.enqueue(session, run_id=run_id, device="cpu", runner=ticket.pop("runner", "slurm"), **ticket)
        return run_id

    def collector(self, *run_ids: int) -> Collector:
        """As a new process would begin; runs that have ended are gone on with."""
        with writing(self.database) as session:
            for run_id in run_ids:
                if store.get_run(session, run_id=run_id).state in store.ENDED:
                    store.resume_run(session, run_id=run_id)
        members = claimed(self.home, self.database, [store.ref(run_id) for run_id in run_ids])
        return Collector(self.home, self.database, self.machine, members)

    def collect(self, *run_ids: int, until: Callable[[], bool] = lambda: False) -> Collector:
        """Until all have ended, or until something has happened. Returns the collector, which may go on."""
        found = self.collector(*run_ids)
        found.begin()
        self.turn(found, until)
        return found

    def turn(self, found: Collector, until: Callable[[], bool] = lambda: False) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while found.open and not until():
            assert time.monotonic() < deadline, [self.row(one.claimed.run_id) for one in found.open]
            found.turn()
            time.sleep(0.01)

    def row(self, run_id: int) -> store.RunRow:
        with reading(self.database) as session:
            return store.run_rows(session, run_ids=[run_id])[0]

    def detail(self, run_id: int) -> store.RunDetail:
        with reading(self.database) as session:
            return store.run_detail(session, run_id=run_id)

    def answers(self, run_id: int) -> dict[tuple[int, int], str]:
        with reading(self.database) as session:
            return {(one.shot, one.question_id): one.raw for one in store.stored_predictions(session, run_id=run_id)}

    def process(self, run_id: int) -> store.ProcessRow:
        with reading(self.database) as session:
            return store.processes(session, run_id=run_id)[-1]


def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Queues are asked at every look, and a last word is not waited for long."""
    monkeypatch.setattr(collector, "ASK_S", 0.0)
    monkeypatch.setattr(collector, "LAST_WORDS", 20)


def machine_is(_: Machine) -> None:
    """For the type checker: what tests use in a machine's place has all that one needs."""


machine_is(Here())

if __name__ == "__main__":
    os.environ.setdefault("PYTHONPATH", str(ROOT))
    node.LOOK_S = 0.05
    sys.exit(PlainNode(sys.argv[1], *map(int, sys.argv[2:]))())
