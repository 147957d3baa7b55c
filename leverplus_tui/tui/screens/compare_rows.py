"""Runs side by side as lines of a table: pure functions over a Comparison, every verdict in words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from engine.statistics.intervals import p_phrase
from leverplus_tui.text.glyphs import glyph
from leverplus_tui.text.numbers import count, difference, plural
from leverplus_tui.text.shots import shots_words
from leverplus_tui.text.states import STATE_ROLES, VERDICT_ROLES, marks, shown_state, state_text
from leverplus_tui.text.times import age, duration
from leverplus_tui.text.words import clean, short_name
from leverplus_tui.tui.widgets.run_view import how
from leverplus_tui.tui.widgets.spec_fields import AUTO, auto_fields
from leverplus_tui.tui.widgets.table import Cell
from leverplus_tui.tui.widgets.whisker import whisker

if TYPE_CHECKING:
    from db.store import RunRow
    from leverplus_tui.results.comparison import ComparedCell, Comparison, Pair

GROUPS = ("accuracy", "settings that differ", "run", "settings that agree")


@dataclass(frozen=True)
class Line:
    """One line: a heading, or a label with a cell for each run."""

    group: str
    label: str
    cells: Mapping[str, Cell] = field(default_factory=dict)
    differs: bool = True
    """Whether this line tells the runs apart; `d` leaves the others out."""
    figure: ComparedCell | None = None
    heading: bool = False


def lines(found: Comparison, rows: Mapping[str, RunRow], agreeing: Mapping[str, Any], base: str) -> list[Line]:
    """Every line of the comparison, group by group, without headings."""
    runs = [run.id for run in found.runs]
    made = [line for cell in found.cells for line in _figure_lines(cell, runs, base)]
    made += [_setting_line(row.field, row.values, rows, runs, base) for row in found.spec_diff]
    made += list(_run_lines(rows, runs))
    made += [
        Line(GROUPS[3], name, {run: Cell(_setting(name, value, rows.get(run)), "faint") for run in runs}, differs=False)
        for name, value in agreeing.items()
    ]
    return made


def folded(made: Sequence[Line], closed: set[str], only_different: bool) -> list[Line]:
    """Lines with a heading above each group; a closed group is its heading alone."""
    shown: list[Line] = []
    for group in GROUPS:
        members = [line for line in made if line.group == group and (line.differs or not only_different)]
        if not members:
            continue
        sign = glyph("closed" if group in closed else "open")
        words = f"{sign} {group}" + (f"  ({len(members)})" if group in closed else "")
        shown.append(Line(group, words, heading=True))
        if group not in closed:
            shown += members
    return shown


def _figure_lines(cell: ComparedCell, runs: Sequence[str], base: str) -> Iterator[Line]:
    """Accuracies, differences from the baseline, verdicts."""
    pairs = {run: cell.against(base, run) for run in runs if run != base}
    told = any(pair is not None and pair.verdict in ("better", "worse") for pair in pairs.values())
    size = "" if cell.one_size is None else f"  n={count(cell.one_size)}"
    label = f"{shots_words(cell.shot)}{size}  {clean(cell.subset)}"
    yield Line(GROUPS[0], label, {run: _accuracy(cell, run) for run in runs}, differs=told, figure=cell)
    if any(pair is not None for pair in pairs.values()):
        yield Line(GROUPS[0], "  difference", {r: _difference(p) for r, p in pairs.items()}, differs=told, figure=cell)
        yield Line(GROUPS[0], "  verdict", {r: _verdict(p) for r, p in pairs.items()}, differs=told, figure=cell)
    if len(pairs) > 1 and len(cell.ranks) > 2 and told:
        yield Line(GROUPS[0], "  rank", {run: _rank(cell, run) for run in runs}, differs=told, figure=cell)


def _accuracy(cell: ComparedCell, run: str) -> Cell:
    if run not in cell.accuracy:
        return Cell("-", "faint")
    text = cell.shown(run)
    return Cell(f"{text} best", "good") if cell.best == run else Cell(text, "strong")


def _difference(pair: Pair | None) -> Cell:
    if pair is None or pair.difference is None:
        return Cell("-", "faint")
    return Cell(difference(pair.difference, pair.ci_low, pair.ci_high), VERDICT_ROLES[pair.verdict])


def _verdict(pair: Pair | None) -> Cell:
    if pair is None:
        return Cell("-", "faint")
    return Cell(" ".join([pair.verdict, *("!" + code for code in pair.beside)]), VERDICT_ROLES[pair.verdict])


def _rank(cell: ComparedCell, run: str) -> Cell:
    """What cannot be told apart shares a rank."""
    ranks = cell.ranks
    if run not in ranks:
        return Cell("-", "faint")
    tied = sum(rank == ranks[run] for rank in ranks.values()) > 1
    return Cell(f"{ranks[run]}{' (tied)' if tied else ''}", "faint")


def _run_lines(rows: Mapping[str, RunRow], runs: Sequence[str]) -> Iterator[Line]:
    known = {run: rows[run] for run in runs if run in rows}
    state = {run: Cell(state_text(row), STATE_ROLES.get(shown_state(row), "")) for run, row in known.items()}
    sets = {row.dataset for row in known.values()}
    texts = {
        "kind": {run: row.kind for run, row in known.items()},
        "demonstrations by": {run: how(row) for run, row in known.items()},
        "data set": {run: short_name(row.dataset, sets) for run, row in known.items()},
        "started": {run: age(row.started or row.created) for run, row in known.items()},
        "took": {run: duration(row.duration_s) for run, row in known.items()},
        "found while it ran": {run: " ".join(row.findings.codes) or "none" for run, row in known.items()},
    }
    yield Line(GROUPS[2], "state", state, differs=_unlike([cell.text for cell in state.values()]))
    flags = {run: " ".join(marks(row)) for run, row in known.items()}
    if any(flags.values()):
        cells = {run: Cell(text or "-", "warn" if "!" in text else "faint") for run, text in flags.items()}
        yield Line(GROUPS[2], "marks", cells, differs=_unlike(list(flags.values())))
    for label, values in texts.items():
        yield Line(
            GROUPS[2], label, {run: Cell(text) for run, text in values.items()}, differs=_unlike(list(values.values()))
        )


def _unlike(values: Sequence[object]) -> bool:
    return len(set(values)) > 1


def _setting_line(
    name: str, values: Mapping[str, Any], rows: Mapping[str, RunRow], runs: Sequence[str], base: str
) -> Line:
    def cell(run: str) -> Cell:
        value = values.get(run)
        return Cell(_setting(name, value, rows.get(run)), "" if value == values.get(base) else "accent")

    return Line(GROUPS[1], name, {run: cell(run) for run in runs})


def _setting(name: str, value: Any, row: RunRow | None) -> str:
    if value is None and row is not None and name in auto_fields(row.kind):
        return AUTO
    return _plain(value)


def _plain(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, str) and len(value) == 64 and value.isalnum():
        return value[:10]  # a hash: its beginning tells it apart
    return clean(value) if isinstance(value, str) else clean(json.dumps(value, ensure_ascii=False))


def sentence(cell: ComparedCell, pair: Pair) -> str:
    """The verdict as a researcher would say it, with all its numbers."""
    where = f"{shots_words(cell.shot)} on {clean(cell.subset)}"
    if pair.verdict == "not comparable" or pair.difference is None:
        return f"{pair.b} and {pair.a} at {where}: not comparable, {pair.reason or 'nothing to pair'}"
    numbers = f"{difference(pair.difference, pair.ci_low, pair.ci_high)} points"
    holm = f", {p_phrase(pair.p_holm)} after Holm" if pair.p_holm is not None else ""
    counted = f"{plural(pair.improved, 'question')} better and {pair.worsened} worse of {count(pair.n_paired)}"
    verdict = {
        "better": f"{pair.b} is better than {pair.a}",
        "worse": f"{pair.b} is worse than {pair.a}",
    }.get(pair.verdict, f"{pair.b} and {pair.a} are not distinguishable from noise")
    if pair.reason:
        counted = pair.reason
    return f"{verdict} at {where}: {numbers}{holm}; {counted}{_power(pair)}"


def _power(pair: Pair) -> str:
    """What the comparison could have shown, where it showed nothing."""
    if pair.verdict != "not distinguishable" or pair.visible_from is None:
        return ""
    told = f"; {pair.visible_from:.1f} points would have shown in 4 of 5 cases"
    needed = pair.questions_needed
    return told if needed is None else f"{told}, these need {plural(needed, 'question')}"


def beside(found: Comparison, pair: Pair) -> list[str]:
    """What stands beside the verdict on two runs, whichever of them is the baseline."""
    subjects = {f"{pair.a} against {pair.b}", f"{pair.b} against {pair.a}"}
    told = [
        f for findings in found.findings.values() for f in findings if f.subject in subjects and f.code in pair.beside
    ]
    chosen = [f for f in found.findings.get(pair.b, ()) if f.code == "chosen-on-test" and f.subject == pair.b]
    return [f"{finding.code}: {clean(finding.message)}" for finding in (*told, *chosen)]


def whiskers(cell: ComparedCell, base: str, runs: Sequence[str], width: int) -> list[tuple[str, str, Pair]]:
    """(run, interval of its difference on a common axis through 0, pair) for each run that can be judged."""
    pairs = [pair for run in runs if run != base and (pair := cell.against(base, run)) is not None]
    drawn = [
        pair for pair in pairs if pair.difference is not None and pair.ci_low is not None and pair.ci_high is not None
    ]
    if not drawn:
        return [(pair.b, "", pair) for pair in pairs]
    reach = max(abs(bound) for pair in drawn for bound in (pair.ci_low or 0.0, pair.ci_high or 0.0)) or 1.0
    return [
        (pair.b,
         whisker(pair.ci_low or 0.0, pair.difference or 0.0, pair.ci_high or 0.0, (-reach, reach), width, zero=True)
         if pair in drawn else "", pair)
        for pair in pairs
    ]  # fmt: skip
