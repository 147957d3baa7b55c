"""Taking a run: refused where another living process works on it; what it is made with is written down."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from db import process, store
from db.home import Home
from db.rows import StoredAnswer
from db.session import DatabaseFile, Session, open_database, reading, writing
from engine.job import code, environment
from engine.job.asked import StoredTrials
from engine.job.identity import CODES
from engine.job.known import Known, known_of, known_of_evaluation
from engine.recipes.run_context import NoTrials, Trials


class Job(Protocol):
    """A run to be worked on: what its recipe is given, wherever that comes from."""

    @property
    def home(self) -> Home:
        """Where it writes files."""

    @property
    def run_id(self) -> int:
        """Number of the run."""

    @property
    def kind(self) -> str:
        """Which recipe."""

    @property
    def spec_text(self) -> str:
        """The specification (JSON)."""

    @property
    def label(self) -> str:
        """How people name the run."""

    def known(self) -> Known:
        """What its earlier processes have stored."""

    def find_answers(self, shas: Sequence[str]) -> Mapping[str, StoredAnswer]:
        """Answers that any run has stored."""

    def trials(self) -> Trials:
        """What people ask of it while it runs."""


@dataclass(frozen=True)
class Claimed:
    """A run that this process works on, and the database that holds it."""

    home: Home
    database: DatabaseFile
    run_id: int
    process_id: int
    kind: str
    spec_text: str
    """The specification as stored (JSON)."""

    @property
    def label(self) -> str:
        """How people name the run."""
        return f"r{self.run_id}"

    def known(self) -> Known:
        """See `Job`."""
        with reading(self.database) as session:
            return (
                known_of(session, self.run_id)
                if self.evaluation is None
                else known_of_evaluation(session, self.evaluation)
            )

    def trials(self) -> Trials:
        """See `Job`."""
        return NoTrials() if self.evaluation is None else StoredTrials(self.database, self.evaluation, self.process_id)

    @property
    def evaluation(self) -> int | None:
        """The run that this one is asked about, where that is what it is for."""
        return int(json.loads(self.spec_text)["run"]) if self.kind == "ask" else None

    def find_answers(self, shas: Sequence[str]) -> Mapping[str, StoredAnswer]:
        """See `Job`."""
        with reading(self.database) as session:
            return store.find_answers(session, request_shas=shas)


def claim(home: Home, name: str) -> Claimed:
    """Open the database and take the run to work on it here."""
    database = open_database(home.database, is_there=True)
    values, texts = surroundings(Path.cwd())
    with writing(database) as session:
        job = take(session, home, database, name)
        store.set_state(session, run_id=job.run_id, state="running")
        note_surroundings(session, job.run_id, values, texts)
    return job


def take(session: Session, home: Home, database: DatabaseFile, name: str) -> Claimed:
    """Make this process the one that answers for the run; refuses one that another living process works on."""
    run = store.find_run(session, name)
    pid = os.getpid()
    row = store.start_process(
        session,
        run_id=run.id,
        pid=pid,
        pid_start=process.pid_start(pid),
        boot_id=process.boot_id(),
        host=process.host(),
        argv=sys.argv,
        log_path=str(home.log(run.id)),
    )
    store.drop_findings(session, run_id=run.id, codes=CODES)
    return Claimed(home, database, run.id, row.id, run.kind, store.spec_text(session, run=run))


def surroundings(folder: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """What a process computes with: values, and long texts that are kept by their hash."""
    values = environment.describe(folder)
    return values, {"git_diff": code.changes(folder) if values["git_commit"] else "", "packages": code.packages()}


def note_surroundings(session: Session, run_id: int, values: Mapping[str, Any], texts: Mapping[str, str]) -> None:
    """Write down what a run is computed with."""
    run = store.get_run(session, run_id=run_id)
    kept = {name: store.keep_snapshot(session, text=text) for name, text in texts.items()}
    whole = merged(json.loads(run.environment), {**values, **kept})
    store.set_environment(session, run_id=run_id, environment=whole)


def merged(stored: Mapping[str, Any], present: Mapping[str, Any]) -> dict[str, Any]:
    """What the run was made with; a process that resumes it elsewhere is added, not put in the first one's place."""
    first = {name: stored.get(name) for name in present}
    if not any(first.values()):
        return {**stored, **present}
    differing = {name: value for name, value in present.items() if first[name] != value}
    if not differing:
        return dict(stored)
    return {**stored, "resumed_with": [*stored.get("resumed_with", []), differing]}
