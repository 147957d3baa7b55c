"""Dead or alive, and never a guess."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest

from db import process


def _me() -> dict[str, Any]:
    return {
        "pid": os.getpid(),
        "pid_start": process.pid_start(os.getpid()),
        "boot_id": process.boot_id(),
        "host": process.host(),
    }


def test_this_process_is_alive() -> None:
    assert process.alive(**_me())


@pytest.mark.parametrize(
    ("field", "value", "verdict"),
    [
        ("pid_start", "12345", False),  # the pid was given to another process
        ("host", "another-machine", True),  # cannot be told from here
        ("pid_start", "", True),  # nothing to compare with
        ("boot_id", "", True),
        ("boot_id", "another-boot/pid:[1]", False),
        ("boot_id", process.boot_id().split("/")[0] + "/another-container", True),
    ],
)
def test_identity(field: str, value: str, verdict: bool) -> None:
    assert process.alive(**(_me() | {field: value})) is verdict


def test_an_ended_process_is_dead_before_and_after_it_is_reaped() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    known = _me() | {"pid": child.pid, "pid_start": process.pid_start(child.pid)}
    assert process.alive(**known)
    assert child.stdin is not None
    child.stdin.close()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not process.alive(**known)
    child.wait()
    assert not process.alive(**known)


def test_a_name_with_brackets_does_not_shift_the_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    fields = ["S", *(str(number) for number in range(4, 53))]
    monkeypatch.setattr("db.process.Path.read_text", lambda _: f"77 (odd ) name (x) {' '.join(fields)}")
    assert process.pid_start(77) == "22"


def test_without_proc_the_system_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = subprocess.CompletedProcess([], 0, stdout="Sat Jun 14 10:00:00 2025\n")
    monkeypatch.setattr("db.process.subprocess.run", lambda *_, **__: answer)
    assert process._start_from_ps(5) == "Sat Jun 14 10:00:00 2025"
