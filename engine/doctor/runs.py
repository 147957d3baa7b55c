"""What a set of evaluations lacks before a selector may be called good: the controls on the same questions, and beating them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from db.specs.base import Finding
from engine.common.findings import warning
from engine.statistics.intervals import p_phrase
from engine.statistics.paired import Paired

IGNORING = {
    "zero-shot": "which shows nothing",
    "random": "which ignores the query",
    "fixed": "which ignores the query",
}
"""Controls of every run that chooses by query, and what they do instead; zero-shot is measured at shot 0."""
UNLEARNED = {
    "qi2qi": "which takes the nearest questions and images",
    "untrained": "the same selector before its training",
}
"""Controls of a trained selector: what its embeddings choose by themselves."""
CONTROLS = (*IGNORING, *UNLEARNED)


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
    variant: str = ""
    """Of its selector, where it has one: `untrained` is a control of its own recipe only."""


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
        have = {_kind(cell) for cell in group}
        for run, cells_of_run in sorted(_choosers(group, wanted).items()):
            for control, shot, variant in _needed(cells_of_run):
                if (control, shot, variant) not in have:
                    lacking[run, control].append((group[0].subset, shot))
    return [_missing(run, control, places, command) for (run, control), places in lacking.items()]


def controls_of(retriever: str) -> tuple[str, ...]:
    """The controls that a run with this retriever is held against; none for a control."""
    if retriever in CONTROLS:
        return ()
    return CONTROLS if retriever == "selector" else tuple(IGNORING)


def _kind(cell: Measured) -> tuple[str, int, str]:
    """What a figure can be a control as: (retriever, shot, variant where that matters)."""
    retriever = cell.retriever if cell.shot else "zero-shot"
    return retriever, cell.shot, cell.variant if retriever == "untrained" else ""


def _choosers(group: Sequence[Measured], wanted: set[str] | None) -> dict[str, list[Measured]]:
    """The figures of runs that choose by query, by run."""
    found: dict[str, list[Measured]] = defaultdict(list)
    for cell in group:
        if cell.shot and controls_of(cell.retriever) and (wanted is None or cell.run in wanted):
            found[cell.run].append(cell)
    return found


def _needed(cells: Sequence[Measured]) -> list[tuple[str, int, str]]:
    """(control, shot, variant) without which nobody can judge a choice at these shots."""
    shots = sorted({cell.shot for cell in cells})
    return [
        (name, shot, cells[0].variant if name == "untrained" else "")
        for name in controls_of(cells[0].retriever)
        for shot in ([0] if name == "zero-shot" else shots)
    ]


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


def _does(control: str) -> str:
    return (IGNORING | UNLEARNED).get(control.split(" ")[0], "a control")


def control_not_beaten(run: str, control: str, shot: int, pair: Paired) -> list[Finding]:
    """`control-not-beaten` (warning) when a run is not distinguishably better than a control; `pair` is run minus control."""
    if pair.n == 0 or (pair.low > 0 and pair.p < 0.05):
        return []
    text = (
        f"At {shot} {'shot' if shot == 1 else 'shots'} the run is {pair.difference:+.2f} points (95 % {pair.low:+.2f} to "
        f"{pair.high:+.2f}, {p_phrase(pair.p)}, {pair.n} questions) against {control}, {_does(control)}: not "
        "distinguishably better."
    )
    fix = "Look at the distinct demonstration sets, the pool and the load report; more questions narrow the interval."
    return [warning("control-not-beaten", run, text, fix)]
