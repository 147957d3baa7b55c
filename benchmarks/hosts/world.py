"""The machines that proofs are made on, and the home on one of them: what is asked of it, and what it has stored."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.hosts.clusters import SHARED, Ray, Slurm, share
from benchmarks.hosts.network import Network, wait_for

HEAD, HOME, NODES = "head", "login", ("n1", "n2", "n3")
ANSWERS = (
    "SELECT shot, question_id, demonstrations, prompt_sha, request_sha, raw, answer, score, cut, error FROM prediction "
    "WHERE run_id = ? ORDER BY shot, question_id"
)
METRICS = (
    "SELECT l.phase, l.name, m.epoch, m.step, m.value, m.flag FROM metric m JOIN metric_last l ON l.id = m.series_id "
    "WHERE l.run_id = ? AND l.phase IN ('rce', 'grpo') AND l.name NOT LIKE '%\\_s' ESCAPE '\\' "
    "AND l.name NOT LIKE '%seconds%' ORDER BY 1, 2, 3, 4"
)
PLACE = "/home/.local/share/leverplus"
"""The home, on its machine."""
READ = """\
import json, sqlite3, sys
file = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True, timeout=20)
print(json.dumps(list(file.execute(sys.argv[2], json.loads(sys.argv[3])))))
"""
PATIENCE_S = 400.0


class World:
    """Machines, their disk, and one home on its own machine."""

    def __init__(self, network: Network) -> None:
        self.network, self.hosts = network, network.hosts
        self.home = self.hosts[HOME]
        share(self.hosts[HEAD], list(self.hosts.values()))
        self.known: dict[tuple[str, ...], int] = {}
        """What was run at home already, to be held against."""

    def data(self) -> str:
        """A data set that all machines find under one path: the built-in one, as files on the disk that they share."""
        there = self.hosts[HEAD].path(f"{SHARED}/data")
        if not there.exists():
            self.leverplus("run", "eval", "--shot", "0", "--limit", "1")
            (made,) = self.home.path(f"{PLACE}/cache").glob("builtin-world-*")
            shutil.copytree(made, there)
        return f"{SHARED}/data"

    def leverplus(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """A command at home."""
        return self.home.run("leverplus", *words, check=check, timeout=PATIENCE_S)

    def start(self, *words: str) -> int:
        """Begin a run and return; its number."""
        told = self.leverplus(*words, "--detach", "--json")
        return int(json.loads(told.stdout)["run"][1:])

    def at_home(self, *words: str) -> int:
        """The same run on home's own machine, once for all proofs."""
        if words not in self.known:
            told = json.loads(self.leverplus(*words, "--json").stdout)
            self.known[words] = int(told["run"][1:])
        return self.known[words]

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """What home's database holds."""
        told = self.home.run("python", "-S", "-c", READ, f"{PLACE}/leverplus.db", query, json.dumps(values)).stdout
        return [tuple(row) for row in json.loads(told)]

    def state(self, run_id: int) -> str:
        """As stored."""
        return str(self.rows("SELECT state FROM run WHERE id = ?", run_id)[0][0])

    def reason(self, run_id: int) -> str:
        """Of its last process."""
        return str(self.rows("SELECT reason FROM process WHERE run_id = ? ORDER BY id DESC LIMIT 1", run_id)[0][0])

    def waiting(self, run_id: int) -> str:
        """What its ticket says."""
        return str(self.rows("SELECT waiting FROM ticket WHERE run_id = ?", run_id)[0][0])

    def answers(self, run_id: int) -> int:
        """How many are stored."""
        return int(self.rows("SELECT count(*) FROM prediction WHERE run_id = ?", run_id)[0][0])

    def log(self, run_id: int) -> str:
        """Of the run, as home has it."""
        return self.home.path(f"{PLACE}/runs/r{run_id}/log.txt").read_text()

    def node_of(self, run_id: int) -> str:
        """Which machine began on it last."""
        return self.log(run_id).rpartition("begins on ")[2].partition(",")[0]

    def job(self, run_id: int) -> str:
        """By the queue's own name."""
        path = self.home.path(f"{PLACE}/runs/r{run_id}/sent.json")
        return str(json.loads(path.read_text())["job"])

    def until(self, what: str, there: Callable[[], Any], patience_s: float = PATIENCE_S) -> Any:
        """Wait for something at home."""
        return wait_for(what, there, patience_s)

    def until_begun(self, run_id: int, answers: int = 30) -> None:
        """In the middle: some answers are stored, not all."""
        self.until(f"r{run_id} at work", lambda: self.answers(run_id) >= answers)
        assert self.state(run_id) == "running", f"r{run_id} was over before anything could befall it"

    def until_over(self, run_id: int, state: str = "done") -> None:
        """To its end, which must be this one."""
        self.until(f"the end of r{run_id}", lambda: self.state(run_id) not in ("queued", "running", "lost"))
        assert self.state(run_id) == state, f"r{run_id} is {self.state(run_id)}: {self.reason(run_id)}"

    def same_answers(self, run_id: int, other: int) -> int:
        """How many answers are equal to the bit; an assertion says which are not."""
        found, expected = self.rows(ANSWERS, run_id), self.rows(ANSWERS, other)
        unlike = [a[:2] for a, b in zip(found, expected, strict=False) if a != b]
        assert len(found) == len(expected), f"{len(found)} rows in place of {len(expected)}"
        assert not unlike, f"{len(unlike)} rows are unlike, such as {unlike[:5]}"
        return len(found)

    def same_training(self, run_id: int, other: int) -> tuple[int, int]:
        """How many metrics and weights are equal to the bit."""
        metrics = self.rows(METRICS, run_id)
        assert metrics == self.rows(METRICS, other), "metrics differ"
        weights = [self._weights(one) for one in (run_id, other)]
        assert weights[0] == weights[1], "weights differ"
        return len(metrics), len(weights[0])

    def _weights(self, run_id: int) -> dict[str, bytes]:
        from safetensors import safe_open

        (path,) = self.rows(
            "SELECT path FROM checkpoint WHERE run_id = ? ORDER BY phase, epoch DESC, id DESC LIMIT 1", run_id
        )[0]
        located = self.home.path(path.replace("<home>", PLACE))
        with safe_open(located, "np") as file:
            return {name: file.get_tensor(name).tobytes() for name in file.keys()}  # noqa: SIM118, no mapping


def slurm(world: World) -> Slurm:
    """Slurm on the machines of a world."""
    return Slurm(world.network, HEAD, NODES, (HOME,))


def ray(world: World) -> Ray:
    """Ray on the machines of a world."""
    return Ray(world.network, HEAD, HOME, NODES)


def disk_left(world: World) -> Path:
    """The shared disk as its server has it."""
    return world.hosts[HEAD].path(SHARED)
