"""What a set of evaluations lacks before a selector may be called good: the controls on the same questions, and beating them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from db.specs.base import Finding
from engine.common.findings import warning
from engine.statistics.intervals import p_phrase
from engine.statistics.paired import Paired

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


Command = Callable[[str, str, Sequence[int]], str]
"""(run, control, shots) -> the command line that measures the control on the run's questions, with its model."""


def missing_baselines(
    cells: Iterable[Measured], runs: Iterable[str] | None = None, *, command: Command
) -> list[Finding]:
    """`baseline-missing` (warning) for each control that a run which chooses by query lacks on its questions and shots.

    `runs` restricts the findings to these runs; all cells count as possible controls.
    """
    groups: dict[tuple[str, str, str], list[Measured]] = defaultdict(list)
    for cell in cells:
        groups[cell.dataset, cell.vlm, cell.subset_sha].append(cell)
    wanted = None if runs is None else set(runs)
    lacking: dict[tuple[str, str], list[tuple[str, int]]] = defaultdict(list)
    for group in groups.values():
        have = {(cell.retriever if cell.shot else "zero-shot", cell.shot) for cell in group}
        for run, shots in sorted(_choosers(group, wanted).items()):
            for control, shot in _needed(shots):
                if (control, shot) not in have:
                    lacking[run, control].append((group[0].subset, shot))
    return [_missing(run, control, places, command) for (run, control), places in lacking.items()]


def _choosers(group: Sequence[Measured], wanted: set[str] | None) -> dict[str, set[int]]:
    """Runs that choose by query, and the shots at which they do."""
    shots: dict[str, set[int]] = defaultdict(set)
    for cell in group:
        if cell.shot and cell.retriever not in CONTROLS and (wanted is None or cell.run in wanted):
            shots[cell.run].add(cell.shot)
    return shots


def _needed(shots: Iterable[int]) -> list[tuple[str, int]]:
    """(control, shot) without which nobody can judge a choice at these shots."""
    return [("zero-shot", 0), *((name, shot) for name in ("random", "fixed") for shot in sorted(shots))]


def _missing(run: str, control: str, places: Sequence[tuple[str, int]], command: Command) -> Finding:
    shots = sorted({shot for _, shot in places})
    at = "" if control == "zero-shot" else f" at {_listed(shots)} {'shot' if shots == [1] else 'shots'}"
    questions = ", ".join(dict.fromkeys(subset for subset, _ in places))
    text = (
        f"No {control} run{at} on the same questions ({questions}) with the same model: without this control nobody can tell "
        "whether choosing demonstrations helped."
    )
    return warning("baseline-missing", run, text, command(run, control, shots))


def _listed(shots: Sequence[int]) -> str:
    *most, last = map(str, shots)
    return f"{', '.join(most)} and {last}" if most else last


def control_not_beaten(run: str, control: str, shot: int, pair: Paired) -> list[Finding]:
    """`control-not-beaten` (warning) when a run is not distinguishably better than a control; `pair` is run minus control."""
    if pair.n == 0 or (pair.low > 0 and pair.p < 0.05):
        return []
    text = (
        f"At {shot} {'shot' if shot == 1 else 'shots'} the run is {pair.difference:+.2f} points (95 % {pair.low:+.2f} to "
        f"{pair.high:+.2f}, {p_phrase(pair.p)}, {pair.n} questions) against {control}, which ignores the query: not "
        "distinguishably better."
    )
    fix = "Look at the distinct demonstration sets, the pool and the load report; more questions narrow the interval."
    return [warning("control-not-beaten", run, text, fix)]
