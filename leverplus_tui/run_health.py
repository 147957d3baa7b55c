"""What the doctor says of a stored run: what was found while it ran, which controls are missing, which it does not beat."""

from __future__ import annotations

from collections.abc import Iterator

from sqlmodel import Session

from db import store
from db.specs import Finding, Report
from db.store import CellRow, RunRow
from engine.doctor.results import CONTROLS, Measured, control_not_beaten, missing_baselines
from engine.doctor.statistics import paired
from leverplus_tui.pairing import IMPORTED
from leverplus_tui.result import matrix

Figure = tuple[RunRow, CellRow]


def examine_run(session: Session, run_id: int) -> Report:
    """The report on one run. Controls are looked for among all finished evaluations of this home."""
    detail = store.run_detail(session, run_id=run_id)
    figures = [
        (row, cell)
        for row in store.list_runs(session, where="kind:eval state:done")
        for cell in row.cells
        if not cell.dataset_sha.startswith(IMPORTED) and cell.n_done == cell.n
    ]
    lacking = missing_baselines([_measured(row, cell) for row, cell in figures], [detail.row.ref])
    beaten = [
        finding for row, cell in figures if row.id == run_id for finding in _unbeaten(session, row, cell, figures)
    ]
    return Report(
        path=detail.row.ref,
        kind="run",
        facts={
            "name": detail.row.name,
            "job": detail.row.kind,
            "state": detail.row.state,
            "forced": detail.row.forced,
            "retriever": detail.row.retriever,
            "matrix": matrix(detail.cells),
        },
        findings=(*detail.findings, *lacking, *beaten),
    )


def _measured(row: RunRow, cell: CellRow) -> Measured:
    return Measured(row.ref, row.retriever, cell.dataset_sha, row.vlm, cell.subset_sha, cell.subset, cell.shot)


def _unbeaten(session: Session, row: RunRow, cell: CellRow, figures: list[Figure]) -> Iterator[Finding]:
    """Against the newest control of each kind on the same questions, with the same model and number of shots."""
    if row.retriever in CONTROLS or cell.shot == 0:
        return
    own = store.scores(session, run_id=row.id, shot=cell.shot, subset_sha=cell.subset_sha)
    for control in CONTROLS:
        shot = 0 if control == "zero-shot" else cell.shot
        found = [
            (other, there)
            for other, there in figures
            if (other.retriever == control or there.shot == 0)
            and there.shot == shot
            and (other.vlm, there.dataset_sha, there.subset_sha) == (row.vlm, cell.dataset_sha, cell.subset_sha)
        ]
        if not found:
            continue
        other, there = found[0]
        theirs = store.scores(session, run_id=other.id, shot=shot, subset_sha=there.subset_sha)
        images = {question: image for question, (_, image) in {**theirs, **own}.items()}
        pair = paired({q: s for q, (s, _) in theirs.items()}, {q: s for q, (s, _) in own.items()}, images)
        yield from control_not_beaten(row.ref, f"{control} ({other.ref})", cell.shot, pair)
