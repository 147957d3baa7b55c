"""Which runs a list holds: ids alone, for lists that read a row when it comes into view, and counts over all of them."""

from __future__ import annotations

from collections.abc import Sequence

from db.connection import Session
from db.store.base import home, listed, query
from db.store.lists.filters import runs_condition, runs_order, value_sql


def run_ids(session: Session, *, where: str | None = None, sort: str = "created desc") -> list[int]:
    """Ids of the runs that pass a filter, in order; both are those of `list_runs`. Raises BadFilter."""
    condition = runs_condition(where, home(session))
    sql = f"SELECT run.id FROM run WHERE {condition.sql} ORDER BY {runs_order(sort)}"
    return [row[0] for row in session.rows(sql, condition.parameters)]


def job_ids(session: Session, *, limit: int) -> list[int]:
    """Runs that had a process or wait for one: running ones, then waiting ones, then those that ended last."""
    sql = """
        SELECT id FROM run
        WHERE deleted_at IS NULL AND (state = 'queued' OR EXISTS (SELECT 1 FROM process WHERE run_id = run.id))
        ORDER BY CASE state WHEN 'running' THEN 0 WHEN 'queued' THEN 1 ELSE 2 END, coalesce(ended_at, created_at) DESC
        LIMIT :limit
    """
    return [row["id"] for row in query(session, sql, {"limit": limit})]


def run_ids_with_answers(
    session: Session, *, shot: int, dataset_sha: str, split: str, but: int, limit: int
) -> list[int]:
    """Newest runs, `but` one, that answered questions of a data set's split with this number of demonstrations."""
    sql = """
        SELECT DISTINCT cell.run_id AS id FROM cell JOIN run ON run.id = cell.run_id
        JOIN subset ON subset.id = cell.subset_id JOIN dataset ON dataset.id = subset.dataset_id
        WHERE cell.shot = :shot AND dataset.sha = :sha AND subset.split = :split AND run.id <> :but
            AND run.deleted_at IS NULL
        ORDER BY run.id DESC LIMIT :limit
    """
    parameters = {"shot": shot, "sha": dataset_sha, "split": split, "but": but, "limit": limit}
    return [row["id"] for row in query(session, sql, parameters)]


def runs_that_wrote(session: Session, *, path: str) -> list[int]:
    """Runs that wrote a checkpoint at this path, newest first; deleted ones too, since what they were still counts."""
    sql = "SELECT DISTINCT run_id AS id FROM checkpoint WHERE path = :path ORDER BY run_id DESC"
    return [row["id"] for row in query(session, sql, {"path": home(session).stored(path)})]


def state_counts(session: Session) -> dict[str, int]:
    """Number of runs by state, without deleted ones."""
    rows = query(session, "SELECT state, count(*) AS n FROM run WHERE deleted_at IS NULL GROUP BY state")
    return {row["state"]: int(row["n"]) for row in rows}


def largest_subsets(session: Session) -> dict[int, int]:
    """Greatest number of questions behind a figure, by shots in order."""
    rows = query(session, "SELECT shot, max(n) AS n FROM cell GROUP BY shot ORDER BY shot")
    return {row["shot"]: int(row["n"]) for row in rows}


def run_values(
    session: Session, *, run_ids: Sequence[int], fields: Sequence[str]
) -> dict[int, dict[str, str | float | None]]:
    """Values of any fields that a filter can name (accuracies in percent, times in seconds), by run and field.

    Lists are JSON; None is what a run has not. Raises BadFilter for an unknown field.
    """
    if not fields:
        return {run_id: {} for run_id in run_ids}
    columns = ", ".join(value_sql(field) for field in fields)
    sql = f"SELECT run.id, {columns} FROM run WHERE run.id IN (SELECT value FROM json_each(:ids))"
    rows = session.rows(sql, {"ids": listed(run_ids)})
    place = home(session)
    return {
        row[0]: {field: place.located_values(value) for field, value in zip(fields, row[1:], strict=True)}
        for row in rows
    }
