"""What selectors choose differently: the demonstrations that runs showed for the same questions, held against a baseline's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from db import store
from db.session import Session
from db.store import RunDetail
from engine.doctor.copying import Ints
from leverplus_tui.results.pairs.copying import listed_ids


@dataclass(frozen=True)
class Choices:
    """One run against the baseline at one number of shots."""

    run: str
    shot: int
    evaluated: str
    """The run whose answers tell: the run itself, or the newest evaluation of a training's checkpoint."""
    n: int
    """Questions that both were asked."""
    same: float
    """Share of them that got the same demonstrations in the same order."""
    shared: float
    """Mean share of the demonstrations that both chose."""
    distinct: int
    """Different sets of demonstrations over all questions; 1 is a selector that looks at no question."""


def choices(
    session: Session, details: Sequence[RunDetail], base: str, go_on: Callable[[], bool] = lambda: True
) -> Iterator[Choices]:
    """Every run with demonstrations, shot by shot; the baseline against itself tells its distinct sets."""
    told = {detail.row.ref: _evaluation(session, detail) for detail in details}
    shots = sorted(
        {cell.shot for detail in told.values() if detail is not None for cell in detail.cells if cell.shot > 0}
    )
    for shot in shots:
        ground = told.get(base)
        against = Chosen.of(store.chosen(session, run_id=ground.row.id, shot=shot) if ground is not None else ())
        for run, detail in told.items():
            if detail is None or not go_on():
                continue
            found = Chosen.of(store.chosen(session, run_id=detail.row.id, shot=shot))
            if len(found.questions):
                yield held(run, shot, detail.row.ref, found, against)


@dataclass(frozen=True)
class Chosen:
    """What a run showed: the demonstrations (n, most of them, -1 where there are fewer) of `questions` (n,), in prompt order."""

    questions: Ints
    demonstrations: Ints

    @classmethod
    def of(cls, stored: Sequence[tuple[int, str]]) -> Chosen:
        """From (question, list in JSON)."""
        questions = np.array([question for question, _ in stored], dtype=np.int64)
        return cls(questions, listed_ids(f"[{','.join(shown for _, shown in stored)}]"))

    @property
    def sets(self) -> Ints:
        """The demonstrations of each question without their order: ascending, what is there twice counted once."""
        ordered = np.sort(self.demonstrations, axis=1)
        ordered[:, 1:][ordered[:, 1:] == ordered[:, :-1]] = -1
        return np.sort(ordered, axis=1)


def held(run: str, shot: int, evaluated: str, found: Chosen, against: Chosen) -> Choices:
    """One run's demonstrations against the baseline's."""
    _, mine, other = np.intersect1d(found.questions, against.questions, assume_unique=True, return_indices=True)
    n, same, shared = len(mine), 0.0, 0.0
    if n:
        width = max(found.demonstrations.shape[1], against.demonstrations.shape[1])
        first, second = (_wide(one.demonstrations[rows], width) for one, rows in ((found, mine), (against, other)))
        same = float((first == second).all(axis=1).mean())
        ours, theirs = found.sets[mine], against.sets[other]
        common = ((ours[:, :, None] == theirs[:, None, :]) & (ours >= 0)[:, :, None]).sum(axis=(1, 2))
        longest = np.maximum((first >= 0).sum(axis=1), (second >= 0).sum(axis=1))
        shared = float((common / np.maximum(longest, 1)).mean())
    return Choices(run, shot, evaluated, n, same, shared, distinct=len(np.unique(found.sets, axis=0)))


def _wide(ids: Ints, width: int) -> Ints:
    return np.pad(ids, ((0, 0), (0, width - ids.shape[1])), constant_values=-1)


def _evaluation(session: Session, detail: RunDetail) -> RunDetail | None:
    """The run itself if it answered questions; of a training the newest evaluation of one of its checkpoints."""
    if detail.row.kind == "eval":
        return detail
    paths = [checkpoint.path for checkpoint in detail.checkpoints]
    run_id = store.newest_with_selector(session, paths=paths) if paths else None
    return None if run_id is None else store.run_detail(session, run_id=run_id)
