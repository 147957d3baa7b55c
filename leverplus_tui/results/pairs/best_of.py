"""Is anything better than the best of the others? In words, with what choosing on the evaluated questions adds by chance."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from db.specs import Finding
from db.store import RunDetail
from engine.common.findings import warning
from engine.statistics.clusters import Floats, Labels
from engine.statistics.intervals import interval, p_phrase
from engine.statistics.power import best_of_inflation
from leverplus_tui.results.pairs.paired_rows import ComparedCell, Figures, Pair
from leverplus_tui.results.stored_scores import Answered
from leverplus_tui.text.numbers import accuracy, count, difference, plural

LEAST = 3
"""From so many selectors on the same questions on, naming the best of them is a choice."""
SPLIT_SEED = 42


@dataclass(frozen=True)
class Halves:
    """The best on one half of the questions, and what it reaches on the other, where nobody chose it."""

    run: str
    n: int
    accuracy: float
    ci_low: float
    ci_high: float


@dataclass(frozen=True)
class Best:
    """The answer for one set of questions and number of shots."""

    subset: str
    n: int
    shot: int
    leader: str
    """Highest figure among those that are asked about."""
    runner_up: str
    """Highest figure of the others; empty where there is none."""
    pair: Pair | None
    """The leader against the best of the others."""
    better: tuple[str, ...]
    """All that are better than the best of the others, beyond noise."""
    ranks: Mapping[str, int]
    accuracy: Mapping[str, float]
    repeats: tuple[tuple[str, ...], ...]
    """Runs under several names that show the same."""
    chosen_from: int
    inflation: float | None
    """Points that the best of so many equal runs shows by choice alone; None where answers are unknown."""
    halves: Halves | None

    def as_json(self) -> dict[str, Any]:
        """As `compare --json` prints it under `best_of`."""
        halves = vars(self.halves) if self.halves else None
        return {
            "subset": self.subset, "n": self.n, "shot": self.shot, "leader": self.leader, "best_of_the_others": self.runner_up,
            "pair": self.pair.as_json() if self.pair else None, "better": list(self.better), "ranks": dict(self.ranks),
            "repeats": [list(runs) for runs in self.repeats], "chosen_from": self.chosen_from,
            "inflation": self.inflation, "chosen_on_half": halves, "answer": self.sentence(),
        }  # fmt: skip

    def sentence(self) -> str:
        """The answer in words."""
        where = f"{plural(self.shot, 'shot')} on {self.subset} (n={count(self.n)})"
        if self.pair is None:
            same = next((runs for runs in self.repeats if self.leader in runs), ())
            told = f"no, {', '.join(same)} show the same, and there is no other" if same else "there is no other"
            return f"{where}: {told} to be better than"
        told = _verdict(self.pair)
        if self.better:
            others = [run for run in self.better if run != self.leader]
            also = f", and so {'is' if len(others) == 1 else 'are'} {', '.join(others)}" if others else ""
            return f"{where}: yes, {self.leader} is better than the best of the others, {self.runner_up}: {told}{also}"
        return f"{where}: no, {self.leader} is not better beyond noise than the best of the others, {self.runner_up}: {told}"

    def relabelled(self) -> Iterator[str]:
        """Results that stand under several names."""
        for first, *again in self.repeats:
            yield f"{', '.join(again)} {'shows' if len(again) == 1 else 'show'} the same as {first}: counted once"

    def remarks(self) -> Iterator[str]:
        """What is to be known beside the answer."""
        if self.inflation is not None and self.chosen_from > 1:
            yield (
                f"were all {self.chosen_from} equally good, the best would stand {self.inflation:.2f} points above its truth "
                "by choice alone"
            )
        if self.halves is not None:
            half = self.halves
            figure = accuracy(half.accuracy, half.ci_low, half.ci_high)
            yield f"chosen on one half of the questions, {half.run} reaches {figure} on the other (n={count(half.n)})"


def best_of(
    cells: Sequence[ComparedCell], details: Sequence[RunDetail], figures: Figures, reference: Sequence[str] = ()
) -> Iterator[Best]:
    """One answer for each row in which runs can be compared; with `reference` its best is what the rest is held against."""
    order = [detail.row.ref for detail in details]
    repeats = _repeats(cells, order, figures)
    dropped = {run for runs in repeats for run in runs[1:]}
    for cell in cells:
        present = [run for run in order if run in cell.accuracy]
        asked = [run for run in present if run not in reference and (run not in dropped or reference)]
        if len(present) > 1 and asked and any(pair.difference is not None for pair in cell.pairs):
            yield _answer(cell, present, asked, reference, repeats, dropped, figures)


def chosen_on_test(cells: Sequence[ComparedCell], details: Sequence[RunDetail], figures: Figures) -> Iterator[Finding]:
    """`chosen-on-test` (warning): the best of several selectors is better than something, on the questions it was chosen on."""
    weights = {d.row.ref: str(d.facts.get("selector_sha") or d.spec.get("selector")) for d in details}
    selectors = [d.row.ref for d in details if d.facts.get("retriever", d.row.retriever) == "selector"]
    worst: dict[str, tuple[float, int, ComparedCell]] = {}
    for cell in cells:
        found = {weights[run]: run for run in reversed(selectors) if run in cell.accuracy and cell.shot}
        runs = list(found.values())
        if len(runs) < LEAST:
            continue
        best = max(runs, key=lambda run: cell.accuracy[run])
        scores, images = _matrix([figures.answers(run, cell.shot) for run in runs])
        if not len(images) or not _beats_something(cell, best, runs):
            continue
        gain = _inflation(scores, images) or 0.0
        if gain > worst.get(best, (0.0, 0, cell))[0]:
            worst[best] = (gain, len(runs), cell)
    for run, (gain, k, cell) in worst.items():
        yield _chosen(run, gain, k, cell)


def _chosen(run: str, gain: float, k: int, cell: ComparedCell) -> Finding:
    text = (
        f"{run} is the best of {k} selectors at {plural(cell.shot, 'shot')} on the very questions that it is reported on "
        f"({cell.subset}, n={count(cell.n)}): were all equally good, the best would show {gain:.2f} points more than its "
        "truth by choice alone."
    )
    fix = (
        "Choose on other questions than those that you report: `leverplus compare ... --best-of` chooses on one half and "
        "reports the other."
    )
    return warning("chosen-on-test", run, text, fix)


def _beats_something(cell: ComparedCell, best: str, rivals: Sequence[str]) -> bool:
    return any(
        (pair.b == best and pair.verdict == "better") or (pair.a == best and pair.verdict == "worse")
        for pair in cell.pairs
        if {pair.a, pair.b} - set(rivals) or best in (pair.a, pair.b)
    )


def _answer(
    cell: ComparedCell,
    present: Sequence[str],
    asked: Sequence[str],
    reference: Sequence[str],
    repeats: Sequence[tuple[str, ...]],
    dropped: set[str],
    figures: Figures,
) -> Best:
    leader = max(asked, key=lambda run: cell.accuracy[run])
    same = next((set(runs) for runs in repeats if leader in runs), {leader})
    others = [r for r in present if (r in reference if reference else r != leader and r not in dropped)]
    others = others if reference else [run for run in others if run not in same]
    runner_up = max(others, key=lambda run: cell.accuracy[run], default="")
    better = [run for run in asked if runner_up and _won(cell, runner_up, run)]
    # Without named others only the leader is asked about: what it leads may well lead something too.
    better = better if reference else [run for run in better if run == leader]
    choices = [run for run in asked if run not in dropped]
    scores, images = _matrix([figures.answers(run, cell.shot) for run in choices])
    known = len(images) > 0 and len(choices) > 1
    return Best(
        subset=cell.subset, n=cell.n, shot=cell.shot, leader=leader, runner_up=runner_up,
        pair=cell.against(runner_up, leader) if runner_up else None,
        better=tuple(sorted(better, key=lambda run: -cell.accuracy[run])),
        ranks=dict(sorted(cell.ranks.items(), key=lambda item: (item[1], -cell.accuracy[item[0]]))),
        accuracy=cell.accuracy, repeats=tuple(repeats), chosen_from=len(choices),
        inflation=_inflation(scores, images) if known else None,
        halves=_halves(choices, scores, images) if known else None,
    )  # fmt: skip


def _inflation(scores: Floats, images: Labels) -> float | None:
    """None where one image alone bears them all, of which no error is known."""
    found = best_of_inflation(scores, images)
    return found if math.isfinite(found) else None


def _won(cell: ComparedCell, loser: str, run: str) -> bool:
    pair = cell.against(loser, run)
    return pair is not None and pair.verdict == "better"


def _verdict(pair: Pair) -> str:
    if pair.difference is None:
        return f"not comparable, {pair.reason}"
    adjusted = pair.p_bh if pair.p_bh is not None else pair.p_holm
    after = "" if adjusted is None else f", {p_phrase(adjusted)} after {'BH' if pair.p_bh is not None else 'Holm'}"
    reason = f", {pair.reason}" if pair.reason else ""
    beside = f" ({', '.join(pair.beside)})" if pair.beside else ""
    return f"{difference(pair.difference, pair.ci_low, pair.ci_high)} points{after}{reason}{beside}"


def _repeats(cells: Sequence[ComparedCell], order: Sequence[str], figures: Figures) -> list[tuple[str, ...]]:
    """Runs that show the same wherever both have something to show; the first of each group is the one that was there first."""
    shown = {run: _shown(cells, run, figures) for run in order}
    groups: list[list[str]] = []
    for run in order:
        home = next((group for group in groups if _same(shown[group[0]], shown[run])), None)
        if home is None:
            groups.append([run])
        else:
            home.append(run)
    return [tuple(runs) for runs in groups if len(runs) > 1]


def _shown(cells: Sequence[ComparedCell], run: str, figures: Figures) -> dict[object, object]:
    """What a run shows, by place: the score of each question where answers are known, else each figure."""
    found: dict[object, object] = {}
    for cell in cells:
        if run in cell.accuracy and (answers := figures.answers(run, cell.shot)):
            found[cell.shot] = {question: score for question, (score, _) in answers.items()}
        elif run in cell.accuracy:
            found[cell.subset, cell.n, cell.shot] = cell.accuracy[run]
    return found


def _same(a: Mapping[object, object], b: Mapping[object, object]) -> bool:
    """One published figure can coincide by chance, two or more, or all answers, do not."""
    both = a.keys() & b.keys()
    enough = len(both) > 1 or any(isinstance(a[place], dict) for place in both)
    return enough and all(a[place] == b[place] for place in both)


def _matrix(answers: Iterable[Answered]) -> tuple[Floats, np.ndarray[Any, np.dtype[np.int64]]]:
    """Scores (runs, questions) over what all answered, and the image of each question."""
    found = list(answers)
    shared = sorted(set.intersection(*(set(one) for one in found))) if found else []
    scores = np.array([[one[q][0] for q in shared] for one in found], dtype=np.float64)
    return scores, np.array([found[0][q][1] for q in shared], dtype=np.int64)


def _halves(runs: Sequence[str], scores: Floats, images: np.ndarray[Any, np.dtype[np.int64]]) -> Halves | None:
    """Images, not questions, are divided: what hangs together stays together."""
    distinct = np.unique(images)
    if len(distinct) < 2:
        return None
    first = np.random.default_rng(SPLIT_SEED).permutation(distinct)[: len(distinct) // 2]
    chooses = np.isin(images, first)
    best = int(scores[:, chooses].mean(1).argmax())
    found = interval(scores[best, ~chooses], images[~chooses])
    return Halves(runs[best], found.n, found.mean, found.low, found.high)
