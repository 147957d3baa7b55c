"""The accuracy matrix: figures by subset and number of shots."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from db.connection import Session
from db.store.base import listed, number


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
    shots_used: Mapping[int, int]
    distinct_sets: int


def cells(session: Session, *, run_ids: Sequence[int]) -> list[CellRow]:
    """All figures of some runs, by run, then larger subsets first, then fewer shots first. A figure over no answer, as
    older versions stored it, is none; of an imported one the number of questions may be unknown (0)."""
    sql = """
        SELECT cell.run_id, shot, subset_id, label, subset.sha, dataset.sha, split, cell.n, n_done, accuracy, ci_low, ci_high,
            shots_used, distinct_sets
        FROM cell JOIN subset ON subset.id = cell.subset_id JOIN dataset ON dataset.id = subset.dataset_id
        WHERE cell.run_id IN (SELECT value FROM json_each(?)) AND (n_done > 0 OR cell.n = 0)
        ORDER BY cell.run_id, cell.n DESC, cell.subset_id, cell.shot
    """
    found = session.rows(sql, (listed(run_ids),))
    return [
        CellRow(
            run,
            shot,
            subset,
            label,
            sha,
            dataset,
            split,
            n,
            done,
            number(acc),
            number(low),
            number(high),
            _counts(used),
            sets,
        )
        for run, shot, subset, label, sha, dataset, split, n, done, acc, low, high, used, sets in found
    ]


@lru_cache(maxsize=1024)
def _counts(text: str) -> Mapping[int, int]:
    """Parsed once: most cells of a list say the same."""
    return MappingProxyType({int(shots): count for shots, count in json.loads(text).items()})
