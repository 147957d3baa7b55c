"""VLMEvalKit: one table of answers for each model and data set (xlsx, tsv, csv or json), and its table of accuracies."""

from __future__ import annotations

import ast
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from db.specs.base import UserError
from engine.common.files.gate import MEBIBYTE, NotReadable
from engine.figures.fields import BadValue, accuracy, text, whole
from engine.figures.predictions import Numbered
from engine.figures.reading import Figure, ImportedAnswer, Matrix, Reading
from engine.figures.source import Source
from engine.figures.tables.delimited import rows_of
from engine.figures.tables.words import dataset_in

COLUMNS = {"index", "prediction"}
MOST_UNPACKED = 256 * MEBIBYTE
SCORES = re.compile(r"(?P<model>.+)_(?P<data>[^_]+)_acc")
NAMED = re.compile(r"(?P<model>.+)_(?P<data>[^_]+)")


INSTALL = 'pip install "leverplus[import]"'


class ExtraMissing(UserError):
    """A library of an extra is not installed."""

    code = "missing-extra"


def is_workbook(source: Source) -> bool:
    """An Excel file, whatever it holds."""
    return source.suffix in (".xlsx", ".xlsm") and source.head[:2] == b"PK"


def read_workbook(source: Source) -> Reading:
    """The first sheet of an Excel file with VLMEvalKit's columns."""
    rows = list(_sheet(source.path))
    if not rows or not rows[0][1].keys() >= COLUMNS:
        columns = ", ".join(map(str, list(rows[0][1])[:6])) if rows else "none"
        raise BadValue(
            f"an Excel file whose first sheet has the columns {columns}; VLMEvalKit's has index and prediction"
        )
    return _answers(source, rows)


def _sheet(path: Path) -> Iterator[Numbered]:
    try:
        # an extra that reports and figures do not need
        from openpyxl import load_workbook
    except ImportError:
        raise ExtraMissing(
            f'{path}: Excel files are read by openpyxl, which is not here; pip install "leverplus[import]"'
        ) from None
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(part.file_size for part in archive.infolist())
        if unpacked > MOST_UNPACKED:
            raise NotReadable(
                f"{path} unpacks to {unpacked:,} bytes, more than the {MOST_UNPACKED:,} that are read; cut it"
            )
        book = load_workbook(path, read_only=True, data_only=True)
        rows = book.worksheets[0].iter_rows(values_only=True)
        header = [text(cell) for cell in next(rows, ())]
        for at, row in enumerate(rows, start=2):
            if any(cell is not None for cell in row):
                yield at, dict(zip(header, row, strict=False))
    except UserError:
        raise
    except Exception as error:  # whatever a broken archive or sheet makes openpyxl raise
        raise NotReadable(f"{path} is no Excel file that can be read ({text(error)[:80]}); save it again") from None


def is_table(source: Source) -> bool:
    """TSV, CSV or JSON with VLMEvalKit's columns."""
    rows = _rows(source)
    return bool(rows) and rows[0][1].keys() >= COLUMNS and "question_id" not in rows[0][1]


def read_table(source: Source) -> Reading:
    """Its answers."""
    return _answers(source, _rows(source))


def _rows(source: Source) -> Sequence[Numbered]:
    if source.suffix in (".csv", ".tsv"):
        return rows_of(source)
    content = source.json
    if isinstance(content, list) and content and all(isinstance(row, dict) for row in content):
        return list(enumerate(content))
    return []


def _answers(source: Source, rows: Sequence[Numbered]) -> Reading:
    named = NAMED.fullmatch(source.path.stem)
    dataset = dataset_in(source.path.stem) or (named["data"] if named else "")
    answers = tuple(_answer(f"row {at}", row) for at, row in rows)
    return Reading(source.path, answers=answers, dataset=dataset, vlm=named["model"] if named else "")


def _answer(place: str, row: Mapping[str, Any]) -> ImportedAnswer:
    """Its benchmarks are asked without demonstrations. `index` is a row of its own data files, and no number of the data set."""
    hit = row.get("hit")
    return ImportedAnswer(
        question_id=whole(row["index"], f"{place}: index"), raw=text(row.get("prediction")), question=text(row.get("question")),
        references=_references(row.get("answer")), shot=0,
        scored=float(hit) if isinstance(hit, int | float) and 0 <= hit <= 1 else None,
    )  # fmt: skip


def _references(value: Any) -> tuple[str, ...]:
    """A list, which tables hold as the text of one, or a single answer."""
    if isinstance(value, str) and value.startswith("[") and len(value) < 10_000:
        try:
            value = ast.literal_eval(value)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return (text(value),)
    given = value if isinstance(value, list) else [value]
    return tuple(text(one) for one in given if one is not None and text(one))


def is_scores(source: Source) -> bool:
    """The accuracies that VLMEvalKit writes beside its answers."""
    if source.suffix != ".csv" or not SCORES.fullmatch(source.path.stem):
        return False
    rows = rows_of(source)
    return bool(rows) and "Overall" in rows[0][1]


def read_scores(source: Source) -> Reading:
    """The overall accuracy of each split; how many questions there were is not in the file."""
    named = SCORES.fullmatch(source.path.stem)
    assert named is not None, "recognised by its name"
    data, model = dataset_in(named["data"]) or named["data"], named["model"]
    matrices = []
    for at, row in rows_of(source):
        split = text(row.get("split") or "")
        figure = Figure(0, 0, accuracy(row["Overall"], f"line {at}: Overall"), at)
        label = f"{model} {split}".strip()
        matrices.append(
            Matrix(
                source.path.name, label, data, vlm=model, split=split or "val", states_dataset=True, figures=(figure,)
            )
        )
    questions = ("over how many questions the figures are: stored as size not stated",)
    return Reading(source.path, matrices=tuple(matrices), questions=questions)
