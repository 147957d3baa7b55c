"""Curves of runs as charts show them, read in a thread: one chart for a metric, one curve for a run or for a recipe's seeds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from db import store
from db.session import Session
from db.store import RunDetail
from leverplus_tui.results.curves import averaged, levels
from leverplus_tui.results.distributions import NOTHING_LEFT, REWARDS, UNTOLD, distributions, is_untold
from leverplus_tui.text.numbers import plural
from leverplus_tui.text.words import clean
from leverplus_tui.tui.reading.grouping import COMPUTED_BY
from leverplus_tui.tui.widgets.charts.curve_grid import Panel
from leverplus_tui.tui.widgets.charts.curves import Rule, Series, continuous

UNTOLD_HERE = "not stored"
HIDDEN = ("uniform_loss", "random_reward", "oracle_reward")
"""Metrics that are levels in the charts of others."""


@dataclass(frozen=True)
class Curves:
    """What there is to draw."""

    runs: tuple[tuple[str, str], ...]
    """Name and state of each curve, in the order of their colours."""
    charts: tuple[Panel, ...]
    live: bool


def read_curves(session: Session, run_ids: Sequence[int], *, by_seed: bool = False) -> Curves:
    """Curves of these runs; `by_seed` makes one of those that differ by their seed alone, with the interval of its mean."""
    details = [store.run_detail(session, run_id=run_id) for run_id in run_ids]
    groups = _recipes(session, details) if by_seed else [[detail] for detail in details]
    metrics = dict.fromkeys(metric.name for detail in details for metric in detail.metrics)
    charts = []
    for name in metrics:
        if name in HIDDEN:
            continue
        series = tuple(_series(session, name, groups))
        if series:
            charts.append(Panel(name, series))
    charts += _distributions(groups)
    names = tuple((_name(group), group[0].row.state) for group in groups)
    return Curves(names, tuple(charts), any(detail.row.state == "running" for detail in details))


def _distributions(groups: Sequence[Sequence[RunDetail]]) -> list[Panel]:
    """Histograms over the candidates that trainings were given; a sentence where all of them are older than these."""
    found: dict[str, list[Series]] = defaultdict(list)
    for look, group in enumerate(groups):
        told = next((made for detail in group if (made := distributions(detail))), ())
        for one in told:
            notes = (plural(one.histogram.n, "candidate"), *one.notes)
            found[one.name].append(Series(_name(group), (), one.name, look, histogram=one.histogram, notes=notes))
        if not told and any(map(is_untold, group)):
            found[REWARDS].append(Series(_name(group), (), REWARDS, look, notes=(UNTOLD_HERE,)))
    return [Panel(name, tuple(series), UNTOLD if name == REWARDS else NOTHING_LEFT) for name, series in found.items()]


def _name(group: Sequence[RunDetail]) -> str:
    """References of the runs, and the words of their names that all of them share (`seed=3` is of one)."""
    refs = "+".join(detail.row.ref for detail in group)
    names = [clean(detail.row.name).split() for detail in group]
    shared = [word for word in names[0] if all(word in name for name in names)]
    return " ".join([refs, *(shared or names[0])])


def _recipes(session: Session, details: Sequence[RunDetail]) -> list[list[RunDetail]]:
    ids = [detail.row.id for detail in details]
    fields = [field for field in store.varying_settings(session, run_ids=ids) if field not in COMPUTED_BY]
    values = store.run_values(session, run_ids=ids, fields=fields)
    found: dict[tuple[object, ...], list[RunDetail]] = defaultdict(list)
    for detail in details:
        found[detail.row.kind, *values[detail.row.id].values()].append(detail)
    return list(found.values())


def _series(session: Session, metric: str, groups: Sequence[Sequence[RunDetail]]) -> Iterator[Series]:
    for look, group in enumerate(groups):
        curves = [continuous(store.metric_series(session, run_id=detail.row.id, name=metric)) for detail in group]
        curves = [curve for curve in curves if curve]
        if not curves:
            continue
        points, band = averaged(curves) if len(curves) > 1 else (curves[0], ())
        rules = tuple(Rule(words, value) for words, value in levels(metric, _last(group[0]), group[0].facts).items())
        yield Series(_name(group), points, metric, look, band, rules)


def _last(detail: RunDetail) -> Mapping[str, float]:
    return {metric.name: metric.value for metric in detail.metrics}
