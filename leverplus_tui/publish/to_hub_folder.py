"""A folder as the Hugging Face hub wants a model: card with evaluation results, the selector, the figures as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from db.specs import UserError
from db.store import CellRow
from engine.demo.shipped import is_synthetic
from leverplus_tui.publish.content import Outcome, Place, Published
from leverplus_tui.publish.folders import already, filled, folder_of
from leverplus_tui.text.numbers import accuracy, count
from leverplus_tui.text.output import markdown_table, markdown_text
from leverplus_tui.text.shots import known_shots, shots_text, shots_words

METRIC = "vqa_accuracy"
SYNTHETIC = "**Synthetic:** measured on the built-in data set or model, which say nothing about real images."


def publish(run: Published, place: Place, evaluations: tuple[Published, ...] = ()) -> Outcome:
    """Write the folder, or say that it is there. `evaluations` are the runs whose figures the card states.

    Raises UserError where the run has no selector.
    """
    if not any(name.startswith("selector.") or name.endswith((".pt", ".pth", ".ckpt")) for name in run.files):
        raise UserError(
            f"{run.ref} has no selector, and a folder for the hub holds one: publish the training that wrote it, or an "
            "evaluation in which it chose"
        )
    measured = [(one, cell) for one in evaluations for cell in one.cells]
    card = _card(run, measured, {name: text for one in (run, *evaluations) for name, text in one.remarks.items()})
    whole = run.with_files({"metrics.json": _metrics(run, evaluations), "README.md": card.encode()})
    folder = folder_of(Path(place.at), run)
    if found := already(folder, whole, place):
        return found
    with filled(folder, whole):
        return Outcome(str(folder))


def _metrics(run: Published, evaluations: tuple[Published, ...]) -> bytes:
    last = {point.name: {"step": point.step, "epoch": point.epoch, "value": point.value} for point in run.points}
    told = {
        "training": last,
        "evaluations": [
            {"run": one.name, "dataset": _said(one, "dataset"), "model": _said(one, "vlm"), "accuracies": [
                {"questions": cell.subset, "split": cell.split, "shots": known_shots(cell.shot), "n": cell.n_done or cell.n,
                 "accuracy": cell.accuracy, "ci_low": cell.ci_low, "ci_high": cell.ci_high}
                for cell in one.cells
            ], "findings": one.remarks}
            for one in evaluations
        ],
        "findings": run.remarks,
    }  # fmt: skip
    return (json.dumps(told, indent=2, ensure_ascii=False) + "\n").encode()


def _card(run: Published, measured: list[tuple[Published, CellRow]], remarks: Mapping[str, str]) -> str:
    from huggingface_hub import EvalResult, ModelCardData  # a second

    results = [
        EvalResult(
            task_type="visual-question-answering", task_name="Visual question answering",
            dataset_type=_said(one, "dataset"), dataset_name=_said(one, "dataset"),
            dataset_split=cell.split, dataset_args={"questions": cell.subset, "n": cell.n_done or cell.n},
            metric_type=METRIC, metric_name=f"VQA accuracy, {shots_words(cell.shot)}", metric_value=round(cell.accuracy, 4),
            metric_args={"shots": known_shots(cell.shot), "ci_low": round(cell.ci_low, 4), "ci_high": round(cell.ci_high, 4),
                         "model": _said(one, "vlm")},
        )
        for one, cell in measured
    ]  # fmt: skip
    data = ModelCardData(
        library_name="leverplus", tags=["leverplus", "in-context-learning", "visual-question-answering", *run.tags],
        model_name=run.name, eval_results=results or None,
    )  # fmt: skip
    return f"---\n{data.to_yaml()}\n---\n\n{_body(run, measured, remarks)}"


def _body(run: Published, measured: list[tuple[Published, CellRow]], remarks: Mapping[str, str]) -> str:
    lines: list[tuple[Any, ...]] = [
        (one.name, _said(one, "dataset"), _said(one, "vlm"), cell.subset, shots_text(cell.shot),
         count(cell.n_done or cell.n), accuracy(cell.accuracy, cell.ci_low, cell.ci_high))
        for one, cell in measured
    ]  # fmt: skip
    heads = ("evaluation", "data", "model", "questions", "shots", "n", "accuracy %, 95 % interval")
    parts = [
        f"# {markdown_text(run.name)}",
        "A pointer selector: it chooses which examples a vision-language model is shown before a question. Load it with "
        "`leverplus run eval --selector selector.safetensors`.",
        *(
            [SYNTHETIC]
            if any(is_synthetic(str(one.params.get("dataset")), str(one.params.get("vlm"))) for one, _ in measured)
            else []
        ),
        "## Accuracy",
        markdown_table(heads, lines, (4, 5, 6)) if lines else "No finished evaluation of this selector was stored.",
        *([markdown_text(run.note)] if run.note else []),
        "## Findings",
        "\n".join(f"- `{code}` {markdown_text(text)}" for code, text in remarks.items()) or "None.",
        "Configuration, curves and what these numbers do not show: [report.md](report.md), [report.html](report.html).",
    ]
    return "\n\n".join(parts) + "\n"


def _said(run: Published, name: str) -> str:
    return str(run.params.get(name, "unknown"))
