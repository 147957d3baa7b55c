"""For tests of the command line and of job processes: a home in a temporary folder, jobs with a recipe that costs nothing."""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from db import rows, store
from db.home import Home
from db.session import DatabaseFile, open_database, reading, writing
from db.specs import EvalSpec, Finding
from leverplus_tui.cli import app
from leverplus_tui.jobs import launcher, preflight
from tests.helpers_worker import PAUSED

FAKE_WORKER = (sys.executable, "-m", "tests.helpers_worker")
PATIENCE_S = 300.0
"""How long a test waits for what never comes; a machine that has other things to do must not fail it."""


@dataclass(frozen=True)
class Desk:
    """A home, and the command line in front of it."""

    home: Home

    @cached_property
    def database(self) -> DatabaseFile:
        """The home's database."""
        return open_database(self.home.database)

    def call(self, *words: str, code: int = 0) -> Result:
        """Run a command in this process; fails when it exits with another code."""
        result = CliRunner().invoke(app, ["--home", str(self.home.root), *words])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, f"exit {result.exit_code}: {result.stdout}\n{result.stderr}"
        return result

    def json(self, *words: str, code: int = 0) -> Any:
        """The one JSON document that a command prints."""
        return json.loads(self.call(*words, "--json", code=code).stdout)

    def state(self, run_id: int) -> str:
        """State of a run."""
        with reading(self.database) as session:
            return store.get_run(session, run_id=run_id).state

    def wait(self, true: Callable[[], bool]) -> None:
        """Until something that another process does has happened."""
        deadline = time.monotonic() + PATIENCE_S
        while not true():
            assert time.monotonic() < deadline, "waited in vain"
            time.sleep(0.02)

    def launch(self, vlm: str, *, shots: tuple[int, ...] = (2,), **fields: Any) -> int:
        """Start a job whose recipe does what `vlm` says (see `tests.helpers_worker`)."""
        return launcher.launch(self.home, EvalSpec(vlm=vlm, shots=shots, **fields))

    def until(self, run_id: int, state: str) -> None:
        """Wait for a state; a run that ends otherwise will not reach it."""

        def reached() -> bool:
            present = self.state(run_id)
            assert present in (state, *store.ACTIVE, "stopped", "lost"), f"{present}: {self.log(run_id)[-2000:]}"
            return present == state

        self.wait(reached)

    def until_paused(self, run_id: int) -> store.ProcessRow:
        """Wait until the recipe waits for a signal with its rows stored; its process."""
        self.wait(lambda: "paused" in self.detail(run_id).facts and (self.home.run_dir(run_id) / PAUSED).exists())
        return self.detail(run_id).processes[-1]

    def detail(self, run_id: int) -> store.RunDetail:
        """Everything about a run."""
        with reading(self.database) as session:
            return store.run_detail(session, run_id=run_id)

    def log(self, run_id: int) -> str:
        """What the run's processes wrote."""
        return self.home.log(run_id).read_text()

    def answers(self, run_id: int, shot: int = 2) -> list[store.PredictionRow]:
        """Stored answers of a run."""
        with reading(self.database) as session:
            return store.predictions(session, run_id=run_id, shot=shot)


def make_desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A fresh home whose jobs run `tests.helpers_worker`."""
    monkeypatch.setattr(launcher, "WORKER", FAKE_WORKER)
    # The models that these recipes name do not exist, which is what preflight would say.
    monkeypatch.setattr(preflight, "check", lambda spec, place, quiet=False, on="": preflight.Checked(()))
    monkeypatch.delenv("LEVERPLUS_HOME", raising=False)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent.parent))  # for jobs started from another folder
    return Desk(Home(tmp_path / "home"))


def store_eval(
    desk: Desk,
    scores: Mapping[int, float],
    *,
    shot: int = 2,
    name: str = "stored",
    dataset_sha: str = "world",
    label: str = "all",
    accuracy: float | None = None,
    facts: Mapping[str, Any] | None = None,
    findings: Sequence[Finding] = (),
    unanswered: int = 0,
    state: str = "done",
    **fields: Any,
) -> int:
    """A finished evaluation with these scores by question id, one image per question; returns the run's number.

    The last `unanswered` questions belong to its set and were never asked.
    """
    ids = tuple(sorted(scores))
    sha = hashlib.sha256(",".join(map(str, ids)).encode()).hexdigest()
    done = ids[: len(ids) - unanswered]
    mean = 100 * sum(scores[q] for q in done) / max(1, len(done)) if accuracy is None else accuracy
    made: list[rows.Row] = [rows.Fact(key, value) for key, value in (facts or {}).items()]
    made.append(rows.Subset(dataset_sha, "val", label, {}, ids, sha))
    made += [rows.Question(dataset_sha, "val", q, q, f"question {q}?", ("a",) * 10, "a", "") for q in ids]
    made.append(rows.Cell(sha, shot, len(ids), len(done), mean, mean - 3, mean + 3, {shot: len(done)}, 5))
    made += findings
    spec = EvalSpec(shots=(shot,), **fields)
    with writing(desk.database) as session:
        run = store.create_run(session, spec=spec, name=name, environment={"host": "test"})
        assert run.id is not None
        made += [
            rows.Prediction(
                q, shot, (1, 2), f"p{q}", f"{name}-{shot}-{q}", "a", "a", scores[q], False, False, "", run.id, ""
            )
            for q in done
        ]
        store.add_rows(session, run_id=run.id, process_id=None, rows=made)
        store.set_state(session, run_id=run.id, state="running")
        store.set_state(session, run_id=run.id, state=state)
        return run.id
