"""What a job yields goes in here, in batches. Adding the same rows again changes nothing, so a batch may always be repeated."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from db import specs
from db.canonical import canonical_json
from db.connection import Session
from db.specs.movable import HomePaths
from db.store.base import execute, execute_many, home, listed, now, query, ref
from db.store.figures.metrics import add_metrics
from db.store.jobs.trials import add_replies

if TYPE_CHECKING:
    from db import rows

SHOWN_FACTS = ("retriever", "selector", "variant", "vlm")
"""Facts that also fill the run's column of the same name: what was really used, where the specification left it open."""


class _Batch(NamedTuple):
    session: Session
    run_id: int
    process_id: int | None
    time: int
    home: HomePaths


def add_rows(session: Session, *, run_id: int, process_id: int | None, rows: Sequence[rows.Row]) -> None:
    """Store what a job yielded. `process_id` is None for findings made before a process exists.

    Rows of the same key replace each other, but an answer without error is final. Raises DiskFull when there is no
    room: nothing of the batch is stored then, and the caller keeps it and tries again later.
    """
    batch = _Batch(session, run_id, process_id, now(), home(session))
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


def _dataset_ids(batch: _Batch, shas: set[str]) -> dict[str, int]:
    execute(
        batch.session,
        "INSERT INTO dataset (sha, name, created_at) SELECT value, coalesce((SELECT dataset FROM run WHERE id = :run), ''), :now"
        " FROM json_each(:shas) WHERE value NOT IN (SELECT sha FROM dataset)",
        {"shas": listed(sorted(shas)), "run": batch.run_id, "now": batch.time},
    )
    sql = "SELECT sha, id FROM dataset WHERE sha IN (SELECT value FROM json_each(:shas))"
    return {row["sha"]: row["id"] for row in query(batch.session, sql, {"shas": listed(sorted(shas))})}


def _set_dataset(batch: _Batch, dataset_id: int, split: str | None) -> None:
    """The run's questions are looked up in this data set; a subset's, and its split, wins over what was known before.

    Questions of another data set may follow, shown as demonstrations.
    """
    execute(
        batch.session,
        "UPDATE run SET dataset_id = :dataset, split = coalesce(:split, split) WHERE id = :run"
        " AND (dataset_id IS NULL OR (:split IS NOT NULL AND (dataset_id <> :dataset OR split <> :split)))",
        {"dataset": dataset_id, "split": split, "run": batch.run_id},
    )


def _add_questions(batch: _Batch, questions: Sequence[rows.Question]) -> None:
    ids = _dataset_ids(batch, {row.dataset_sha for row in questions})
    _set_dataset(batch, ids[questions[-1].dataset_sha], None)
    execute_many(
        batch.session,
        """
        INSERT INTO question (dataset_id, split, question_id, image_id, question, answers, label, image)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (dataset_id, split, question_id) DO UPDATE SET
            image_id = excluded.image_id, question = excluded.question, answers = excluded.answers,
            label = excluded.label, image = excluded.image
        WHERE (image, label, image_id, question, answers)
            IS NOT (excluded.image, excluded.label, excluded.image_id, excluded.question, excluded.answers)
        """,
        [
            (ids[row.dataset_sha], row.split, row.question_id, row.image_id, row.question, _json(row.answers), row.label,
             batch.home.stored(row.image))
            for row in questions
        ],
    )  # fmt: skip


def _add_subsets(batch: _Batch, subsets: Sequence[rows.Subset]) -> None:
    ids = _dataset_ids(batch, {row.dataset_sha for row in subsets})
    _set_dataset(batch, ids[subsets[-1].dataset_sha], subsets[-1].split)
    execute_many(
        batch.session,
        "INSERT INTO subset (dataset_id, split, sha, label, rule, n, question_ids, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING",
        [
            (ids[row.dataset_sha], row.split, row.sha, row.label, _json_object(batch.home.stored_values(row.rule)),
             len(row.question_ids),
             _json(sorted(row.question_ids)), batch.time)
            for row in subsets
        ],
    )  # fmt: skip
    execute_many(
        batch.session,
        "INSERT OR REPLACE INTO run_subset (run_id, sha, subset_id) SELECT ?, sha, id FROM subset"
        " WHERE dataset_id = ? AND split = ? AND sha = ? AND label = ?",
        [(batch.run_id, ids[row.dataset_sha], row.split, row.sha, row.label) for row in subsets],
    )


def _add_inputs(batch: _Batch, inputs: Sequence[rows.Input]) -> None:
    """What the first process found stays: later ones are held against it."""
    execute_many(
        batch.session,
        "INSERT INTO run_input (run_id, role, path, sha256, created_at) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        [(batch.run_id, row.role, batch.home.stored(row.path), row.sha256, batch.time) for row in inputs],
    )


def _add_facts(batch: _Batch, facts: Sequence[rows.Fact]) -> None:
    values = [(batch.run_id, fact.name, canonical_json(batch.home.stored_values(fact.value))) for fact in facts]
    execute_many(batch.session, "INSERT OR REPLACE INTO fact (run_id, name, value) VALUES (?, ?, ?)", values)
    for fact in facts:
        if fact.name in SHOWN_FACTS and isinstance(fact.value, str):
            sql = f"UPDATE run SET {fact.name} = :value WHERE id = :run"
            execute(batch.session, sql, {"value": batch.home.stored(fact.value), "run": batch.run_id})


def _add_metrics(batch: _Batch, metrics: Sequence[rows.Metric]) -> None:
    add_metrics(batch.session, run_id=batch.run_id, metrics=metrics)


def _add_checkpoints(batch: _Batch, checkpoints: Sequence[rows.Checkpoint]) -> None:
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
                "metrics": _json_object(row.metrics),
            },
        )


def _add_predictions(batch: _Batch, predictions: Sequence[rows.Prediction]) -> None:
    execute_many(
        batch.session,
        """
        INSERT INTO prediction (run_id, shot, question_id, process_id, demonstrations, prompt_sha, request_sha, raw, answer,
                                score, cut, reused, error, created_at, source_run, reasoning)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (run_id, shot, question_id) DO UPDATE SET
            process_id = excluded.process_id, demonstrations = excluded.demonstrations, prompt_sha = excluded.prompt_sha,
            request_sha = excluded.request_sha, raw = excluded.raw, answer = excluded.answer, score = excluded.score,
            cut = excluded.cut, reused = excluded.reused, error = excluded.error, created_at = excluded.created_at,
            source_run = excluded.source_run, reasoning = excluded.reasoning
        WHERE prediction.error <> '' AND prediction.error <> excluded.error
        """,
        [
            (batch.run_id, row.shot, row.question_id, batch.process_id, _json(row.demonstrations), row.prompt_sha,
             row.request_sha, row.raw, row.answer, row.score, row.cut, row.reused, row.error, batch.time,
             row.source, row.reasoning)
            for row in predictions
        ],
    )  # fmt: skip
    _share(batch, [row for row in predictions if not (row.error or row.reused)])


def _share(batch: _Batch, answers: Sequence[rows.Prediction | rows.Candidate]) -> None:
    """Let other runs find what this one computed; a run that was to compute everything anew keeps it to itself."""
    sql = "SELECT coalesce(json_extract(spec, '$.fresh'), 0) AS fresh FROM run WHERE id = :run"
    if not answers or query(batch.session, sql, {"run": batch.run_id})[0]["fresh"]:
        return
    execute_many(
        batch.session,
        "INSERT INTO answer (request_sha, raw, cut, created_at, run_id, reasoning) VALUES (?, ?, ?, ?, ?, ?) "
        "ON CONFLICT DO NOTHING",
        [(row.request_sha, row.raw, row.cut, batch.time, row.source, row.reasoning) for row in answers],
    )


def _add_cells(batch: _Batch, cells: Sequence[rows.Cell]) -> None:
    found = query(batch.session, "SELECT sha, subset_id FROM run_subset WHERE run_id = :run", {"run": batch.run_id})
    subsets = {row["sha"]: row["subset_id"] for row in found}
    missing = {row.subset_sha for row in cells} - subsets.keys()
    assert not missing, f"{ref(batch.run_id)} yields a cell of subset {missing} before the subset itself"
    execute_many(
        batch.session,
        """
        INSERT OR REPLACE INTO cell
            (run_id, shot, subset_id, n, n_done, accuracy, ci_low, ci_high, shots_used, distinct_sets, updated_at)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
        [
            (batch.run_id, row.shot, subsets[row.subset_sha], row.n, row.n_done, row.accuracy, row.ci_low, row.ci_high,
             _json_object(row.shots_used), row.distinct_sets, batch.time)
            for row in cells
        ],
    )  # fmt: skip


def _add_candidates(batch: _Batch, candidates: Sequence[rows.Candidate]) -> None:
    execute_many(
        batch.session,
        """
        INSERT INTO candidate (run_id, query_id, pointer, process_id, method, request_sha, raw, answer, score, beam_rank,
                               beam_score, logprob_score, temperature, similarity, created_at, cut, source_run, gt_prob,
                               reasoning)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
        """,
        [
            (batch.run_id, row.query_id, _json(row.pointer), batch.process_id, row.method, row.request_sha, row.raw, row.answer,
             row.score, row.beam_rank, row.beam_score, row.logprob_score, row.temperature, row.similarity, batch.time,
             row.cut, row.source, row.gt_prob, row.reasoning)
            for row in candidates
        ],
    )  # fmt: skip
    _share(batch, [row for row in candidates if row.source == batch.run_id])


def _add_artifacts(batch: _Batch, artifacts: Sequence[rows.Artifact]) -> None:
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


def _add_findings(batch: _Batch, findings: Sequence[specs.Finding]) -> None:
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


def _withdraw(batch: _Batch, withdrawn: Sequence[rows.Withdrawn]) -> None:
    execute_many(
        batch.session,
        "DELETE FROM finding WHERE run_id = ? AND code = ? AND subject = ?",
        [(batch.run_id, row.code, batch.home.stored(row.subject)) for row in withdrawn],
    )


def _add_progress(batch: _Batch, progress: Sequence[rows.Progress]) -> None:
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


def _json(values: Sequence[Any]) -> str:
    return json.dumps(list(values), separators=(",", ":"), ensure_ascii=False)


def _json_object(values: Mapping[Any, Any]) -> str:
    return canonical_json({str(key): value for key, value in values.items()})


@cache
def _adders() -> dict[type, Callable[[_Batch, Any], None]]:
    from db import rows  # many classes, which a list of runs need not wait for

    return {
        rows.Input: _add_inputs,
        rows.Question: _add_questions,
        rows.Subset: _add_subsets,
        rows.Fact: _add_facts,
        rows.Metric: _add_metrics,
        rows.Checkpoint: _add_checkpoints,
        rows.Prediction: _add_predictions,
        rows.Cell: _add_cells,
        rows.Candidate: _add_candidates,
        rows.Artifact: _add_artifacts,
        specs.Finding: _add_findings,
        rows.Withdrawn: _withdraw,
        rows.Progress: _add_progress,
        rows.TrialReply: lambda batch, replies: add_replies(batch.session, batch.process_id, replies),
    }
