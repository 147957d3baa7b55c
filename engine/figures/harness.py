"""Results and samples of lm-eval and lmms-eval, and results of open_flamingo."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from db.specs.base import UserError
from engine.common.files.gate import is_there
from engine.figures.fields import BadValue, accuracy, shown, text, whole
from engine.figures.predictions import Numbered, references
from engine.figures.reading import Figure, ImportedAnswer, LeftOut, Matrix, Reading
from engine.figures.source import Source
from engine.figures.tables.words import dataset_in, date_in

ACCURACIES = ("exact_match", "vqa_accuracy", "accuracy", "acc", "acc_norm", "em", "score")
"""Names of metrics that are accuracies; the first that a sample has is its score."""
NO_ACCURACY_TASKS = re.compile(r"coco(?!.*vqa)|flickr|nocaps|caption|hateful", re.IGNORECASE)
"""open_flamingo's tasks that are measured by CIDEr or by the area under a curve."""


def is_results(source: Source) -> bool:
    """An object with results by task, and the settings of an evaluation beside them."""
    content = source.json
    if not isinstance(content, dict) or not isinstance(content.get("results"), dict):
        return False
    return any(isinstance(content.get(key), dict) for key in ("configs", "versions", "n-shot", "config"))


def read_results(source: Source) -> Reading:
    """Each task's accuracies, with the questions and shots that the file states."""
    content, matrices, left_out = source.json, [], []
    for task, values in content["results"].items():
        if not isinstance(values, dict):
            raise BadValue(f"results: {text(task)} is {shown(values)}, not an object of metrics")
        found = dict(_accuracies(values))
        for name, value in found.items():
            matrices.append(_matrix(source.path, content, text(task), name, value, several=len(found) > 1))
        others = [text(name) for name in values if name.partition(",")[0] not in (*found, "alias", " ", "samples")]
        if others:
            left_out.append(LeftOut(0, f"{text(task)}: {', '.join(others)[:200]}", "no accuracies"))
    return Reading(source.path, matrices=tuple(matrices), left_out=tuple(left_out))


def _accuracies(values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """(metric without its filter, value), the first of each name."""
    told = set()
    for key, value in values.items():
        name = str(key).partition(",")[0]
        if name in ACCURACIES and name not in told and isinstance(value, int | float) and not isinstance(value, bool):
            told.add(name)
            yield name, value


def _matrix(path: Path, content: Mapping[str, Any], task: str, name: str, value: Any, *, several: bool) -> Matrix:
    n = _of_task(content.get("n-samples"), task)
    n = n.get("effective", n.get("original")) if isinstance(n, dict) else n
    config = _of_task(content.get("configs"), task)
    shot = _of_task(content.get("n-shot"), task)
    shot = shot if shot is not None else config.get("num_fewshot") if isinstance(config, dict) else None
    if shot is None:
        raise BadValue(f"{task}: neither n-shot nor num_fewshot says with how many demonstrations it was evaluated")
    figure = Figure(
        whole(n or 0, f"{task}: n-samples"), whole(shot, f"{task}: n-shot"), accuracy(value, f"{task}: {name}")
    )
    return Matrix(
        path.name, f"{task} {name}" if several else task, dataset_in(task) or task, vlm=_model(content), date=_date(path, content),
        split="test" if "test" in task.lower() else "val", states_dataset=True, figures=(figure,),
    )  # fmt: skip


def _of_task(values: Any, task: str) -> Any:
    return values.get(task) if isinstance(values, dict) else None


def _model(content: Mapping[str, Any]) -> str:
    """The weights that were evaluated; the name of their class where they are not told."""
    config = content.get("config")
    config = config if isinstance(config, dict) else {}
    found = re.search(r"(?:pretrained|model_version|model)=([^,\s]{1,200})", text(config.get("model_args") or ""))
    return found[1] if found else text(content.get("model_name") or config.get("model") or "")


def _date(path: Path, content: Mapping[str, Any]) -> str:
    told = content.get("date")
    if isinstance(told, int | float) and not isinstance(told, bool) and math.isfinite(told) and 1e9 < told < 4e9:
        return datetime.datetime.fromtimestamp(told, datetime.UTC).strftime("%Y-%m-%d")
    return date_in(path.name.replace("_", " "))


def is_samples(source: Source) -> bool:
    """One object a line, with the number of its document and the model's responses."""
    return bool(source.rows) and _is_sample(source.rows[0][1])


def is_sample_log(source: Source) -> bool:
    """The older layout: one object with the samples under `logs`."""
    content = source.json
    logs = content.get("logs") if isinstance(content, dict) else None
    return isinstance(logs, list) and bool(logs) and isinstance(logs[0], dict) and _is_sample(logs[0])


def _is_sample(row: Mapping[str, Any]) -> bool:
    return "doc_id" in row and ("resps" in row or "filtered_resps" in row)


def read_samples(source: Source) -> Reading:
    """Each sample's answer, its references, and its score as the harness states it."""
    return _samples(source, source.rows, "line")


def read_sample_log(source: Source) -> Reading:
    """The same from one object."""
    return _samples(source, list(enumerate(source.json["logs"])), "log")


def _samples(source: Source, rows: Sequence[Numbered], place: str) -> Reading:
    task = re.sub(r"^.*?samples_", "", source.path.stem)
    shot, vlm = _beside(source.path, task)
    answers = tuple(_sample(f"{place} {at}", row, shot) for at, row in rows)
    dataset = dataset_in(task)
    questions = () if shot is not None else ("with how many demonstrations it was evaluated: say it with --shot",)
    return Reading(source.path, answers=answers, dataset=dataset, vlm=vlm, questions=questions)


def _beside(path: Path, task: str) -> tuple[int | None, str]:
    """Shots and model by the results file that was written with the samples."""
    results = path.with_name(f"{path.name.partition('_samples_')[0]}_results.json")
    if "_samples_" not in path.name or not is_there(results):
        return None, ""
    try:
        matrices = read_results(Source(results)).matrices
    except (UserError, BadValue, KeyError, TypeError, AttributeError):
        return None, ""
    mine = [one for one in matrices if one.label.partition(" ")[0] == task]
    return (mine[0].figures[0].shot, mine[0].vlm) if mine else (None, "")


def _sample(place: str, row: Any, shot: int | None) -> ImportedAnswer:
    if not isinstance(row, dict):
        raise BadValue(f"{place} is {shown(row)}, not an object")
    doc = row.get("doc")
    doc = doc if isinstance(doc, dict) else {}
    raw = _first(row.get("filtered_resps")) or _first(row.get("resps"))
    if not isinstance(raw, str):
        raise BadValue(
            f"{place} has no text under filtered_resps, as where choices are scored",
            "only answers in words can be imported",
        )
    scored = next((row[name] for name in ACCURACIES if isinstance(row.get(name), int | float)), None)
    return ImportedAnswer(
        question_id=whole(doc.get("question_id", doc.get("questionId", row["doc_id"])), f"{place}: question_id"),
        raw=text(raw),
        references=references(place, doc.get("answers") or row.get("target") or []),
        image_id=whole(doc["image_id"], f"{place}: image_id") if isinstance(doc.get("image_id"), int) else 0,
        question=text(doc.get("question")),
        shot=shot,
        scored=float(scored) if scored is not None and 0 <= scored <= 1 else None,
    )


def _first(value: Any) -> Any:
    while isinstance(value, list) and value:
        value = value[0]
    return value


def is_open_flamingo(source: Source) -> bool:
    """An object with a list for each data set: shots, trials and their mean."""
    content = source.json
    if not isinstance(content, dict) or not content:
        return False
    return all(isinstance(rows, list) and rows and all(map(_is_trial, rows)) for rows in content.values())


def _is_trial(row: Any) -> bool:
    return isinstance(row, dict) and "shots" in row and ("trials" in row or "mean" in row)


def read_open_flamingo(source: Source) -> Reading:
    """One matrix for each data set and trial: trials are other demonstrations, and their mean is no figure of any run."""
    matrices: list[Matrix] = []
    left_out = []
    for task, rows in source.json.items():
        if NO_ACCURACY_TASKS.search(task):
            left_out.append(
                LeftOut(0, f"{text(task)[:60]}", "measured by CIDEr or by an area under a curve, not by accuracy")
            )
            continue
        matrices += _trials(source.path, text(task), rows)
    if not matrices:
        raise BadValue(
            "open_flamingo results without a task that is measured by accuracy", "only accuracies can be imported"
        )
    questions = ("over how many questions the figures are: stored as size not stated",)
    return Reading(source.path, matrices=tuple(matrices), left_out=tuple(left_out), questions=questions)


def _trials(path: Path, task: str, rows: list[Mapping[str, Any]]) -> Iterator[Matrix]:
    series: dict[int, list[Figure]] = {}
    for row in rows:
        shot = whole(row["shots"], f"{task}: shots")
        trials = row["trials"] if isinstance(row.get("trials"), list) and row["trials"] else [row.get("mean")]
        for at, value in enumerate(trials, start=1):
            series.setdefault(at, []).append(Figure(0, shot, accuracy(value, f"{task}: shots {shot}, trial {at}")))
    for at, figures in series.items():
        label = f"open_flamingo {task}" + (f" trial {at}" if len(series) > 1 else "")
        yield Matrix(path.name, label, dataset_in(task) or task, states_dataset=True, figures=tuple(figures))
