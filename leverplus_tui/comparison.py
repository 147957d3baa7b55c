"""Compares runs question by question: one implementation for `leverplus compare` and the Compare screen.

Differences are b - a in points over the questions that both runs answered, clustered by image. A verdict holds after
Holm's correction over all pairs compared. Figures over unlike questions are never subtracted: such runs are compared on
the questions they share, and the row says so.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any, Literal

from sqlmodel import Session

from db import store
from db.store import CellRow, RunDetail
from engine.doctor import statistics
from leverplus_tui.spec_options import flatten

Verdict = Literal["better", "worse", "not distinguishable", "not comparable"]
LEVEL = 0.05
IMPORTED = "import:"
"""Begins the hash of a data set of which only a published figure is known."""
LINEAGE = ("sha", "sha256", "revision", "version")
"""Facts whose names end so say what a run was made of."""


@dataclass(frozen=True)
class Pair:
    """Run `b` against run `a` in one row of the matrix."""

    a: str
    b: str
    verdict: Verdict
    reason: str = ""
    difference: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    p: float | None = None
    p_holm: float | None = None
    n_paired: int = 0
    improved: int = 0
    worsened: int = 0

    def as_json(self) -> dict[str, Any]:
        """The contract's names; the reason only where there is one."""
        values: dict[str, Any] = {
            "a": self.a, "b": self.b, "difference": self.difference, "ci_low": self.ci_low, "ci_high": self.ci_high,
            "p": self.p, "p_holm": self.p_holm, "n_paired": self.n_paired, "improved": self.improved,
            "worsened": self.worsened, "verdict": self.verdict,
        }  # fmt: skip
        return values | ({"reason": self.reason} if self.reason else {})


@dataclass(frozen=True)
class ComparedCell:
    """One row: a set of questions and a number of shots, with the accuracy of each run that has it."""

    n: int
    shot: int
    subset: str
    accuracy: Mapping[str, float]
    interval: Mapping[str, tuple[float, float]]
    pairs: tuple[Pair, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The contract's names, and the interval of each accuracy."""
        return {
            "n": self.n, "shot": self.shot, "subset": self.subset,
            "accuracy": {run: round(value, 6) for run, value in self.accuracy.items()},
            "interval": {run: list(bounds) for run, bounds in self.interval.items()},
            "pairs": [pair.as_json() for pair in self.pairs],
        }  # fmt: skip

    @property
    def best(self) -> str | None:
        """The run that is better than every other one in this row, beyond noise; none when noise could have done it."""
        for run in self.accuracy:
            won = [
                p for p in self.pairs if (p.b == run and p.verdict == "better") or (p.a == run and p.verdict == "worse")
            ]
            if won and len(won) == len(self.accuracy) - 1:
                return run
        return None


@dataclass(frozen=True)
class ComparedRun:
    """A run as a column."""

    id: str
    name: str
    kind: str
    state: str
    forced: bool


@dataclass(frozen=True)
class FieldDifference:
    """A field of the specification, or a hash of what the run was made of, that is not the same in all runs."""

    field: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Comparison:
    """Runs side by side."""

    runs: tuple[ComparedRun, ...]
    cells: tuple[ComparedCell, ...]
    spec_diff: tuple[FieldDifference, ...]
    metrics: tuple[FieldDifference, ...] = ()
    """Last value of each training metric, `phase/name`; None where a run has none."""
    notes: tuple[str, ...] = field(default=())

    def as_json(self) -> dict[str, Any]:
        """The document of `leverplus compare --json`."""
        return {
            "runs": [run.id for run in self.runs],
            "names": {run.id: run.name for run in self.runs},
            "cells": [cell.as_json() for cell in self.cells],
            "spec_diff": [{"field": row.field, "values": dict(row.values)} for row in self.spec_diff],
            "metrics": [{"name": row.field, "values": dict(row.values)} for row in self.metrics],
            "notes": list(self.notes),
        }


def compare(session: Session, run_ids: Sequence[int], *, planned: int | None = None) -> Comparison:
    """Compare runs in the order given; each later run is judged against each earlier one.

    With `planned` only the comparisons with that run are made, as decided beforehand, and the correction counts those.
    Raises UserError for a run that does not exist.
    """
    details = [store.run_detail(session, run_id=run_id) for run_id in dict.fromkeys(run_ids)]
    figures = _Figures(session, details)
    rows = [row for shot in figures.shots() for row in figures.rows(shot)]
    if planned is not None:
        rows = [replace(row, pairs=tuple(p for p in row.pairs if store.ref(planned) in (p.a, p.b))) for row in rows]
    cells = corrected(rows)
    return Comparison(
        runs=tuple(ComparedRun(d.row.ref, d.row.name, d.row.kind, d.row.state, d.row.forced) for d in details),
        cells=tuple(cells),
        spec_diff=spec_diff({detail.row.ref: described(detail) for detail in details}),
        metrics=_metrics(details),
        notes=tuple(_notes(details)),
    )


def spec_diff(described_runs: Mapping[str, Mapping[str, Any]]) -> tuple[FieldDifference, ...]:
    """Flat fields that are not the same in all runs, in the order in which they first appear; missing ones are None."""
    fields = dict.fromkeys(name for values in described_runs.values() for name in values)
    rows = [FieldDifference(name, {run: values.get(name) for run, values in described_runs.items()}) for name in fields]
    return tuple(row for row in rows if len({json.dumps(value, sort_keys=True) for value in row.values.values()}) > 1)


def described(detail: RunDetail) -> dict[str, Any]:
    """The specification as flat dotted fields, then under `lineage.` the hashes of what the run was made of."""
    lineage = {f"lineage.{name}": value for name, value in flatten(detail.facts) if name.endswith(LINEAGE)}
    return dict(flatten(detail.spec)) | lineage


def corrected(rows: Sequence[ComparedCell]) -> list[ComparedCell]:
    """Give every pair its verdict, after Holm's correction over all pairs that could be compared."""
    tested = [pair.p for row in rows for pair in row.pairs if pair.p is not None]
    adjusted = iter(statistics.holm(tested))
    return [replace(row, pairs=tuple(_judged(pair, adjusted) for pair in row.pairs)) for row in rows]


def _judged(pair: Pair, adjusted: Iterator[float]) -> Pair:
    if pair.p is None or pair.difference is None:
        return pair
    p_holm = next(adjusted)
    verdict: Verdict = "not distinguishable"
    if p_holm < LEVEL:
        verdict = "better" if pair.difference > 0 else "worse"
    return replace(pair, p_holm=p_holm, verdict=verdict)


class _Figures:
    """The accuracies of some runs, and their per-question scores, each read once."""

    def __init__(self, session: Session, details: Sequence[RunDetail]) -> None:
        self._session = session
        self._details = {detail.row.ref: detail for detail in details}
        self._scores: dict[tuple[str, int, str], dict[int, tuple[float, int]]] = {}

    def shots(self) -> list[int]:
        """Numbers of shots that any run was evaluated with."""
        return sorted({cell.shot for detail in self._details.values() for cell in detail.cells})

    def rows(self, shot: int) -> Iterator[ComparedCell]:
        """The rows of one number of shots: first the one over shared questions where runs have unlike ones."""
        groups = self._groups(shot)
        present = list(dict.fromkeys(run for group in groups for run in group))
        alone = [run for run in present if not any(run in group and len(group) > 1 for group in groups)]
        if alone and len(present) > 1:
            yield self._shared_row(shot, {run: self._largest(run, shot) for run in present}, alone)
        for group in groups:
            yield self._row(group)

    def _groups(self, shot: int) -> list[dict[str, CellRow]]:
        """Cells over the same questions; imported figures, whose questions are unknown, stand beside others of their n."""
        groups: dict[tuple[object, ...], dict[str, CellRow]] = {}
        for run, detail in self._details.items():
            for cell in detail.cells:
                if cell.shot == shot:
                    key: tuple[object, ...] = (
                        (cell.n,) if _imported(cell) else (cell.dataset_sha, cell.split, cell.subset_sha)
                    )
                    groups.setdefault(key, {}).setdefault(run, cell)
        for key in [key for key in groups if len(key) == 1]:
            home = next(
                (k for k, group in groups.items() if len(k) > 1 and next(iter(group.values())).n == key[0]), None
            )
            if home is not None:
                groups[home] = {**groups.pop(key), **groups[home]}
        return list(groups.values())

    def _row(self, group: Mapping[str, CellRow]) -> ComparedCell:
        ordered = {run: group[run] for run in self._details if run in group}
        first = next((cell for cell in ordered.values() if not _imported(cell)), next(iter(ordered.values())))
        return ComparedCell(
            n=first.n,
            shot=first.shot,
            subset=first.subset,
            accuracy={run: cell.accuracy for run, cell in ordered.items()},
            interval={run: (cell.ci_low, cell.ci_high) for run, cell in ordered.items()},
            pairs=tuple(self._pair(a, b, ordered) for a, b in combinations(ordered, 2)),
        )

    def _shared_row(self, shot: int, members: Mapping[str, CellRow], alone: Sequence[str]) -> ComparedCell:
        """Runs over unlike questions: their accuracies on the questions that all of them answered."""
        pairs = tuple(self._pair(a, b, members) for a, b in combinations(members, 2) if a in alone or b in alone)
        answered = {run: self._answered(run, cell) for run, cell in members.items()}
        one_world = len({(cell.dataset_sha, cell.split) for cell in members.values()}) == 1
        shared = sorted(set.intersection(*(set(scores) for scores in answered.values()))) if one_world else []
        if not shared:
            smallest = min(cell.n for cell in members.values())
            accuracy = {run: cell.accuracy for run, cell in members.items()}
            interval = {run: (cell.ci_low, cell.ci_high) for run, cell in members.items()}
            return ComparedCell(smallest, shot, "unlike questions", accuracy, interval, pairs)
        over = {run: _interval_over(scores, shared) for run, scores in answered.items()}
        return ComparedCell(
            n=len(shared),
            shot=shot,
            subset=f"{len(shared)} shared questions",
            accuracy={run: found.mean for run, found in over.items()},
            interval={run: (found.low, found.high) for run, found in over.items()},
            pairs=pairs,
        )

    def _largest(self, run: str, shot: int) -> CellRow:
        return max((cell for cell in self._details[run].cells if cell.shot == shot), key=lambda cell: cell.n)

    def _pair(self, a: str, b: str, cells: Mapping[str, CellRow]) -> Pair:
        answered = {run: self._answered(run, cells[run]) for run in (a, b)}
        reason = self._unlike(a, b, cells, answered)
        if reason:
            return Pair(a, b, "not comparable", reason)
        images = {question: image for scores in answered.values() for question, (_, image) in scores.items()}
        found = statistics.paired(
            {question: score for question, (score, _) in answered[a].items()},
            {question: score for question, (score, _) in answered[b].items()},
            images,
        )
        return Pair(
            a, b, "not distinguishable", difference=found.difference, ci_low=found.low, ci_high=found.high, p=found.p,
            n_paired=found.n, improved=found.improved, worsened=found.worsened,
        )  # fmt: skip

    def _unlike(self, a: str, b: str, cells: Mapping[str, CellRow], answered: Mapping[str, Mapping[int, Any]]) -> str:
        """Why two figures must not be subtracted; empty when they may."""
        mute = [run for run in (a, b) if not answered[run]]
        if mute:
            return f"no per-question answers in {' and '.join(mute)}"
        if cells[a].dataset_sha != cells[b].dataset_sha:
            return "different data sets"
        if cells[a].split != cells[b].split:
            return f"different splits ({cells[a].split}, {cells[b].split})"
        metrics = [self._details[run].facts.get("metric") for run in (a, b)]
        if None not in metrics and metrics[0] != metrics[1]:
            return f"different metrics ({metrics[0]}, {metrics[1]})"
        return "" if answered[a].keys() & answered[b].keys() else "no question in common"

    def _answered(self, run: str, cell: CellRow) -> dict[int, tuple[float, int]]:
        """question_id -> (score, image_id) of the questions of the cell that were answered."""
        key = (run, cell.shot, cell.subset_sha)
        if key not in self._scores:
            self._scores[key] = store.scores(
                self._session, run_id=cell.run_id, shot=cell.shot, subset_sha=cell.subset_sha
            )
        return self._scores[key]


def _imported(cell: CellRow) -> bool:
    return cell.dataset_sha.startswith(IMPORTED)


def _interval_over(scores: Mapping[int, tuple[float, int]], questions: Sequence[int]) -> statistics.Interval:
    return statistics.interval([scores[q][0] for q in questions], [scores[q][1] for q in questions])


def _metrics(details: Sequence[RunDetail]) -> tuple[FieldDifference, ...]:
    last = {d.row.ref: {f"{m.phase}/{m.name}": m.value for m in d.metrics} for d in details}
    names = dict.fromkeys(name for values in last.values() for name in values)
    return tuple(FieldDifference(name, {run: values.get(name) for run, values in last.items()}) for name in names)


def _notes(details: Sequence[RunDetail]) -> Iterator[str]:
    for detail in details:
        row = detail.row
        if row.forced:
            yield f"{row.ref} was forced past preflight"
        if row.state != "done":
            yield f"{row.ref} is {row.state}: its figures may be partial"
        elif not row.cells and not detail.metrics:
            yield f"{row.ref} ({row.kind}) has no accuracies"
        unfinished = [cell for cell in row.cells if cell.n_done < cell.n]
        if unfinished and not any(_imported(cell) for cell in unfinished):
            yield f"{row.ref} answered {unfinished[0].n_done} of {unfinished[0].n} questions at shot {unfinished[0].shot}"
