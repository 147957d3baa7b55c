"""Questions, and the sets of them that runs measure on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from db.store.base import execute, execute_many, listed, query
from db.store.figures.batch import Batch, json_list, json_object

if TYPE_CHECKING:
    from db import rows


def add_questions(batch: Batch, questions: Sequence[rows.Question]) -> None:
    """Questions replace older versions of themselves."""
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
            (ids[row.dataset_sha], row.split, row.question_id, row.image_id, row.question, json_list(row.answers), row.label,
             batch.home.stored(row.image))
            for row in questions
        ],
    )  # fmt: skip


def add_subsets(batch: Batch, subsets: Sequence[rows.Subset]) -> None:
    """Subsets, and which of them the run measures on."""
    ids = _dataset_ids(batch, {row.dataset_sha for row in subsets})
    _set_dataset(batch, ids[subsets[-1].dataset_sha], subsets[-1].split)
    execute_many(
        batch.session,
        "INSERT INTO subset (dataset_id, split, sha, label, rule, n, question_ids, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING",
        [
            (ids[row.dataset_sha], row.split, row.sha, row.label, json_object(batch.home.stored_values(row.rule)),
             len(row.question_ids),
             json_list(sorted(row.question_ids)), batch.time)
            for row in subsets
        ],
    )  # fmt: skip
    execute_many(
        batch.session,
        "INSERT OR REPLACE INTO run_subset (run_id, sha, subset_id) SELECT ?, sha, id FROM subset"
        " WHERE dataset_id = ? AND split = ? AND sha = ? AND label = ?",
        [(batch.run_id, ids[row.dataset_sha], row.split, row.sha, row.label) for row in subsets],
    )


def _dataset_ids(batch: Batch, shas: set[str]) -> dict[str, int]:
    execute(
        batch.session,
        "INSERT INTO dataset (sha, name, created_at) SELECT value, coalesce((SELECT dataset FROM run WHERE id = :run), ''), :now"
        " FROM json_each(:shas) WHERE value NOT IN (SELECT sha FROM dataset)",
        {"shas": listed(sorted(shas)), "run": batch.run_id, "now": batch.time},
    )
    sql = "SELECT sha, id FROM dataset WHERE sha IN (SELECT value FROM json_each(:shas))"
    return {row["sha"]: row["id"] for row in query(batch.session, sql, {"shas": listed(sorted(shas))})}


def _set_dataset(batch: Batch, dataset_id: int, split: str | None) -> None:
    """The run's questions are looked up in this data set; a subset's, and its split, wins over what was known before.

    Questions of another data set may follow, shown as demonstrations.
    """
    execute(
        batch.session,
        "UPDATE run SET dataset_id = :dataset, split = coalesce(:split, split) WHERE id = :run"
        " AND (dataset_id IS NULL OR (:split IS NOT NULL AND (dataset_id <> :dataset OR split <> :split)))",
        {"dataset": dataset_id, "split": split, "run": batch.run_id},
    )
