"""A home can be moved: what is stored about files below it holds wherever it stands."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from db import rows, store
from db.session import DatabaseFile, open_database, reading, writing
from db.specs import EvalSpec, Finding
from db.specs.movable import MARK, HomePaths
from tests.helpers_db import SUBSET, a_question, a_subset, an_answer

OUTSIDE = "/data/rl.json"


def _fill(database: DatabaseFile, home: Path) -> None:
    """A run with every kind of row that names a file, half of them below the home."""
    inside = str(home / "runs" / "r1" / "best file.safetensors")
    with writing(database) as session:
        spec = EvalSpec(selector=inside, vlm=str(home / "models"), dataset="/data/okvqa")
        run = store.create_run(session, spec=spec, environment={})
        assert run.id == 1
        store.start_process(
            session, run_id=1, pid=1, pid_start="1", boot_id="b", host="h", argv=[], log_path=str(home / "runs/r1/log.txt")
        )  # fmt: skip
        question = a_question(1)
        store.add_rows(
            session,
            run_id=1,
            process_id=None,
            rows=[
                rows.Question("d", "val", 1, 1, "q?", question.answers, "cat", str(home / "cache/images/a.png")),
                rows.Subset("d", "val", "all", {"imported": inside}, (1,), SUBSET),
                rows.Fact("selector", inside),
                rows.Fact("inputs", {inside: "sha", OUTSIDE: ["sha", inside]}),
                rows.Checkpoint(inside, "rce", 1, "sha", 3, True, {}),
                an_answer(1),
                rows.Artifact("rl-data", str(home / "runs/r1/rl.json"), "sha", {"of": inside}),
                rows.Artifact("rl-data", OUTSIDE, "sha", {}),
                Finding(code="c", severity="info", subject=inside, message=f"see '{inside}'.", fix=f"leverplus doctor {inside}"),
            ],
        )  # fmt: skip
        store.add_data(
            session, path=home / "exports/a.json", kind="rl-data", size=1, sha256="s", facts={"from": inside}
        )


def test_a_finding_that_holds_no_longer_is_forgotten(tmp_path: Path) -> None:
    database = open_database(tmp_path / "leverplus.db")
    _fill(database, tmp_path)
    with writing(database) as session:
        gone = rows.Withdrawn("c", str(tmp_path / "runs" / "r1" / "best file.safetensors"))
        store.add_rows(session, run_id=1, process_id=None, rows=[gone, rows.Withdrawn("c", "another")])
        assert store.findings(session, run_id=1) == []


def _told(database: DatabaseFile) -> dict[str, Any]:
    """All that the store says of files."""
    with reading(database) as session:
        detail = store.run_detail(session, run_id=1)
        run = store.get_run(session, run_id=1)
        spec = store.spec_of(session, run=run)
        assert isinstance(spec, EvalSpec)
        assert store.run_of_spec(session, spec=spec) == 1
        for where in (f'selector="{spec.selector}"', f'vlm:"{spec.vlm}"'):
            assert store.run_ids(session, where=where) == [1], where
            assert [row.id for row in store.list_runs(session, where=where)] == [1]
        assert store.find_data(session, str(Path(spec.vlm).parent / "exports/a.json")).name == "a"
        question = store.questions(session, dataset_sha="d", split="val", question_ids=[1])[1]
        prediction = store.predictions(session, run_id=1, shot=2)[0]
        return {
            "spec": (detail.spec, spec.selector, store.specs_of(session, run_ids=[1])),
            "listed": (detail.row.selector, detail.row.vlm, detail.row.dataset),
            "facts": detail.facts,
            "files": [*(item.path for item in detail.checkpoints), *(item.path for item in detail.artifacts)],
            "logs": [item.log_path for item in detail.processes],
            "artifact facts": [dict(item.facts) for item in detail.artifacts],
            "findings": [(f.subject, f.message, f.fix) for f in detail.findings],
            "images": (question.image, prediction.image),
            "data": [(row.path, row.facts) for row in store.list_data(session)],
            "written": [row.path for row in store.all_data(database)],
        }


def _as_from(told: dict[str, Any], old: Path, new: Path) -> Any:
    return json.loads(json.dumps(told).replace(f"{old}/", f"{new}/"))


def test_everything_stored_about_files_follows_the_home(tmp_path: Path) -> None:
    old, new = tmp_path / "home", tmp_path / "another place" / "home"
    database = open_database(old / "leverplus.db")
    _fill(database, old)
    before = _told(database)
    assert str(old) in json.dumps(before["facts"])
    database.dispose()
    new.parent.mkdir()
    old.rename(new)
    after = json.loads(json.dumps(_told(open_database(new / "leverplus.db"))))
    assert after == _as_from(before, old, new)
    assert str(old) not in json.dumps(after)
    assert OUTSIDE in after["files"]


def _as_written_before(path: Path, home: Path) -> None:
    """The database as schema 2 had it: absolute paths everywhere."""
    tables = {
        "process": ["log_path"], "checkpoint": ["path"], "artifact": ["path", "facts"], "data_file": ["path", "facts"],
        "question": ["image"], "run": ["dataset", "vlm", "selector", "spec", "spec_sha"], "fact": ["value"],
        "subset": ["rule"], "finding": ["subject", "message", "fix"],
    }  # fmt: skip
    with closing(sqlite3.connect(path)) as connection:
        for table, columns in tables.items():
            for column in columns:
                connection.execute(f"UPDATE {table} SET {column} = replace({column}, ?, ?)", (MARK, f"{home}/"))
        for table in ("run_input", "ticket", "sweep_member", "sweep", "snapshot", "trial"):  # made by later steps
            connection.execute(f"DROP TABLE {table}")
        for table, column in (
            ("answer", "run_id"),
            ("prediction", "source_run"),
            ("candidate", "cut"),
            ("candidate", "source_run"),
            ("candidate", "gt_prob"),
            *((table, "reasoning") for table in ("answer", "prediction", "candidate")),
        ):
            connection.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
        connection.execute("PRAGMA user_version = 2")
        connection.execute("UPDATE alembic_version SET version_num = '2'")
        connection.commit()


@pytest.mark.parametrize("moved_first", [False, True])
def test_homes_of_older_versions_are_mended_when_they_are_opened(tmp_path: Path, moved_first: bool) -> None:
    """Also one that was moved before: where it stood is known from its logs."""
    old, new = tmp_path / "home", tmp_path / "elsewhere"
    database = open_database(old / "leverplus.db")
    _fill(database, old)
    before = _told(database)
    database.dispose()
    _as_written_before(old / "leverplus.db", old)
    if not moved_first:
        migrated = open_database(old / "leverplus.db")
        assert _told(migrated) == before
        migrated.dispose()
    old.rename(new)
    assert json.loads(json.dumps(_told(open_database(new / "leverplus.db")))) == _as_from(before, old, new)
    assert (new / "backups").is_dir()


def test_a_folder_of_the_same_name_elsewhere_is_another_folder() -> None:
    home = HomePaths(("/data/", "/mnt/data/"))
    for text in ("/other/data/x", "x/data/y", "s3://data/x", "/database/x", "", "builtin", "Qwen/data/"):
        assert home.stored(text) == text
    assert home.stored("/data/runs/r1") == home.stored("/mnt/data/runs/r1") == f"{MARK}runs/r1"
    assert home.located(home.stored("a '/data/x' and /mnt/data/y")) == "a '/data/x' and /data/y"


def test_a_home_behind_a_link_is_one_home(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    home = HomePaths.of(tmp_path / "link")
    assert home.stored(f"{tmp_path}/real/a") == home.stored(f"{tmp_path}/link/a") == f"{MARK}a"
    assert home.located(f"{MARK}a") == f"{tmp_path}/link/a"


def test_rows_without_a_path_stay_to_the_letter(tmp_path: Path) -> None:
    """A hash of a specification without files is what it always was."""
    database = open_database(tmp_path / "leverplus.db")
    spec = EvalSpec(selector="/elsewhere/s.pt")
    with writing(database) as session:
        run = store.create_run(session, spec=spec, environment={})
        store.add_rows(session, run_id=1, process_id=None, rows=[a_subset(2)])
    assert (run.spec, run.spec_sha) == (spec.canonical(), spec.sha())


def test_a_run_is_found_by_the_weights_that_it_wrote(tmp_path: Path) -> None:
    database = open_database(tmp_path / "leverplus.db")
    _fill(database, tmp_path)
    with reading(database) as session:
        assert store.runs_that_wrote(session, path=str(tmp_path / "runs" / "r1" / "best file.safetensors")) == [1]
        assert store.runs_that_wrote(session, path="/elsewhere/best.safetensors") == []
