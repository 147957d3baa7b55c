"""A Ray cluster that works on whole runs: one task for each, with declared resources, given to whichever node has room.

Ray itself hands a task to another node when one is lost. Tasks end with whoever handed them in.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.job.elsewhere.machine import Handed, Resources, Status
from engine.vlm.spread.cluster import connected

PROGRAM = "engine.job.elsewhere.node"
MOST_LOST = 5
"""Nodes that one task may lose."""


class RayTasks:
    """See `engine.job.elsewhere.machine.Machine`."""

    name = "Ray"
    lasting = False

    def __init__(self, address: str) -> None:
        """Raises UserError where no cluster answers."""
        self._ray = connected(address)
        self._tasks: dict[str, Any] = {}

    def submit(self, folders: Sequence[Path], wanted: Resources, name: str) -> list[Handed]:
        """The folders lie on a disk that nodes see."""
        has_gpus = bool(self._ray.cluster_resources().get("GPU"))
        gpus = int(has_gpus) if wanted.gpus is None else wanted.gpus
        asked: dict[str, Any] = {"num_cpus": wanted.cpus or 1, "num_gpus": gpus, "max_retries": MOST_LOST,
                                 "scheduling_strategy": "SPREAD", "name": name}  # fmt: skip
        if wanted.memory_mb:
            asked["memory"] = wanted.memory_mb << 20
        task = self._ray.remote(attend).options(**asked)
        handed = []
        for folder in folders:
            job = f"{name}-{len(self._tasks)}"
            self._tasks[job] = task.remote(PROGRAM, str(folder))
            handed.append(Handed(job, ""))
        return handed

    def statuses(self, jobs: Sequence[str]) -> Mapping[str, Status]:
        """A task that is not over waits or runs: which of them, its row file tells."""
        known = {job: self._tasks[job] for job in jobs if job in self._tasks}
        ready, _ = self._ray.wait(list(known.values()), num_returns=len(known), timeout=0) if known else ([], [])
        return {
            job: self._ended(task) if task in ready else Status("running", reason="a node with room")
            for job, task in known.items()
        }

    def _ended(self, task: Any) -> Status:
        errors = self._ray.exceptions
        try:
            return Status("gone", "COMPLETED", f"exit code {self._ray.get(task)}")
        except errors.TaskCancelledError:
            return Status("gone", "CANCELLED")
        except errors.OutOfMemoryError:
            return Status("gone", "OUT_OF_MEMORY")
        except (errors.WorkerCrashedError, errors.NodeDiedError, errors.LocalRayletDiedError):
            return Status("gone", "NODE_FAIL")
        except errors.RayError as error:
            return Status("gone", "FAILED", str(error).strip().splitlines()[-1])

    def ask_to_stop(self, jobs: Sequence[str]) -> None:
        """The file tells the nodes."""

    def kill(self, jobs: Sequence[str]) -> None:
        """A task that waits never begins; a node whose task is gone stops by itself."""
        for job in jobs:
            if job in self._tasks:
                self._ray.cancel(self._tasks[job], force=True)


def attend(program: str, folder: str) -> int:
    """On a node of Ray: the program in a process of its own, which has its signals and its log to itself."""
    return subprocess.call([sys.executable, "-P", "-m", program, folder, str(os.getpid())])
