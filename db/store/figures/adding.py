"""What a job yields goes in here, in batches. Adding the same rows again changes nothing, so a batch may always be repeated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from db import specs
from db.canonical import canonical_json
from db.connection import Session
from db.store.base import execute, execute_many, home, now
from db.store.figures.adding_answers import add_candidates, add_cells, add_predictions
from db.store.figures.adding_questions import add_questions, add_subsets
from db.store.figures.batch import Batch, json_object
from db.store.figures.metrics import add_metrics
from db.store.jobs.trials import add_replies

if TYPE_CHECKING:
    from db import rows

SHOWN_FACTS = ("retriever", "selector", "variant", "vlm")
"""Facts that also fill the run's column of the same name: what was really used, where the specification left it open."""


def add_rows(session: Session, *, run_id: int, process_id: int | None, rows: Sequence[rows.Row]) -> None:
    """Store what a job yielded. `process_id` is None for findings made before a process exists.

    Rows of the same key replace each other, but an answer without error is final. Raises DiskFull when there is no
    room: nothing of the batch is stored then, and the caller keeps it and tries again later.
    """
    batch = Batch(session, run_id, process_id, now(), home(session))
    by_type: dict[type, list[Any]] = {}
    for row in rows:
        by_type.setdefault(type(row), []).append(row)
    adders = _adders()
    assert by_type.keys() <= adders.keys(), (
        f"no table takes {', '.join(kind.__name__ for kind in by_type.keys() - adders.keys())} rows"
    )
    for kind, add in adders.items():  # in this order, because later kinds refer to earlier ones
        if kind in by_type:
            add(batch, by_type[kind])


def _add_inputs(batch: Batch, inputs: Sequence[rows.Input]) -> None:
    """What the first process found stays: later ones are held against it."""
    execute_many(
        batch.session,
        "INSERT INTO run_input (run_id, role, path, sha256, created_at) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        [(batch.run_id, row.role, batch.home.stored(row.path), row.sha256, batch.time) for row in inputs],
    )


def _add_facts(batch: Batch, facts: Sequence[rows.Fact]) -> None:
    values = [(batch.run_id, fact.name, canonical_json(batch.home.stored_values(fact.value))) for fact in facts]
    execute_many(batch.session, "INSERT OR REPLACE INTO fact (run_id, name, value) VALUES (?, ?, ?)", values)
    for fact in facts:
        if fact.name in SHOWN_FACTS and isinstance(fact.value, str):
            sql = f"UPDATE run SET {fact.name} = :value WHERE id = :run"
            execute(batch.session, sql, {"value": batch.home.stored(fact.value), "run": batch.run_id})


def _add_metrics(batch: Batch, metrics: Sequence[rows.Metric]) -> None:
    add_metrics(batch.session, run_id=batch.run_id, metrics=metrics)


def _add_checkpoints(batch: Batch, checkpoints: Sequence[rows.Checkpoint]) -> None:
    """A file written over ends the row that it had; there is one best checkpoint in each phase."""
    for row in checkpoints:
        key = {
            "run": batch.run_id,
            "path": batch.home.stored(row.path),
            "sha": row.sha256,
            "phase": row.phase,
            "now": batch.time,
        }
        execute(
            batch.session,
            "UPDATE checkpoint SET replaced_at = :now, is_best = 0"
            " WHERE run_id = :run AND path = :path AND sha256 <> :sha AND replaced_at IS NULL",
            key,
        )
        if row.is_best:
            execute(
                batch.session,
                "UPDATE checkpoint SET is_best = 0 WHERE run_id = :run AND phase = :phase AND is_best",
                key,
            )
        execute(
            batch.session,
            """
            INSERT INTO checkpoint (run_id, path, sha256, phase, epoch, parameters, is_best, metrics, created_at)
            VALUES (:run, :path, :sha, :phase, :epoch, :parameters, :best, :metrics, :now)
            ON CONFLICT (run_id, path, sha256) DO UPDATE SET
                phase = excluded.phase, epoch = excluded.epoch, is_best = excluded.is_best, metrics = excluded.metrics,
                replaced_at = NULL
            """,
            key
            | {
                "epoch": row.epoch,
                "parameters": row.parameters,
                "best": row.is_best,
                "metrics": json_object(row.metrics),
            },
        )


def _add_artifacts(batch: Batch, artifacts: Sequence[rows.Artifact]) -> None:
    execute_many(
        batch.session,
        """
        INSERT INTO artifact (run_id, kind, path, sha256, facts, created_at) VALUES (?, ?, ?, ?, ?, ?)
        ON CONFLICT (run_id, path) DO UPDATE SET
            kind = excluded.kind, sha256 = excluded.sha256, facts = excluded.facts, created_at = excluded.created_at
        WHERE (artifact.sha256, artifact.facts) IS NOT (excluded.sha256, excluded.facts)
        """,
        [
            (
                batch.run_id,
                row.kind,
                batch.home.stored(row.path),
                row.sha256,
                canonical_json(batch.home.stored_values(row.facts)),
                batch.time,
            )
            for row in artifacts
        ],
    )


def _add_findings(batch: Batch, findings: Sequence[specs.Finding]) -> None:
    execute_many(
        batch.session,
        """
        INSERT INTO finding (run_id, process_id, code, severity, subject, message, fix, created_at)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (run_id, code, subject) DO UPDATE SET
            process_id = excluded.process_id, severity = excluded.severity, message = excluded.message, fix = excluded.fix
        WHERE (finding.severity, finding.message, finding.fix) IS NOT (excluded.severity, excluded.message, excluded.fix)
        """,
        [
            (
                batch.run_id,
                batch.process_id,
                row.code,
                row.severity,
                *map(batch.home.stored, (row.subject, row.message, row.fix)),
                batch.time,
            )
            for row in findings
        ],
    )


def _withdraw(batch: Batch, withdrawn: Sequence[rows.Withdrawn]) -> None:
    execute_many(
        batch.session,
        "DELETE FROM finding WHERE run_id = ? AND code = ? AND subject = ?",
        [(batch.run_id, row.code, batch.home.stored(row.subject)) for row in withdrawn],
    )


def _add_progress(batch: Batch, progress: Sequence[rows.Progress]) -> None:
    """Only the newest counts. A rate is measured from where this process, or this stretch of the job, began."""
    newest = progress[-1]
    fresh = "progress_since IS NULL OR progress_total <> :total OR progress_unit <> :unit OR progress_done > :done"
    execute(
        batch.session,
        f"""
        UPDATE run SET
            progress_from = CASE WHEN {fresh} THEN :done ELSE progress_from END,
            progress_since = CASE WHEN {fresh} THEN :now ELSE progress_since END,
            progress_done = :done, progress_total = :total, progress_unit = :unit, progress_note = :note, progress_at = :now
        WHERE id = :run
        """,
        {
            "done": newest.done, "total": newest.total, "unit": newest.unit, "note": newest.note,
            "now": batch.time, "run": batch.run_id,
        },
    )  # fmt: skip


@cache
def _adders() -> dict[type, Callable[[Batch, Any], None]]:
    from db import rows  # many classes, which a list of runs need not wait for

    return {
        rows.Input: _add_inputs,
        rows.Question: add_questions,
        rows.Subset: add_subsets,
        rows.Fact: _add_facts,
        rows.Metric: _add_metrics,
        rows.Checkpoint: _add_checkpoints,
        rows.Prediction: add_predictions,
        rows.Cell: add_cells,
        rows.Candidate: add_candidates,
        rows.Artifact: _add_artifacts,
        specs.Finding: _add_findings,
        rows.Withdrawn: _withdraw,
        rows.Progress: _add_progress,
        rows.TrialReply: lambda batch, replies: add_replies(batch.session, batch.process_id, replies),
    }
