"""The one list of layouts that can be read, and the way from a path to what it holds. `tables/` reads what must be guessed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

from db.specs.base import UserError
from engine.common.findings import Unrecognised
from engine.figures import accuracy_files, harness, predictions, training_logs, vlmevalkit
from engine.figures.fields import FULL_SIZE, BadValue, dataset_name, shown, text
from engine.figures.reading import Figure, Matrix, Reading
from engine.figures.source import Source
from engine.figures.tables import files as table_files
from engine.figures.trackers import mlflow, tensorboard, trackio, wandb
from engine.figures.units import Printed, percent_factor


class Reader(NamedTuple):
    """One layout."""

    layout: str
    """What a file of it is, in words."""
    kind: Literal["matrix", "report", "run"]
    """What the doctor calls it: figures or answers, a text, trainings."""
    recognise: Callable[[Source], bool]
    read: Callable[[Source], Reading]


READERS: tuple[Reader, ...] = (
    Reader("database of MLflow", "run", mlflow.is_store, mlflow.read_store),
    Reader("folder of MLflow", "run", mlflow.is_files, mlflow.read_files),
    Reader("project of trackio", "run", trackio.is_project, trackio.read_project),
    Reader("offline runs of W&B", "run", wandb.is_offline, wandb.read_offline),
    Reader("event files of TensorBoard", "run", tensorboard.is_events, tensorboard.read_events),
    Reader("list of accuracy matrices", "matrix", accuracy_files.is_published, accuracy_files.read_published),
    Reader("metrics file", "matrix", accuracy_files.is_metrics, accuracy_files.read_metrics),
    Reader("baseline metrics file", "matrix", accuracy_files.is_baseline, accuracy_files.read_baseline),
    Reader("v3 result", "matrix", accuracy_files.is_result, accuracy_files.read_result),
    Reader("lm-eval or lmms-eval results", "matrix", harness.is_results, harness.read_results),
    Reader("lm-eval or lmms-eval samples", "matrix", harness.is_samples, harness.read_samples),
    Reader("lmms-eval log of samples", "matrix", harness.is_sample_log, harness.read_sample_log),
    Reader("open_flamingo results", "matrix", harness.is_open_flamingo, harness.read_open_flamingo),
    Reader("predictions", "matrix", predictions.is_answers, predictions.read_answers),
    Reader("table of predictions", "matrix", predictions.is_answer_table, predictions.read_answer_table),
    Reader("VLMEvalKit answers", "matrix", vlmevalkit.is_workbook, vlmevalkit.read_workbook),
    Reader("VLMEvalKit answers", "matrix", vlmevalkit.is_table, vlmevalkit.read_table),
    Reader("VLMEvalKit accuracies", "matrix", vlmevalkit.is_scores, vlmevalkit.read_scores),
    Reader("list of epochs", "run", training_logs.is_history, training_logs.read_history),
    Reader("training log", "run", training_logs.is_log, training_logs.read_log),
    Reader("CSV or TSV table", "report", table_files.is_delimited, table_files.read_delimited),
    Reader("table of JSON lines", "report", table_files.is_json_lines, table_files.read_json_lines),
    Reader("Markdown report", "report", table_files.is_markdown, table_files.read_markdown),
)
"""The stricter before the looser: the first that recognises a file reads it."""


def read_file(path: Path, *, dataset: str = "", vlm: str = "") -> Reading:
    """Read a file or folder of any known layout. `dataset` and `vlm` are what it is of, where somebody says so.

    Raises UserError naming file and reason when it is of no known layout, or says another data set or model.
    """
    source = Source(path)
    reader = next((one for one in READERS if one.recognise(source)), None)
    if reader is None:
        raise Unrecognised(
            f"{path}: {_what(source)} is none of the layouts that can be read; give a report, accuracy matrices, a metrics file "
            "(test_data_num=..., shot_num=...), predictions ({question_id, answer}), or another program's results"
        )
    try:
        reading = reader.read(source)
        matrices = _labelled(reading, dataset, vlm)
        if not reading.guessed:  # a table has a unit of its own, by its signs of percent
            matrices = _in_percent(matrices)
    except BadValue as error:
        raise UserError(f"{path}: {error}; {error.way_out}") from None
    matrices = [replace(one, path=str(path.absolute()), sha256=source.sha256) for one in matrices]
    questions = (*reading.questions, *(_open(matrices) if reading.guessed else ()))
    layout = reading.layout or reader.layout
    return replace(reading, layout=layout, sha256=source.sha256, matrices=tuple(matrices), questions=questions)


def recognised(path: Path) -> Reader | None:
    """Who reads a file or folder; nobody where it is of no layout. Raises UserError where it cannot be read."""
    source = Source(path)
    return next((one for one in READERS if one.recognise(source)), None)


def _open(matrices: Sequence[Matrix]) -> list[str]:
    """What a report leaves open, and the flag that says it."""
    questions = []
    unsized = [one for one in matrices if any(figure.n == 0 for figure in one.figures)]
    if unsized:
        questions.append(f"over how many questions the figures of {_named(unsized)} are: stored as size not stated")
    if lacking := [one for one in matrices if not one.dataset]:
        questions.append(f"of which data set the figures of {_named(lacking)} are: say it with --dataset")
    if lacking := [one for one in matrices if not one.vlm]:
        questions.append(f"which model gave the figures of {_named(lacking)}: say it with --vlm")
    return questions


def _named(matrices: Sequence[Matrix]) -> str:
    named = list(dict.fromkeys(one.label for one in matrices))
    return ", ".join(named[:4]) + (f" and {len(named) - 4} more" if len(named) > 4 else "")


def _what(source: Source) -> str:
    """What a file of no known layout is, in words."""
    if source.is_folder:
        return "a folder"
    if source.rows:
        return f"one JSON object a line, with the keys {_keys(source.rows[0][1])},"
    if source.begins_as_json:
        return _shape(source.json)
    return "a file" if source.head.strip() else "an empty file"


def _shape(content: Any) -> str:
    if isinstance(content, dict) and isinstance(content.get("annotations", content.get("questions")), list):
        return "a file of a data set, which --dataset takes by its folder,"
    if isinstance(content, list) and content and all(isinstance(one, list) for one in content):
        return f"a list of {len(content):,} lists, such as the demonstrations that were chosen for each question, without answers,"
    if isinstance(content, dict):
        return f"a JSON object with the keys {_keys(content)}" if content else "an empty JSON object"
    if isinstance(content, list):
        return f"a JSON list of {len(content):,}, the first {_shape(content[0])}," if content else "an empty JSON list"
    return f"the JSON value {shown(content)}"


def _keys(content: dict[str, Any]) -> str:
    return ", ".join(text(key)[:30] for key in list(content)[:5]) + (", ..." if len(content) > 5 else "")


def _labelled(reading: Reading, dataset: str, vlm: str) -> list[Matrix]:
    """The matrices with what was said of the file; what stands in its name only is no more than a guess.

    Of a report it is said of what its tables leave open, for they may be of several data sets and models.
    """
    named = dataset_name(Path(dataset).name) if dataset else ""
    found = [replace(one, vlm=one.vlm or (reading.vlm if not vlm else "")) for one in reading.matrices]
    _refuse_others(reading, "data set", named, [one.dataset if one.states_dataset else "" for one in found])
    _refuse_others(reading, "model", vlm, [one.vlm for one in found])
    for at, one in enumerate(found):
        keeps_dataset = not named or (reading.guessed and one.states_dataset and one.dataset)
        found[at] = replace(one, dataset=one.dataset if keeps_dataset else named, vlm=one.vlm or vlm)
    return [_sized(one) for one in found]


def _refuse_others(reading: Reading, what: str, given: str, stated: Sequence[str]) -> None:
    """Raises BadValue where the file states another; a report only where all of its tables do."""
    unlike = [at for at, told in enumerate(stated) if told and given and told != given]
    if unlike and (not reading.guessed or len(unlike) == len(stated)):
        first = unlike[0]
        raise BadValue(f"{reading.matrices[first].label} is of the {what} {stated[first]}, not of {given}")


def _sized(matrix: Matrix) -> Matrix:
    """With the size of its split, where its figures are over all of it."""
    if not matrix.whole:
        return matrix
    full = FULL_SIZE.get(matrix.dataset, 0)
    return replace(matrix, figures=tuple(replace(figure, n=full) for figure in matrix.figures))


def _in_percent(matrices: Sequence[Matrix]) -> list[Matrix]:
    """The figures of a file in its one unit, as percent."""
    printed = [
        Printed(f"{one.label}, n={figure.n or '?'}, shot_num={figure.shot}", figure.accuracy, figure.n, one.dataset)
        for one in matrices
        for figure in one.figures
    ]
    factor = percent_factor(printed)
    if factor == 1:
        return list(matrices)
    return [replace(one, figures=tuple(_times(factor, figure) for figure in one.figures)) for one in matrices]


def _times(factor: float, figure: Figure) -> Figure:
    return replace(figure, accuracy=round(factor * figure.accuracy, 4))
