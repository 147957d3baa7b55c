"""Whole runs on a real Ray cluster of several nodes on this machine: members of a sweep side by side, a lost node, stops."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from db.home import Home
from db.specs import EvalSpec
from engine.common.sent import KILL, STOP, wish
from engine.job.elsewhere import ray_tasks
from engine.job.elsewhere.machine import Resources
from tests.helpers_elsewhere import ROOT, Away, quick
from tests.helpers_worker import PAUSED, QUESTIONS

NODES = 3
ALL = {(2, question): "a" for question in range(1, QUESTIONS + 1)}


@pytest.fixture(scope="module")
def ray_cluster() -> Iterator[Any]:
    ray = pytest.importorskip("ray", reason="Ray is an extra: pip install -e '.[ray]'")
    from ray.cluster_utils import Cluster

    before = os.environ.get("PYTHONPATH", "")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), before])
    cluster = Cluster()
    cluster.add_node(num_cpus=0, object_store_memory=80 << 20)  # the home's: nothing is worked on there
    for _ in range(NODES - 1):
        cluster.add_node(num_cpus=1, object_store_memory=80 << 20)
    cluster.wait_for_nodes()
    yield cluster
    ray.shutdown()
    cluster.shutdown()
    os.environ["PYTHONPATH"] = before


@pytest.fixture
def away(ray_cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Away:
    quick(monkeypatch)
    monkeypatch.setattr(ray_tasks, "PROGRAM", "tests.helpers_elsewhere")
    return Away(Home(tmp_path / "home"), ray_tasks.RayTasks(ray_cluster.address))


def paused(away: Away, run_id: int) -> bool:
    return (away.home.run_dir(run_id) / PAUSED).exists() and len(away.answers(run_id)) > 0


def test_members_of_a_sweep_take_turns_on_the_nodes(away: Away) -> None:
    run_ids = [away.queue(EvalSpec(vlm="plain", shots=(2,), seed=seed), runner="ray") for seed in range(3)]
    away.collect(*run_ids)
    assert [away.row(run_id).state for run_id in run_ids] == ["done"] * 3
    assert [away.answers(run_id) for run_id in run_ids] == [ALL] * 3


def test_a_stop_ends_one_member_and_leaves_the_others(away: Away) -> None:
    run_ids = [away.queue(EvalSpec(vlm="pause", shots=(2,), seed=seed), runner="ray") for seed in (7, 8)]
    found = away.collect(*run_ids, until=lambda: all(paused(away, run_id) for run_id in run_ids))
    wish(away.home.run_dir(run_ids[0]), STOP)
    away.turn(found, until=lambda: away.row(run_ids[0]).state == "stopped")
    assert away.row(run_ids[1]).state == "running"
    wish(away.home.run_dir(run_ids[1]), KILL)
    away.turn(found)
    assert away.row(run_ids[1]).state == "stopped"


def test_what_asks_for_more_than_the_cluster_has_waits_and_can_be_taken_back(away: Away) -> None:
    (handed,) = away.machine.submit([away.home.root], Resources(cpus=64), "large")
    assert away.machine.statuses([handed.job])[handed.job].kind == "running", "Ray itself does not tell"
    away.machine.kill([handed.job])
    ray = away.machine._ray
    ray.wait([away.machine._tasks[handed.job]], timeout=60)
    assert away.machine.statuses([handed.job])[handed.job].word == "CANCELLED"


def test_a_lost_node_loses_no_stored_row_and_its_member_goes_on_elsewhere(away: Away, ray_cluster: Any) -> None:
    """Last, because a node is gone afterwards."""
    run_ids = [away.queue(EvalSpec(vlm="pause", shots=(2,), seed=seed), runner="ray") for seed in (17, 18)]
    found = away.collect(*run_ids, until=lambda: all(paused(away, run_id) for run_id in run_ids))
    node = ray_cluster.list_all_nodes()[-1]
    alive = _below(node.all_processes["raylet"][0].process.pid)
    lost = next(one for one in run_ids if any(f"/r{one}/" in words for words in alive.values()))
    ray_cluster.remove_node(node, allow_graceful=False)
    for pid in alive:  # a machine that is gone takes all its processes along
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    stored = len(away.answers(lost))
    wish(away.home.run_dir(sum(run_ids) - lost), STOP)  # makes room on the node that is left
    away.turn(found)
    assert (away.row(lost).state, away.answers(lost)) == ("done", ALL)
    assert away.detail(lost).facts["answered_before"] >= stored > 0


def _below(pid: int) -> dict[int, str]:
    """Processes that a process started, and theirs: pid -> command line."""
    found: dict[int, str] = {}
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        found[int(child)] = Path(f"/proc/{child}/cmdline").read_bytes().replace(b"\0", b" ").decode()
        found |= _below(int(child))
    return found
