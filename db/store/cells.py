"""The accuracy matrix: figures by subset and number of shots."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import RowMapping
from sqlmodel import Session

from db.store.base import listed, number, query


@dataclass(frozen=True)
class CellRow:
    """One figure in percent with its 95 % interval, and the questions it is over."""

    run_id: int
    shot: int
    subset_id: int
    subset: str
    """Label, such as `random 100 (seed 42)`."""
    subset_sha: str
    """Hash of the question ids: equal hashes (of one data set and split) mean the same questions."""
    dataset_sha: str
    split: str
    n: int
    n_done: int
    accuracy: float
    ci_low: float
    ci_high: float
    shots_used: dict[int, int]
    distinct_sets: int


def cells(session: Session, *, run_ids: Sequence[int]) -> list[CellRow]:
    """All figures of some runs, by run, then larger subsets first, then fewer shots first."""
    sql = """
        SELECT cell.*, subset.label, subset.sha, subset.split, dataset.sha AS dataset_sha
        FROM cell JOIN subset ON subset.id = cell.subset_id JOIN dataset ON dataset.id = subset.dataset_id
        WHERE cell.run_id IN (SELECT value FROM json_each(:runs))
        ORDER BY cell.run_id, cell.n DESC, cell.subset_id, cell.shot
    """
    return [_row(row) for row in query(session, sql, {"runs": listed(run_ids)})]


def _row(row: RowMapping) -> CellRow:
    return CellRow(
        run_id=row["run_id"], shot=row["shot"], subset_id=row["subset_id"], subset=row["label"], subset_sha=row["sha"],
        dataset_sha=row["dataset_sha"], split=row["split"], n=row["n"], n_done=row["n_done"],
        accuracy=number(row["accuracy"]), ci_low=number(row["ci_low"]), ci_high=number(row["ci_high"]),
        shots_used={int(shots): count for shots, count in json.loads(row["shots_used"]).items()},
        distinct_sets=row["distinct_sets"],
    )  # fmt: skip
