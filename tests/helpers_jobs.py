"""Jobs in this very process, with the real recipes: begun, stopped after so many rows, and gone on with."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from db import store
from db.home import Home
from db.session import DatabaseFile, open_database, reading, writing
from engine.job import worker
from engine.job.claims import claim
from engine.job.worker import Outcome, StopRequest


class StopAfter(StopRequest):
    """A stop that is asked for after so many rows; no signal is listened to."""

    def __init__(self, rows: int) -> None:
        self.asked = self.deferred = False
        self._left = rows

    def check(self) -> None:
        self._left -= 1
        self.asked = self.asked or self._left <= 0
        super().check()

    def recipe_ended(self) -> None:
        """There is no clock to stop."""


@dataclass(frozen=True)
class Jobs:
    """A home, and jobs that run here."""

    home: Home

    @cached_property
    def database(self) -> DatabaseFile:
        """The home's database."""
        return open_database(self.home.database)

    def queue(self, spec: Any) -> int:
        """A queued run; its number."""
        with writing(self.database) as session:
            run_id = store.create_run(session, spec=spec, environment={}).id
        assert run_id is not None, "a stored run has a key"
        return run_id

    def work(self, run_id: int, *, rows: int = 10**9) -> Outcome:
        """One process of a run, stopped after so many rows; what has ended is gone on with."""
        with writing(self.database) as session:
            if store.get_run(session, run_id=run_id).state in store.ENDED:
                store.resume_run(session, run_id=run_id)
        return worker.work([claim(self.home, f"r{run_id}")], StopAfter(rows))

    def detail(self, run_id: int) -> store.RunDetail:
        """Everything about a run."""
        with reading(self.database) as session:
            return store.run_detail(session, run_id=run_id)

    def answers(self, run_id: int, shot: int) -> list[store.PredictionRow]:
        """Stored answers of a run."""
        with reading(self.database) as session:
            return store.predictions(session, run_id=run_id, shot=shot)

    def sql(self, statement: str) -> None:
        """Change the database as no program does."""
        with writing(self.database) as session:
            session.run(statement)


def jobs_in(folder: Path) -> Jobs:
    """A fresh home."""
    return Jobs(Home(folder / "home"))
