"""What a run is computed from, as its first process found it, and what it stated of itself: resumed runs are held against it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from db.connection import Session
from db.store.base import execute, home, listed, query

if TYPE_CHECKING:
    from db import rows


def inputs(session: Session, *, run_id: int) -> dict[str, rows.Input]:
    """role -> input; empty for a run that has stored nothing yet, and for runs of versions that recorded none."""
    from db import rows  # as in `figures.adding`

    sql = "SELECT role, path, sha256 FROM run_input WHERE run_id = :run ORDER BY role"
    place = home(session)
    found = (rows.Input(**row) for row in query(session, sql, {"run": run_id}))
    return {one.role: replace(one, path=place.located(one.path)) for one in found}


def facts(session: Session, *, run_id: int) -> dict[str, Any]:
    """name -> value of what the run's processes have stated."""
    found = query(session, "SELECT name, value FROM fact WHERE run_id = :run ORDER BY name", {"run": run_id})
    place = home(session)
    return {row["name"]: place.located_values(json.loads(row["value"])) for row in found}


def drop_findings(session: Session, *, run_id: int, codes: Sequence[str]) -> None:
    """Forget findings that each process of a run judges anew."""
    sql = "DELETE FROM finding WHERE run_id = :run AND code IN (SELECT value FROM json_each(:codes))"
    execute(session, sql, {"run": run_id, "codes": listed(codes)})
