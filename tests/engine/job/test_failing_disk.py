"""A disk that fails in the middle of a run, as the system makes one fail: the process ends and gives the true reason."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from db import store
from db.home import Home
from db.session import open_database, reading, writing
from db.specs import EvalSpec
from tests.helpers_cli import Desk

SIZE = 32 << 20


def _run(*command: str | Path) -> str:
    """Why a command of the system failed; empty where it did not."""
    try:
        found = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    except OSError as error:
        return str(error)
    return found.stderr.strip() or f"exit code {found.returncode}" if found.returncode else ""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own."""
    if os.geteuid() != 0 or not sys.platform.startswith("linux"):
        pytest.skip("mounting a disk needs root on Linux")
    image, place = tmp_path / "image", tmp_path / "disk"
    place.mkdir()
    with image.open("wb") as file:
        file.truncate(SIZE)
    reason = _run("mkfs.ext4", "-q", image) or _run("mount", "-o", "loop", image, place)
    if reason:
        pytest.skip(f"no disk can be mounted here: {reason}")
    yield place
    _run("umount", place)


def test_a_home_whose_disk_fails_keeps_the_true_reason(disk: Path, desk: Desk) -> None:
    """The kernel gives up the disk (it aborts its journal): reads may go on, every write fails."""
    home = Home(disk / "home")
    database = open_database(home.database)
    with writing(database) as session:
        store.create_run(session, spec=EvalSpec(vlm="pause"), environment={})
    command = [sys.executable, "-m", "tests.helpers_worker", "--home", str(home.root), "r1"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as worker:
        desk.wait((home.run_dir(1) / "paused").exists)
        assert not _run("mount", "-o", "remount,abort", disk)
        worker.send_signal(signal.SIGTERM)
        said = worker.communicate()[1]
    assert worker.returncode == 2
    [*_, last] = said.strip().splitlines()
    assert "cannot be read or written" in last or "is read-only" in last
    assert "damaged" not in said
    assert "Traceback" not in said
    with reading(database) as session:
        assert store.get_run(session, run_id=1).state in ("running", "queued")
    database.dispose()
