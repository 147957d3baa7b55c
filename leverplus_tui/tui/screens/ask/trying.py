"""What the page that asks a model reads and writes: functions that are called in a thread and return finished rows."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from db import rows, store
from db.session import reading, writing
from db.specs import EvalSpec, TrialSpec
from db.store import PredictionRow, RunRow, TrialRow
from engine.data.datasets import open_dataset
from leverplus_tui.jobs import asking
from leverplus_tui.tui.library import Library

if TYPE_CHECKING:
    from engine.data.sample import Sample


@dataclass(frozen=True)
class Trying:
    """One question of an evaluation, and all that was tried on it."""

    run: RunRow
    spec: EvalSpec
    stored: PredictionRow
    """The evaluation's own answer."""
    others: tuple[PredictionRow, ...]
    """Its answers at other numbers of shots."""
    tried: tuple[TrialRow, ...]
    """Newest first."""
    standing: asking.Standing
    known: dict[int, rows.Question]
    """Train questions that are named, as far as they are stored."""


def read(library: Library, run_id: int, question_id: int, shot: int, trial_id: int | None) -> Trying:
    """Everything about a question; `trial_id` is the one whose preferred candidates are wanted too. Raises UserError."""
    engine = library.database.engine
    standing = asking.standing(engine, run_id)
    with reading(engine) as session:
        spec = asking.asked_spec(session, run_id)
        stored = asking.stored_answer(session, run_id, question_id, shot)
        shots = sorted({cell.shot for cell in store.cells(session, run_ids=[run_id])} - {shot})
        others = [
            row
            for one in shots
            for row in store.predictions(session, run_id=run_id, shot=one, question_ids=[question_id])
        ]
        tried = store.trials(session, run_id=run_id, question_id=question_id)
        known = store.questions(
            session, dataset_sha=stored.support_sha, split="train", question_ids=_named(stored, tried, trial_id)
        )
        run = store.run_rows(session, run_ids=[run_id])[0]
    return Trying(run, spec, stored, tuple(others), tuple(tried), standing, known)


def _named(stored: PredictionRow, tried: Sequence[TrialRow], trial_id: int | None) -> list[int]:
    """Train questions that something on the page speaks of."""
    named = dict.fromkeys(stored.demonstrations)
    for one in tried:
        named |= dict.fromkeys(one.request.demonstrations)
        if one.id == trial_id:
            named |= dict.fromkeys(best for pick in one.picks for best, _ in pick["best"] if best is not None)
    return list(named)


def ask(library: Library, run_id: int, request: TrialSpec) -> int:
    """Ask, for as long as this program is there. Raises UserError."""
    return asking.ask(library.home, run_id, request, asker=asking.asker_of(os.getpid()))


def start(library: Library, run_id: int) -> None:
    """See to it that what waits is answered. Raises UserError."""
    asking.start(library.home, run_id)


def forget(library: Library, trial_id: int) -> None:
    """Take a note away."""
    with writing(library.database.engine) as session:
        store.forget_trials(session, trial_ids=[trial_id])


def candidates(library: Library, found: Trying) -> list[Sample]:
    """Train questions that may be shown before this one. Raises UserError where the data set cannot be opened."""
    spec, row = found.spec, found.stored
    dataset = open_dataset(spec.support or spec.dataset, cache_dir=library.home.cache, images=spec.images)
    return [
        sample
        for sample in dataset.train.questions
        if sample.question_id != row.question_id and not (spec.exclude_same_image and sample.image_id == row.image_id)
    ]
