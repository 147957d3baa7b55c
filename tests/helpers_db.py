"""Databases and rows for tests: everything in a temporary folder, nothing heavy."""

from __future__ import annotations

import os
from pathlib import Path

from db import process, rows, store
from db.session import DatabaseFile, Session, open_database, writing
from db.specs import EvalSpec, Finding

SUBSET = "subset-sha"
DATASET = "dataset-sha"


def fresh(tmp_path: Path) -> DatabaseFile:
    """A new database in a home of its own."""
    return open_database(tmp_path / "home" / "leverplus.db")


def new_run(engine: DatabaseFile, name: str = "", **fields: object) -> int:
    """A queued evaluation; `fields` go into its specification."""
    with writing(engine) as session:
        return store.create_run(
            session, spec=EvalSpec.model_validate(fields), name=name, environment={"commit": "abc"}
        ).id


def start(
    session: Session, run_id: int, pid: int | None = None, pid_start: str | None = None, host: str | None = None
) -> store.ProcessRow:
    """A process row of this very process, unless told otherwise."""
    number = os.getpid() if pid is None else pid
    return store.start_process(
        session,
        run_id=run_id,
        pid=number,
        pid_start=process.pid_start(number) if pid_start is None else pid_start,
        boot_id=process.boot_id(),
        host=process.host() if host is None else host,
        argv=["python", "-m", "engine.job.worker"],
        log_path="log.txt",
    )


def add(engine: DatabaseFile, run_id: int, *added: rows.Row) -> None:
    """Store rows in a transaction of their own."""
    with writing(engine) as session:
        store.add_rows(session, run_id=run_id, process_id=None, rows=added)


def a_question(question_id: int, split: str = "val") -> rows.Question:
    """Two questions share an image."""
    return rows.Question(
        DATASET, split, question_id, question_id // 2, f"what {question_id}?", ("cat", "dog"), "cat", "/a.jpg"
    )


def a_subset(n: int, sha: str = SUBSET, label: str = "all") -> rows.Subset:
    """Questions 0 to n - 1."""
    return rows.Subset(DATASET, "val", label, {"n": n}, tuple(range(n)), sha)


def an_answer(
    question_id: int, shot: int = 2, score: float = 0.6, error: str = "", raw: str = "a cat"
) -> rows.Prediction:
    """An answer, or none because of `error`."""
    return rows.Prediction(
        question_id=question_id, shot=shot, demonstrations=(7, 8), prompt_sha="p", request_sha=f"request-{question_id}-{shot}",
        raw="" if error else raw, answer="" if error else raw, score=0.0 if error else score, cut=False, reused=False,
        error=error, source=1, reasoning="",
    )  # fmt: skip


def a_cell(shot: int = 2, accuracy: float = 60.0, n: int = 10, sha: str = SUBSET) -> rows.Cell:
    """A figure with an interval of three points to each side."""
    return rows.Cell(sha, shot, n, n, accuracy, accuracy - 3, accuracy + 3, {shot: n}, n)


def a_candidate(
    query_id: int,
    pointer: tuple[int, ...],
    request_sha: str,
    score: float = 1.0,
    *,
    beam_rank: int | None = None,
    raw: str = "cat",
    cut: bool = False,
    source: int = 1,
) -> rows.Candidate:
    """A scored pointer: of a beam where it has a rank, else drawn at random."""
    return rows.Candidate(
        query_id,
        pointer,
        "random" if beam_rank is None else "beam",
        request_sha,
        raw,
        raw,
        score,
        beam_rank=beam_rank,
        beam_score=None,
        logprob_score=None,
        temperature=None,
        similarity=None,
        cut=cut,
        source=source,
        gt_prob=None,
        reasoning="",
    )


def a_finding(code: str = "pool-degenerate", severity: str = "warning", message: str = "all the same") -> Finding:
    """A finding about the matrix."""
    return Finding.model_validate({"code": code, "severity": severity, "subject": "matrix", "message": message})


def every_kind() -> list[rows.Row]:
    """At least one row of every kind that a job can yield, in an order in which it may yield them."""
    return [
        rows.Input("selector", "/selector.safetensors", "s"), a_subset(3),
        *(a_question(i) for i in range(3)), a_question(7, "train"), rows.Fact("model_sha", "m"),
        *(an_answer(i) for i in range(3)), rows.Metric("rce", 1, 0, "rce_loss", 2.5), rows.Metric("rce", 1, 1, "rce_loss", 1.5),
        rows.Checkpoint("best.safetensors", "rce", 1, "sha-1", 10, True, {"val_loss": 1.0}),
        rows.Checkpoint("best.safetensors", "rce", 2, "sha-2", 10, True, {"val_loss": 0.5}),
        a_cell(n=3), a_candidate(4, (1, 2), "c", beam_rank=0),
        rows.Artifact("rl-data", "/out.jsonl", "a", {"n": 1}), a_finding(), rows.Progress(3, 3, "questions", "done"),
    ]  # fmt: skip
