"""Answers, what other runs find of them, candidates and figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from db.store.base import execute_many, query, ref
from db.store.figures.batch import Batch, json_list, json_object

if TYPE_CHECKING:
    from db import rows


def add_predictions(batch: Batch, predictions: Sequence[rows.Prediction]) -> None:
    """An answer without error is final; one with an error is replaced."""
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
            (batch.run_id, row.shot, row.question_id, batch.process_id, json_list(row.demonstrations), row.prompt_sha,
             row.request_sha, row.raw, row.answer, row.score, row.cut, row.reused, row.error, batch.time,
             row.source, row.reasoning)
            for row in predictions
        ],
    )  # fmt: skip
    _share(batch, [row for row in predictions if not (row.error or row.reused)])


def add_candidates(batch: Batch, candidates: Sequence[rows.Candidate]) -> None:
    """Candidates are stored once."""
    execute_many(
        batch.session,
        """
        INSERT INTO candidate (run_id, query_id, pointer, process_id, method, request_sha, raw, answer, score, beam_rank,
                               beam_score, logprob_score, temperature, similarity, created_at, cut, source_run, gt_prob,
                               reasoning)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
        """,
        [
            (batch.run_id, row.query_id, json_list(row.pointer), batch.process_id, row.method, row.request_sha, row.raw, row.answer,
             row.score, row.beam_rank, row.beam_score, row.logprob_score, row.temperature, row.similarity, batch.time,
             row.cut, row.source, row.gt_prob, row.reasoning)
            for row in candidates
        ],
    )  # fmt: skip
    _share(batch, [row for row in candidates if row.source == batch.run_id])


def add_cells(batch: Batch, cells: Sequence[rows.Cell]) -> None:
    """A figure replaces the one before; its subset has come before."""
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
             json_object(row.shots_used), row.distinct_sets, batch.time)
            for row in cells
        ],
    )  # fmt: skip


def _share(batch: Batch, answers: Sequence[rows.Prediction | rows.Candidate]) -> None:
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
