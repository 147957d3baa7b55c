"""Answers that runs have stored, in a file of their own that other machines read and nobody writes any more."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

from db.rows import StoredAnswer
from db.session import Session
from db.store.base import listed

_MOST = 500
"""Requests looked up at once."""


def write_answers(session: Session, path: Path, *, vlms: Sequence[str]) -> int:
    """Write the answers that runs of these models computed, and those of unknown source; how many there are.

    A name is no identity, so that some may be of other weights: who looks up asks by the request's hash.
    """
    sql = """
        SELECT request_sha, raw, cut, run_id, reasoning FROM answer WHERE run_id IS NULL
            OR run_id IN (SELECT id FROM run WHERE vlm IN (SELECT value FROM json_each(:vlms)))
    """
    found = session.run(sql, {"vlms": listed(list(vlms))})
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as file:
        file.execute(
            "CREATE TABLE answer (request_sha TEXT PRIMARY KEY, raw TEXT, cut INTEGER, source INTEGER, reasoning TEXT)"
            " WITHOUT ROWID"
        )
        count = file.executemany("INSERT INTO answer VALUES (?, ?, ?, ?, ?)", map(tuple, found)).rowcount
        file.commit()
    return max(0, count)


def read_answers(path: Path, request_shas: Sequence[str]) -> Mapping[str, StoredAnswer]:
    """Those of these requests that the file holds. Opened as what never changes: no lock is asked of a network disk."""
    answers: dict[str, StoredAnswer] = {}
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?immutable=1", uri=True)) as file:
        for start in range(0, len(request_shas), _MOST):
            some = request_shas[start : start + _MOST]
            sql = f"SELECT request_sha, raw, cut, source, reasoning FROM answer WHERE request_sha IN ({', '.join('?' * len(some))})"
            for sha, raw, cut, source, reasoning in file.execute(sql, some):
                answers[sha] = StoredAnswer(raw, bool(cut), source, reasoning)
    return answers
