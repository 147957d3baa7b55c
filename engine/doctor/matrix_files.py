"""Reads what other programs wrote: published accuracy matrices, upstream's metrics files, prediction lists."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from db.specs.base import UserError

FULL_SIZE = {"OKVQA": 5046, "VQAv2": 214_354}
METRICS_KEY = re.compile(r"^(?P<date>.*?)-?test_data_num=(?P<n>-?\d+)-(?P<label>.+)$")
SHOT_KEY = re.compile(r"^shot_num[=_](\d+)$")


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


def read_result_file(path: Path) -> ResultFile:
    """Read one result file of any known shape. Raises UserError naming file and reason when it is none of them."""
    content = _load(path)
    if matrices := _matrices(path, content):
        return ResultFile(path, matrices=matrices)
    if answers := _answers(path, content):
        found = re.search(r"shot_num[=:_](\d+)", path.name)
        return ResultFile(path, answers=answers, shot=int(found[1]) if found else None)
    raise UserError(
        f"{path}: neither accuracy matrices, nor a metrics file (test_data_num=..., shot_num=...), nor a list of "
        "predictions ({question_id, answer}); give one of these"
    )


def _load(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}); check the path") from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is not JSON ({str(error)[:80]}); give a JSON result file") from error


def _matrices(path: Path, content: Any) -> tuple[Matrix, ...]:
    if isinstance(content, list) and content and all(isinstance(e, dict) and "rows" in e for e in content):
        return tuple(_published(path, i, entry) for i, entry in enumerate(content))
    if isinstance(content, dict):
        if any(SHOT_KEY.match(str(key)) for key in content):
            return (_baseline(path, content),)
        return tuple(
            _metrics(path, match, value)
            for key, value in content.items()
            if (match := METRICS_KEY.match(str(key))) and isinstance(value, dict)
        )
    return ()


def _published(path: Path, index: int, entry: Mapping[str, Any]) -> Matrix:
    try:
        figures = tuple(Figure(int(r["n"]), int(r["shot"]), float(r["accuracy"])) for r in entry["rows"])
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"{path}: entry {index}: a row needs n, shot and accuracy as numbers ({error!r})") from error
    text = {k: str(entry.get(k) or "") for k in ("model", "date", "sampler", "split", "section", "checkpoint", "note")}
    return Matrix(
        source=str(entry.get("source_file", path.name)), label=str(entry.get("method", f"entry {index}")),
        dataset=str(entry.get("dataset", "")), vlm=text["model"], date=text["date"], sampler=text["sampler"],
        split=text["split"] or "val", section=text["section"], checkpoint=text["checkpoint"], note=text["note"],
        figures=figures,
    )  # fmt: skip


def _metrics(path: Path, match: re.Match[str], shots: Mapping[str, Any]) -> Matrix:
    dataset = _dataset_in(path)
    n = int(match["n"])
    n = FULL_SIZE.get(dataset, 0) if n < 0 else n
    return Matrix(path.name, match["label"], dataset, date=match["date"], figures=_figures(path, n, shots))


def _baseline(path: Path, shots: Mapping[str, Any]) -> Matrix:
    dataset = _dataset_in(path)
    return Matrix(path.name, path.stem, dataset, figures=_figures(path, FULL_SIZE.get(dataset, 0), shots))


def _figures(path: Path, n: int, shots: Mapping[str, Any]) -> tuple[Figure, ...]:
    figures = []
    for key, value in shots.items():
        if match := SHOT_KEY.match(str(key)):
            if not isinstance(value, int | float):
                raise UserError(f"{path}: {key} is {value!r}, not a number")
            # Fractions are the rule; percent above 1 was written by older versions.
            figures.append(Figure(n, int(match[1]), round(100 * value if value <= 1 else value, 4)))
    return tuple(figures)


def _dataset_in(path: Path) -> str:
    text = str(path).lower()
    return "VQAv2" if "vqav2" in text else "OKVQA" if "okvqa" in text or "ok_vqa" in text else ""


def _answers(path: Path, content: Any) -> tuple[ImportedAnswer, ...]:
    rows: Sequence[Any] = content if isinstance(content, list) else []
    if isinstance(content, dict):
        rows = [row for row in content.values() if isinstance(row, dict)]
    if not rows or not all(isinstance(row, dict) and "question_id" in row for row in rows):
        return ()
    return tuple(_answer(path, index, row) for index, row in enumerate(rows))


def _answer(path: Path, index: int, row: Mapping[str, Any]) -> ImportedAnswer:
    raw = next((row[key] for key in ("prediction", "output", "answer") if isinstance(row.get(key), str)), None)
    if raw is None:
        raise UserError(f"{path}: row {index} has no text under prediction, output or answer")
    references = tuple(a["answer"] if isinstance(a, dict) else str(a) for a in row.get("answers") or ())
    try:
        question_id, image_id = int(row["question_id"]), int(row.get("image_id") or 0)
    except (TypeError, ValueError) as error:
        raise UserError(f"{path}: row {index}: question_id {row['question_id']!r} is not a whole number") from error
    return ImportedAnswer(question_id, raw, references, image_id, str(row.get("question", "")))
