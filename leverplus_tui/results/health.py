"""What is wrong with a stored run: one answer for `show`, `compare`, `report`, `doctor` and lists in JSON.

How it ended, what was found while it ran, whether a toy answered for a model, which controls are missing, which it does
not beat. The last two are judged anew each time, because a later run may change them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from db import store
from db.run_states import FAILED
from db.session import Session
from db.specs import EvalSpec, Finding, Report
from db.specs.base import worst_first
from db.specs.evaluate import WITHOUT_MODEL
from db.store import CellRow, RunDetail, RunRow
from engine.common.findings import error, info, warning
from engine.demo.shipped import BUILTIN, WORLDS
from engine.doctor.runs import CONTROLS, UNLEARNED, Measured, control_not_beaten, controls_of, missing_baselines
from leverplus_tui.jobs.spec_command import command_text
from leverplus_tui.results.outcome import command_again, exit_code, matrix, way_on
from leverplus_tui.results.pairs.nested import nested_subsets
from leverplus_tui.results.pairs.paired_rows import against, is_imported
from leverplus_tui.results.stored_scores import StoredScores
from leverplus_tui.text.sources import sources_text, taken

Figure = tuple[RunRow, CellRow]
JUDGED_ANEW = ("baseline-missing", "control-not-beaten")


def run_findings(session: Session, detail: RunDetail, scores: StoredScores | None = None) -> tuple[Finding, ...]:
    """Everything that is to be said against a run, worst first; `scores` where those of several runs are read anyway."""
    stored = [finding for finding in detail.findings if finding.code not in JUDGED_ANEW]
    scores = scores or StoredScores(session)
    found = [*_ending(detail), *stored, *_reused(detail), *_toy_model(detail), *nested_subsets(scores, detail)]
    found += _controls(session, detail, scores)
    return tuple(worst_first(found))


def listed_findings(session: Session, rows: Sequence[RunRow]) -> dict[int, tuple[Finding, ...]]:
    """What lists say of runs: what was found about each, and the controls it lacks, in a few queries for all of them.

    Whether a run beats its controls takes reading its answers: `run_findings` of that run says it.
    """
    found = store.findings_of(session, run_ids=[row.id for row in rows])
    lacking = defaultdict(list)
    for finding in _lacking(session, [row for row in rows if _needs_controls(row)]):
        lacking[finding.subject].append(finding)
    return {
        row.id: tuple(worst_first([f for f in found.get(row.id, ()) if f.code not in JUDGED_ANEW] + lacking[row.ref]))
        for row in rows
    }


def _needs_controls(row: RunRow) -> bool:
    return (
        row.kind == "eval" and row.state == "done" and row.vlm not in WITHOUT_MODEL and bool(controls_of(row.retriever))
    )


def _lacking(session: Session, rows: Sequence[RunRow]) -> list[Finding]:
    cells = [_measured(row, cell) for row in rows for cell in row.cells if _counts(cell)]
    if not cells:
        return []
    shas = list({cell.subset_sha for cell in cells})
    found = store.measured_cells(session, subset_shas=shas, retrievers=CONTROLS)
    controls = [
        Measured("", c.retriever, c.dataset_sha, c.vlm, c.subset_sha, c.subset, c.shot, c.variant) for c in found
    ]
    ids = {row.ref: row.id for row in rows}
    specs = store.specs_of(session, run_ids=list(ids.values()))

    def command(run: str, control: str, shots: Sequence[int]) -> str:
        return _command(specs[ids[run]], run, control, shots)

    return missing_baselines([*cells, *controls], ids, command=command)


def _counts(cell: CellRow) -> bool:
    return not is_imported(cell) and cell.n_done == cell.n


def examine_run(session: Session, detail: RunDetail) -> Report:
    """The report on one run."""
    facts = {
        "name": detail.row.name,
        "job": detail.row.kind,
        "state": detail.row.state,
        "forced": detail.row.forced,
        "retriever": detail.row.retriever,
        "matrix": matrix(detail.cells),
    }
    return Report(path=detail.row.ref, kind="run", facts=facts, findings=run_findings(session, detail))


def _ending(detail: RunDetail) -> Iterator[Finding]:
    """A run that did not come to its end, with what it said last."""
    row = detail.row
    said = detail.processes[-1].reason.rstrip(".") if detail.processes else ""
    if row.state in FAILED:
        ended = "failed" if row.state == "failed" else "was lost"
        text = f"The run {ended}: {said or 'it gave no reason'} (`leverplus logs {row.ref}` says more)."
        mend = way_on(detail) if exit_code(detail) == 2 else f"leverplus resume {row.ref}"
        yield error(f"run-{row.state}", row.ref, text, mend)
    elif row.state == "stopped":
        text = "The run was stopped before its end: its figures are over what was done by then."
        yield info("run-stopped", row.ref, text, f"leverplus resume {row.ref}")


def _reused(detail: RunDetail) -> Iterator[Finding]:
    """Answers that other runs computed; those of a server are only as good as its weights are the same."""
    row, others = detail.row, taken(detail.row.id, detail.sources)
    unknown = detail.sources.get(None, 0) if detail.spec.get("reuse_served") else 0
    if not others and not unknown:
        return
    served = row.vlm.startswith(("http://", "https://"))
    doubt = (
        "; the server's weights may have changed since then, and nothing here verifies that they did not"
        if served
        else ""
    )
    yield info(
        "answers-reused",
        row.ref,
        f"{sum(others.values()) + unknown} of {sum(detail.sources.values())} answers were taken from earlier runs "
        f"({sources_text(row.id, detail.sources)}){doubt}.",
        f"{command_again(detail)} --fresh".lstrip() + " computes every answer anew",
    )


def _toy_model(detail: RunDetail) -> Iterator[Finding]:
    """The built-in model is the default everywhere, so that real data meet it by mistake."""
    row, dataset = detail.row, detail.spec.get("dataset", BUILTIN)
    if row.kind in ("eval", "generate", "embed") and row.vlm == BUILTIN and dataset not in WORLDS:
        made = {"eval": "The answers", "generate": "The answers in these RL data", "embed": "These embeddings"}[
            row.kind
        ]
        yield warning(
            "builtin-model",
            row.ref,
            f"{made} are by the built-in model, which knows only drawn pictures, and the data are {dataset}: they "
            "say nothing of a real model.",
            f"leverplus run {row.kind} --dataset {dataset} --vlm NAME_OR_DIR, with the model that you study",
        )


def _controls(session: Session, detail: RunDetail, scores: StoredScores) -> list[Finding]:
    """Controls are looked for among all finished evaluations of this home."""
    row = detail.row
    if not _needs_controls(row):
        return []
    others = store.evaluations_on(session, subset_shas=list({cell.subset_sha for cell in row.cells}), vlm=row.vlm)
    ids = sorted(
        {*others, row.id}, reverse=True
    )  # a deleted run is still held against its own figures without demonstrations
    figures = [(other, cell) for other in store.run_rows(session, run_ids=ids) for cell in other.cells if _counts(cell)]
    own = [cell for cell in row.cells if _counts(cell)]
    return [*_lacking(session, [row]), *(found for cell in own for found in _unbeaten(scores, row, cell, figures))]


def _command(spec: Mapping[str, Any], run: str, control: str, shots: Sequence[int]) -> str:
    """The command line that measures a control on the very questions, with the same model, prompt and decoding."""
    wanted: dict[str, Any] = {"retriever": control, "shots": tuple(shots)}
    if control in UNLEARNED:
        wanted["selector"] = spec.get("selector") or BUILTIN  # its embeddings, its recipe
    else:
        wanted |= {"selector": "", "encoder": "vlm"}
    try:
        return command_text(EvalSpec.model_validate(spec).model_copy(update=wanted))
    except ValidationError:  # stored by another version: what can be said is which questions are meant
        asked = " ".join(f"--shot {shot}" for shot in shots)
        return f"leverplus run eval --retriever {control} {asked}, with the data and questions of {run}"


def _measured(row: RunRow, cell: CellRow) -> Measured:
    return Measured(
        row.ref, row.retriever, cell.dataset_sha, row.vlm, cell.subset_sha, cell.subset, cell.shot, row.variant
    )


def _unbeaten(scores: StoredScores, row: RunRow, cell: CellRow, figures: Sequence[Figure]) -> Iterator[Finding]:
    """Against the newest control of each kind on the same questions, with the same model and number of shots."""
    if cell.shot == 0:
        return
    newest = {control: _newest(control, row, cell, figures) for control in controls_of(row.retriever)}
    there = {f"{control} ({found[0].ref})": scores.of(found[1]) for control, found in newest.items() if found}
    own = scores.of(cell) if there else {}
    for name, pair in zip(there, against(own, list(there.values())), strict=True):
        yield from control_not_beaten(row.ref, name, cell.shot, pair)


def _newest(control: str, row: RunRow, cell: CellRow, figures: Sequence[Figure]) -> Figure | None:
    shot = 0 if control == "zero-shot" else cell.shot
    found = (
        (other, there)
        for other, there in figures
        if (other.retriever == control or there.shot == 0)
        and there.shot == shot
        and (other.vlm, there.dataset_sha, there.subset_sha) == (row.vlm, cell.dataset_sha, cell.subset_sha)
        and (control != "untrained" or other.variant == row.variant)
    )
    return next(found, None)
