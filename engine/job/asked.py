"""The requests that a job is asked about an evaluation, taken one by one from the database."""

from __future__ import annotations

from dataclasses import dataclass

from db import process, store
from db.session import DatabaseFile, reading, writing
from db.specs import TrialSpec


@dataclass(frozen=True)
class StoredTrials:
    """What people try on one evaluation, for the process that answers it."""

    database: DatabaseFile
    run_id: int
    """The evaluation."""
    process_id: int

    def next(self) -> tuple[int, TrialSpec] | None:
        """The oldest request that waits, which is this process's from now on. Only one that is there costs a write."""
        with reading(self.database) as session:
            if not store.waits(session, run_id=self.run_id):
                return None
        with writing(self.database) as session:
            return store.take_trial(session, run_id=self.run_id, process_id=self.process_id)

    def wanted(self) -> bool:
        """Whether one of those who asked is still there, as far as it can be told; true while nobody has said who asks."""
        with reading(self.database) as session:
            asked = store.askers(session, run_id=self.run_id, process_id=self.process_id)
        return not asked or any(process.alive(**one) for one in asked)
