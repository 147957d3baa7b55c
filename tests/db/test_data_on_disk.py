"""Which data there is: registered files looked at again, and what runs wrote."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from db import fingerprint, rows, store
from db.fingerprint import content_sha, modified_ns, total_size
from db.session import DatabaseFile, open_database, reading, writing
from db.store.data import data_on_disk
from tests.helpers_db import fresh, new_run


@pytest.fixture
def engine(tmp_path: Path) -> DatabaseFile:
    return fresh(tmp_path)


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """What was compared by content."""
    seen: list[Path] = []

    def counted(path: Path) -> str:
        seen.append(path)
        return content_sha(path)

    monkeypatch.setattr(data_on_disk, "content_sha", counted)
    return seen


def added(engine: DatabaseFile, path: Path, kind: str = "rl-data") -> store.DataRow:
    with writing(engine) as session:
        return store.add_data(session, path=path, kind=kind, size=total_size(path), sha256=content_sha(path),
                              modified_ns=modified_ns(path))  # fmt: skip


def later(path: Path) -> None:
    """As if the file had been written a second later than it was."""
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 10**9))


def states(engine: DatabaseFile) -> dict[str, str]:
    return {row.name: row.state for row in store.all_data(engine)}


def test_an_untouched_file_is_not_read_again(engine: DatabaseFile, tmp_path: Path, hashed: list[Path]) -> None:
    (tmp_path / "a.json").write_text("{}")
    added(engine, tmp_path / "a.json")
    assert states(engine) == {"a": "there"}
    assert not hashed


def test_a_touched_file_is_compared_once(engine: DatabaseFile, tmp_path: Path, hashed: list[Path]) -> None:
    path = tmp_path / "a.json"
    path.write_text("{}")
    added(engine, path)
    later(path)
    assert states(engine) == states(engine) == {"a": "there"}
    assert hashed == [path]


@pytest.mark.parametrize("content", ["{ }", "[]"])
def test_a_changed_file_is_said_so_until_it_is_registered_again(
    engine: DatabaseFile, tmp_path: Path, hashed: list[Path], content: str
) -> None:
    path = tmp_path / "a.json"
    path.write_text("{}")
    added(engine, path)
    path.write_text(content)
    later(path)
    assert states(engine) == states(engine) == {"a": "changed"}
    assert len(hashed) == (len(content) == 2), "another size tells without reading"
    assert [row.name for row in store.changed_data(engine, [path, tmp_path / "other"])] == ["a"]
    with reading(engine) as session:
        assert store.find_data(session, "a").state == "changed", "it is noted"
    added(engine, path)
    assert states(engine) == {"a": "there"}
    assert not store.changed_data(engine, [path])


def test_the_first_content_may_come_back(engine: DatabaseFile, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("{}")
    added(engine, path)
    path.unlink()
    assert states(engine) == {"a": "missing"}
    path.write_text("{ }")
    later(path)
    assert states(engine) == {"a": "changed"}
    path.write_text("{}")
    later(path)
    assert states(engine) == {"a": "there"}


def test_a_folder_changes_by_what_lies_in_it(engine: DatabaseFile, tmp_path: Path) -> None:
    folder = tmp_path / "okvqa"
    folder.mkdir()
    (folder / "questions.json").write_text("{}")
    added(engine, folder, kind="dataset")
    assert states(engine) == {"okvqa": "there"}
    (folder / "questions.json").write_text("{ }")
    later(folder / "questions.json")
    assert states(engine) == {"okvqa": "changed"}


def test_files_registered_by_an_older_program_are_compared_at_the_first_look(
    engine: DatabaseFile, tmp_path: Path, hashed: list[Path]
) -> None:
    path = tmp_path / "a.json"
    path.write_text("{}")
    with writing(engine) as session:
        store.add_data(session, path=path, kind="rl-data", size=2, sha256=content_sha(path))
    assert states(engine) == states(engine) == {"a": "there"}
    assert hashed == [path]


def test_an_old_home_keeps_its_files(engine: DatabaseFile, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("{}")
    added(engine, path)
    engine.dispose()
    database = tmp_path / "home" / "leverplus.db"
    with closing(sqlite3.connect(database)) as old:  # as the first schema left it
        for statement in ("DROP TABLE trial", "DROP TABLE ticket", "DROP TABLE sweep_member", "DROP TABLE sweep",
                          "DROP TABLE snapshot", "DROP TABLE run_input", "ALTER TABLE answer DROP COLUMN run_id",
                          "ALTER TABLE prediction DROP COLUMN source_run", "ALTER TABLE candidate DROP COLUMN cut",
                          "ALTER TABLE candidate DROP COLUMN source_run", "ALTER TABLE candidate DROP COLUMN gt_prob",
                          "ALTER TABLE data_file DROP COLUMN modified_ns",
                          "ALTER TABLE data_file DROP COLUMN changed_at",
                          *(f"ALTER TABLE {one} DROP COLUMN reasoning" for one in ("answer", "prediction", "candidate")),
                          "UPDATE alembic_version SET version_num = '1'", "PRAGMA user_version = 1"):  # fmt: skip
            old.execute(statement)
        old.commit()
    assert states(open_database(database)) == {"a": "there"}


def wrote(engine: DatabaseFile, path: Path, kind: str = "rl-data") -> int:
    """A run that made a file."""
    path.write_text("{}")
    run = new_run(engine)
    made = rows.Artifact(kind, str(path), content_sha(path), {"queries": 3})
    with writing(engine) as session:
        store.add_rows(session, run_id=run, process_id=None, rows=[made])
    return run


def test_what_runs_wrote_is_known_by_the_run(engine: DatabaseFile, tmp_path: Path) -> None:
    run = wrote(engine, tmp_path / "rl_data.json")
    wrote(engine, tmp_path / "table.csv", kind="report")
    [row] = store.all_data(engine)
    assert (row.ref, row.name, row.kind, row.path) == ("r1", "r1", "rl-data", str(tmp_path / "rl_data.json"))
    assert (row.size, row.state, row.facts["queries"]) == (2, "there", 3)
    assert row.facts["lineage"] == "written by r1 (eval)"
    with reading(engine) as session:
        assert store.as_on_disk(store.find_data(session, "r1")) == row
        assert not store.list_data(session), "what is registered is another question"
    Path(row.path).write_text("{ }")
    os.utime(row.path, ns=(0, int(row.created.timestamp() + 9) * 10**9))
    assert [one.path for one in store.changed_data(engine, [row.path])] == [row.path]
    Path(row.path).unlink()
    assert states(engine) == {"r1": "missing"}
    with writing(engine) as session:
        store.set_state(session, run_id=run, state="running")
        store.set_state(session, run_id=run, state="done")
        store.soft_delete(session, run_ids=[run])
    assert states(engine) == {}


def test_a_registered_file_of_a_run_stands_once(engine: DatabaseFile, tmp_path: Path) -> None:
    wrote(engine, tmp_path / "rl_data.json")
    added(engine, tmp_path / "rl_data.json")
    assert [row.ref for row in store.all_data(engine)] == ["d1"]


def test_a_time_of_change_where_there_is_nothing(tmp_path: Path) -> None:
    assert fingerprint.modified_ns(tmp_path / "nothing") is None
