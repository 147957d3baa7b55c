"""Which figures of some runs may stand in one row, and the paired difference of each two of them.

Every pair of a row is over the questions of the row. Figures over unlike questions are never subtracted: such runs are
compared on the questions they share, and the row says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, repeat
from operator import itemgetter
from pathlib import Path
from typing import Any, Literal

import numpy as np

from db.session import Session
from db.store import CellRow, RunDetail
from engine.statistics.intervals import Interval, interval, unpaired_difference, unpaired_p
from engine.statistics.paired import Paired, all_pairs
from engine.statistics.power import questions_for, visible_difference
from leverplus_tui.results.stored_scores import Answered, StoredScores
from leverplus_tui.text.numbers import accuracy, count
from leverplus_tui.text.shots import known_shots

Verdict = Literal["better", "worse", "not distinguishable", "not comparable"]
IMPORTED = "import:"
"""Begins the hash of a data set of which only a published figure is known."""
TwoRuns = tuple[str, str]
"""Two runs, `r1` and `r2`."""
ABSENT = (np.nan, 0)
UNPAIRED = "unpaired, at most this precise"
"""Of two figures whose answers are unknown: on the same questions the truth is narrower."""


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
    """Corrected by Holm over all pairs compared."""
    p_bh: float | None = None
    """Corrected by Benjamini and Hochberg, where the verdict follows that."""
    n_paired: int = 0
    improved: int = 0
    worsened: int = 0
    beside: tuple[str, ...] = ()
    """Codes of findings that stand beside the verdict, such as `confounded`."""

    def turned(self) -> Pair:
        """Run `a` against run `b`."""
        turned: dict[Verdict, Verdict] = {"better": "worse", "worse": "better"}
        return replace(
            self, a=self.b, b=self.a, verdict=turned.get(self.verdict, self.verdict),
            difference=None if self.difference is None else -self.difference,
            ci_low=None if self.ci_high is None else -self.ci_high,
            ci_high=None if self.ci_low is None else -self.ci_low,
            improved=self.worsened, worsened=self.improved,
        )  # fmt: skip

    @property
    def visible_from(self) -> float | None:
        """The difference in points that this comparison would have shown in 4 of 5 cases."""
        if self.ci_low is None or self.ci_high is None:
            return None
        return visible_difference((self.ci_high - self.ci_low) / 2)

    @property
    def questions_needed(self) -> int | None:
        """Questions that would show a difference like the observed one in 4 of 5 cases; none where there is none."""
        if self.difference is None or self.ci_low is None or self.ci_high is None:
            return None
        return questions_for(self.difference, self.n_paired, (self.ci_high - self.ci_low) / 2)

    def as_json(self) -> dict[str, Any]:
        """The contract's names; the reason only where there is one."""
        values: dict[str, Any] = {
            "a": self.a, "b": self.b, "difference": self.difference, "ci_low": self.ci_low, "ci_high": self.ci_high,
            "p": self.p, "p_holm": self.p_holm, "n_paired": self.n_paired, "improved": self.improved,
            "worsened": self.worsened, "verdict": self.verdict, "visible_from": self.visible_from,
            "questions_needed": self.questions_needed, "findings": list(self.beside),
        }  # fmt: skip
        values |= {"p_bh": self.p_bh} if self.p_bh is not None else {}
        return values | ({"reason": self.reason} if self.reason else {})


@dataclass(frozen=True)
class ComparedCell:
    """One row: a set of questions and a number of shots, with the accuracy of each run that has it."""

    n: int
    """Questions of the row; where the runs' figures are over unlike ones (`sizes`), of the smallest."""
    shot: int
    subset: str
    sizes: Mapping[str, int]
    """Questions behind each run's figure; 0 where that was not told."""
    accuracy: Mapping[str, float]
    interval: Mapping[str, tuple[float, float]]
    pairs: tuple[Pair, ...]

    def as_json(self) -> dict[str, Any]:
        """The contract's names, and the interval of each accuracy."""
        return {
            "n": self.n, "shot": known_shots(self.shot), "subset": self.subset,
            "sizes": dict(self.sizes),
            "accuracy": {run: round(value, 6) for run, value in self.accuracy.items()},
            "interval": {run: list(bounds) for run, bounds in self.interval.items()},
            "ranks": self.ranks,
            "pairs": [pair.as_json() for pair in self.pairs],
        }  # fmt: skip

    def against(self, base: str, other: str) -> Pair | None:
        """The pair that judges `other` against `base`, turned round where it was computed the other way."""
        for pair in self.pairs:
            if (pair.a, pair.b) == (base, other):
                return pair
            if (pair.a, pair.b) == (other, base):
                return pair.turned()
        return None

    @property
    def ranks(self) -> dict[str, int]:
        """Run -> 1 + how many others are better beyond noise; what cannot be told apart shares a rank."""
        won = [(pair.b, pair.a) for pair in self.pairs if pair.verdict == "better"]
        won += [(pair.a, pair.b) for pair in self.pairs if pair.verdict == "worse"]
        return {run: 1 + sum(loser == run for _, loser in won) for run in self.accuracy}

    @property
    def one_size(self) -> int | None:
        """How many questions stand behind every figure of the row; None where they differ."""
        sizes = set(self.sizes.values())
        return sizes.pop() if len(sizes) == 1 else None

    @property
    def size_text(self) -> str:
        """The same for a table, in which each figure of unlike questions has its own number beside it."""
        return "unlike" if self.one_size is None else str(self.one_size or "?")

    def shown(self, run: str) -> str:
        """A run's figure with its interval, and with its own number of questions where those of the row differ."""
        text = accuracy(self.accuracy[run], *self.interval.get(run, (None, None)))
        return text if self.one_size is not None else f"{text} n={count(self.sizes[run]) if self.sizes[run] else '?'}"

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


class Figures:
    """The accuracies of some runs, and their per-question scores, each read once; unless `paired`, the former alone."""

    def __init__(self, session: Session, details: Sequence[RunDetail], *, paired: bool = True) -> None:
        self.scores = StoredScores(session)
        self._paired = paired
        self._details = {detail.row.ref: detail for detail in details}

    def shots(self) -> list[int]:
        """Numbers of shots that any run was evaluated with."""
        return sorted({cell.shot for detail in self._details.values() for cell in detail.cells})

    def rows(self, shot: int) -> Iterator[ComparedCell]:
        """The rows of one number of shots: first those over shared questions, where runs have unlike ones."""
        groups = self._groups(shot)
        present = [run for run in self._details if any(run in group for group in groups)]
        met = {pair for group in groups for pair in combinations(self._ordered(group), 2)}
        apart = [pair for pair in combinations(present, 2) if pair not in met]
        if apart and self._paired:
            yield from self._shared_rows({run: self._largest(run, shot) for run in present}, apart)
        for group in groups:
            yield self._row(group)

    def _groups(self, shot: int) -> list[dict[str, CellRow]]:
        """Cells over the same questions; imported figures, whose questions are unknown, stand beside others of their n."""
        groups: dict[tuple[object, ...], dict[str, CellRow]] = {}
        for run, detail in self._details.items():
            for cell in detail.cells:
                if cell.shot == shot:
                    key: tuple[object, ...] = (cell.n,)
                    if not is_imported(cell):
                        # Questions left out make another set: figures over unlike ones must not stand in one row.
                        part = frozenset(self.scores.of(cell)) if cell.n_done < cell.n else None
                        key = (cell.dataset_sha, cell.split, cell.subset_sha, part)
                    groups.setdefault(key, {}).setdefault(run, cell)
        for key in [key for key in groups if len(key) == 1]:
            home = next(
                (k for k, group in groups.items() if len(k) > 1 and next(iter(group.values())).n == key[0]), None
            )
            if home is not None:
                groups[home] = {**groups.pop(key), **groups[home]}
        return list(groups.values())

    def _ordered(self, group: Mapping[str, CellRow]) -> dict[str, CellRow]:
        return {run: group[run] for run in self._details if run in group}

    def _row(self, group: Mapping[str, CellRow]) -> ComparedCell:
        ordered = self._ordered(group)
        first = next((cell for cell in ordered.values() if not is_imported(cell)), next(iter(ordered.values())))
        return self._own_figures(ordered, list(combinations(ordered, 2)), first.n, first.subset)

    def _own_figures(self, cells: Mapping[str, CellRow], pairs: Sequence[TwoRuns], n: int, subset: str) -> ComparedCell:
        """A row of the runs' figures as they were stored."""
        return ComparedCell(
            n=n,
            shot=next(iter(cells.values())).shot,
            subset=subset,
            sizes={run: cell.n_done or cell.n for run, cell in cells.items()},
            accuracy={run: cell.accuracy for run, cell in cells.items()},
            interval={run: (cell.ci_low, cell.ci_high) for run, cell in cells.items()},
            pairs=self._pairs(pairs, cells),
        )

    def _shared_rows(self, members: Mapping[str, CellRow], apart: Sequence[TwoRuns]) -> Iterator[ComparedCell]:
        """Runs over unlike questions: on those that all of them answered, else pair by pair, else side by side."""
        if self._shared(members):
            yield self._shared_row(members)
            return
        strangers = []
        for a, b in apart:
            two = {a: members[a], b: members[b]}
            if self._shared(two):
                yield self._shared_row(two)
            else:
                strangers.append((a, b))
        if strangers:
            named = {run: cell for run, cell in members.items() if any(run in pair for pair in strangers)}
            smallest = min(cell.n for cell in named.values())
            yield self._own_figures(named, strangers, smallest, "unlike questions")

    def _shared(self, members: Mapping[str, CellRow]) -> list[int]:
        """The questions that all of these answered; none where the data sets or splits differ."""
        if len({(cell.dataset_sha, cell.split) for cell in members.values()}) > 1:
            return []
        return sorted(set.intersection(*(set(self.scores.of(cell)) for run, cell in members.items())))

    def _shared_row(self, members: Mapping[str, CellRow]) -> ComparedCell:
        """Accuracies and pairs alike over the shared questions, so that what is subtracted is what is shown."""
        shared = self._shared(members)
        over = {run: _interval_over(self.scores.of(cell), shared) for run, cell in members.items()}
        return ComparedCell(
            n=len(shared),
            shot=next(iter(members.values())).shot,
            subset=f"{len(shared)} shared questions",
            sizes=dict.fromkeys(over, len(shared)),
            accuracy={run: found.mean for run, found in over.items()},
            interval={run: (found.low, found.high) for run, found in over.items()},
            pairs=self._pairs(list(combinations(members, 2)), members, shared),
        )

    def _largest(self, run: str, shot: int) -> CellRow:
        return max((cell for cell in self._details[run].cells if cell.shot == shot), key=lambda cell: cell.n)

    def _pairs(
        self, pairs: Sequence[TwoRuns], cells: Mapping[str, CellRow], only: Sequence[int] | None = None
    ) -> tuple[Pair, ...]:
        """Each two runs over the questions that both answered, or of those `only` some; all of a row at once."""
        if not self._paired:
            return ()
        answered = {run: self.scores.of(cell) for run, cell in cells.items()}
        reasons = {(a, b): self._unlike(a, b, cells, answered) for a, b in pairs}
        if only is not None:
            answered = {run: {one: scores[one] for one in only} for run, scores in answered.items() if scores}
        found = _compared([pair for pair in pairs if not reasons[pair]], answered)
        if only is None:
            published = [pair for pair in pairs if reasons[pair] and self._alike_published(*pair, cells)]
            found |= {(a, b): _unpaired(a, b, cells[a], cells[b]) for a, b in published}
        return tuple(found.get((a, b)) or Pair(a, b, "not comparable", reasons[a, b]) for a, b in pairs)

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
        return "no question in common" if answered[a].keys().isdisjoint(answered[b]) else ""

    def _alike_published(self, a: str, b: str, cells: Mapping[str, CellRow]) -> bool:
        """Whether one of two figures is only published, and both are said to be over the same questions."""
        one, other = cells[a], cells[b]
        if not (is_imported(one) or is_imported(other)) or one.n != other.n or one.n < 1:
            return False
        names = {Path(self._details[run].row.dataset).name.casefold() for run in (a, b)}
        return len(names) == 1 and one.split == other.split and one.subset == other.subset

    def answers(self, run: str, shot: int) -> Answered:
        """What the run answered at a number of shots, over its largest set of questions; empty where that is unknown."""
        cells = [cell for cell in self._details[run].cells if cell.shot == shot]
        return self.scores.of(self._largest(run, shot)) if cells else {}


def is_imported(cell: CellRow) -> bool:
    """Whether only the figure is known, not the questions."""
    return cell.dataset_sha.startswith(IMPORTED)


def _compared(pairs: Sequence[TwoRuns], answered: Mapping[str, Answered]) -> dict[TwoRuns, Pair]:
    """The comparison of each two runs, not yet judged: what stands in `answered` of both, clustered by image."""
    runs = list(dict.fromkeys(run for pair in pairs for run in pair))
    rows = {run: row for row, run in enumerate(runs)}
    found = _paired([answered[run] for run in runs], [(rows[a], rows[b]) for a, b in pairs])
    return {(a, b): _undecided(a, b, pair) for (a, b), pair in zip(pairs, found, strict=True)}


def against(own: Answered, others: Sequence[Answered]) -> list[Paired]:
    """One run's answers against those of each of some others, not corrected for their number."""
    return _paired([own, *others], [(row, 0) for row in range(1, len(others) + 1)])


def _paired(answered: Sequence[Answered], pairs: Sequence[tuple[int, int]]) -> list[Paired]:
    images: dict[int, int] = {}
    for one in answered:
        if not one.keys() <= images.keys():
            images |= {question: image for question, (_, image) in one.items()}
    scores = np.empty((len(answered), len(images)))
    for row, one in enumerate(answered):
        there = map(one.get, images, repeat(ABSENT))
        scores[row] = np.fromiter(map(itemgetter(0), there), dtype=np.float64, count=len(images))
    clusters = np.fromiter(images.values(), dtype=np.int64, count=len(images))
    return all_pairs(scores, clusters, pairs) if pairs else []


def _unpaired(a: str, b: str, one: CellRow, other: CellRow) -> Pair:
    """Two published figures: no answers to pair, but n and the range of scores bound what they can say."""
    found = unpaired_difference(one.accuracy, one.n, other.accuracy, other.n)
    p = unpaired_p(one.accuracy, one.n, other.accuracy, other.n)
    return Pair(a, b, "not distinguishable", UNPAIRED, found.mean, found.low, found.high, p, n_paired=found.n)


def _undecided(a: str, b: str, found: Paired) -> Pair:
    return Pair(
        a, b, "not distinguishable", difference=found.difference, ci_low=found.low, ci_high=found.high, p=found.p,
        n_paired=found.n, improved=found.improved, worsened=found.worsened,
    )  # fmt: skip


def _interval_over(scores: Answered, questions: Sequence[int]) -> Interval:
    return interval([scores[q][0] for q in questions], [scores[q][1] for q in questions])
