"""Runs that differ by their seed alone, taken together: what their recipe reaches, not one lucky run of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from db.session import Session
from db.specs.base import canonical_json
from db.store import RunDetail
from engine.statistics.clusters import Floats
from engine.statistics.corrections import holm
from engine.statistics.seeds import Combined, combine_seeds, seed_difference
from leverplus_tui.jobs.spec_options import flatten
from leverplus_tui.results.pairs.attribution import training_recipe
from leverplus_tui.results.pairs.paired_rows import Figures, Verdict
from leverplus_tui.results.stored_scores import Answered

ANY = ("seed", "device", "batch_size", "concurrency", "shots", "limit", "first", "strict")
"""Settings that make no other recipe of a run: what it is over, and how fast it is computed."""
LEVEL = 0.05
Images = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True)
class Group:
    """Runs of one recipe."""

    runs: tuple[str, ...]
    apart: bool = False
    """Each run drew its own questions, by its seed."""

    @property
    def name(self) -> str:
        """`r3+r4+r5`."""
        return "+".join(self.runs)


@dataclass(frozen=True)
class GroupPair:
    """Group b against group a."""

    a: str
    b: str
    found: Combined
    p_holm: float
    verdict: Verdict

    def as_json(self) -> dict[str, Any]:
        """Names as in `pairs`."""
        return {
            "a": self.a, "b": self.b, "difference": self.found.mean, "ci_low": self.found.low, "ci_high": self.found.high,
            "p": self.found.p, "p_holm": self.p_holm, "question_se": self.found.question_se, "run_se": self.found.run_se,
            "n_paired": self.found.n, "verdict": self.verdict,
        }  # fmt: skip


@dataclass(frozen=True)
class GroupedCell:
    """One number of shots: the combined accuracy of each recipe with several runs, and their differences."""

    shot: int
    accuracy: Mapping[str, Combined]
    pairs: tuple[GroupPair, ...]

    def as_json(self) -> dict[str, Any]:
        """As `compare --json` prints it under `by_seed`."""
        return {
            "shot": self.shot,
            "groups": [
                {
                    "runs": name.split("+"), "n": found.n, "accuracy": found.mean, "ci_low": found.low, "ci_high": found.high,
                    "question_se": found.question_se, "run_se": found.run_se,
                }
                for name, found in self.accuracy.items()
            ],
            "pairs": [pair.as_json() for pair in self.pairs],
        }  # fmt: skip


def by_seed(session: Session, details: Sequence[RunDetail], figures: Figures) -> Iterator[GroupedCell]:
    """Recipes with several runs at each number of shots, on the questions that all of their runs answered."""
    groups = [group for group in _groups(session, details) if not group.apart]
    rows = [(shot, list(_compared(groups, figures, shot))) for shot in figures.shots()]
    adjusted = iter(holm([found.p for _, pairs in rows for _, _, found in pairs]))
    for shot, pairs in rows:
        several = {group.name: _combined(group, figures, shot) for group in groups if len(group.runs) > 1}
        accuracy = {name: found for name, found in several.items() if found is not None}
        if accuracy:
            yield GroupedCell(shot, accuracy, tuple(_judged(a, b, found, next(adjusted)) for a, b, found in pairs))


def own_questions(session: Session, details: Sequence[RunDetail]) -> Iterator[str]:
    """Why recipes whose seeds drew their own questions are not combined, in a sentence for each."""
    for group in _groups(session, details):
        if group.apart:
            yield (
                f"{group.name}: each seed drew its own questions, so that what seeds change cannot be told from what questions do; "
                "they are not combined. Evaluate the same questions with each seed: all of them, or --first N in place of --limit"
            )


def _groups(session: Session, details: Sequence[RunDetail]) -> list[Group]:
    found: dict[str, list[RunDetail]] = defaultdict(list)
    for detail in details:
        if detail.row.kind == "eval":
            found[_recipe(session, detail)].append(detail)
    return [Group(tuple(one.row.ref for one in runs), _apart(runs)) for runs in found.values()]


def _apart(runs: Sequence[RunDetail]) -> bool:
    drawn = [{cell.subset_sha for cell in one.cells} for one in runs if one.spec.get("limit")]
    return len(drawn) > 1 and not set.intersection(*drawn)


def _recipe(session: Session, detail: RunDetail) -> str:
    """Equal for runs that differ by their seed alone; a selector counts by the recipe that trained it."""
    fields = {name: value for name, value in flatten(detail.settings) if name not in ANY}
    trained = {name: value for name, value in flatten(training_recipe(session, detail)) if name not in ANY}
    if trained:
        fields["selector"] = trained
    fields["retriever"] = detail.facts.get("retriever", detail.row.retriever)
    return canonical_json(fields)


def _compared(groups: Sequence[Group], figures: Figures, shot: int) -> Iterator[tuple[str, str, Combined]]:
    for a, b in combinations(groups, 2):
        if len(a.runs) < 2 and len(b.runs) < 2:
            continue
        answers = {run: figures.answers(run, shot) for run in (*a.runs, *b.runs)}
        scores, images = _scores(answers)
        if len(images):
            yield a.name, b.name, seed_difference(scores[: len(a.runs)], scores[len(a.runs) :], images)


def _combined(group: Group, figures: Figures, shot: int) -> Combined | None:
    scores, images = _scores({run: figures.answers(run, shot) for run in group.runs})
    return combine_seeds(scores, images) if len(images) else None


def _scores(answers: Mapping[str, Answered]) -> tuple[Floats, Images]:
    """Scores (runs, questions) over what all of them answered, and each question's image."""
    found = list(answers.values())
    shared = sorted(set.intersection(*(set(one) for one in found)))
    scores = np.array([[one[q][0] for q in shared] for one in found], dtype=np.float64)
    return scores, np.array([found[0][q][1] for q in shared], dtype=np.int64)


def _judged(a: str, b: str, found: Combined, p_holm: float) -> GroupPair:
    verdict: Verdict = "not distinguishable"
    if p_holm < LEVEL:
        verdict = "better" if found.mean > 0 else "worse"
    return GroupPair(a, b, found, p_holm, verdict)
