"""The figures of a report for papers: LaTeX tables for booktabs, and CSV with one line for each figure and difference."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence

from engine.common.wording import printable
from engine.statistics.intervals import p_text
from leverplus_tui.report.gather import Gathered
from leverplus_tui.results.pairs.paired_rows import ComparedCell, Pair
from leverplus_tui.text.catalogue import Catalogue
from leverplus_tui.text.numbers import count, signed, signed_interval
from leverplus_tui.text.shots import known_shots, shots_text

SPECIAL = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}",
    "±": r"$\pm$", "−": "$-$", "–": "--", "×": r"$\times$", "≤": r"$\le$", "≥": r"$\ge$", "→": r"$\rightarrow$",
    '"': r"\textquotedbl{}",
}  # fmt: skip
NUMBER = re.compile(r"(?<![\w.])-(?=[\d.])")
COLUMNS = (
    "what", "questions", "shots", "n", "run", "name", "accuracy", "ci_low", "ci_high", "against", "against_name", "difference",
    "p", "p_holm", "improved", "worsened", "visible_from", "verdict", "reason", "findings",
)  # fmt: skip


def latex_text(text: str) -> str:
    """A text as LaTeX prints it: no character of a name is a command."""
    return "".join(SPECIAL.get(character, character) for character in printable(text))


def to_latex(found: Gathered, say: Catalogue) -> str:
    """Two tables: accuracies with runs as lines, and differences with verdicts. Needs the package booktabs."""
    parts = [r"% \usepackage{booktabs,textcomp}", *([r"% \usepackage{ctex}"] if say.language == "zh" else [])]
    parts += ["", *_accuracies(found, say), "", *_differences(found, say)]
    return "\n".join(parts).rstrip("\n") + "\n"


def _accuracies(found: Gathered, say: Catalogue) -> Iterator[str]:
    cells = found.comparison.cells
    if not cells:
        return
    sets = list(dict.fromkeys((cell.subset, cell.size_text) for cell in cells))
    groups = [[cell for cell in cells if (cell.subset, cell.size_text) == one] for one in sets]
    heads = [
        rf"\multicolumn{{{len(group)}}}{{c}}{{{latex_text(say.said(subset))} ($n={latex_text(say.said(size))}$)}}"
        for (subset, size), group in zip(sets, groups, strict=True)
    ]
    ends = [sum(len(group) for group in groups[: place + 1]) + 1 for place in range(len(groups))]
    rules = [rf"\cmidrule(lr){{{end - len(group) + 1}-{end}}}" for end, group in zip(ends, groups, strict=True)]
    shots = [shots_text(cell.shot) for group in groups for cell in group]
    yield from _begun("l" + "r" * len(shots))
    yield _row(["", *heads])
    yield "".join(rules)
    yield _row([latex_text(say("accuracy.shots")), *shots])
    yield r"\midrule"
    for run in found.comparison.runs:
        figures = [_figure(cell, run.id) for group in groups for cell in group]
        yield _row([latex_text(found.names[run.id]), *figures])
    yield from _ended(say("accuracy.how").replace("*", ""), "accuracy")


def _figure(cell: ComparedCell, run: str) -> str:
    if run not in cell.accuracy:
        return "--"
    figure, _, interval = cell.shown(run).partition(" ")
    bold = rf"\textbf{{{figure}}}*" if cell.best == run else figure
    return rf"{bold} {{\scriptsize {latex_text(interval)}}}" if interval else bold


def _differences(found: Gathered, say: Catalogue) -> Iterator[str]:
    rows = [(cell, pair) for cell in found.comparison.cells for pair in cell.pairs if pair.difference is not None]
    if not rows:
        return
    heads = say.columns("pairs.columns")
    yield from _begun("lrlrlrrl")
    yield _row([latex_text(one) for one in (say("accuracy.questions"), say("accuracy.shots"), heads[1], heads[3], "", heads[5],
                                            heads[7], heads[2])])  # fmt: skip
    yield r"\midrule"
    for cell, pair in rows:
        told = say("pairs.minus", a=found.names[pair.a], b=found.names[pair.b])
        yield _row([
            latex_text(say.said(cell.subset)), shots_text(cell.shot), latex_text(told), _signed(signed(pair.difference)),
            _signed(signed_interval(pair.ci_low, pair.ci_high)), latex_text("" if pair.p_holm is None else p_text(pair.p_holm)),
            count(pair.n_paired).replace(" ", r"\,"), latex_text(say.word(pair.verdict)),
        ])  # fmt: skip
    yield from _ended(say("pairs.how"), "differences")


def _signed(text: str) -> str:
    return latex_text(NUMBER.sub("−", text))


def _begun(columns: str) -> Iterator[str]:
    yield from (r"\begin{table}", r"\centering", rf"\begin{{tabular}}{{{columns}}}", r"\toprule")


def _ended(caption: str, label: str) -> Iterator[str]:
    text = latex_text(caption.replace("`", ""))
    yield from (r"\bottomrule", r"\end{tabular}", rf"\caption{{{text}}}", rf"\label{{tab:{label}}}", r"\end{table}")


def _row(cells: Sequence[str]) -> str:
    line = " & ".join(cells)
    return (
        ("{}" if line.startswith(("[", "*")) else "") + line + r" \\"
    )  # after a line's end these would be its options


def to_csv(found: Gathered) -> str:
    """Lines `accuracy` and `difference` of one table; numbers as they are stored, in percent and points."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for cell in found.comparison.cells:
        place = {"questions": cell.subset, "shots": known_shots(cell.shot)}
        for run, value in cell.accuracy.items():
            low, high = cell.interval.get(run, (None, None))
            figure = {"accuracy": value, "ci_low": low, "ci_high": high, "n": cell.sizes.get(run) or None}
            writer.writerow(place | {"what": "accuracy", "run": run, "name": found.names[run]} | _rounded(figure))
        for pair in cell.pairs:
            writer.writerow(place | {"what": "difference"} | _pair(pair, found))
    return out.getvalue()


def _pair(pair: Pair, found: Gathered) -> dict[str, object]:
    names = found.names
    figures: dict[str, float | int | None] = {
        "n": pair.n_paired, "difference": pair.difference, "ci_low": pair.ci_low, "ci_high": pair.ci_high, "p": pair.p,
        "p_holm": pair.p_holm, "improved": pair.improved, "worsened": pair.worsened, "visible_from": pair.visible_from,
    }  # fmt: skip
    return {
        "run": pair.b, "name": names[pair.b], "against": pair.a, "against_name": names[pair.a], "verdict": pair.verdict,
        "reason": pair.reason, "findings": " ".join(pair.beside),
    } | _rounded(figures)  # fmt: skip


def _rounded(values: dict[str, float | int | None]) -> dict[str, object]:
    return {name: float(f"{value:.8g}") if isinstance(value, float) else value for name, value in values.items()}
