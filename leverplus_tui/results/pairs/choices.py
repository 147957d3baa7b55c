"""What selectors choose differently: the demonstrations that runs showed for the same questions, held against a baseline's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from db import store
from db.session import Session
from db.store import RunDetail

Chosen = Mapping[int, tuple[int, ...]]
"""Question -> its demonstrations in prompt order."""


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
        against = store.chosen(session, run_id=ground.row.id, shot=shot) if ground is not None else {}
        for run, detail in told.items():
            if detail is None or not go_on():
                continue
            found = store.chosen(session, run_id=detail.row.id, shot=shot)
            if found:
                yield _held(run, shot, detail.row.ref, found, against)


def _held(run: str, shot: int, evaluated: str, found: Chosen, against: Chosen) -> Choices:
    both = [(found[question], against[question]) for question in found if question in against]
    n = len(both)
    return Choices(
        run=run,
        shot=shot,
        evaluated=evaluated,
        n=n,
        same=sum(mine == other for mine, other in both) / n if n else 0.0,
        shared=sum(len({*mine} & {*other}) / max(len(mine), len(other), 1) for mine, other in both) / n if n else 0.0,
        distinct=len({frozenset(demonstrations) for demonstrations in found.values()}),
    )


def _evaluation(session: Session, detail: RunDetail) -> RunDetail | None:
    """The run itself if it answered questions; of a training the newest evaluation of one of its checkpoints."""
    if detail.row.kind == "eval":
        return detail
    paths = [checkpoint.path for checkpoint in detail.checkpoints]
    run_id = store.newest_with_selector(session, paths=paths) if paths else None
    return None if run_id is None else store.run_detail(session, run_id=run_id)
