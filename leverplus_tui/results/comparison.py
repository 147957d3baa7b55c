"""Compares runs question by question: one implementation for `leverplus compare` and the Compare screen.

Differences are b - a in points over the questions that both runs answered, clustered by image. A verdict holds after
Holm's correction over all pairs compared. Which figures may stand in one row is decided in `paired_rows`, what a
difference can be put down to in `attribution`, what the best of several is worth in `best_of`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from db import store
from db.session import Session
from db.specs import Finding
from db.specs.base import findings_json, sha256_text
from db.store import RunDetail
from engine.statistics.corrections import benjamini_hochberg, holm
from leverplus_tui.jobs.spec_options import flatten
from leverplus_tui.results.health import run_findings
from leverplus_tui.results.pairs.attribution import about, made
from leverplus_tui.results.pairs.best_of import Best, best_of, chosen_on_test
from leverplus_tui.results.pairs.copying import Copies, CopyingRow
from leverplus_tui.results.pairs.paired_rows import ComparedCell, Figures, Pair, TwoRuns, Verdict, is_imported
from leverplus_tui.results.pairs.seed_groups import GroupedCell, by_seed, own_questions
from leverplus_tui.results.results_alone import details_of_results
from leverplus_tui.results.stored_scores import StoredScores
from leverplus_tui.text.sources import sources_json, sources_text, taken

__all__ = [
    "Asked",
    "ComparedCell",
    "ComparedRun",
    "Comparison",
    "FieldDifference",
    "Pair",
    "Stopped",
    "compare",
    "corrected",
    "side_by_side",
    "spec_diff",
]  # fmt: skip
LEVEL = 0.05
MADE = ("git_commit", "git_diff", "packages")
LINEAGE = ("sha", "sha256", "revision", "version")
"""Facts whose names end so say what a run was made of."""


class Stopped(Exception):
    """Nobody waits for the comparison any more."""


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
    metrics: tuple[FieldDifference, ...]
    """Last value of each training metric, `phase/name`; None where a run has none."""
    notes: tuple[str, ...]
    findings: Mapping[str, tuple[Finding, ...]]
    """What is to be said against each run, as `leverplus show` says it where somebody judged, and what stands beside the
    verdict on it."""
    answers: Mapping[str, Mapping[str, object]]
    """How many answers of each run were computed by it, and how many by which others."""
    best: tuple[Best, ...] = ()
    """Where that was asked: is anything better than the best of the others?"""
    copying: tuple[CopyingRow, ...] = ()
    """How the answers relate to those that were shown; empty where nobody judged."""
    groups: tuple[GroupedCell, ...] = ()
    """Where that was asked: recipes whose runs differ by their seed alone."""
    apart: tuple[str, ...] = ()
    """Which recipes were not combined, and why; stands among the notes too."""

    def as_json(self) -> dict[str, Any]:
        """The document of `leverplus compare --json`."""
        return {
            "runs": [run.id for run in self.runs],
            "names": {run.id: run.name for run in self.runs},
            "cells": [cell.as_json() for cell in self.cells],
            "spec_diff": [{"field": row.field, "values": dict(row.values)} for row in self.spec_diff],
            "metrics": [{"name": row.field, "values": dict(row.values)} for row in self.metrics],
            "notes": list(self.notes),
            "answers": {run: dict(counts) for run, counts in self.answers.items()},
            "findings": {run: findings_json(found) for run, found in self.findings.items()},
            "copying": [{"run": row.run} | row.as_json() for row in self.copying],
            **({"best_of": [found.as_json() for found in self.best]} if self.best else {}),
            **({"by_seed": [found.as_json() for found in self.groups]} if self.groups else {}),
        }


@dataclass(frozen=True)
class Asked:
    """What a comparison is to say beside its pairs."""

    best_of: bool = False
    """Whether anything is better than the best of the others."""
    reference: tuple[int, ...] = ()
    """The others, where these are named; else all but the leader."""
    by_seed: bool = False
    """Runs that differ by their seed alone are combined."""
    bh: bool = False
    """Verdicts follow Benjamini and Hochberg's correction, not Holm's."""


def compare(
    session: Session,
    run_ids: Sequence[int],
    *,
    planned: int | None = None,
    judged: bool = True,
    asked: Asked = Asked(),
    go_on: Callable[[], bool] = lambda: True,
) -> Comparison:
    """Compare runs in the order given; each later run is judged against each earlier one.

    With `planned` only the comparisons with that run are made, as decided beforehand, and the correction counts those.
    Findings of single runs, which cost as much again, are left out unless `judged`.
    Raises UserError for a run that does not exist, and Stopped once `go_on` says no.
    """
    details = details_of_results(session, run_ids)
    figures = Figures(session, details)
    rows = [row for shot in figures.shots() for row in _while(go_on, figures.rows(shot))]
    if planned is not None:
        rows = [replace(row, pairs=tuple(p for p in row.pairs if store.ref(planned) in (p.a, p.b))) for row in rows]
    cells = corrected(rows, bh=asked.bh)
    beside = _beside(session, details, cells)
    cells = [_marked(cell, beside) for cell in cells]
    found = _findings(session, details, beside, figures.scores if judged else None)
    found = _with(found, chosen_on_test(cells, details, figures))
    reference = [store.ref(run) for run in asked.reference]
    plain = _described(details, cells)
    apart = tuple(own_questions(session, details)) if asked.by_seed else ()
    return replace(
        plain,
        notes=(*plain.notes, *apart),
        apart=apart,
        findings=found,
        copying=_copied(Copies(session, figures.scores), details) if judged else (),
        best=tuple(best_of(cells, details, figures, reference)) if asked.best_of else (),
        groups=tuple(by_seed(session, details, figures)) if asked.by_seed else (),
    )


def _copied(copies: Copies, details: Sequence[RunDetail]) -> tuple[CopyingRow, ...]:
    return tuple(row for detail in details for row in copies.of(detail))


Beside = dict[tuple[TwoRuns, bool], list[Finding]]
"""What stands beside the verdicts on two runs, with demonstrations (True) and without."""


def side_by_side(session: Session, details: Sequence[RunDetail]) -> Comparison:
    """Figures and settings of `details_of_results`, nothing compared yet: what can be shown at once."""
    figures = Figures(session, details, paired=False)
    return _described(details, [row for shot in figures.shots() for row in figures.rows(shot)])


def _described(details: Sequence[RunDetail], cells: Sequence[ComparedCell]) -> Comparison:
    return Comparison(
        runs=tuple(ComparedRun(d.row.ref, d.row.name, d.row.kind, d.row.state, d.row.forced) for d in details),
        cells=tuple(cells),
        spec_diff=spec_diff({detail.row.ref: described(detail) for detail in details}),
        metrics=_metrics(details),
        notes=tuple(_notes(details)),
        findings={},
        answers={d.row.ref: sources_json(d.row.id, d.sources) for d in details if d.sources},
    )


def _while(go_on: Callable[[], bool], rows: Iterable[ComparedCell]) -> Iterator[ComparedCell]:
    for row in rows:
        if not go_on():
            raise Stopped
        yield row


def _beside(session: Session, details: Sequence[RunDetail], cells: Sequence[ComparedCell]) -> Beside:
    known = {detail.row.ref: made(session, detail) for detail in details}
    found: Beside = {}
    for cell in cells:
        for pair in cell.pairs:
            key = ((pair.a, pair.b), cell.shot > 0)
            if pair.difference is not None and key not in found:
                found[key] = about(pair.a, pair.b, known[pair.a], known[pair.b], shown=cell.shot > 0)
    return found


def _marked(cell: ComparedCell, beside: Beside) -> ComparedCell:
    def marked(pair: Pair) -> Pair:
        found = beside.get(((pair.a, pair.b), cell.shot > 0), []) if pair.difference is not None else []
        return replace(pair, beside=tuple(finding.code for finding in found))

    return replace(cell, pairs=tuple(map(marked, cell.pairs)))


def _findings(
    session: Session, details: Sequence[RunDetail], beside: Beside, scores: StoredScores | None
) -> dict[str, tuple[Finding, ...]]:
    """`scores` where each run is judged."""
    own = {d.row.ref: run_findings(session, d, scores) if scores else () for d in details}
    for ((_, run), _), found in sorted(beside.items(), key=lambda item: not item[0][1]):
        codes = {(one.code, one.subject) for one in own[run]}
        own[run] = (*own[run], *(one for one in found if (one.code, one.subject) not in codes))
    return own


def _with(found: dict[str, tuple[Finding, ...]], more: Iterable[Finding]) -> dict[str, tuple[Finding, ...]]:
    for finding in more:
        found[finding.subject] = (*found[finding.subject], finding)
    return found


def spec_diff(described_runs: Mapping[str, Mapping[str, Any]]) -> tuple[FieldDifference, ...]:
    """Flat fields that are not the same in all runs, in the order in which they first appear; missing ones are None.

    What some runs do not tell of how they were made tells of no difference: older versions did not note it.
    """
    every = dict.fromkeys(name for values in described_runs.values() for name in values)
    fields = [
        name
        for name in every
        if not name.startswith("made.") or all(name in values for values in described_runs.values())
    ]
    rows = [FieldDifference(name, {run: values.get(name) for run, values in described_runs.items()}) for name in fields]
    return tuple(row for row in rows if len({json.dumps(value, sort_keys=True) for value in row.values.values()}) > 1)


def described(detail: RunDetail) -> dict[str, Any]:
    """The specification as flat dotted fields, then under `lineage.` the hashes of what the run was made of, and under `made.`
    the commit, the hash of the changes against it, and that of the installed packages."""
    facts = dict(detail.facts)
    if isinstance(facts.get("metric"), str):
        facts.setdefault("metric_sha", sha256_text(facts["metric"]))  # older runs state the metric alone
    lineage = {f"lineage.{name}": value for name, value in flatten(facts) if name.endswith(LINEAGE)}
    made = {f"made.{name}": detail.environment[name] for name in MADE if detail.environment.get(name) is not None}
    return dict(flatten(detail.settings)) | lineage | made


def corrected(rows: Sequence[ComparedCell], *, bh: bool = False) -> list[ComparedCell]:
    """Give every pair its verdict, after correction over all pairs that could be compared: Holm's, or that of `bh`."""
    tested = [pair.p for row in rows for pair in row.pairs if pair.p is not None]
    adjusted = zip(holm(tested), benjamini_hochberg(tested), strict=True)
    return [replace(row, pairs=tuple(_judged(pair, adjusted, bh) for pair in row.pairs)) for row in rows]


def _judged(pair: Pair, adjusted: Iterator[tuple[float, float]], bh: bool) -> Pair:
    if pair.p is None or pair.difference is None:
        return pair
    p_holm, p_bh = next(adjusted)
    verdict: Verdict = "not distinguishable"
    if (p_bh if bh else p_holm) < LEVEL:
        verdict = "better" if pair.difference > 0 else "worse"
    return replace(pair, p_holm=p_holm, p_bh=p_bh if bh else None, verdict=verdict)


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
        if taken(row.id, detail.sources):
            yield f"{row.ref}: answers {sources_text(row.id, detail.sources)}"
        unfinished = [cell for cell in row.cells if cell.n_done < cell.n]
        if unfinished and not any(is_imported(cell) for cell in unfinished):
            yield f"{row.ref} answered {unfinished[0].n_done} of {unfinished[0].n} questions at shot {unfinished[0].shot}"
