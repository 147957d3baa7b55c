"""Runs side by side as lines of a table: pure functions over a Comparison, every verdict in words."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from leverplus_tui.text.glyphs import glyph
from leverplus_tui.text.language import shown
from leverplus_tui.text.numbers import count, difference, number, share
from leverplus_tui.text.shots import shots_words
from leverplus_tui.text.states import STATE_ROLES, VERDICT_ROLES, marks, shown_state, state_text
from leverplus_tui.text.times import age, duration
from leverplus_tui.text.words import clean, short_name
from leverplus_tui.tui.widgets.run_view import how
from leverplus_tui.tui.widgets.spec_fields import AUTO, auto_fields
from leverplus_tui.tui.widgets.table import Cell

if TYPE_CHECKING:
    from db.store import CheckpointRow, RunRow
    from leverplus_tui.results.comparison import ComparedCell, Comparison, Pair
    from leverplus_tui.results.pairs.choices import Choices
    from leverplus_tui.results.pairs.copying import CopyingRow

ACCURACY, CHOSEN, COPIED, METRICS = "accuracy", "demonstrations chosen", "learning or copying", "metrics"
CHECKPOINTS, DIFFERING, RUN, AGREEING = "checkpoints", "settings that differ", "run", "settings that agree"
NOTES = "notes"
GROUPS = (ACCURACY, CHOSEN, COPIED, METRICS, CHECKPOINTS, DIFFERING, RUN, NOTES, AGREEING)


NAMED = (METRICS, CHECKPOINTS, DIFFERING, AGREEING)
"""Groups whose lines are called by the names of settings and metrics."""


@dataclass(frozen=True)
class Beside:
    """What stands beside figures and settings; all of it comes later than they do, or not at all."""

    checkpoints: Mapping[str, Sequence[CheckpointRow]] = field(default_factory=dict)
    choices: Sequence[Choices] = ()
    copying: Sequence[CopyingRow] = ()


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
    metric: str = ""
    """The metric of this line: enter draws its curves."""


def lines(
    found: Comparison, rows: Mapping[str, RunRow], agreeing: Mapping[str, Any], base: str, beside: Beside | None = None
) -> list[Line]:
    """Every line of the comparison, group by group, without headings."""
    runs = [run.id for run in found.runs]
    made = [line for cell in found.cells for line in _figure_lines(cell, runs, base)]
    beside = beside or Beside()
    made += list(_choice_lines(beside.choices, runs, base))
    made += list(_copying_lines(beside.copying, runs))
    made += [_metric_line(row.field, row.values, runs, base) for row in found.metrics]
    made += list(_checkpoint_lines(beside.checkpoints, runs))
    made += [_setting_line(row.field, row.values, rows, runs, base) for row in found.spec_diff]
    made += list(_run_lines(rows, runs))
    made += [_note_line(note, runs) for note in found.notes]
    made += [
        Line(AGREEING, name, {run: Cell(_setting(name, value, rows.get(run)), "faint") for run in runs}, differs=False)
        for name, value in agreeing.items()
    ]
    return made


def folded(made: Sequence[Line], closed: set[str], only_different: bool) -> list[Line]:
    """Lines with a heading above each group; a closed group is its heading alone."""
    lines: list[Line] = []
    for group in GROUPS:
        members = [line for line in made if line.group == group and (line.differs or not only_different)]
        if not members:
            continue
        sign = glyph("closed" if group in closed else "open")
        words = f"{sign} {shown(group)}" + (f"  ({len(members)})" if group in closed else "")
        lines.append(Line(group, words, heading=True))
        if group not in closed:
            lines += members
    return lines


def _figure_lines(cell: ComparedCell, runs: Sequence[str], base: str) -> Iterator[Line]:
    """Accuracies, differences from the baseline, verdicts."""
    pairs = {run: cell.against(base, run) for run in runs if run != base}
    told = any(pair is not None and pair.verdict in ("better", "worse") for pair in pairs.values())
    size = "" if cell.one_size is None else f"  n={count(cell.one_size)}"
    label = f"{shots_words(cell.shot)}{size}  {clean(cell.subset)}"
    yield Line(ACCURACY, label, {run: _accuracy(cell, run) for run in runs}, differs=told, figure=cell)
    if any(pair is not None for pair in pairs.values()):
        yield Line(ACCURACY, "  difference", {r: _difference(p) for r, p in pairs.items()}, differs=told, figure=cell)
        yield Line(ACCURACY, "  verdict", {r: _verdict(p) for r, p in pairs.items()}, differs=told, figure=cell)
    if len(pairs) > 1 and len(cell.ranks) > 2 and told:
        yield Line(ACCURACY, "  rank", {run: _rank(cell, run) for run in runs}, differs=told, figure=cell)


def _choice_lines(found: Sequence[Choices], runs: Sequence[str], base: str) -> Iterator[Line]:
    """How alike the demonstrations are that the runs showed for the same questions."""
    for shot in sorted({one.shot for one in found}):
        by_run = {one.run: one for one in found if one.shot == shot}
        others = [run for run in runs if run in by_run and run != base and by_run[run].n]
        label = shown(f"{shots_words(shot)}  same as {base}")
        if others:
            same = {run: Cell(shown(f"{share(by_run[run].same)} of {count(by_run[run].n)}")) for run in others}
            yield Line(CHOSEN, label, same, differs=any(by_run[run].same < 1 for run in others))
            yield Line(CHOSEN, "  in common", {run: Cell(share(by_run[run].shared)) for run in others}, differs=False)
        sets = {run: Cell(count(one.distinct), "warn" if one.distinct == 1 else "") for run, one in by_run.items()}
        yield Line(CHOSEN, "  distinct sets", sets, differs=_unlike([cell.text for cell in sets.values()]))
        told = {run: Cell(one.evaluated, "faint") for run, one in by_run.items() if one.evaluated != run}
        if told:
            yield Line(CHOSEN, "  as evaluated in", told, differs=False)


def _copying_lines(found: Sequence[CopyingRow], runs: Sequence[str]) -> Iterator[Line]:
    """How the answers relate to those that were shown."""
    from leverplus_tui.results.pairs.copying import LABELS  # numpy: 140 ms before the page is there

    for shot in sorted({row.shot for row in found}):
        by_run = {row.run: dict(zip(LABELS.values(), row.cells(), strict=True)) for row in found if row.shot == shot}
        for label in LABELS.values():
            cells = {run: Cell(by_run[run][label]) for run in runs if run in by_run}
            yield Line(
                COPIED,
                f"{shots_words(shot)}  {shown(label)}",
                cells,
                differs=_unlike([cell.text for cell in cells.values()]),
            )


def _metric_line(name: str, values: Mapping[str, Any], runs: Sequence[str], base: str) -> Line:
    """The last values, and how far each is from the baseline's."""
    ground = values.get(base)

    def cell(run: str) -> Cell:
        value = values.get(run)
        if value is None:
            return Cell("-", "faint")
        if run == base or ground is None or value == ground or not math.isfinite(value - ground):
            return Cell(number(value))
        return Cell(f"{number(value)} ({'+' if value > ground else ''}{number(value - ground)})", "accent")

    return Line(METRICS, name, {run: cell(run) for run in runs}, differs=_unlike([values.get(run) for run in runs]),
                metric=name.split("/")[-1])  # fmt: skip


def _checkpoint_lines(found: Mapping[str, Sequence[CheckpointRow]], runs: Sequence[str]) -> Iterator[Line]:
    """The weights that each training ended with: which epoch, what it reached, what they are."""
    best = {run: item for run in runs for item in found.get(run, ()) if item.is_best and item.replaced is None}
    for run in runs:
        kept = [item for item in found.get(run, ()) if item.replaced is None]
        if run not in best and kept:
            best[run] = kept[-1]
    if not best:
        return
    yield Line(CHECKPOINTS, "best", {run: Cell(f"{item.phase} {item.epoch}") for run, item in best.items()})
    for name in dict.fromkeys(name for item in best.values() for name in item.metrics):
        yield Line(CHECKPOINTS, f"  {name}", {run: Cell(number(item.metrics.get(name))) for run, item in best.items()})
    yield Line(CHECKPOINTS, "  parameters", {run: Cell(count(item.parameters)) for run, item in best.items()},
               differs=_unlike([item.parameters for item in best.values()]))  # fmt: skip
    yield Line(CHECKPOINTS, "  sha256", {run: Cell(item.sha256[:10]) for run, item in best.items()},
               differs=_unlike([item.sha256 for item in best.values()]))  # fmt: skip


def _accuracy(cell: ComparedCell, run: str) -> Cell:
    if run not in cell.accuracy:
        return Cell("-", "faint")
    text = cell.shown(run)
    return Cell(shown(f"{text} best"), "good") if cell.best == run else Cell(text, "strong")


def _difference(pair: Pair | None) -> Cell:
    if pair is None or pair.difference is None:
        return Cell("-", "faint")
    return Cell(difference(pair.difference, pair.ci_low, pair.ci_high), VERDICT_ROLES[pair.verdict])


def _verdict(pair: Pair | None) -> Cell:
    if pair is None:
        return Cell("-", "faint")
    return Cell(" ".join([shown(pair.verdict), *("!" + code for code in pair.beside)]), VERDICT_ROLES[pair.verdict])


def _rank(cell: ComparedCell, run: str) -> Cell:
    """What cannot be told apart shares a rank."""
    ranks = cell.ranks
    if run not in ranks:
        return Cell("-", "faint")
    tied = sum(rank == ranks[run] for rank in ranks.values()) > 1
    return Cell(f"{ranks[run]}{shown(' (tied)') if tied else ''}", "faint")


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
    yield Line(RUN, "state", state, differs=_unlike([cell.text for cell in state.values()]))
    flags = {run: " ".join(marks(row)) for run, row in known.items()}
    if any(flags.values()):
        cells = {run: Cell(text or "-", "warn" if "!" in text else "faint") for run, text in flags.items()}
        yield Line(RUN, "marks", cells, differs=_unlike(list(flags.values())))
    for label, values in texts.items():
        yield Line(
            RUN, label, {run: Cell(text) for run, text in values.items()}, differs=_unlike(list(values.values()))
        )


def note_words(note: str) -> str:
    """What is to be known of a run, which is named first."""
    run, _, words = note.partition(" ")
    return f"{run} {told}" if (told := shown(words)) != words else shown(note)


def _note_line(note: str, runs: Sequence[str]) -> Line:
    """What is to be known of a run before its figures are read; at length where the line is said in words."""
    run, _, words = note.partition(" ")
    run = run.rstrip(":")
    return Line(
        NOTES,
        "note",
        {run: Cell(shown(words), "warn")} if run in runs else {runs[0]: Cell(shown(note), "warn")},
        differs=False,
    )


def _unlike(values: Sequence[object]) -> bool:
    return len(set(values)) > 1


def _setting_line(
    name: str, values: Mapping[str, Any], rows: Mapping[str, RunRow], runs: Sequence[str], base: str
) -> Line:
    def cell(run: str) -> Cell:
        value = values.get(run)
        return Cell(_setting(name, value, rows.get(run)), "" if value == values.get(base) else "accent")

    return Line(DIFFERING, name, {run: cell(run) for run in runs})


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
