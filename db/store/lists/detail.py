"""Everything about one run, for the run screen, `leverplus show` and `leverplus rerun`."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from db import specs
from db.connection import Session
from db.store.base import home, listed, moment, moment_or_none, query, ref
from db.store.figures.answers import answer_sources
from db.store.figures.matrix import CellRow
from db.store.figures.metrics import MetricRow, metric_summaries
from db.store.jobs.inputs import facts
from db.store.jobs.jobs import ProcessRow, processes
from db.store.jobs.queue import TicketRow, ticket_of
from db.store.jobs.runs import note_of
from db.store.lists.listing import RunRow, run_rows
from db.user_error import UserError

if TYPE_CHECKING:
    from db import rows


@dataclass(frozen=True)
class CheckpointRow:
    """A file of weights. `replaced`: when it was written over, so that it is no longer on disk."""

    id: int
    run_id: int
    path: str
    sha256: str
    phase: str
    epoch: int
    parameters: int
    is_best: bool
    metrics: dict[str, float]
    created: datetime
    replaced: datetime | None


@dataclass(frozen=True)
class RunDetail:
    """One run with all that belongs to it."""

    row: RunRow
    spec: dict[str, Any]
    """As it is stored: a field that came later is missing."""
    environment: dict[str, Any]
    facts: dict[str, Any]
    """Lineage: hashes, versions and counts that the job stated."""
    distributions: dict[str, Any]
    """What a training told of its candidates, one by one (`engine.training.distributions`); empty where it told nothing."""
    checkpoints: tuple[CheckpointRow, ...]
    metrics: tuple[MetricRow, ...]
    findings: tuple[specs.Finding, ...]
    processes: tuple[ProcessRow, ...]
    artifacts: tuple[rows.Artifact, ...]
    children: tuple[int, ...]
    """Runs that name this one as their parent."""
    note: str
    sources: dict[int | None, int]
    """Run that computed answers of this one -> how many; None where that is unknown."""
    ticket: TicketRow | None
    """How it was queued; None where it never was."""

    @property
    def cells(self) -> tuple[CellRow, ...]:
        """The accuracy matrix."""
        return self.row.cells

    @cached_property
    def settings(self) -> dict[str, Any]:
        """The specification with the default of each field that came later: what is compared with that of another run."""
        return specs.whole_spec(self.spec)


def run_detail(session: Session, *, run_id: int) -> RunDetail:
    """Everything about a run, deleted or not. Raises UserError when there is none of this id."""
    found = run_rows(session, run_ids=[run_id])
    if not found:
        raise UserError(f"there is no run {ref(run_id)}: `leverplus runs` lists those that exist")
    run = query(session, "SELECT spec, environment FROM run WHERE id = :run", {"run": run_id})[0]
    stated = facts(session, run_id=run_id)
    children = query(
        session, "SELECT id FROM run WHERE parent_id = :run AND deleted_at IS NULL ORDER BY id", {"run": run_id}
    )
    place = home(session)
    return RunDetail(
        row=found[0],
        spec=place.located_values(json.loads(run["spec"])),
        environment=json.loads(run["environment"]),
        distributions=stated.pop("distributions", {}),
        facts=stated,
        checkpoints=tuple(checkpoints(session, run_id=run_id)),
        metrics=tuple(metric_summaries(session, run_id=run_id)),
        findings=tuple(findings(session, run_id=run_id)),
        processes=tuple(processes(session, run_id=run_id)),
        artifacts=tuple(artifacts(session, run_id=run_id)),
        children=tuple(child["id"] for child in children),
        note=note_of(session, run_id=run_id),
        sources=answer_sources(session, run_id=run_id) if found[0].kind in ("eval", "generate") else {},
        ticket=ticket_of(session, run_id=run_id),
    )


def findings(session: Session, *, run_id: int) -> list[specs.Finding]:
    """What was found about a run, worst first."""
    return findings_of(session, run_ids=[run_id]).get(run_id, [])


def findings_of(session: Session, *, run_ids: Sequence[int]) -> dict[int, list[specs.Finding]]:
    """What was found about each of some runs, worst first; runs without a finding are left out."""
    sql = """
        SELECT run_id, code, severity, subject, message, fix FROM finding
        WHERE run_id IN (SELECT value FROM json_each(:ids))
        ORDER BY run_id, id
    """
    place = home(session)
    found: dict[int, list[specs.Finding]] = defaultdict(list)
    for row in query(session, sql, {"ids": listed(run_ids)}):
        told = {name: place.located(value) for name, value in dict(row).items() if name != "run_id"}
        found[row["run_id"]].append(specs.Finding.model_validate(told))
    return {run_id: specs.worst_first(rows) for run_id, rows in found.items()}


def specs_of(session: Session, *, run_ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """The specifications of some runs, with the defaults of fields that they are too old to have."""
    sql = "SELECT id, spec FROM run WHERE id IN (SELECT value FROM json_each(:ids))"
    place = home(session)
    return {
        row["id"]: specs.whole_spec(place.located_values(json.loads(row["spec"])))
        for row in query(session, sql, {"ids": listed(run_ids)})
    }


def checkpoints(session: Session, *, run_id: int) -> list[CheckpointRow]:
    """Weights that a run wrote, oldest first."""
    found = query(session, "SELECT * FROM checkpoint WHERE run_id = :run ORDER BY id", {"run": run_id})
    place = home(session)
    return [
        CheckpointRow(
            id=row["id"], run_id=run_id, path=place.located(row["path"]), sha256=row["sha256"],
            phase=row["phase"], epoch=row["epoch"], parameters=row["parameters"], is_best=bool(row["is_best"]),
            metrics=json.loads(row["metrics"]), created=moment(row["created_at"]), replaced=moment_or_none(row["replaced_at"]),
        )
        for row in found
    ]  # fmt: skip


def artifacts(session: Session, *, run_id: int) -> list[rows.Artifact]:
    """Files that a run wrote for others, oldest first."""
    from db import rows  # as in `figures.adding`

    found = query(session, "SELECT * FROM artifact WHERE run_id = :run ORDER BY id", {"run": run_id})
    place = home(session)
    return [
        rows.Artifact(
            row["kind"], place.located(row["path"]), row["sha256"], place.located_values(json.loads(row["facts"]))
        )
        for row in found
    ]
