"""`--on` and `leverplus nodes`."""

from __future__ import annotations

import builtins
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from leverplus_tui.queue.lanes import environment
from tests.helpers_cli import Desk, make_desk


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setattr("leverplus_tui.queue.submit.ensure_dispatcher", lambda home, database: None)
    return make_desk(tmp_path, monkeypatch)


def test_a_job_is_told_of_its_cluster_and_of_its_memory() -> None:
    told = environment("auto", ("ray:10.0.0.1:6379",), {}, 2048)
    assert told == {"LEVERPLUS_ON": "ray:10.0.0.1:6379", "LEVERPLUS_MEMORY_MB": "2048"}


def test_without_ray_the_extra_is_named(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def absent(name: str, *rest: Any, **more: Any) -> Any:
        if name == "ray":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", absent)
    assert "needs Ray: pip install -e '.[ray]'" in desk.call("nodes", code=2).stderr


def test_partitions_of_slurm_are_listed_and_its_silence_is_told(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    said = SimpleNamespace(
        returncode=0, stdout="gpu*|mixed|12|64|515000|gpu:a100:4|2-00:00:00\ncpu|idle|3|32|128000|(null)|infinite\n"
    )
    monkeypatch.setattr("subprocess.run", lambda *_, **__: said)
    found = desk.json("nodes", "--on", "slurm")["partitions"]
    assert [(one["partition"], one["nodes"], one["devices"]) for one in found] == [
        ("gpu*", "12", "gpu:a100:4"),
        ("cpu", "3", "-"),
    ]
    assert "gpu:a100:4" in desk.call("nodes", "--on", "slurm").stdout
    said = SimpleNamespace(returncode=1, stderr="Unable to contact slurm controller\n")
    assert "Unable to contact" in desk.call("nodes", "--on", "slurm", code=2).stderr
    assert "give ray, ray:ADDRESS" in desk.call("nodes", "--on", "pbs", code=2).stderr
