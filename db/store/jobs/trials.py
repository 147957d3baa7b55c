"""What people try on questions of evaluations: asked by terminals, taken by one job at a time, answered there and nowhere else."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from sqlite3 import Row
from typing import TYPE_CHECKING, Any

from db import specs
from db.canonical import canonical_json
from db.connection import Session
from db.store.base import execute, execute_many, home, insert, listed, moment, moment_or_none, now, query

if TYPE_CHECKING:
    from db import rows

WAITING, ANSWERING, ANSWERED, REFUSED = "waiting", "answering", "answered", "failed"
MOST_TRIES = 3
"""Jobs that may die of a question before nobody asks it again."""


@dataclass(frozen=True)
class TrialRow:
    """One question that was asked again, and its answer once there is one."""

    id: int
    run_id: int
    question_id: int
    shot: int
    state: str
    """`waiting`, `answering`, `answered` or `failed`."""
    request: specs.TrialSpec
    raw: str
    answer: str
    score: float | None
    cut: bool
    log_prob: float | None
    seconds: float | None
    prompt_sha: str
    request_sha: str
    error: str
    reasoning: str
    picks: tuple[dict[str, Any], ...]
    created: datetime
    answered: datetime | None

    @property
    def is_open(self) -> bool:
        """Whether its answer is still to come."""
        return self.state in (WAITING, ANSWERING)


def add_trial(
    session: Session, *, run_id: int, request: specs.TrialSpec, asker: Mapping[str, Any] | None = None
) -> int:
    """Ask a question of an evaluation again; its number. `asker`: the process whose end makes the answer less wanted."""
    values = {
        "run_id": run_id, "question_id": request.question_id, "shot": request.shot, "state": WAITING,
        "request": canonical_json(home(session).stored_values(request.model_dump(mode="json"))),
        "asker": canonical_json(dict(asker)) if asker else "", "picks": "[]", "cut": 0, "tries": 0, "created_at": now(),
    }  # fmt: skip
    empty = ("raw", "answer", "prompt_sha", "request_sha", "error", "reasoning")
    return insert(session, "trial", values | dict.fromkeys(empty, ""))


def trials(session: Session, *, run_id: int, question_id: int | None = None) -> list[TrialRow]:
    """What was tried on an evaluation, or on one question of it, newest first."""
    sql = """SELECT * FROM trial WHERE run_id = :run AND (:question IS NULL OR question_id = :question) ORDER BY id DESC"""
    return [_row(session, row) for row in query(session, sql, {"run": run_id, "question": question_id})]


def trial(session: Session, *, trial_id: int) -> TrialRow | None:
    """One of them; None where it was taken away."""
    found = query(session, "SELECT * FROM trial WHERE id = :id", {"id": trial_id})
    return _row(session, found[0]) if found else None


def forget_trials(session: Session, *, trial_ids: Sequence[int]) -> int:
    """Take away what was tried; how many there were. An answer that still comes is dropped."""
    sql = "DELETE FROM trial WHERE id IN (SELECT value FROM json_each(:ids))"
    return execute(session, sql, {"ids": listed(list(trial_ids))})


def waits(session: Session, *, run_id: int) -> bool:
    """Whether anybody waits for an answer about this evaluation."""
    sql = "SELECT EXISTS (SELECT 1 FROM trial WHERE run_id = :run AND state = 'waiting') AS found"
    return bool(query(session, sql, {"run": run_id})[0]["found"])


def take_trial(session: Session, *, run_id: int, process_id: int) -> tuple[int, specs.TrialSpec] | None:
    """The oldest question that waits, which from now on this process answers; None where none waits."""
    sql = """
        UPDATE trial SET state = 'answering', process_id = :process, tries = tries + 1
        WHERE id = (SELECT min(id) FROM trial WHERE run_id = :run AND state = 'waiting') RETURNING id, request
    """
    found = query(session, sql, {"run": run_id, "process": process_id})
    return (found[0]["id"], _request(session, found[0])) if found else None


def askers(session: Session, *, run_id: int, process_id: int) -> list[dict[str, Any]]:
    """The processes that have asked, or ask, this job; each once."""
    sql = """SELECT DISTINCT asker FROM trial
        WHERE run_id = :run AND asker <> '' AND (process_id = :process OR state = 'waiting')"""
    return [json.loads(row["asker"]) for row in query(session, sql, {"run": run_id, "process": process_id})]


def let_go(session: Session, *, process_id: int) -> None:
    """What a process that has ended had not answered waits again, unless it has ended too many."""
    sql = """
        UPDATE trial SET process_id = NULL, state = CASE WHEN tries < :most THEN 'waiting' ELSE 'failed' END,
            error = CASE WHEN tries < :most THEN '' ELSE 'the job ended ' || tries || ' times while it answered this' END
        WHERE process_id = :process AND state = 'answering'
    """
    execute(session, sql, {"process": process_id, "most": MOST_TRIES})


def asking_runs(session: Session, *, run_ids: Sequence[int]) -> list[int]:
    """The jobs that are, or were, asked about these evaluations, deleted ones too."""
    sql = "SELECT id FROM run WHERE kind = 'ask' AND parent_id IN (SELECT value FROM json_each(:ids)) ORDER BY id"
    return [row["id"] for row in query(session, sql, {"ids": listed(list(run_ids))})]


def add_replies(session: Session, process_id: int | None, replies: Sequence[rows.TrialReply]) -> None:
    """Store answers with what they answer; of one that was taken away, or is another process's by now, nothing."""
    execute_many(
        session,
        """
        UPDATE trial SET state = ?, raw = ?, answer = ?, score = ?, cut = ?, log_prob = ?, seconds = ?, prompt_sha = ?,
            request_sha = ?, error = ?, reasoning = ?, picks = ?, answered_at = ?
        WHERE id = ? AND process_id = ? AND state = 'answering'
        """,
        [
            (REFUSED if row.error else ANSWERED, row.raw, row.answer, row.score, row.cut, row.log_prob, row.seconds,
             row.prompt_sha, row.request_sha, row.error, row.reasoning, canonical_json(list(row.picks)), now(),
             row.trial, process_id)
            for row in replies
        ],
    )  # fmt: skip


def _request(session: Session, row: Row) -> specs.TrialSpec:
    return specs.TrialSpec.model_validate(home(session).located_values(json.loads(row["request"])))


def _row(session: Session, row: Row) -> TrialRow:
    names = (
        "id", "run_id", "question_id", "shot", "state", "raw", "answer", "score", "log_prob", "seconds", "prompt_sha",
        "request_sha", "error", "reasoning",
    )  # fmt: skip
    return TrialRow(
        **{name: row[name] for name in names}, request=_request(session, row), cut=bool(row["cut"]),
        picks=tuple(json.loads(row["picks"])), created=moment(row["created_at"]), answered=moment_or_none(row["answered_at"]),
    )  # fmt: skip
