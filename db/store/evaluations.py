"""Finished evaluations over the same questions: what a run is held against when it is judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session

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
