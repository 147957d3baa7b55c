"""Opening and transacting, and what is said when it cannot be done."""

from __future__ import annotations

import gc
import os
import sqlite3
import subprocess
import sys
import threading
import weakref
from contextlib import closing
from pathlib import Path

import pytest

from db import session as opening
from db import store
from db.errors import DatabaseGone
from db.schema import APPLICATION_ID, SCHEMA
from db.session import (
    DatabaseBusy,
    DatabaseDamaged,
    DatabaseFile,
    DatabaseNewer,
    DatabaseUnwritable,
    Session,
    open_database,
    reading,
    writing,
)
from db.specs import EvalSpec, UserError
from tests.helpers_db import fresh, new_run


def _pragma(engine: DatabaseFile, name: str) -> object:
    with reading(engine) as session:
        return session.rows(f"PRAGMA {name}")[0][0]


def _change(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def test_settings_of_a_new_file(tmp_path: Path) -> None:
    engine = fresh(tmp_path)
    new_run(engine)  # the journal mode shows once the file was read
    wanted = {"journal_mode": "wal", "foreign_keys": 1, "synchronous": 1, "busy_timeout": 10_000}
    assert {name: _pragma(engine, name) for name in wanted} == wanted
    assert _pragma(engine, "application_id") == APPLICATION_ID
    assert _pragma(engine, "user_version") == SCHEMA


def test_awkward_file_names(tmp_path: Path) -> None:
    path = tmp_path / "a b%20c?d#é" / "leverplus.db"
    engine = open_database(path)
    assert new_run(engine) == 1
    assert path.exists()


def _runs(session: Session) -> list[int]:
    return store.run_ids(session)


def _fail_in_the_middle(engine: DatabaseFile) -> None:
    with writing(engine) as session:
        store.create_run(session, spec=EvalSpec(), environment={})
        raise RuntimeError


def test_a_failed_block_stores_nothing(tmp_path: Path) -> None:
    engine = fresh(tmp_path)
    with pytest.raises(RuntimeError):
        _fail_in_the_middle(engine)
    with reading(engine) as session:
        assert _runs(session) == []


def _undone_by_sqlite(engine: DatabaseFile) -> None:
    with writing(engine) as session:
        store.create_run(session, spec=EvalSpec(), environment={})
        session.connection.execute("ROLLBACK")  # as SQLite does where the disk is full


def test_a_transaction_that_sqlite_undid_is_no_success(tmp_path: Path) -> None:
    engine = fresh(tmp_path)
    with pytest.raises(DatabaseUnwritable, match="nothing of them was stored: look"):
        _undone_by_sqlite(engine)
    with reading(engine) as session:
        assert _runs(session) == []


def test_reading_cannot_write_and_writing_still_can(tmp_path: Path) -> None:
    engine = fresh(tmp_path)
    run_id = new_run(engine)
    with pytest.raises(DatabaseUnwritable), reading(engine) as session:
        session.run("DELETE FROM run")
    assert new_run(engine) == run_id + 1


def test_reading_sees_one_state_while_others_write(tmp_path: Path) -> None:
    engine = fresh(tmp_path)
    with reading(engine) as session:
        assert _runs(session) == []
        new_run(engine)
        assert _runs(session) == []


def test_a_writer_waits_and_then_says_busy(tmp_path: Path) -> None:
    fresh(tmp_path)
    path = tmp_path / "home" / "leverplus.db"
    engine = open_database(path, busy_seconds=0.05)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseBusy, match="held by another program") as caught:
            new_run(engine)
        assert caught.value.exit_code == 4
        other.execute("COMMIT")
    assert new_run(engine) == 1  # the engine is none the worse


def test_a_writer_that_reads_first_does_not_fail(tmp_path: Path) -> None:
    """A deferred transaction would be refused at its first write, because another one wrote after its first read."""
    engine = fresh(tmp_path)
    inside, done = threading.Event(), threading.Event()

    def other() -> None:
        inside.wait()
        new_run(engine)
        done.set()

    thread = threading.Thread(target=other)
    thread.start()
    with writing(engine) as session:
        assert _runs(session) == []
        inside.set()
        store.create_run(session, spec=EvalSpec(), environment={})
    thread.join()
    assert done.is_set()


def test_a_newer_database_is_refused_in_one_sentence(tmp_path: Path) -> None:
    fresh(tmp_path)
    path = tmp_path / "home" / "leverplus.db"
    _change(path, f"PRAGMA user_version = {SCHEMA + 1}")
    with pytest.raises(
        DatabaseNewer, match=rf"leverplus\.db was written by a newer leverplus \(schema {SCHEMA + 1}"
    ) as caught:
        open_database(path)
    assert caught.value.exit_code == 4
    assert not (tmp_path / "home" / "backups").exists()


@pytest.mark.parametrize(
    "statement", ["CREATE TABLE theirs (x)", "PRAGMA application_id = 7", "PRAGMA user_version = 3"]
)
def test_the_database_of_another_program_is_left_alone(tmp_path: Path, statement: str) -> None:
    path = tmp_path / "other.db"
    _change(path, statement)
    before = path.read_bytes()
    with pytest.raises(DatabaseDamaged, match="belongs to another program"):
        open_database(path)
    assert path.read_bytes() == before


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "leverplus.db"
    path.write_bytes(b"hello " * 500)
    with pytest.raises(DatabaseDamaged, match="is not an SQLite database: move it away") as caught:
        open_database(path)
    assert caught.value.exit_code == 2


def test_a_broken_file_points_at_the_backup(tmp_path: Path) -> None:
    engine = fresh(tmp_path)
    new_run(engine)
    engine.dispose()
    path = tmp_path / "home" / "leverplus.db"
    _change(path, "PRAGMA wal_checkpoint(TRUNCATE)")
    (path.parent / "backups").mkdir()
    (path.parent / "backups" / "leverplus-1.db").write_bytes(b"")
    content = bytearray(path.read_bytes())
    content[4096:] = os.urandom(len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises(DatabaseDamaged, match=r"is damaged .*copy .*leverplus-1\.db over it"):
        new_run(open_database(path))


def test_an_old_sqlite_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 26, 0))
    with pytest.raises(UserError, match=r"3\.35 or newer is needed: use a newer Python"):
        open_database(tmp_path / "leverplus.db")


def test_another_file_in_its_place_is_read_and_written_from_then_on(tmp_path: Path) -> None:
    """A terminal that was open when a backup was restored: what it wrote went to the home of before."""
    old, new = (fresh(tmp_path / name) for name in ("old", "new"))
    new_run(old, "before")
    for name in ("restored", "too"):
        new_run(new, name)
    job = open_database(old.path, is_there=True)
    version = old.version()
    new.dispose()
    old.path.parent.rename(tmp_path / "kept")
    with reading(old) as session:
        assert store.count_runs(session) == 1, "moved, and nothing in its place"
    new.path.parent.rename(old.path.parent)
    assert old.version() != version
    with writing(old) as session:
        store.tag(session, run_id=1, tags=["seen"])
        assert [row.name for row in store.list_runs(session)] == ["too", "restored"]
    with reading(open_database(old.path)) as session:
        assert store.run_detail(session, run_id=1).row.tags == ("seen",)
    with reading(job) as session:
        assert store.count_runs(session) == 1, "a job stores nothing in a home that it did not begin in"
    with pytest.raises(DatabaseGone, match="put the home back"):
        job.must_stand()


def test_an_empty_file_is_a_new_database(tmp_path: Path) -> None:
    path = tmp_path / "leverplus.db"
    path.touch()
    assert new_run(open_database(path)) == 1


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DatabaseUnwritable, match="choose another one with --home") as caught:
        open_database(tmp_path / "file" / "deeper" / "leverplus.db")
    assert caught.value.exit_code == 2


def test_a_folder_in_place_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "leverplus.db").mkdir()
    with pytest.raises(DatabaseUnwritable, match="it is a folder"):
        open_database(tmp_path / "leverplus.db")


def test_the_system_refuses_to_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "_make_folder", lambda _: None)
    with pytest.raises(DatabaseUnwritable, match="unable to open database file"):
        open_database(tmp_path / "missing" / "leverplus.db")


def test_what_cannot_be_written_can_still_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = fresh(tmp_path)
    new_run(engine, "kept")
    engine.dispose()
    path = tmp_path / "home" / "leverplus.db"
    monkeypatch.setattr(opening, "_is_read_only", lambda _: True)
    engine = open_database(path)
    with reading(engine) as session:
        assert [row.name for row in store.list_runs(session)] == ["kept"]
    with pytest.raises(DatabaseUnwritable, match="is read-only: make it writable"):
        new_run(engine)


def test_read_only_and_out_of_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "leverplus.db"
    _change(path, f"PRAGMA application_id = {APPLICATION_ID}")
    monkeypatch.setattr(opening, "_is_read_only", lambda _: True)
    with pytest.raises(DatabaseUnwritable, match="copy it to a writable folder"):
        open_database(path)


def test_access_decides_what_is_read_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "leverplus.db"
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert not opening._is_read_only(path)
    path.touch()
    assert opening._is_read_only(path)


def test_data_version_moves_with_every_commit_and_only_then(tmp_path: Path) -> None:
    engine = fresh(tmp_path)
    first = engine.version()
    assert engine.version() == first
    new_run(engine)
    second = engine.version()
    assert second != first
    _change(tmp_path / "home" / "leverplus.db", "DELETE FROM run")
    assert engine.version() != second


def test_asking_a_damaged_file_for_its_version_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "leverplus.db"
    path.write_text("no database" * 1000)
    with pytest.raises(DatabaseDamaged, match="is not an SQLite database"):
        DatabaseFile(path, busy_seconds=0).version()


def test_data_version_keeps_no_engine_alive(tmp_path: Path) -> None:
    engine = fresh(tmp_path)
    engine.version()
    reference = weakref.ref(engine)
    del engine
    gc.collect()
    assert reference() is None


def test_a_current_file_needs_no_alembic_no_sqlalchemy_and_no_torch(tmp_path: Path) -> None:
    fresh(tmp_path)
    program = (
        "import sys; from pathlib import Path; from db import store; from db.session import open_database;"
        "open_database(Path(sys.argv[1]));"
        "print([m for m in ('alembic', 'sqlalchemy', 'torch', 'textual', 'numpy') if m in sys.modules])"
    )
    path = str(tmp_path / "home" / "leverplus.db")
    result = subprocess.run([sys.executable, "-c", program, path], capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"
