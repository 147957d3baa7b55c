"""Finished evaluations over the same questions: what a run is held against when it is judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from db.connection import Session
from db.store.base import home, listed, query


@dataclass(frozen=True)
class MeasuredCell:
    """A complete figure of some finished evaluation, known by what it was measured with and on."""

    retriever: str
    dataset_sha: str
    vlm: str
    subset_sha: str
    subset: str
    """Label of the subset."""
    shot: int
    variant: str


def measured_cells(session: Session, *, subset_shas: Sequence[str], retrievers: Sequence[str]) -> list[MeasuredCell]:
    """Complete figures of finished evaluations over these subsets, each kind once: those without demonstrations, and those
    whose demonstrations one of `retrievers` chose. Deleted runs are left out."""
    sql = """
        SELECT DISTINCT run.retriever, dataset.sha AS dataset_sha, run.vlm, subset.sha AS subset_sha, subset.label AS subset,
            cell.shot, run.variant
        FROM cell JOIN run ON run.id = cell.run_id JOIN subset ON subset.id = cell.subset_id
            JOIN dataset ON dataset.id = subset.dataset_id
        WHERE subset.sha IN (SELECT value FROM json_each(:shas)) AND run.kind = 'eval' AND run.state = 'done'
            AND run.deleted_at IS NULL AND cell.n_done = cell.n
            AND (cell.shot = 0 OR run.retriever IN (SELECT value FROM json_each(:retrievers)))
    """
    asked = {"shas": listed(subset_shas), "retrievers": listed(retrievers)}
    place = home(session)
    return [MeasuredCell(**place.located_values(row)) for row in query(session, sql, asked)]


def evaluations_on(session: Session, *, subset_shas: Sequence[str], vlm: str) -> list[int]:
    """Ids of finished evaluations with this model over any of these subsets, newest first; deleted runs are left out."""
    sql = """
        SELECT DISTINCT run.id FROM cell JOIN run ON run.id = cell.run_id JOIN subset ON subset.id = cell.subset_id
        WHERE subset.sha IN (SELECT value FROM json_each(:shas)) AND run.kind = 'eval' AND run.state = 'done'
            AND run.vlm = :vlm AND run.deleted_at IS NULL
        ORDER BY run.id DESC
    """
    return [row["id"] for row in query(session, sql, {"shas": listed(subset_shas), "vlm": home(session).stored(vlm)})]


def chosen(session: Session, *, run_id: int, shot: int) -> list[tuple[int, str]]:
    """(question, the demonstrations that a run showed for it, in prompt order, as JSON)."""
    sql = "SELECT question_id, demonstrations FROM prediction WHERE run_id = :run AND shot = :shot AND error = ''"
    return session.tuples(sql, {"run": run_id, "shot": shot})


def newest_with_selector(session: Session, *, paths: Sequence[str]) -> int | None:
    """The newest finished evaluation of one of these checkpoints; None where there is none."""
    place = home(session)
    sql = """
        SELECT max(id) AS id FROM run
        WHERE kind = 'eval' AND state = 'done' AND deleted_at IS NULL
            AND selector IN (SELECT value FROM json_each(:paths))
    """
    newest: int | None = query(session, sql, {"paths": listed([place.stored(path) for path in paths])})[0]["id"]
    return newest
