"""The schema: made and changed under a lock, in one transaction, after a copy; equal to the models at all times."""

from __future__ import annotations

import dataclasses
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError

from db import models, queue_tables, result_tables, session, store, table, trial_table
from db.copying import check_copy
from db.migrations import upgrade
from db.schema import SCHEMA
from db.session import DatabaseBusy, DatabaseDamaged, open_database, reading
from tests.helpers_db import fresh, new_run

ADD_A_COLUMN = """
import sqlalchemy as sa
from alembic import op
revision = "{revision}"
down_revision = "{before}"
def upgrade():
    with op.batch_alter_table("run") as table:
        table.add_column(sa.Column("mood", sa.String(), nullable=True))
    {more}
"""


def _schema(path: Path) -> dict[str, str]:
    """Statements that made the tables and indexes, without layout."""
    with closing(sqlite3.connect(path)) as connection:
        made = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql NOT NULL AND name NOT LIKE 'alembic%'")
        return {name: re.sub(r"\s+", "", sql) for name, sql in made if not name.startswith("sqlite_")}


def _later_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: str = "pass") -> None:
    """As if the next version were installed, which has one more step."""
    steps = tmp_path / "steps"
    steps.mkdir(exist_ok=True)
    for step in upgrade.STEPS.glob("*.py"):
        (steps / step.name).write_text(step.read_text())
    (steps / "add_mood.py").write_text(ADD_A_COLUMN.format(revision=SCHEMA + 1, before=SCHEMA, more=more))
    monkeypatch.setattr(upgrade, "STEPS", steps)
    monkeypatch.setattr(upgrade, "SCHEMA", SCHEMA + 1)
    monkeypatch.setattr(session, "SCHEMA", SCHEMA + 1)


def _columns(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return [row[1] for row in connection.execute("PRAGMA table_info(run)")]


def test_the_number_known_without_alembic_is_the_newest_step() -> None:
    assert ScriptDirectory.from_config(upgrade.alembic_config()).get_heads() == [str(SCHEMA)]


def test_steps_and_models_make_the_same_tables(tmp_path: Path) -> None:
    fresh(tmp_path)
    engine = create_engine(f"sqlite:///{tmp_path / 'direct.db'}")
    assert queue_tables.Ticket.metadata is trial_table.Trial.metadata is table.Table.metadata
    assert models.Run.metadata is result_tables.Cell.metadata is table.Table.metadata
    table.Table.metadata.create_all(engine)
    assert _schema(tmp_path / "home" / "leverplus.db") == _schema(tmp_path / "direct.db")


def test_alembic_sees_no_difference(tmp_path: Path) -> None:
    path = fresh(tmp_path).path
    with create_engine(f"sqlite:///{path}").connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), table.Table.metadata) == []


def test_a_step_keeps_the_rows_and_leaves_a_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = fresh(tmp_path)
    new_run(engine, "kept")
    path = tmp_path / "home" / "leverplus.db"
    _later_program(tmp_path, monkeypatch)
    later = open_database(path)
    assert "mood" in _columns(path)
    with reading(later) as reader:
        assert [tuple(row) for row in reader.rows("SELECT name, mood FROM run")] == [("kept", None)]
        assert reader.rows("PRAGMA user_version")[0][0] == SCHEMA + 1
    (copy,) = (path.parent / "backups").iterdir()
    assert copy.name.startswith("leverplus-")
    assert copy.name.endswith(f"-schema{SCHEMA}.db")
    assert "mood" not in _columns(copy)
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT name FROM run").fetchall() == [("kept",)]


@pytest.mark.parametrize("more", ["raise RuntimeError('half way')", "op.execute('INSERT INTO nowhere VALUES (1)')"])
def test_a_step_that_fails_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: str) -> None:
    new_run(fresh(tmp_path), "kept")
    path = tmp_path / "home" / "leverplus.db"
    before = _schema(path)
    with monkeypatch.context() as patch:
        _later_program(tmp_path, patch, more)
        with pytest.raises((RuntimeError, OperationalError)):
            open_database(path)
    assert _schema(path) == before
    assert new_run(open_database(path)) == 2


def test_a_step_that_breaks_references_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh(tmp_path)
    path = tmp_path / "home" / "leverplus.db"
    with monkeypatch.context() as patch:
        _later_program(tmp_path, patch, """op.execute("INSERT INTO tag VALUES (99, 'of no run')")""")
        with pytest.raises(DatabaseDamaged, match="1 rows of tag refer to nothing"):
            open_database(path)
    assert "mood" not in _columns(path)


def test_a_migration_that_is_killed_in_the_middle_leaves_the_home_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Steps have written more than SQLite holds in memory, so that half of it stands in the log on disk."""
    engine = fresh(tmp_path)
    new_run(engine, "kept")
    path = engine.path
    engine.dispose()
    steps = tmp_path / "steps"
    _later_program(tmp_path, monkeypatch, "op.execute('UPDATE run SET name = hex(zeroblob(3000000))')\n    import sys\n"
                   "    print('half way', flush=True)\n    sys.stdin.read()")  # fmt: skip
    program = f"""
import sys
from pathlib import Path
from db import session
from db.migrations import upgrade
upgrade.STEPS, upgrade.SCHEMA, session.SCHEMA = Path({str(steps)!r}), {SCHEMA + 1}, {SCHEMA + 1}
session.open_database(Path({str(path)!r}))
"""
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as killed:
        assert killed.stdout is not None
        assert killed.stdout.readline() == "half way\n"
        assert path.with_name("leverplus.db-wal").stat().st_size > 3_000_000
        killed.kill()
    (path.parent / "backups" / "leverplus-old.db.part").write_bytes(b"begun")
    assert check_copy(path) == SCHEMA
    assert "mood" not in _columns(path)
    (steps / "add_mood.py").write_text(ADD_A_COLUMN.format(revision=SCHEMA + 1, before=SCHEMA, more="pass"))
    with reading(open_database(path)) as reader:
        assert [tuple(row) for row in reader.rows("SELECT name, mood FROM run")] == [("kept", None)]
    assert [copy.suffix for copy in (path.parent / "backups").iterdir()] == [".db", ".db"]


def test_three_copies_are_kept(tmp_path: Path) -> None:
    fresh(tmp_path)
    path = tmp_path / "home" / "leverplus.db"
    for number in range(5):
        upgrade._back_up(path, schema=number)
    kept = sorted(copy.name[-len("schema4.db") :] for copy in (path.parent / "backups").iterdir())
    assert kept == ["schema2.db", "schema3.db", "schema4.db"]


def test_the_copy_is_whole_while_others_write(tmp_path: Path) -> None:
    """What still lies in the write-ahead log is in the copy."""
    engine = fresh(tmp_path)
    path = tmp_path / "home" / "leverplus.db"
    new_run(engine)
    assert path.with_name("leverplus.db-wal").stat().st_size > 0
    upgrade._back_up(path, schema=1)
    (copy,) = (path.parent / "backups").iterdir()
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT count(*) FROM run").fetchone() == (1,)


def test_somebody_who_holds_the_lock_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "leverplus.db"
    with upgrade._locked(path, 1.0), pytest.raises(DatabaseBusy):
        open_database(path, busy_seconds=0.05)
    assert new_run(open_database(path)) == 1


def test_a_lost_journal_mode_is_set_again(tmp_path: Path) -> None:
    fresh(tmp_path).dispose()
    path = tmp_path / "home" / "leverplus.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    open_database(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("SELECT count(*) FROM run")
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_programs_that_start_at_once_all_succeed(tmp_path: Path) -> None:
    program = """
import sys
from pathlib import Path

from db import store
from db.session import open_database, writing
from db.specs import EvalSpec
sys.stdin.read()  # until the parent lets everybody go
with writing(open_database(Path(sys.argv[1]))) as session:
    store.create_run(session, spec=EvalSpec(), environment={})
"""
    path = tmp_path / "home" / "leverplus.db"
    command = [sys.executable, "-c", program, str(path)]
    starters = [subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    for starter in starters:
        assert starter.stdin is not None
        starter.stdin.close()
        starter.stdin = None
    said = [starter.communicate()[1] for starter in starters]
    assert [starter.returncode for starter in starters] == [0] * 3, said
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM run").fetchone() == (3,)
    assert not (path.parent / "backups").exists()


def test_a_run_is_read_whole() -> None:
    assert [field.name for field in dataclasses.fields(store.Run)] == list(models.Run.model_fields)
