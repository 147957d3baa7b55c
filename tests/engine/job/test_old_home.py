"""A home as schema 2 left it (done, trained, generated, served and stopped runs): it opens, goes on, and compares.

`tests/golden/home_schema_2.sql` was written by that version; its paths and addresses are filled in here.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from db import store
from db.home import Home
from db.schema import APPLICATION_ID, SCHEMA
from db.session import reading
from db.specs import JOB_SPEC, canonical_json, sha256_text
from engine.demo import shipped
from leverplus_tui.results.comparison import compare
from tests.helpers_jobs import Jobs
from tests.helpers_server import ScriptedServer, scripted_server

GOLDEN = Path(__file__).parents[2] / "golden" / "home_schema_2.sql"
DONE, TRAINED, GENERATED, SERVED, STOPPED, SERVED_STOPPED = range(1, 7)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted_server() as told:
        told.models = {"data": [{"id": "held", "owned_by": "vllm"}]}
        yield told


@pytest.fixture
def jobs(tmp_path: Path, server: ScriptedServer) -> Jobs:
    home = Home(tmp_path / "home")
    home.root.mkdir()
    named = {"{HOME}": str(home.root), "{ENGINE}": str(Path(shipped.__file__).parents[1]), "{SERVER}": server.url}
    text = GOLDEN.read_text(encoding="utf-8")
    for name, value in named.items():
        text = text.replace(name, value)
    with closing(sqlite3.connect(home.database)) as connection:
        connection.executescript(text)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("PRAGMA user_version = 2")
    jobs = Jobs(home)
    # the address is another one than then, and the hash that is compared is taken of it
    sha = sha256_text(canonical_json([server.url, "held"]))
    jobs.sql(f"UPDATE fact SET value = '{json.dumps(sha)}' WHERE name = 'vlm_sha' AND run_id IN (4, 6)")
    return jobs


def test_it_opens_with_everything_that_it_held(jobs: Jobs) -> None:
    with reading(jobs.database) as session:
        assert session.rows("PRAGMA user_version")[0][0] == SCHEMA
        rows = {row.id: row for row in store.list_runs(session)}
        found = store.candidates(session, run_id=GENERATED)
    assert [rows[run].state for run in range(1, 7)] == ["done", "done", "done", "done", "stopped", "stopped"]
    assert [(cell.shot, round(cell.accuracy, 2)) for cell in rows[DONE].cells] == [(0, 16.67), (2, 88.33)]
    assert len(found) == 18
    assert not any(candidate.cut for _, candidate in found)
    assert jobs.detail(DONE).sources == {None: 24}
    assert jobs.detail(TRAINED).metrics
    [copy] = (jobs.home.root / "backups").iterdir()
    assert copy.name.endswith("-schema2.db")


def test_a_stopped_evaluation_goes_on_where_it_was_and_says_what_is_not_known(jobs: Jobs) -> None:
    before = jobs.answers(STOPPED, 2)
    assert jobs.work(STOPPED).state == "done"
    after = {row.question_id: row for row in jobs.answers(STOPPED, 2)}
    assert [after[row.question_id] for row in before] == before
    assert len(after) == 150
    detail = jobs.detail(STOPPED)
    assert detail.sources == {None: len(before), STOPPED: 150 - len(before)}
    assert "inputs-unrecorded" in {finding.code for finding in detail.findings}


def test_a_stopped_evaluation_of_another_data_set_does_not_go_on(jobs: Jobs) -> None:
    jobs.sql(f"UPDATE fact SET value = '\"another\"' WHERE name = 'dataset_sha' AND run_id = {STOPPED}")
    outcome = jobs.work(STOPPED)
    assert (outcome.state, outcome.exit_code) == ("failed", 2)
    assert outcome.reason.startswith("dataset: ")


def test_a_stopped_run_with_a_server_goes_on(jobs: Jobs, server: ScriptedServer) -> None:
    before = jobs.answers(SERVED_STOPPED, 0)
    assert jobs.work(SERVED_STOPPED).state == "done"
    assert len(jobs.answers(SERVED_STOPPED, 0)) == 9
    assert len(server.bodies) == 9 - len(before)


def test_no_stored_answer_is_orphaned(jobs: Jobs) -> None:
    """The same evaluation finds every answer that the older version stored, so every key is what it was then."""
    again = jobs.queue(JOB_SPEC.validate_python(jobs.detail(DONE).spec))
    assert jobs.work(again).state == "done"
    assert jobs.detail(again).sources == {None: 24}
    for shot in (0, 2):
        keys = [[row.request_sha for row in jobs.answers(run, shot)] for run in (DONE, again)]
        assert keys[0] == keys[1]
    generated = jobs.queue(JOB_SPEC.validate_python(jobs.detail(GENERATED).spec))
    assert jobs.work(generated).state == "done"
    assert jobs.detail(generated).sources == {None: 18}


def test_old_and_new_runs_compare(jobs: Jobs) -> None:
    again = jobs.queue(JOB_SPEC.validate_python(jobs.detail(DONE).spec))
    jobs.work(again)
    with reading(jobs.database) as session:
        found = compare(session, [DONE, again])
    assert not found.spec_diff
    assert {pair.difference for cell in found.cells for pair in cell.pairs} == {0.0}
    assert found.as_json()["answers"]["r1"] == {"computed": 0, "reused": {}, "unknown": 24}


def test_older_runs_say_which_world_they_are_about_and_how_they_chose(jobs: Jobs) -> None:
    """What `builtin` means has changed since, and which epoch is best by default."""
    done, trained = jobs.detail(DONE), jobs.detail(TRAINED)
    assert (done.row.dataset, done.spec["dataset"]) == ("builtin-2", "builtin-2")
    assert trained.spec["best_by"] == "loss"
    with reading(jobs.database) as session:
        run = store.get_run(session, run_id=DONE)
        assert run.spec_sha == sha256_text(run.spec)


def test_what_a_training_wrote_is_still_shown(jobs: Jobs) -> None:
    [best] = [row for row in jobs.detail(TRAINED).checkpoints if row.is_best]
    assert best.path.startswith(str(jobs.home.root))
