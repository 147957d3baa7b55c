"""`leverplus demo load`: what it starts, in which order, and what it says when something is in the way."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from db import store
from db.home import Home
from db.session import open_database, reading, writing
from db.specs import EvalSpec, Finding, JobSpec, TrainSpec, UserError
from leverplus_tui.commands.home import demo_load
from leverplus_tui.jobs import launcher, preflight
from leverplus_tui.jobs.preflight import Checked, check

ENDS = {"demo: still running": "running"}


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> list[JobSpec]:
    """Jobs that are done at once, but for those that `ENDS` names."""
    specs: list[JobSpec] = []

    def launch(home: Home, spec: JobSpec, *, name: str, findings: Sequence[Finding]) -> int:
        specs.append(spec)
        with writing(open_database(home.database)) as session:
            run = store.create_run(session, spec=spec, name=name, environment={})
            assert run.id is not None
            for state in dict.fromkeys(("running", ENDS.get(name, "done"))):
                store.set_state(session, run_id=run.id, state=state)
            return run.id

    monkeypatch.setattr(launcher, "launch", launch)
    monkeypatch.setattr(demo_load, "resolved", lambda spec, place: spec)
    monkeypatch.setattr(preflight, "check", lambda *_, **__: Checked(()))
    return specs


def test_twelve_runs_are_done_and_one_runs(
    tmp_path: Path, launched: list[JobSpec], capsys: pytest.CaptureFixture[str]
) -> None:
    demo_load.load(tmp_path / "home")
    with reading(open_database(Home(tmp_path / "home").database)) as session:
        rows = sorted(store.list_runs(session, where="tag:demo"), key=lambda row: row.id)
    assert [row.state for row in rows] == ["done"] * 12 + ["running"]
    assert [row.kind for row in rows] == ["generate", "embed", "rce", "grpo", *["eval"] * 8, "generate"]
    trained = [spec for spec in launched if isinstance(spec, TrainSpec)]
    assert {(spec.rl_data, spec.embeddings) for spec in trained} == {("r1", "r2")}
    ways = [spec.retriever for spec in launched if isinstance(spec, EvalSpec) and spec.limit == 40]
    assert set(ways) == {"random", "fixed", "t2t", "i2i", "qi2qi", "untrained", "selector"}
    said = capsys.readouterr()
    assert "r13 still runs" in said.err
    assert "synthetic" in said.err
    with pytest.raises(UserError, match="holds runs with the tag demo already"):
        demo_load.load(tmp_path / "home")
    assert len(launched) == 13


def test_a_run_that_fails_ends_it_and_says_where_to_look(
    tmp_path: Path, launched: list[JobSpec], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ENDS, "demo: embeddings", "failed")
    with pytest.raises(UserError, match=r"r2 \(embeddings\) is failed: `leverplus logs r2` says why"):
        demo_load.load(tmp_path / "home")
    assert len(launched) == 2


def test_preflight_has_nothing_against_its_evaluations(tmp_path: Path) -> None:
    for name, spec in (*demo_load.evaluations(), demo_load.running()):
        assert not check(spec, Home(tmp_path), quiet=True).blocked, name
