"""The best settings of a sweep by a metric: means over seeds with intervals, and what choosing the best adds by chance."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from db import store
from db.session import Session
from db.specs import UserError
from db.store import RunDetail, SweepRow
from engine.statistics.power import expected_largest
from leverplus_tui.jobs.spec_options import plain
from leverplus_tui.results.comparison import Asked, compare
from leverplus_tui.results.comparison_text import by_seed
from leverplus_tui.results.pairs.best_of import Best
from leverplus_tui.text.numbers import number, plural
from leverplus_tui.text.output import table

LOWER = ("loss", "entropy", "kl")
"""Metrics whose name holds one of these are better when they are lower."""
USUAL = {"rce": "val_loss", "grpo": "expected_reward"}
"""Kind of training -> the metric that its best checkpoint is chosen by."""


@dataclass(frozen=True)
class Setting:
    """Runs of a sweep that differ by their seed alone."""

    label: str
    runs: tuple[str, ...]
    mean: float
    low: float | None
    high: float | None
    """95 % interval of the mean over seeds, Student's t; None for a single run."""


@dataclass(frozen=True)
class Ranking:
    """Settings of a sweep, best first."""

    metric: str
    lower: bool
    settings: tuple[Setting, ...]
    gain: float | None
    """What the best would show by choice alone, were all settings equally good; None where no setting has two seeds."""
    left_out: int
    """Runs without the metric."""

    def as_json(self) -> dict[str, Any]:
        """As `sweep best --json` prints it."""
        rows = [
            {"settings": one.label, "runs": list(one.runs), "value": one.mean, "ci_low": one.low, "ci_high": one.high}
            for one in self.settings
        ]
        return {"metric": self.metric, "lower_is_better": self.lower, "settings": rows, "gain_by_choice": self.gain,
                "runs_without": self.left_out}  # fmt: skip

    def lines(self) -> list[str]:
        """For people."""
        rows = [(one.label, " ".join(one.runs), number(one.mean), _interval(one)) for one in self.settings]
        said = [table(("settings", "runs", self.metric, "95 % interval over seeds"), rows, right=(2,))]
        best = self.settings[0]
        equal = [one.label for one in self.settings if one.mean == best.mean]
        found = f"{best.label} ({' '.join(best.runs)})" if len(equal) == 1 else f"none, {' and '.join(equal)} are equal"
        said.append(f"best by {self.metric} ({'lowest' if self.lower else 'highest'}): {found}")
        if len(self.settings) > 1:
            said.append(self._doubt())
        if self.left_out:
            said.append(f"{plural(self.left_out, 'run')} without {self.metric}: not done, or not measured")
        return said

    def _doubt(self) -> str:
        chosen = plural(len(self.settings), "setting")
        if self.gain is None:
            return (
                f"chosen from {chosen} with one seed each: how much seeds differ is unknown, so the best may be the luckiest; "
                "repeat with --seeds 3"
            )
        lead = abs(self.settings[0].mean - self.settings[1].mean)
        return (
            f"chosen from {chosen} on the very data that they are measured on: were all equally good, the best would stand "
            f"{number(self.gain)} beyond its truth by choice alone (it leads by {number(lead)}); measure it on other questions"
        )


@dataclass(frozen=True)
class Chosen:
    """The best of a sweep, for people and as one document."""

    lines: tuple[str, ...]
    document: dict[str, Any]


def best_of_sweep(session: Session, sweep: SweepRow, metric: str = "") -> Chosen:
    """Evaluations are compared question by question, trainings by a metric of their best epoch, over seeds.

    Raises UserError where there is nothing to choose from.
    """
    details = [store.run_detail(session, run_id=run_id) for run_id in sweep.members]
    if sweep.kind != "eval":
        ranked = ranking(sweep, details, metric)
        return Chosen(tuple(ranked.lines()), ranked.as_json())
    done = [detail.row.id for detail in details if detail.row.state == "done" and detail.row.cells]
    if len(done) < 2:
        raise UserError(f"{sweep.ref} has {plural(len(done), 'finished run')}, and a choice needs two")
    compared = compare(session, done, judged=False, asked=Asked(best_of=True, by_seed="seed" in sweep.axes))
    names = {store.ref(run): " ".join(f"{k}={plain(v)}" for k, v in s.items()) for run, s in sweep.members.items()}
    answers = at_shots(compared.best, metric)
    document = {"best_of": [one.as_json() for one in answers], "by_seed": [g.as_json() for g in compared.groups]}
    lines = [line for answer in answers for line in _best_lines(answer, names)]
    more = [f"\n{part}" for part in (by_seed(compared, table), *compared.apart) if part]
    return Chosen((*lines, *more), document)


def _best_lines(answer: Best, names: Mapping[str, str]) -> Iterator[str]:
    yield answer.sentence()
    figure = number(answer.accuracy[answer.leader])
    yield f"  {answer.leader} is {names[answer.leader]} with {figure} %" if answer.pair else f"  all reach {figure} %"
    for line in [*answer.relabelled(), *answer.remarks()]:
        yield f"  {line}"


def ranking(sweep: SweepRow, details: Sequence[RunDetail], metric: str = "") -> Ranking:
    """Rank the settings of a training sweep by the best epoch of a metric. Raises UserError where no run has it."""
    metric = metric or USUAL.get(sweep.kind, "")
    lower = any(word in metric for word in LOWER)
    found: dict[str, list[tuple[str, float]]] = defaultdict(list)
    for detail in details:
        value = _best_epoch(detail, metric, lower)
        if value is not None:
            found[_label(sweep.members[detail.row.id])].append((detail.row.ref, value))
    if not found:
        known = sorted({row.name for detail in details for row in detail.metrics})
        there = f"measured are {', '.join(known)}" if known else "no run of it has measured anything yet"
        raise UserError(f"no run of {sweep.ref} has {metric or 'a metric'}: {there}")
    settings = [_setting(label, runs) for label, runs in found.items()]
    settings.sort(key=lambda one: one.mean if lower else -one.mean)
    measured = sum(len(runs) for runs in found.values())
    return Ranking(metric, lower, tuple(settings), _gain(list(found.values())), len(details) - measured)


def at_shots(answers: Sequence[Best], by: str) -> list[Best]:
    """The answers at the number of shots that `acc@N` names; all where nothing is named. Raises UserError for another metric."""
    if not by:
        return list(answers)
    known = sorted({f"acc@{one.shot}" for one in answers})
    if by not in known:
        raise UserError(f"evaluations are ranked by accuracy, and --by {by} is none of theirs: {', '.join(known)}")
    return [one for one in answers if by == f"acc@{one.shot}"]


def _label(settings: Mapping[str, Any]) -> str:
    return " ".join(f"{name}={plain(value)}" for name, value in settings.items() if name != "seed") or "all the same"


def _best_epoch(detail: RunDetail, metric: str, lower: bool) -> float | None:
    rows = [row for row in detail.metrics if row.name == metric and detail.row.state == "done"]
    value = (rows[-1].lowest if lower else rows[-1].highest) if rows else math.nan
    return value if math.isfinite(value) else None


def _setting(label: str, runs: Sequence[tuple[str, float]]) -> Setting:
    values = np.array([value for _, value in runs])
    names = tuple(name for name, _ in runs)
    mean = float(values.mean())
    if len(values) < 2:
        return Setting(label, names, mean, None, None)
    from scipy.special import stdtrit  # 60 ms

    half = float(stdtrit(len(values) - 1, 0.975)) * float(values.std(ddof=1)) / math.sqrt(len(values))
    return Setting(label, names, mean, mean - half, mean + half)


def _gain(groups: Sequence[Sequence[tuple[str, float]]]) -> float | None:
    """Mean of the largest of k normal draws, times the pooled standard error of a setting's mean."""
    arrays = [np.array([value for _, value in runs]) for runs in groups]
    several = [values for values in arrays if len(values) > 1]
    if not several:
        return None
    spread = sum(float(((v - v.mean()) ** 2).sum()) for v in several) / sum(len(v) - 1 for v in several)
    error = math.sqrt(sum(spread / len(values) for values in arrays) / len(arrays))
    return expected_largest(len(arrays)) * error if len(arrays) > 1 else 0.0


def _interval(setting: Setting) -> str:
    if setting.low is None or setting.high is None:
        return "one run"
    return f"[{number(setting.low)}, {number(setting.high)}] n={len(setting.runs)}"
