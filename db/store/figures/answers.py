"""Questions and the answers to them: what is already known, what was said, how it scored."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from sqlite3 import Row
from typing import TYPE_CHECKING, Any

from db.connection import Session
from db.specs.movable import HomePaths
from db.store.base import home, listed, moment, query

if TYPE_CHECKING:
    from db import rows

_ORDERS = {
    "question_id": ("question_id > :after", "question_id"),
    "score": ("(score, question_id) > (:score, :after)", "score, question_id"),
    "score desc": ("(-score, question_id) > (-:score, :after)", "-score, question_id"),
}


@dataclass(frozen=True)
class PredictionRow:
    """One answer beside its question. Fields of the question are empty (`image_id` None) when it was never stored."""

    run_id: int
    shot: int
    question_id: int
    demonstrations: tuple[int, ...]
    prompt_sha: str
    request_sha: str
    raw: str
    answer: str
    score: float
    cut: bool
    reused: bool
    error: str
    source: int | None
    created: datetime
    dataset_sha: str
    split: str
    image_id: int | None
    question: str
    answers: tuple[str, ...]
    image: str
    support_sha: str
    """Data set of the demonstrations."""
    reasoning: str


def find_answers(session: Session, *, request_shas: Sequence[str]) -> dict[str, rows.StoredAnswer]:
    """Answers that any run has stored for these requests; requests without one are left out."""
    from db import rows  # as in `figures.adding`

    sql = """
        SELECT request_sha, raw, cut, run_id AS source, reasoning FROM answer
        WHERE request_sha IN (SELECT value FROM json_each(:shas))
    """
    found = query(session, sql, {"shas": listed(list(request_shas))})
    return {
        row["request_sha"]: rows.StoredAnswer(row["raw"], bool(row["cut"]), row["source"], row["reasoning"])
        for row in found
    }


def stored_predictions(session: Session, *, run_id: int) -> list[rows.Prediction]:
    """All answers of a run as they were added."""
    from db import rows  # as in `figures.adding`

    sql = "SELECT * FROM prediction WHERE run_id = :run ORDER BY shot, question_id"
    return [
        rows.Prediction(
            question_id=row["question_id"], shot=row["shot"], demonstrations=tuple(json.loads(row["demonstrations"])),
            prompt_sha=row["prompt_sha"], request_sha=row["request_sha"], raw=row["raw"], answer=row["answer"],
            score=row["score"], cut=bool(row["cut"]), reused=bool(row["reused"]), error=row["error"],
            source=row["source_run"], reasoning=row["reasoning"],
        )
        for row in query(session, sql, {"run": run_id})
    ]  # fmt: skip


def answer_sources(session: Session, *, run_id: int) -> dict[int | None, int]:
    """How many answers of a run were computed by which run; None counts those of which that is unknown."""
    sql = """
        SELECT source, count(*) AS answers FROM (
            SELECT source_run AS source FROM prediction WHERE run_id = :run AND error = ''
            UNION ALL SELECT source_run AS source FROM candidate WHERE run_id = :run
        ) GROUP BY source ORDER BY source
    """
    return {row["source"]: row["answers"] for row in query(session, sql, {"run": run_id})}


def answered(session: Session, *, run_id: int) -> set[tuple[int, int]]:
    """(question_id, shot) that the run has stored without error: a resumed run goes on after them."""
    sql = "SELECT question_id, shot FROM prediction WHERE run_id = :run AND error = ''"
    return {(row["question_id"], row["shot"]) for row in query(session, sql, {"run": run_id})}


def unanswered(session: Session, *, run_id: int) -> int:
    """What a resumed run does again, because it was asked or read in vain, or lost to a damaged database: questions, each counted
    for each number of shots, candidates without an answer, and images without a vector. Older runs say of the last two only
    that there are some."""
    sql = """
        SELECT max(
            (SELECT count(*) FROM prediction WHERE run_id = :run AND error <> ''),
            (SELECT coalesce(sum(lacking), 0) FROM (SELECT max(n - n_done) AS lacking FROM cell WHERE run_id = :run GROUP BY shot))
        ) + coalesce(
            (SELECT CAST(value AS INTEGER) FROM fact WHERE run_id = :run AND name = 'gaps'),
            (SELECT count(*) FROM finding JOIN run ON run.id = finding.run_id WHERE run_id = :run
                AND kind IN ('generate', 'embed') AND code IN ('image-unreadable', 'answers-missing', 'reasoning-cut'))
        ) AS n
    """
    return int(query(session, sql, {"run": run_id})[0]["n"])


def candidates(session: Session, *, run_id: int, after: int = 0, limit: int = -1) -> list[tuple[int, rows.Candidate]]:
    """(row id, candidate) in the order in which they became known, from behind row id `after` on."""
    sql = "SELECT * FROM candidate WHERE run_id = :run AND id > :after ORDER BY id LIMIT :limit"
    found = query(session, sql, {"run": run_id, "after": after, "limit": limit})
    return [(row["id"], _candidate(row)) for row in found]


def predictions(
    session: Session,
    *,
    run_id: int,
    shot: int,
    subset_sha: str | None = None,
    order: str = "question_id",
    limit: int | None = None,
    after: int | None = None,
    question_ids: Sequence[int] | None = None,
) -> list[PredictionRow]:
    """A page of answers, from behind question `after` on. `order`: `question_id`, `score` or `score desc`.

    `subset_sha` and `question_ids` narrow to a subset of the run and to some questions.
    """
    assert order in _ORDERS, f"answers are ordered by {', '.join(_ORDERS)}, not {order}"
    behind, by = _ORDERS[order]
    sql = f"""
        SELECT prediction.*, dataset.sha AS dataset_sha, run.split,
            (SELECT value FROM fact WHERE run_id = :run AND name = 'support_sha') AS support_sha,
            question.image_id, question.question, question.answers, question.image
        FROM prediction JOIN run ON run.id = prediction.run_id
        LEFT JOIN dataset ON dataset.id = run.dataset_id
        LEFT JOIN question ON question.dataset_id = run.dataset_id AND question.split = run.split
            AND question.question_id = prediction.question_id
        WHERE prediction.run_id = :run AND prediction.shot = :shot
        {_among("prediction.question_id", subset_sha, question_ids)}
        {f"AND {behind.replace('question_id', 'prediction.question_id')}" if after is not None else ""}
        ORDER BY {by.replace("question_id", "prediction.question_id")} LIMIT :limit
    """
    score = _score(session, run_id, shot, after) if after is not None and order != "question_id" else None
    parameters = {
        "run": run_id, "shot": shot, "sha": subset_sha, "questions": listed(list(question_ids or ())),
        "after": after, "score": score, "limit": -1 if limit is None else limit,
    }  # fmt: skip
    return [_prediction(row, home(session)) for row in query(session, sql, parameters)]


def scores(
    session: Session, *, run_id: int, shot: int, subset_sha: str, images: dict[int, int] | None = None
) -> dict[int, tuple[float, int]]:
    """question_id -> (score 0..1, image_id) of the questions of a subset that were answered without error.

    A question that was never stored counts as the only one of its image (a negative image_id). `images`, which is filled, tells
    the images of questions of the same data set and split that an earlier call has met: most of the time goes into them.
    """
    sql = "SELECT question_id, score FROM prediction WHERE run_id = :run AND shot = :shot AND error = ''"
    asked, found = _subset_ids(session, run_id, subset_sha), dict(session.tuples(sql, {"run": run_id, "shot": shot}))
    if not found.keys() <= asked:
        found = {question_id: score for question_id, score in found.items() if question_id in asked}
    known = {} if images is None else images
    missing = list(found.keys() - known.keys())
    if missing:
        known |= {question_id: -1 - question_id for question_id in missing} | _images(session, run_id, missing)
    return dict(zip(found, zip(found.values(), map(known.__getitem__, found), strict=True), strict=True))


def _images(session: Session, run_id: int, question_ids: Sequence[int]) -> dict[int, int]:
    sql = """
        SELECT question_id, image_id FROM run JOIN question ON question.dataset_id = run.dataset_id AND question.split = run.split
        WHERE run.id = :run AND question_id IN (SELECT value FROM json_each(:ids))
    """
    return dict(session.tuples(sql, {"run": run_id, "ids": listed(list(question_ids))}))


def _subset_ids(session: Session, run_id: int, subset_sha: str) -> frozenset[int]:
    sql = """
        SELECT question_ids FROM run_subset JOIN subset ON subset.id = subset_id
        WHERE run_subset.run_id = :run AND run_subset.sha = :sha
    """
    found = query(session, sql, {"run": run_id, "sha": subset_sha})
    return _ids(found[0]["question_ids"]) if found else frozenset()


@lru_cache(maxsize=16)
def _ids(told: str) -> frozenset[int]:
    return frozenset(json.loads(told))


def shown(session: Session, *, run_id: int, shot: int) -> tuple[str, str, str]:
    """Three lists in JSON, side by side: question_ids that were answered without error, the answers, and lists of the
    question_ids of their demonstrations. As rows they would take three times as long.
    """
    sql = """
        SELECT json_group_array(question_id), json_group_array(answer), '[' || coalesce(group_concat(demonstrations), '') || ']'
        FROM prediction WHERE run_id = :run AND shot = :shot AND error = ''
    """
    ((question_ids, answers, demonstrations),) = session.tuples(sql, {"run": run_id, "shot": shot})
    return question_ids, answers, demonstrations


def answers_to(session: Session, *, dataset_sha: str, split: str, question_ids: Sequence[int]) -> list[tuple[Any, ...]]:
    """(question_id, image_id, references as JSON, label) of stored questions; missing ones are left out."""
    sql = """
        SELECT question_id, image_id, answers, label FROM question JOIN dataset ON dataset.id = dataset_id
        WHERE dataset.sha = :sha AND split = :split AND question_id IN (SELECT value FROM json_each(:ids))
    """
    return session.tuples(sql, {"sha": dataset_sha, "split": split, "ids": listed(list(question_ids))})


def questions(
    session: Session, *, dataset_sha: str, split: str, question_ids: Sequence[int]
) -> dict[int, rows.Question]:
    """Stored questions by id, such as the demonstrations (split `train`) of a prediction; missing ones are left out."""
    from db import rows  # as in `figures.adding`

    sql = """
        SELECT question.* FROM question JOIN dataset ON dataset.id = dataset_id
        WHERE dataset.sha = :sha AND split = :split AND question_id IN (SELECT value FROM json_each(:ids))
    """
    found = query(session, sql, {"sha": dataset_sha, "split": split, "ids": listed(list(question_ids))})
    place = home(session)
    return {
        row["question_id"]: rows.Question(
            dataset_sha=dataset_sha, split=split, question_id=row["question_id"], image_id=row["image_id"],
            question=row["question"], answers=tuple(json.loads(row["answers"])), label=row["label"],
            image=place.located(row["image"]),
        )
        for row in found
    }  # fmt: skip


def _among(column: str, subset_sha: str | None, question_ids: Sequence[int] | None) -> str:
    condition = ""
    if subset_sha is not None:
        condition += f"""AND {column} IN (
            SELECT value FROM run_subset JOIN subset ON subset.id = subset_id, json_each(subset.question_ids)
            WHERE run_subset.run_id = :run AND run_subset.sha = :sha)"""
    if question_ids is not None:
        condition += f" AND {column} IN (SELECT value FROM json_each(:questions))"
    return condition


def _score(session: Session, run_id: int, shot: int, question_id: int) -> float:
    sql = "SELECT score FROM prediction WHERE run_id = :run AND shot = :shot AND question_id = :question"
    found = query(session, sql, {"run": run_id, "shot": shot, "question": question_id})
    return float(found[0]["score"]) if found else 0.0


def _prediction(row: Row, place: HomePaths) -> PredictionRow:
    return PredictionRow(
        run_id=row["run_id"], shot=row["shot"], question_id=row["question_id"],
        demonstrations=tuple(json.loads(row["demonstrations"])), prompt_sha=row["prompt_sha"], request_sha=row["request_sha"],
        raw=row["raw"], answer=row["answer"], score=row["score"], cut=bool(row["cut"]), reused=bool(row["reused"]),
        error=row["error"], source=row["source_run"], created=moment(row["created_at"]),
        dataset_sha=row["dataset_sha"] or "", split=row["split"],
        image_id=row["image_id"], question=row["question"] or "", answers=tuple(json.loads(row["answers"] or "[]")),
        image=place.located(row["image"] or ""),
        support_sha=json.loads(row["support_sha"] or '""') or row["dataset_sha"] or "",
        reasoning=row["reasoning"],
    )  # fmt: skip


def _candidate(row: Row) -> rows.Candidate:
    from db import rows  # as in `figures.adding`

    return rows.Candidate(
        query_id=row["query_id"], pointer=tuple(json.loads(row["pointer"])), method=row["method"],
        request_sha=row["request_sha"], raw=row["raw"], answer=row["answer"], score=row["score"],
        beam_rank=row["beam_rank"], beam_score=row["beam_score"], logprob_score=row["logprob_score"],
        temperature=row["temperature"], similarity=row["similarity"], cut=bool(row["cut"]),
        source=row["source_run"], gt_prob=row["gt_prob"], reasoning=row["reasoning"],
    )  # fmt: skip
