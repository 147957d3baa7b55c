"""The line of a comparison under the cursor in words, with its intervals drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual.content import Content

from engine.statistics.intervals import p_phrase
from leverplus_tui.text.language import finding_words, shown
from leverplus_tui.text.numbers import count, difference, plural
from leverplus_tui.text.shots import shots_words
from leverplus_tui.text.states import VERDICT_ROLES
from leverplus_tui.text.words import clean
from leverplus_tui.tui.screens.comparing.lines import NAMED, Line
from leverplus_tui.tui.screens.run.info import Part
from leverplus_tui.tui.theme import COLOURS
from leverplus_tui.tui.widgets.charts.whisker import whisker
from leverplus_tui.tui.widgets.table import Cell

if TYPE_CHECKING:
    from leverplus_tui.results.comparison import ComparedCell, Comparison, Pair


def head(parts: Sequence[str], notes: Sequence[str], width: int) -> list[str]:
    """The lines above a comparison, none longer than `width`: what does not fit whole is counted, for it stands below."""
    lines = [""]
    for part in parts:
        joined = f"{lines[-1]}   {part}" if lines[-1] else part
        lines[-1:] = [joined] if cell_len(joined) <= width else [lines[-1], part]
    together, counted = "   ".join(notes), shown(f"{plural(len(notes), 'note')}, under `notes` below")
    for told in (together, counted) if notes else ():
        if cell_len(f"{lines[-1]}   {told}") <= width:
            return [*lines[:-1], f"{lines[-1]}   {told}"]
        if told == together and cell_len(told) <= width:
            return [*lines, told]
    return [*lines, counted] if notes else lines


def said(found: Comparison, line: Line, base: str, width: int) -> Content:
    """What a line says, at length; intervals of differences in `width` cells."""
    if line.figure is None:
        return Content.assemble(*_values(line))
    parts: list[Part] = []
    for _, drawn, pair in whiskers(line.figure, base, [run.id for run in found.runs], width):
        colour = COLOURS[VERDICT_ROLES[pair.verdict]]
        parts += [(sentence(line.figure, pair), colour), "\n"]
        if drawn:
            parts += [(shown("  worse "), "$faint"), (drawn, colour), (shown(" better"), "$faint"), "\n"]
        parts += [part for text in beside(found, pair) for part in (("  " + text, COLOURS["warn"]), "\n")]
    return Content.assemble(*parts)


def _values(line: Line) -> list[Part]:
    """Values in full, where the table had to shorten them."""
    parts: list[Part] = [(label_of(line).strip(), "bold"), "\n"]
    for run, cell in line.cells.items():
        parts += [(f"{run} ", "$accent"), cell.text, "\n"]
    return parts if line.cells else [(shown("enter folds and unfolds this group"), "$faint")]


def label_of(line: Line) -> str:
    """What a line is called; settings and metrics by their own names."""
    return shown(line.label) if line.heading or line.group not in NAMED else line.label


def line_row(line: Line) -> dict[str, Cell | str]:
    """A line as a row of the table."""
    label = Cell(label_of(line), "info" if line.heading else "faint" if line.label.startswith("  ") else "")
    return {"label": label, **line.cells}


def sentence(cell: ComparedCell, pair: Pair) -> str:
    """The verdict as a researcher would say it, with all its numbers."""
    where = shown(f"{shots_words(cell.shot)} on {clean(cell.subset)}")
    if pair.verdict == "not comparable" or pair.difference is None:
        return shown(f"{pair.b} and {pair.a} at {where}: not comparable, {shown(pair.reason or 'nothing to pair')}")
    numbers = shown(f"{difference(pair.difference, pair.ci_low, pair.ci_high)} points")
    holm = ", " + shown(f"{p_phrase(pair.p_holm)} after Holm") if pair.p_holm is not None else ""
    counted = shown(f"{plural(pair.improved, 'question')} better and {pair.worsened} worse of {count(pair.n_paired)}")
    verdict = {
        "better": shown(f"{pair.b} is better than {pair.a}"),
        "worse": shown(f"{pair.b} is worse than {pair.a}"),
    }.get(pair.verdict, shown(f"{pair.b} and {pair.a} are not distinguishable from noise"))
    if pair.reason:
        counted = shown(pair.reason)
    return shown(f"{verdict} at {where}: {numbers}{holm}; {counted}{_power(pair)}")


def _power(pair: Pair) -> str:
    """What the comparison could have shown, where it showed nothing."""
    if pair.verdict != "not distinguishable" or pair.visible_from is None:
        return ""
    told = shown(f"; {pair.visible_from:.1f} points would have shown in 4 of 5 cases")
    needed = pair.questions_needed
    return told if needed is None else shown(f"{told}, these need {plural(needed, 'question')}")


def beside(found: Comparison, pair: Pair) -> list[str]:
    """What stands beside the verdict on two runs, whichever of them is the baseline."""
    subjects = {f"{pair.a} against {pair.b}", f"{pair.b} against {pair.a}"}
    told = [
        f for findings in found.findings.values() for f in findings if f.subject in subjects and f.code in pair.beside
    ]
    chosen = [f for f in found.findings.get(pair.b, ()) if f.code == "chosen-on-test" and f.subject == pair.b]
    return [f"{finding.code}: {clean(finding_words(finding))}" for finding in (*told, *chosen)]


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
