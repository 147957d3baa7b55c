"""What keeping a home in order asks: what refers to what a run wrote, which files rows promise, which figures their rows."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from db.connection import Session
from db.specs.movable import MARK
from db.store.base import execute, home, listed, now, query, ref

_OF_A_RUN = re.compile(re.escape(MARK) + r"runs/r(\d+)/")


@dataclass(frozen=True)
class PromisedFile:
    """A file that a row says is there."""

    table: str
    id: int
    run_id: int
    kind: str
    path: str
    sha256: str
    state: str
    """State of the run."""


@dataclass(frozen=True)
class WrongCell:
    """A figure that is not the sum of its run's answers."""

    run_id: int
    shot: int
    subset_id: int
    n_done: int
    accuracy: float | None
    scores: tuple[float, ...]
    images: tuple[int, ...]


def deleted_runs(session: Session) -> list[int]:
    """Runs in the trash, the newest thrown away first."""
    rows = query(session, "SELECT id FROM run WHERE deleted_at IS NOT NULL ORDER BY deleted_at DESC, id DESC")
    return [row["id"] for row in rows]


def referrers(session: Session, *, but: Sequence[int] = ()) -> dict[int, list[str]]:
    """Run -> what uses files that it wrote: other runs (`r12`, in the trash or not) and registered data; `but` do not count.

    A job that is asked about an evaluation uses what that uses, and is erased with it.
    """
    found: dict[int, dict[str, None]] = defaultdict(dict)
    for name, text, owner in _texts(session):
        for match in _OF_A_RUN.finditer(text):
            run_id = int(match[1])
            if owner != run_id and owner not in but:
                found[run_id][name] = None
    for row in query(session, "SELECT run_id, needs FROM ticket JOIN run ON run.id = run_id WHERE state = 'queued'"):
        for needed in re.findall(r"\d+", row["needs"]):
            found[int(needed)][ref(row["run_id"])] = None
    return {run_id: list(names) for run_id, names in found.items()}


def _texts(session: Session) -> Iterator[tuple[str, str, int | None]]:
    """(what, a text that may name a file, the run that it is of)."""
    likely = {"like": f"%{MARK}runs/%"}
    for row in query(session, "SELECT id, spec FROM run WHERE kind <> 'ask' AND spec LIKE :like", likely):
        yield ref(row["id"]), row["spec"], row["id"]
    sql = """SELECT run_id, path FROM run_input JOIN run ON run.id = run_id WHERE kind <> 'ask' AND path LIKE :like"""
    for row in query(session, sql, likely):
        yield ref(row["run_id"]), row["path"], row["run_id"]
    sql = "SELECT id, name, path || ' ' || facts AS text FROM data_file WHERE deleted_at IS NULL AND text LIKE :like"
    for row in query(session, sql, likely):
        yield f"d{row['id']} {row['name']}", row["text"], None


def promised_files(session: Session) -> list[PromisedFile]:
    """Checkpoints and artifacts that should be on disk."""
    place = home(session)
    found = []
    for table, kind, condition in (
        ("checkpoint", "'checkpoint'", "replaced_at IS NULL"),
        ("artifact", "artifact.kind", "1"),
    ):
        sql = f"""SELECT {table}.id, run_id, {kind} AS kind, path, sha256, state
            FROM {table} JOIN run ON run.id = run_id WHERE {condition} ORDER BY {table}.id"""
        for row in query(session, sql):
            values = {name: row[name] for name in ("id", "run_id", "kind", "sha256", "state")}
            found.append(PromisedFile(table=table, path=place.located(row["path"]), **values))
    return found


def note_gone(session: Session, *, checkpoint_id: int) -> None:
    """A checkpoint's file is not there any more, or not what was written: nobody is offered it."""
    execute(session, "UPDATE checkpoint SET replaced_at = :now WHERE id = :id", {"now": now(), "id": checkpoint_id})


def wrong_cells(session: Session) -> list[WrongCell]:
    """Figures of ended runs that differ from the mean of the answers that are stored; those without any answer are imported."""
    # CROSS JOIN: in this order each answer is one step down its table's key
    sql = """
        SELECT cell.run_id, cell.shot, cell.subset_id, cell.n_done, cell.accuracy, count(*) AS done, 100 * avg(score) AS mean
        FROM cell JOIN run ON run.id = cell.run_id JOIN subset ON subset.id = cell.subset_id
        CROSS JOIN json_each(subset.question_ids) AS asked
        CROSS JOIN prediction ON prediction.run_id = cell.run_id AND prediction.shot = cell.shot
            AND prediction.question_id = asked.value AND prediction.error = ''
        WHERE run.state = 'done'
        GROUP BY cell.run_id, cell.shot, cell.subset_id
        HAVING done <> cell.n_done OR cell.accuracy IS NULL OR abs(mean - cell.accuracy) > 1e-6
    """
    return [
        WrongCell(
            row["run_id"], row["shot"], row["subset_id"], row["n_done"], row["accuracy"],
            *_answers(session, row["run_id"], row["shot"], row["subset_id"]),
        )
        for row in query(session, sql)
    ]  # fmt: skip


def _answers(session: Session, run_id: int, shot: int, subset_id: int) -> tuple[tuple[float, ...], tuple[int, ...]]:
    sql = """
        SELECT score, image_id FROM subset CROSS JOIN json_each(subset.question_ids) AS asked
        CROSS JOIN prediction ON run_id = :run AND shot = :shot AND prediction.question_id = asked.value AND error = ''
        JOIN question ON question.dataset_id = subset.dataset_id AND question.split = subset.split
            AND question.question_id = asked.value
        WHERE subset.id = :subset ORDER BY asked.value
    """
    rows = query(session, sql, {"run": run_id, "shot": shot, "subset": subset_id})
    return tuple(row["score"] for row in rows), tuple(row["image_id"] for row in rows)


def set_cell(session: Session, *, cell: WrongCell, n_done: int, accuracy: float, ci_low: float, ci_high: float) -> None:
    """Write a figure anew, from the answers."""
    execute(
        session,
        """UPDATE cell SET n_done = :n, accuracy = :accuracy, ci_low = :low, ci_high = :high, updated_at = :now
        WHERE run_id = :run AND shot = :shot AND subset_id = :subset""",
        {"n": n_done, "accuracy": accuracy, "low": ci_low, "high": ci_high, "now": now(), "run": cell.run_id,
         "shot": cell.shot, "subset": cell.subset_id},
    )  # fmt: skip


def run_states(session: Session) -> dict[int, str]:
    """State of every run, in the trash or not."""
    return {row["id"]: row["state"] for row in query(session, "SELECT id, state FROM run")}


def refers_to_nothing(session: Session) -> list[str]:
    """Rows whose run, data set or series is missing; empty where nothing is wrong."""
    broken = query(session, "PRAGMA foreign_key_check")
    return [f"a row of {row['table']} refers to nothing in {row['parent']}" for row in broken[:20]]


def pause_all(session: Session) -> int:
    """Hold back every run that waits, or that would wait again by itself (it runs, or has a try left); how many."""
    sql = "UPDATE ticket SET paused = 1 WHERE run_id IN (SELECT id FROM run WHERE state <> 'done')"
    return execute(session, sql)


def names_of(session: Session, *, run_ids: Sequence[int]) -> dict[int, str]:
    """Name of each run."""
    sql = "SELECT id, name FROM run WHERE id IN (SELECT value FROM json_each(:ids))"
    return {row["id"]: row["name"] for row in query(session, sql, {"ids": listed(run_ids)})}
