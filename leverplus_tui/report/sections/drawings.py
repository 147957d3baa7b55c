"""The drawings of a report: accuracies by shots and by size, differences, training curves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from leverplus_tui.report.blocks import Figure, Panel
from leverplus_tui.report.gather import Gathered, Series
from leverplus_tui.report.sections import svg
from leverplus_tui.report.sections.svg import Line, Point
from leverplus_tui.results.distributions import Distribution, distributions
from leverplus_tui.results.pairs.paired_rows import ComparedCell, Pair
from leverplus_tui.text.catalogue import Catalogue
from leverplus_tui.text.numbers import count
from leverplus_tui.text.scale import Scale
from leverplus_tui.text.shots import known_shots

PERCENT = (0.0, 100.0)
KINDS: Mapping[str, tuple[str, ...]] = {
    "loss": ("rce_loss", "val_loss", "uniform_loss"),
    "policy": ("grpo_loss",),
    "reward": ("greedy_reward", "expected_reward", "random_reward", "oracle_reward"),
    "kl": ("kl",),
}
"""One drawing of each training: the metrics that belong together."""
TONES = {"better": "good", "worse": "bad"}


def accuracy_figures(found: Gathered, say: Catalogue) -> Iterator[Figure]:
    """By shots for each set of questions; then by size, where a number of shots has several sizes."""
    cells = [cell for cell in found.comparison.cells if known_shots(cell.shot) is not None and cell.one_size]
    styles = {run.id: place for place, run in enumerate(found.comparison.runs)}
    sets = list(dict.fromkeys((cell.subset, cell.n) for cell in cells))
    by_set = {one: [cell for cell in cells if (cell.subset, cell.n) == one] for one in sets}
    panels = [
        _accuracy_panel(
            say("accuracy.panel", questions=say.said(subset), n=count(n)), say("accuracy.shots"),
            [(float(cell.shot), cell) for cell in sorted(group, key=lambda cell: cell.shot)], styles,
        )
        for (subset, n), group in by_set.items()
    ]  # fmt: skip
    if panels:
        yield Figure(say("accuracy.figure"), panels, _legend(found, styles))
    shots = sorted({cell.shot for cell in cells})
    by_size = {shot: sorted((c for c in cells if c.shot == shot), key=lambda c: c.n) for shot in shots}
    several = {shot: group for shot, group in by_size.items() if len({cell.n for cell in group}) > 1}
    if several:
        drawn = [
            _accuracy_panel(
                say.counted("shots", shot), say("accuracy.size"), [(float(cell.n), cell) for cell in group], styles
            )
            for shot, group in several.items()
        ]
        yield Figure(say("accuracy.by size"), drawn, _legend(found, styles))


def _accuracy_panel(
    title: str, x_title: str, cells: Sequence[tuple[float, ComparedCell]], styles: Mapping[str, int]
) -> Panel:
    lines = []
    for run, style in styles.items():
        points = [
            Point(x, cell.accuracy[run], *cell.interval.get(run, (None, None)))
            for x, cell in cells
            if run in cell.accuracy
        ]
        lines += [Line(points, style)] if points else []
    x_ticks = sorted({x for x, _ in cells})
    return Panel(title, svg.chart(lines, x_title=x_title, x_ticks=x_ticks, name=title, bounds=PERCENT))


def _legend(found: Gathered, styles: Mapping[str, int]) -> list[tuple[str, str]]:
    names = found.names
    return [(svg.sample(style), names[run]) for run, style in styles.items()] if len(styles) > 1 else []


def difference_scale(pairs: Sequence[Pair]) -> Scale:
    """One scale for all differences of a table."""
    return svg.bar_scale([end for pair in pairs for end in (pair.ci_low, pair.ci_high) if end is not None])


def difference_bar(pair: Pair, scale: Scale) -> str:
    """The interval of a difference; empty where there is none."""
    if pair.difference is None or pair.ci_low is None or pair.ci_high is None:
        return ""
    return svg.interval_bar(pair.difference, pair.ci_low, pair.ci_high, scale, TONES.get(pair.verdict, "faint"))


def training_figures(found: Gathered, say: Catalogue) -> Iterator[Figure]:
    """The curves of each training, losses, rewards and the distance from the reference apart."""
    for detail in found.trainings:
        run = detail.row.ref
        series = {one.name: one for one in found.series if one.run == run and len(one.points) > 1}
        drawn = {kind: [series[name] for name in names if name in series] for kind, names in KINDS.items()}
        panels = [
            _curves(say(f"training.{kind}"), lines, found.phases[run], say) for kind, lines in drawn.items() if lines
        ]
        if panels:
            yield Figure(f"{found.names[run]}: {say('training.figure')}", panels)


def distribution_figures(found: Gathered, say: Catalogue) -> Iterator[Figure]:
    """How rewards and advantages are distributed over the candidates of each training that stored it."""
    for detail in found.trainings:
        panels = [_bars(one, say) for one in distributions(detail) if one.histogram.n]
        if panels:
            yield Figure(f"{found.names[detail.row.ref]}: {say('training.distributions')}", panels)


def _bars(one: Distribution, say: Catalogue) -> Panel:
    title, n = say(f"training.{one.name}"), one.histogram.n
    shares = [(low, high, 100 * many / n) for low, high, many in one.histogram.bars()]
    return Panel(title, svg.bars(shares, x_title=say("training.share", n=count(n)), name=title))


def _curves(title: str, drawn: Sequence[Series], phases: Sequence[tuple[str, float]], say: Catalogue) -> Panel:
    lines = [Line([Point(x, y) for x, y in one.points], style, marked=False) for style, one in enumerate(drawn)]
    ends = [point.x for line in lines for point in line.points]
    first, last = min(ends), max(ends)
    rules = [end for _, end in phases[:-1] if first < end < last]
    made = svg.chart(
        lines,
        x_title=say("training.epoch"),
        x_ticks=svg.whole_ticks(first, last),
        x_ends=(first, last),
        name=title,
        rules=rules,
    )
    legend = [(svg.sample(style, marked=False), one.name) for style, one in enumerate(drawn) if len(drawn) > 1]
    return Panel(title, made, legend)
