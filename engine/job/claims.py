"""Taking a run: refused where another living process works on it; what it is made with is written down."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from db import process, store
from db.home import Home
from db.session import DatabaseFile, open_database, writing
from engine.job import code, environment
from engine.job.identity import CODES


@dataclass(frozen=True)
class Job:
    """A claimed run."""

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


def claim(home: Home, name: str) -> Job:
    """Open the database and take the run; refuses one that another living process works on."""
    database = open_database(home.database)
    folder = Path.cwd()
    surroundings = environment.describe(folder)
    texts = {"git_diff": code.changes(folder) if surroundings["git_commit"] else "", "packages": code.packages()}
    with writing(database) as session:
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
        store.set_state(session, run_id=run.id, state="running")
        store.drop_findings(session, run_id=run.id, codes=CODES)
        surroundings |= {name: store.keep_snapshot(session, text=text) for name, text in texts.items()}
        whole = merged(json.loads(run.environment), surroundings)
        store.set_environment(session, run_id=run.id, environment=whole)
        return Job(home, database, run.id, row.id, run.kind, store.spec_text(session, run=run))


def merged(stored: Mapping[str, Any], present: Mapping[str, Any]) -> dict[str, Any]:
    """What the run was made with; a process that resumes it elsewhere is added, not put in the first one's place."""
    first = {name: stored.get(name) for name in present}
    if not any(first.values()):
        return {**stored, **present}
    differing = {name: value for name, value in present.items() if first[name] != value}
    if not differing:
        return dict(stored)
    return {**stored, "resumed_with": [*stored.get("resumed_with", []), differing]}
