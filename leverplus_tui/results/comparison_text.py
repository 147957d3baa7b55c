"""A comparison as text: for the terminal, as Markdown, as CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from typing import Any

from engine.statistics.intervals import p_text
from leverplus_tui.results.comparison import ComparedCell, Comparison, Pair
from leverplus_tui.results.pairs.copying import HEADERS, line
from leverplus_tui.text.numbers import accuracy, number, plural, signed, signed_interval
from leverplus_tui.text.output import finding_lines, markdown_table, table
from leverplus_tui.text.shots import known_shots, shots_text

TableMaker = Callable[[Sequence[str], Sequence[Sequence[str]], Sequence[int]], str]
LONGEST_VALUE = 40


def plain_text(found: Comparison) -> str:
    """Aligned tables."""
    heads = [f"{run.id}  {run.name} ({run.kind}, {run.state}){'  FORCED' if run.forced else ''}" for run in found.runs]
    parts = ["\n".join(heads), accuracies(found, table), *best_lines(found), by_seed(found, table)]
    parts += [] if found.groups or found.best else [differences(found, table)]
    parts += [f"learning or copying, % (n)\n{copied(found, table)}"] if found.copying else []
    parts += [f"training, last values\n{metrics(found, table)}"] if found.metrics else []
    diff = fields(found, table)
    parts.append(f"set differently\n{diff}" if diff else "specifications are equal")
    if found.notes:
        parts.append("\n".join(f"- {note}" for note in found.notes))
    parts.append(
        f"findings\n{_findings(found)}" if any(found.findings.values()) else "nothing is wrong with these runs"
    )
    return "\n\n".join(part for part in parts if part)


def markdown(found: Comparison) -> str:
    """Headings and tables."""
    runs = markdown_table(("run", "name", "kind", "state"), [(r.id, r.name, r.kind, r.state) for r in found.runs])
    parts = [
        "## Comparison",
        runs,
        accuracies(found, markdown_table),
        *best_lines(found),
        by_seed(found, markdown_table),
    ]
    parts += [differences(found, markdown_table)]
    parts += [f"### Learning or copying, % (n)\n\n{copied(found, markdown_table)}"] if found.copying else []
    parts += [f"### Training, last values\n\n{metrics(found, markdown_table)}"] if found.metrics else []
    diff = fields(found, markdown_table)
    parts.append(f"### Set differently\n\n{diff}" if diff else "The specifications are equal.")
    if found.notes:
        parts.append("\n".join(f"- {note}" for note in found.notes))
    if any(found.findings.values()):
        points = [
            f"- {run} {finding.severity} {finding.code}: {finding.message} {finding.fix}".rstrip()
            for run, findings in found.findings.items()
            for finding in findings
        ]
        parts.append("### Findings\n\n" + "\n".join(points))
    return "\n\n".join(part for part in parts if part)


def csv_text(found: Comparison) -> str:
    """One line per accuracy and one per pair; `forced` names the runs of a line that were forced past preflight."""
    out = io.StringIO()
    names = [
        "subset", "n", "shot", "a", "b", "accuracy_a", "accuracy_b", "difference", "ci_low", "ci_high", "p", "p_holm",
        "n_paired", "improved", "worsened", "visible_from", "questions_needed", "verdict", "reason", "n_a", "n_b",
        "findings", "forced",
    ]  # fmt: skip
    writer = csv.DictWriter(out, names, lineterminator="\n", extrasaction="ignore")  # p_bh is for who asked for it
    writer.writeheader()
    for cell in found.cells:
        for pair in cell.pairs or [Pair(run, "", "not comparable", "only this run has it") for run in cell.accuracy]:
            forced = [run.id for run in found.runs if run.forced and run.id in (pair.a, pair.b)]
            writer.writerow(_csv_line(cell, pair) | {"forced": " ".join(forced)})
    return out.getvalue().rstrip("\n")


def accuracies(found: Comparison, make: TableMaker) -> str:
    """Rows are question sets and shots, columns are runs; the best is marked only where it is beyond noise."""
    if not found.cells:
        return "" if found.metrics else "no accuracies to compare"
    headers = ["questions", "shots", "n", *(run.id for run in found.runs)]
    lines = []
    for cell in found.cells:
        figures = [_figure(cell, run.id) for run in found.runs]
        lines.append([cell.subset, shots_text(cell.shot), cell.size_text, *figures])
    return make(headers, lines, range(1, len(headers)))


def differences(found: Comparison, make: TableMaker) -> str:
    """One line per pair: difference in points, interval, p values, counts, verdict in words."""
    headers = (
        "questions",
        "shots",
        "pair",
        "difference",
        "95 % interval",
        "p",
        "p (BH)" if any(pair.p_bh is not None for cell in found.cells for pair in cell.pairs) else "p (Holm)",
        "n",
        "better",
        "worse",
        "visible from",
        "verdict",
    )
    lines = [_pair_line(cell, pair) for cell in found.cells for pair in cell.pairs]
    if not lines:
        return ""
    return make(headers, lines, (1, 3, 5, 6, 7, 8, 9, 10))


def best_lines(found: Comparison) -> list[str]:
    """Whether anything is better than the best of the others, its ranking, and what is to be known beside it."""
    parts = []
    for best in found.best:
        ranking = ", ".join(f"{rank}. {run} {accuracy(best.accuracy[run])}" for run, rank in best.ranks.items())
        remarks = [f"  - {remark}" for remark in best.remarks()]
        parts.append("\n".join([best.sentence(), f"  ranks, ties share one: {ranking}", *remarks]))
    relabelled = "\n".join(
        f"- {line}" for line in dict.fromkeys(line for best in found.best for line in best.relabelled())
    )
    return [*parts, relabelled] if relabelled else parts


def by_seed(found: Comparison, make: TableMaker) -> str:
    """Recipes with several runs: the mean over their seeds, what more questions and what more runs would mend."""
    if not found.groups:
        return ""
    headers = ("shots", "runs", "mean %, 95 % interval", "error by questions", "error by runs", "n")
    lines = [
        [
            str(cell.shot),
            name,
            accuracy(one.mean, one.low, one.high),
            number(one.question_se),
            number(one.run_se),
            str(one.n),
        ]
        for cell in found.groups
        for name, one in cell.accuracy.items()
    ]
    pairs = [
        [str(cell.shot), f"{pair.b} - {pair.a}", signed(pair.found.mean), signed_interval(pair.found.low, pair.found.high),
         _p(pair.found.p), _p(pair.p_holm), str(pair.found.n), pair.verdict]
        for cell in found.groups
        for pair in cell.pairs
    ]  # fmt: skip
    apart = ("shots", "pair", "difference", "95 % interval", "p", "p (Holm)", "n", "verdict")
    tables = [make(headers, lines, (0, 3, 4, 5))] + ([make(apart, pairs, (0, 2, 4, 5, 6))] if pairs else [])
    return "runs that differ by their seed alone\n\n" + "\n\n".join(tables)


def _findings(found: Comparison) -> str:
    """Each finding below the run that it is about."""
    lines = [(run, line) for run, findings in found.findings.items() for line in finding_lines(findings)]
    return "\n".join(f"{run}  {line}" for run, line in lines)


def copied(found: Comparison, make: TableMaker) -> str:
    """How the answers of each run relate to those that its demonstrations showed."""
    return make(("run", *HEADERS), [[row.run, *line(row)] for row in found.copying], (2, 3))


def fields(found: Comparison, make: TableMaker) -> str:
    """What is not the same in all runs."""
    headers = ["field", *(run.id for run in found.runs)]
    lines = [[row.field, *(_value(row.values.get(run.id)) for run in found.runs)] for row in found.spec_diff]
    return make(headers, lines, ()) if lines else ""


def metrics(found: Comparison, make: TableMaker) -> str:
    """The last value of each training metric."""
    headers = ["metric", *(run.id for run in found.runs)]
    lines = [[row.field, *(number(row.values.get(run.id)) for run in found.runs)] for row in found.metrics]
    return make(headers, lines, range(1, len(headers)))


def _figure(cell: ComparedCell, run: str) -> str:
    if run not in cell.accuracy:
        return "-"
    return ("*" if cell.best == run else "") + cell.shown(run)


def _pair_line(cell: ComparedCell, pair: Pair) -> list[str]:
    head = [cell.subset, shots_text(cell.shot), f"{pair.b} - {pair.a}"]
    if pair.difference is None:
        return [*head, "", "", "", "", str(pair.n_paired or ""), "", "", "", f"{pair.verdict}: {pair.reason}"]
    return [
        *head, signed(pair.difference), signed_interval(pair.ci_low, pair.ci_high), _p(pair.p),
        _p(pair.p_holm if pair.p_bh is None else pair.p_bh), str(pair.n_paired), str(pair.improved), str(pair.worsened),
        number(pair.visible_from), _said(pair),
    ]  # fmt: skip


def _said(pair: Pair) -> str:
    """The verdict, what stands beside it, and how many questions would show a difference that was not seen."""
    parts = [pair.verdict, *([pair.reason] if pair.reason else []), *pair.beside]
    if pair.verdict == "not distinguishable" and pair.questions_needed is not None:
        parts.append(f"{plural(pair.questions_needed, 'question')} would show it")
    return ", ".join(parts)


def _csv_line(cell: ComparedCell, pair: Pair) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    for side, run in (("a", pair.a), ("b", pair.b)):
        if run:
            figures |= {f"accuracy_{side}": accuracy(cell.accuracy.get(run)), f"n_{side}": cell.sizes.get(run)}
    values = {name: value for name, value in pair.as_json().items() if value is not None}
    values["findings"] = " ".join(pair.beside)
    return {"subset": cell.subset, "n": cell.one_size, "shot": known_shots(cell.shot), **figures, **values}


def _p(value: float | None) -> str:
    return "" if value is None else p_text(value)


def _value(value: Any) -> str:
    text = value if isinstance(value, str) else "-" if value is None else json.dumps(value)
    flat = " ".join(text.split())
    return flat if len(flat) <= LONGEST_VALUE else f"{flat[: LONGEST_VALUE - 1]}…"
