"""Reads what other programs wrote: published accuracy matrices, upstream's metrics files, prediction lists."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from db.specs.base import UserError
from engine.common.findings import Cut, Unrecognised
from engine.common.gate import MOST_JSON, parse_json, read_bytes
from engine.figures.fields import BadValue, accuracy, dataset_name, shown, text, whole
from engine.figures.units import Printed, percent_factor

FULL_SIZE = {"OKVQA": 5046, "VQAv2": 214_354}
METRICS_KEY = re.compile(r"^(?P<date>.*?)-?test_data_num=(?P<n>-?\d{1,15})-(?P<label>.+)$")
SHOT_KEY = re.compile(r"^shot_num[=_](\d{1,3})$")


@dataclass(frozen=True, slots=True)
class Figure:
    """One printed accuracy in percent over the first `n` questions (0: not stated) at `shot` demonstrations."""

    n: int
    shot: int
    accuracy: float


@dataclass(frozen=True, slots=True)
class Matrix:
    """A published accuracy matrix and what it was labelled with."""

    source: str
    label: str
    dataset: str
    vlm: str = ""
    date: str = ""
    sampler: str = ""
    split: str = "val"
    section: str = ""
    checkpoint: str = ""
    note: str = ""
    path: str = ""
    """File that it was read from."""
    states_dataset: bool = False
    """The file itself says of which data set its figures are, and not its name."""
    whole: bool = False
    """The figures are over the whole split, however large that is."""
    figures: tuple[Figure, ...] = ()

    @property
    def subject(self) -> str:
        """Where to find it: source, label, sampler and date."""
        return " / ".join(part for part in (self.source, self.label, self.sampler, self.date) if part)


@dataclass(frozen=True, slots=True)
class ImportedAnswer:
    """One stored answer of another program; `references` is empty where the file has none."""

    question_id: int
    raw: str
    references: tuple[str, ...] = ()
    image_id: int = 0
    question: str = ""


@dataclass(frozen=True, slots=True)
class ResultFile:
    """What a result file holds: matrices, or single answers (with their shot count where the name tells it)."""

    path: Path
    matrices: tuple[Matrix, ...] = ()
    answers: tuple[ImportedAnswer, ...] = ()
    shot: int | None = None
    problems: tuple[str, ...] = field(default=())


def read_result_file(path: Path, *, dataset: str = "", vlm: str = "") -> ResultFile:
    """Read one result file of any known shape. `dataset` and `vlm` are what its figures are of, where somebody says so.

    Raises UserError naming file and reason when it is of no known shape, or says another data set or model.
    """
    content = _load(path)
    try:
        matrices, answers = _matrices(path, content), _answers(content)
        matrices = _in_percent([_labelled(one, path, dataset, vlm) for one in matrices])
    except BadValue as error:
        raise UserError(f"{path}: {error}; repair the value or remove its row") from None
    if matrices:
        return ResultFile(path, matrices=matrices)
    if answers:
        found = re.search(r"shot_num[=:_](\d{1,3})(?!\d)", path.name)
        return ResultFile(path, answers=answers, shot=int(found[1]) if found else None)
    raise Unrecognised(
        f"{path}: {_shape(content)} is none of the kinds that can be read; give accuracy matrices, a metrics file "
        "(test_data_num=..., shot_num=...) or a list of predictions ({question_id, answer})"
    )


def _shape(content: Any) -> str:
    """What a JSON value is, in words."""
    if isinstance(content, dict):
        keys = ", ".join(text(key)[:30] for key in list(content)[:5])
        more = ", ..." if len(content) > 5 else ""
        return f"a JSON object with the keys {keys}{more}" if keys else "an empty JSON object"
    if isinstance(content, list):
        return f"a JSON list of {len(content):,}, the first {_shape(content[0])}," if content else "an empty JSON list"
    return f"the JSON value {shown(content)}"


def _load(path: Path) -> Any:
    content = read_bytes(path, MOST_JSON)
    try:
        return parse_json(content)
    except json.JSONDecodeError as error:
        if error.pos >= len(error.doc.rstrip()) or error.msg.startswith("Unterminated"):
            raise Cut(f"{path} is cut at line {error.lineno} ({len(error.doc):,} characters); copy it again") from None
        if error.msg == "Extra data":
            what = f"more text follows the first JSON value at line {error.lineno}, as in JSON lines"
            raise UserError(f"{path}: {what}; join the lines into one list") from None
        raise UserError(f"{path} is not JSON ({error}); give a JSON result file") from None
    except ValueError as error:
        raise UserError(f"{path} is not JSON ({text(error)[:80]}); give a JSON result file") from None


def _matrices(path: Path, content: Any) -> tuple[Matrix, ...]:
    if isinstance(content, list) and content and all(isinstance(e, dict) and "rows" in e for e in content):
        return tuple(_published(path, f"entry {i}", entry) for i, entry in enumerate(content))
    if isinstance(content, dict):
        if any(SHOT_KEY.match(str(key)) for key in content):
            return (_baseline(path, content),)
        return tuple(
            _metrics(path, match, value)
            for key, value in content.items()
            if (match := METRICS_KEY.match(str(key))) and isinstance(value, dict)
        )
    return ()


def _labelled(matrix: Matrix, path: Path, dataset: str, vlm: str) -> Matrix:
    """With what was said of the file; what stands in its name only is no more than a guess."""
    named = dataset_name(Path(dataset).name) if dataset else ""
    for told, given, what in (
        (matrix.dataset if matrix.states_dataset else "", named, "data set"),
        (matrix.vlm, vlm, "model"),
    ):
        if told and given and told != given:
            raise BadValue(f"{matrix.label} is of the {what} {told}, not of {given}")
    known = named or matrix.dataset
    full = FULL_SIZE.get(known, 0) if matrix.whole else None
    figures = matrix.figures if full is None else tuple(replace(figure, n=full) for figure in matrix.figures)
    return replace(matrix, dataset=known, vlm=vlm or matrix.vlm, path=str(path.absolute()), figures=figures)


def _in_percent(matrices: Sequence[Matrix]) -> tuple[Matrix, ...]:
    """The figures of a file in its one unit, as percent."""
    printed = [
        Printed(f"{one.label}, n={figure.n or '?'}, shot_num={figure.shot}", figure.accuracy, figure.n, one.dataset)
        for one in matrices
        for figure in one.figures
    ]
    factor = percent_factor(printed)
    if factor == 1:
        return tuple(matrices)
    return tuple(
        replace(one, figures=tuple(Figure(f.n, f.shot, round(factor * f.accuracy, 4)) for f in one.figures))
        for one in matrices
    )


def _published(path: Path, place: str, entry: Mapping[str, Any]) -> Matrix:
    rows = entry["rows"]
    if not isinstance(rows, list):
        raise BadValue(f"{place}: rows is {shown(rows)}, not a list")
    told = {k: text(entry.get(k) or "") for k in ("model", "date", "sampler", "split", "section", "checkpoint", "note")}
    return Matrix(
        source=text(entry.get("source_file", path.name)), label=text(entry.get("method", place)),
        dataset=dataset_name(entry.get("dataset", "")), vlm=told["model"], date=told["date"], sampler=told["sampler"],
        split=told["split"] or "val", states_dataset=bool(entry.get("dataset")),
        section=told["section"], checkpoint=told["checkpoint"], note=told["note"],
        figures=tuple(_row(f"{place}, row {i}", row) for i, row in enumerate(rows)),
    )  # fmt: skip


def _row(place: str, row: Any) -> Figure:
    if not isinstance(row, dict) or not row.keys() >= {"n", "shot", "accuracy"}:
        raise BadValue(f"{place} is {shown(row)}, but a row needs n, shot and accuracy")
    n, shot = (whole(row[name], f"{place}: {name}") for name in ("n", "shot"))
    return Figure(n, shot, accuracy(row["accuracy"], f"{place}: accuracy"))


def _metrics(path: Path, match: re.Match[str], shots: Mapping[str, Any]) -> Matrix:
    n = 0 if match["n"] == "-1" else whole(match["n"], "test_data_num")
    label, date = text(match["label"]), text(match["date"])
    figures = _figures(match.string, n, shots)
    return Matrix(path.name, label, _dataset_in(path), date=date, whole=match["n"] == "-1", figures=figures)


def _baseline(path: Path, shots: Mapping[str, Any]) -> Matrix:
    return Matrix(path.name, path.stem, _dataset_in(path), whole=True, figures=_figures("", 0, shots))


def _figures(place: str, n: int, shots: Mapping[str, Any]) -> tuple[Figure, ...]:
    figures = []
    for key, value in shots.items():
        if match := SHOT_KEY.match(key):
            figures.append(Figure(n, int(match[1]), accuracy(value, f"{text(place)}: {key}" if place else key)))
    return tuple(figures)


def _dataset_in(path: Path) -> str:
    text = str(path).lower()
    return "VQAv2" if "vqav2" in text else "OKVQA" if "okvqa" in text or "ok_vqa" in text else ""


def _answers(content: Any) -> tuple[ImportedAnswer, ...]:
    rows: Sequence[Any] = content if isinstance(content, list) else []
    if isinstance(content, dict):
        rows = [row for row in content.values() if isinstance(row, dict)]
    if not rows or not all(isinstance(row, dict) and "question_id" in row for row in rows):
        return ()
    return tuple(_answer(f"row {index}", row) for index, row in enumerate(rows))


def _answer(place: str, row: Mapping[str, Any]) -> ImportedAnswer:
    raw = next((row[key] for key in ("prediction", "output", "answer") if isinstance(row.get(key), str)), None)
    if raw is None:
        raise BadValue(f"{place} has no text under prediction, output or answer")
    return ImportedAnswer(
        question_id=whole(row["question_id"], f"{place}: question_id"),
        raw=text(raw),
        references=_references(place, row.get("answers") or []),
        image_id=whole(row.get("image_id") or 0, f"{place}: image_id"),
        question=text(row.get("question")),
    )


def _references(place: str, answers: Any) -> tuple[str, ...]:
    """Reference answers, given as texts or as objects with `answer`."""
    given = answers if isinstance(answers, list) else [answers]
    found = [one.get("answer") if isinstance(one, dict) else one for one in given]
    odd = next((i for i, one in enumerate(found) if not isinstance(one, str | int | float)), None)
    if odd is not None:
        raise BadValue(f"{place}: answers[{odd}] is {shown(given[odd])}, neither a text nor an object with answer")
    return tuple(text(one) for one in found)
