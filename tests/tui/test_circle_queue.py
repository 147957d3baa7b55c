"""`demo circle --queue`: every step waits for what it needs, and its evaluations are a sweep."""

from __future__ import annotations

from pathlib import Path

import pytest

from db import store
from db.session import reading
from tests.helpers_cli import make_desk


def test_the_steps_wait_for_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = make_desk(tmp_path, monkeypatch)
    monkeypatch.setattr("leverplus_tui.queue.submit.ensure_dispatcher", lambda home, database: None)
    assert desk.call("demo", "circle", "--queue", "--queries", "20").stdout == "s1\n"
    after = {row["run"]: row["after"] for row in desk.json("queue")}
    assert [run for run, needs in after.items() if not needs] == ["r1", "r2", "r4", "r5", "r6", "r7"]
    assert after["r3"] == ["r1", "r2"]
    assert after["r8"] == after["r9"] == after["r10"] == ["r3"]
    with reading(desk.database) as session:
        members = store.find_sweep(session, "circle").members
    assert list(members.values())[-1] == {"retriever": "selector"}
    assert list(members) == list(range(4, 11))
