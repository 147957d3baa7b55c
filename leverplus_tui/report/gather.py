"""Everything that a report tells, read from rows; nothing in it depends on the language, the place or the time of writing."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from db import store
from db.session import Session
from db.specs import Finding
from db.store import RunDetail
from leverplus_tui.results.comparison import Asked, Comparison, compare, side_by_side
from leverplus_tui.results.health import run_findings
from leverplus_tui.results.pairs.copying import CopyingRow, copying
from leverplus_tui.results.results_alone import details_of_results

MOST_POINTS = 240
"""Points of a curve that are drawn; of a longer one every k-th."""
POOLED = ("loss", "reward", "kl")
"""What curves show, one drawing each: metrics whose names hold these words."""


@dataclass(frozen=True)
class Series:
    """One metric of one training, over its phases: x is the epoch, counted through all phases."""

    run: str
    name: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Gathered:
    """The runs of a report, and what is to be said of them."""

    details: tuple[RunDetail, ...]
    trainings: tuple[RunDetail, ...]
    """Those of the runs that trained, then the runs that wrote the selectors of the others."""
    trained_by: Mapping[str, str]
    """Run -> the training that wrote its selector."""
    comparison: Comparison
    findings: Mapping[str, tuple[Finding, ...]]
    copied: tuple[CopyingRow, ...]
    series: tuple[Series, ...]
    phases: Mapping[str, tuple[tuple[str, float], ...]]
    """Training -> its phases, each with the epoch it ends at."""
    against: str = ""
    """The run that alone is compared with the others; empty where all are."""

    @property
    def names(self) -> dict[str, str]:
        """Run -> the name that stands for it: its own, with its number where two are alike."""
        known = {detail.row.ref: detail.row.name for detail in (*self.details, *self.trainings)}
        often = Counter(known.values())
        return {ref: name if often[name] == 1 and name else f"{name} ({ref})".strip() for ref, name in known.items()}


def gather(session: Session, run_ids: Sequence[int], *, against: int | None = None) -> Gathered:
    """Read what a report of these runs tells. With `against` only the pairs with that run are compared.

    Raises UserError for a run that does not exist.
    """
    details = tuple(details_of_results(session, run_ids))
    ids = [detail.row.id for detail in details]
    if len(ids) > 1:
        found = compare(session, ids, planned=against, asked=Asked(best_of=True, by_seed=True))
        findings: Mapping[str, tuple[Finding, ...]] = found.findings
    else:
        found = side_by_side(session, details)
        findings = {detail.row.ref: run_findings(session, detail) for detail in details}
    wrote = dict(_trained_by(session, details))
    own = tuple(detail for detail in details if detail.metrics)
    others = [store.run_detail(session, run_id=run) for run in sorted(set(wrote.values()) - {d.row.id for d in own})]
    trainings = (*own, *others)
    curves = [_curves(session, detail) for detail in trainings]
    return Gathered(
        details=details,
        trainings=trainings,
        trained_by={run: store.ref(training) for run, training in wrote.items()},
        comparison=found,
        findings=findings,
        copied=found.copying or tuple(row for detail in details for row in copying(session, detail)),
        series=tuple(series for found, _ in curves for series in found),
        phases={detail.row.ref: phases for detail, (_, phases) in zip(trainings, curves, strict=True)},
        against=store.ref(against) if against is not None else "",
    )


def _trained_by(session: Session, details: Sequence[RunDetail]) -> Iterator[tuple[str, int]]:
    """The newest run that wrote the selector with which a run chose, or from whose recipe it began."""
    for detail in details:
        path = str(detail.facts.get("selector") or detail.spec.get("selector") or "")
        wrote = store.runs_that_wrote(session, path=path) if path else []
        if wrote:
            yield detail.row.ref, wrote[0]


def _curves(session: Session, detail: RunDetail) -> tuple[list[Series], tuple[tuple[str, float], ...]]:
    """The curves of a training and where its phases end."""
    ends: dict[str, float] = {}
    for metric in detail.metrics:
        ends[metric.phase] = max(ends.get(metric.phase, 0), metric.epoch)
    starts, total = {}, 0.0
    for phase, epochs in ends.items():
        starts[phase], total = total, total + epochs
    names = dict.fromkeys(metric.name for metric in detail.metrics if any(word in metric.name for word in POOLED))
    found = [Series(detail.row.ref, name, _points(session, detail, name, starts)) for name in names]
    return [series for series in found if series.points], tuple(
        (phase, starts[phase] + epochs) for phase, epochs in ends.items()
    )


def _points(
    session: Session, detail: RunDetail, name: str, starts: Mapping[str, float]
) -> tuple[tuple[float, float], ...]:
    """Points of a metric that lie on its run's epochs; several of one epoch are spread over it."""
    rows = store.metric_series(session, run_id=detail.row.id, name=name)
    often = Counter((phase, epoch) for phase, epoch, _, _ in rows)
    seen: Counter[tuple[str, int]] = Counter()
    points = []
    for phase, epoch, _, value in rows:
        seen[phase, epoch] += 1
        place = starts[phase] + epoch - 1 + seen[phase, epoch] / often[phase, epoch]
        if math.isfinite(value):
            points.append((place, value))
    stride = math.ceil(len(points) / MOST_POINTS) or 1
    return tuple(points[::stride]) + (() if not points or (len(points) - 1) % stride == 0 else (points[-1],))
