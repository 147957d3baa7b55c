"""Accuracies in layouts that are known: published matrices, upstream's metrics files, its v3 results and random baselines."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.figures.fields import BadValue, accuracy, dataset_name, shown, text, whole
from engine.figures.reading import Figure, LeftOut, Matrix, Reading
from engine.figures.source import Source
from engine.figures.tables.patterns import VLM

METRICS_KEY = re.compile(r"^(?P<date>.*?)-?test_data_num=(?P<n>-?\d{1,15})-(?P<label>.+)$")
SHOT_KEY = re.compile(r"^shot_num[=_](\d{1,3})$")
METRICS_FILE = re.compile(
    r"(?P<vlm>.+?)_(?P<sampler>\w*?(?:Sampler|Retriever))(?:_(?P<training>.+?))?_(?:baseline_)?metrics", re.IGNORECASE
)
NO_ACCURACY = "only accuracies can be imported and compared"
RESULT_FIELDS = {"accuracy", "shot_num"}
"""Of a v3 result, which is one figure."""


def is_published(source: Source) -> bool:
    """A list of matrices, each with its rows."""
    content = source.json
    return isinstance(content, list) and bool(content) and all(isinstance(e, dict) and "rows" in e for e in content)


def read_published(source: Source) -> Reading:
    """Accuracy matrices as `leverplus` and published collections write them."""
    matrices = tuple(_published(source.path, f"entry {i}", entry) for i, entry in enumerate(source.json))
    return Reading(source.path, matrices=matrices)


def is_metrics(source: Source) -> bool:
    """An object with keys that hold a start time, a number of questions and a retriever."""
    content = source.json
    return isinstance(content, dict) and any(METRICS_KEY.match(str(key)) for key in content)


def read_metrics(source: Source) -> Reading:
    """Upstream's and its ancestor's metrics.json; what the path says of model and sampler is taken from there."""
    _refuse_captions(source)
    named = METRICS_FILE.fullmatch(source.path.stem)
    matrices, left_out = [], []
    for key, value in source.json.items():
        match = METRICS_KEY.match(str(key))
        if match and isinstance(value, dict):
            matrices.append(_metrics(source.path, match, value, named))
        else:
            left_out.append(LeftOut(0, f"key {text(key)[:60]}", "neither test_data_num=... nor figures under it"))
    return Reading(source.path, matrices=tuple(matrices), left_out=tuple(left_out), vlm=_model_in(source.path, named))


def is_baseline(source: Source) -> bool:
    """An object with a figure for each number of shots."""
    content = source.json
    return isinstance(content, dict) and any(SHOT_KEY.match(str(key)) for key in content)


def read_baseline(source: Source) -> Reading:
    """Upstream's random baseline, always over all questions."""
    _refuse_captions(source)
    path, named = source.path, METRICS_FILE.fullmatch(source.path.stem)
    sampler = named["sampler"] if named else ""
    matrix = Matrix(
        path.name, path.stem, _dataset_in(path), sampler=sampler, whole=True, figures=_figures("", 0, source.json)
    )
    return Reading(path, matrices=(matrix,), vlm=_model_in(path, named))


def is_result(source: Source) -> bool:
    """An object with one accuracy and its number of shots."""
    content = source.json
    return (
        isinstance(content, dict)
        and content.keys() >= RESULT_FIELDS
        and not isinstance(content["accuracy"], dict | list)
    )


def read_result(source: Source) -> Reading:
    """Upstream's v3_vqa_result.json: one figure. How many questions were asked is not in it."""
    content, path = source.json, source.path
    n = whole(content.get("test_num") or 0, "test_num")
    figure = Figure(n, whole(content["shot_num"], "shot_num"), accuracy(content["accuracy"], "accuracy"))
    told = {name: text(content.get(name) or "") for name in ("model", "dataset", "grpo_ckpt")}
    matrix = Matrix(
        path.name, Path(told["grpo_ckpt"]).stem or path.stem, dataset_name(told["dataset"]), vlm=told["model"],
        checkpoint=told["grpo_ckpt"], states_dataset=bool(told["dataset"]), figures=(figure,),
    )  # fmt: skip
    questions = () if n else ("over how many questions the figure is: stored as size not stated",)
    return Reading(path, matrices=(matrix,), questions=questions)


def _refuse_captions(source: Source) -> None:
    if any(part.lower() in ("caption", "captions", "coco_caption") for part in source.path.absolute().parts[-4:-1]):
        raise BadValue("a metrics file of image captions, whose figures are CIDEr and no accuracies", NO_ACCURACY)


def _model_in(path: Path, named: re.Match[str] | None) -> str:
    """The model, of which dots were replaced in a file's name; or the folder below `icl_inference`."""
    if named:
        return re.sub(r"(?<=\d)_(?=\d)", ".", named["vlm"])
    parts = path.absolute().parts
    if path.name == "metrics.json" and VLM.match(parts[-4] if len(parts) > 4 else ""):
        return parts[-4]
    at = max((i for i, part in enumerate(parts) if part == "icl_inference"), default=-1)
    return parts[at + 1] if 0 <= at < len(parts) - 4 else ""


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


def _metrics(path: Path, match: re.Match[str], shots: Mapping[str, Any], named: re.Match[str] | None) -> Matrix:
    n = 0 if match["n"] == "-1" else whole(match["n"], "test_data_num")
    training = (named and named["training"]) or ""
    return Matrix(
        path.name, " ".join(part for part in (text(match["label"]), training) if part), _dataset_in(path), date=text(match["date"]),
        sampler=named["sampler"] if named else "", checkpoint=training, whole=match["n"] == "-1",
        figures=_figures(match.string, n, shots),
    )  # fmt: skip


def _figures(place: str, n: int, shots: Mapping[str, Any]) -> tuple[Figure, ...]:
    figures = []
    for key, value in shots.items():
        if match := SHOT_KEY.match(key):
            figures.append(Figure(n, int(match[1]), accuracy(value, f"{text(place)}: {key}" if place else key)))
    return tuple(figures)


def _dataset_in(path: Path) -> str:
    text = str(path).lower()
    return "VQAv2" if "vqav2" in text else "OKVQA" if "okvqa" in text or "ok_vqa" in text else ""
