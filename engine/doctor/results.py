"""What a set of evaluations lacks before a selector may be called good: the controls on the same questions, and beating them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from db.specs.base import Finding
from engine.doctor.statistics import Paired

CONTROLS = ("zero-shot", "random", "fixed")
"""Retrievers that know nothing of the query; zero-shot is measured at shot 0."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One complete cell: which run measured it, how demonstrations were chosen, on which questions."""

    run: str
    retriever: str
    dataset: str
    vlm: str
    subset_sha: str
    subset: str
    shot: int


def missing_baselines(cells: Iterable[Measured], runs: Iterable[str] | None = None) -> list[Finding]:
    """`baseline-missing` (warning) for each run that chooses by query without every control on the same questions and shots.

    `runs` restricts the findings to these runs; all cells count as possible controls.
    """
    groups: dict[tuple[str, str, str], list[Measured]] = defaultdict(list)
    for cell in cells:
        groups[cell.dataset, cell.vlm, cell.subset_sha].append(cell)
    wanted = None if runs is None else set(runs)
    findings = []
    for group in groups.values():
        choosers = {c.run for c in group if c.retriever not in CONTROLS and c.shot > 0}
        for run in sorted(choosers if wanted is None else choosers & wanted):
            findings += _missing(run, group)
    return findings


def _missing(run: str, group: list[Measured]) -> list[Finding]:
    own = [c for c in group if c.run == run]
    shots = sorted({c.shot for c in own if c.shot > 0})
    have = {(c.retriever if c.shot else "zero-shot", c.shot) for c in group}
    lacking = [f"{name} at {shot}" for name in ("random", "fixed") for shot in shots if (name, shot) not in have]
    if ("zero-shot", 0) not in have:
        lacking.insert(0, "zero-shot")
    if not lacking:
        return []
    asked = " ".join(f"--shot {shot}" for shot in shots)
    return [
        Finding(
            code="baseline-missing",
            severity="warning",
            subject=run,
            message=(
                f"No {', '.join(lacking)} on the same questions ({own[0].subset}) with the same model: without these controls "
                "nobody can tell whether choosing demonstrations helped."
            ),
            fix=f"leverplus run eval --retriever random {asked}, then fixed and zero-shot, with the same data and subset.",
        )
    ]


def control_not_beaten(run: str, control: str, shot: int, pair: Paired) -> list[Finding]:
    """`control-not-beaten` (warning) when a run is not distinguishably better than a control; `pair` is run minus control."""
    if pair.n == 0 or (pair.low > 0 and pair.p < 0.05):
        return []
    return [
        Finding(
            code="control-not-beaten",
            severity="warning",
            subject=run,
            message=(
                f"At {shot} shots the run is {pair.difference:+.2f} points (95 % {pair.low:+.2f} to {pair.high:+.2f}, "
                f"p {pair.p:.3f}, {pair.n} questions) against {control}, which ignores the query: not distinguishably better."
            ),
            fix="Look at the distinct demonstration sets, the pool and the load report; more questions narrow the interval.",
        )
    ]
