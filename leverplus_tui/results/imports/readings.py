"""A reading of somebody else's file for a person to confirm: what was taken for what, what it becomes, what was left out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from engine.figures.reading import Matrix, Reading, TableMeaning
from leverplus_tui.text.numbers import plural
from leverplus_tui.text.output import table


def reading_json(reading: Reading) -> dict[str, Any]:
    """The reading as JSON values; its figures stand under what they become."""
    return {
        "path": str(reading.path), "layout": reading.layout, "sha256": reading.sha256, "guessed": reading.guessed,
        "figures": reading.figures, "answers": len(reading.answers), "trainings": len(reading.runs),
        "tables": [asdict(one) for one in reading.tables], "runs": [_run(one) for one in reading.matrices],
        "left_out": [asdict(one) for one in reading.left_out], "questions": list(reading.questions),
    }  # fmt: skip


def _run(matrix: Matrix) -> dict[str, Any]:
    figures = [{"n": f.n, "shot": f.shot, "accuracy": f.accuracy, "line": f.line} for f in matrix.figures]
    named = ("label", "dataset", "vlm", "sampler", "date", "section", "checkpoint")
    return {name: getattr(matrix, name) for name in named} | {"figures": figures}


def reading_lines(reading: Reading) -> list[str]:
    """The same as text, in the order in which somebody checks it: tables, runs, what was left out, what is open."""
    held = (
        [f"{plural(reading.figures, 'figure')} in {plural(len(reading.matrices), 'run')}"] if reading.matrices else []
    )
    held += [plural(len(reading.answers), "answer")] if reading.answers else []
    held += [plural(len(reading.runs), "training")] if reading.runs else []
    lines = [f"{reading.path}: {reading.layout}, {', '.join(held)}"]
    for meaning in reading.tables:
        lines += [f"  {line}" for line in _table_lines(meaning)]
    if reading.matrices:
        lines += ["  becomes", *(f"    {line}" for line in _matrix_lines(reading.matrices))]
    if reading.left_out:
        lines += ["  left out", *(f"    {_place(one.line)}{one.what}: {one.why}" for one in reading.left_out)]
    if reading.questions:
        lines += ["  not told", *(f"    {question}" for question in reading.questions)]
    return lines


def _place(line: int) -> str:
    return f"line {line}, " if line else ""


def _table_lines(meaning: TableMeaning) -> Iterator[str]:
    sizes = ", ".join(str(n) if n else "not stated" for n in meaning.n)
    shots = ", ".join(map(str, meaning.shots))
    of = [part for part in (meaning.dataset, meaning.vlm, meaning.sampler, meaning.date) if part]
    held = f"{plural(meaning.figures, 'figure')} in {meaning.unit}"
    yield f"table in line {meaning.line}, {meaning.heading or 'without a heading'}: {held}"
    yield f"  questions {sizes}; shots {shots}" + (f"; {'; '.join(of)}" if of else "")
    yield from (f"    {line}" for line in table(("column", "taken for"), meaning.columns).splitlines()[1:])


def _matrix_lines(matrices: Sequence[Matrix]) -> list[str]:
    rows = [
        (
            one.label[:40],
            one.dataset or "?",
            one.vlm or "?",
            one.sampler or "?",
            one.date or "?",
            str(len(one.figures)),
            _lines_of(one),
        )
        for one in matrices
    ]
    return table(("run", "data", "model", "sampler", "date", "figures", "lines"), rows, right=(5,)).splitlines()


def _lines_of(matrix: Matrix) -> str:
    lines = sorted({figure.line for figure in matrix.figures})
    return f"{lines[0]}-{lines[-1]}" if len(lines) > 1 else f"{lines[0]}" if lines else ""
