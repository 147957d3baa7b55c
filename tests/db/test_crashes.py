"""What was acknowledged is there: after SIGKILL, beside another writer, on a full disk."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from db import store
from db.session import DatabaseFile, DiskFull, open_database, reading, writing
from db.specs import UserError
from tests.helpers_db import a_question, a_subset, add, an_answer, every_kind, fresh, new_run

WRITER = """
import sys
from pathlib import Path
from db import store
from db.session import open_database, writing
from tests.helpers_db import an_answer
engine = open_database(Path(sys.argv[1]))
for question_id in range(int(sys.argv[3]), int(sys.argv[4])):
    with writing(engine) as session:
        known = len(store.answered(session, run_id=int(sys.argv[2])))
        store.add_rows(session, run_id=int(sys.argv[2]), process_id=None, rows=[an_answer(question_id)])
    print(question_id, flush=True)
"""

NOT_OF_A_JOB = ("process", "tag", "note", "data_file", "ticket", "sweep", "sweep_member", "snapshot", "trial")
"""Tables that no row of a recipe goes into."""


def _writer(path: Path, run_id: int, first: int, last: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(path), str(run_id), str(first), str(last)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_sigkill_loses_nothing_acknowledged(tmp_path: Path) -> None:
    run_id = new_run(fresh(tmp_path))
    path = tmp_path / "home" / "leverplus.db"
    writer = _writer(path, run_id, 0, 1_000_000)
    assert writer.stdout is not None
    acknowledged = [int(next(writer.stdout)) for _ in range(200)]
    writer.send_signal(signal.SIGKILL)
    acknowledged += [int(line) for line in writer.stdout.read().splitlines()]
    assert writer.wait() == -signal.SIGKILL
    with reading(open_database(path)) as session:
        stored = {question_id for question_id, _ in store.answered(session, run_id=run_id)}
    assert stored >= set(acknowledged)
    assert len(stored) <= len(acknowledged) + 1  # at most the one that was committed and not yet printed
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_two_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    engine = fresh(tmp_path)
    path = tmp_path / "home" / "leverplus.db"
    runs = [new_run(engine), new_run(engine)]
    writers = [_writer(path, run_id, 0, 150) for run_id in runs]
    assert [(writer.communicate()[0].count("\n"), writer.returncode) for writer in writers] == [(150, 0), (150, 0)]
    with reading(engine) as session:
        assert [len(store.answered(session, run_id=run_id)) for run_id in runs] == [150, 150]


def _limit(engine: DatabaseFile, pages: int) -> None:
    """A full disk as SQLite reports it; the limit belongs to the engine's one pooled connection."""
    with writing(engine) as session:
        session.run(f"PRAGMA max_page_count = {pages}")


def test_a_full_disk_stores_nothing_of_the_batch_and_a_repeat_all_of_it(tmp_path: Path) -> None:
    engine = fresh(tmp_path)
    run_id = new_run(engine)
    add(engine, run_id, a_subset(1), an_answer(0))
    batch = [an_answer(question_id, raw="long " * 500) for question_id in range(200)]
    _limit(engine, 1)  # SQLite makes it the present size
    with pytest.raises(DiskFull, match=r"no room to write .*leverplus\.db: free some space") as caught:
        add(engine, run_id, *batch)
    assert isinstance(caught.value, UserError)
    assert caught.value.exit_code == 1
    with reading(engine) as session:
        assert store.answered(session, run_id=run_id) == {(0, 2)}
    _limit(engine, 1_000_000)
    add(engine, run_id, *batch)
    with reading(engine) as session:
        assert len(store.answered(session, run_id=run_id)) == 200


def _content(path: Path) -> dict[str, list[str]]:
    """All rows of all tables, without the times at which they were written."""
    content = {}
    with closing(sqlite3.connect(path)) as connection:
        tables = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        ).fetchall()
        for (table,) in tables:
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            kept = ", ".join(column for column in columns if not column.endswith(("_at", "_since")))
            content[table] = sorted(map(repr, connection.execute(f"SELECT {kept} FROM {table}")))
    return content


def test_repeating_everything_changes_nothing(tmp_path: Path) -> None:
    engine = fresh(tmp_path)
    run_id = new_run(engine)
    path = tmp_path / "home" / "leverplus.db"
    add(engine, run_id, *every_kind())
    once = _content(path)
    assert all(once[table] for table in once if table not in NOT_OF_A_JOB), "a kind is missing here"
    add(engine, run_id, *every_kind())
    assert _content(path) == once
    for row in every_kind():  # one by one, as a worker with tiny batches would
        add(engine, run_id, row)
    assert _content(path) == once


def test_rows_arrive_in_any_split_into_batches(tmp_path: Path) -> None:
    whole, split = fresh(tmp_path / "whole"), fresh(tmp_path / "split")
    for engine in (whole, split):
        new_run(engine)
    add(whole, 1, *every_kind())
    for row in every_kind():
        add(split, 1, row)
    left, right = (_content(tmp_path / name / "home" / "leverplus.db") for name in ("whole", "split"))
    assert left == right


def test_half_a_surrogate_pair_is_stored_with_a_question_mark(tmp_path: Path) -> None:
    engine = fresh(tmp_path)
    run_id = new_run(engine)
    add(engine, run_id, a_subset(2), a_question(0), an_answer(0), an_answer(1, raw="caf\udce9"))
    with reading(engine) as session:
        assert [row.raw for row in store.predictions(session, run_id=run_id, shot=2)] == ["a cat", "caf?"]
