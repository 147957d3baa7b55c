"""Runs that can be compared, reported and published: those that measure, train or make something."""

from __future__ import annotations

from collections.abc import Sequence

from db import store
from db.session import Session
from db.specs import UserError
from db.store import RunDetail


def details_of_results(session: Session, run_ids: Sequence[int]) -> list[RunDetail]:
    """Everything about these runs, each once. Raises UserError for one that does not exist, or that holds notes alone."""
    details = [store.run_detail(session, run_id=run_id) for run_id in dict.fromkeys(run_ids)]
    for detail in details:
        if detail.row.kind == "ask":
            raise UserError(
                f"{detail.row.ref} answers what is asked about r{detail.spec['run']}: what is tried is no result and enters no "
                f"comparison; name r{detail.spec['run']} itself"
            )
    return details
