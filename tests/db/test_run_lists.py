"""Lists of ids and counts over all runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from db import store
from db.session import reading, writing
from tests.helpers_db import a_cell, a_question, a_subset, add, fresh, new_run, start


def test_ids_are_those_of_the_rows_in_the_same_order(tmp_path: Path) -> None:
    engine = fresh(tmp_path)
    for retriever in ("t2t", "random", "t2t"):
        new_run(engine, retriever=retriever)
    with reading(engine) as session:
        rows = store.list_runs(session, where="retriever:t2t", sort="id asc")
        assert store.run_ids(session, where="retriever:t2t", sort="id asc") == [row.id for row in rows] == [1, 3]
        with pytest.raises(store.BadFilter, match="nothing:1"):
            store.run_ids(session, where="nothing:1")


def test_jobs_that_run_come_first_then_those_that_wait_then_the_last_to_end(tmp_path: Path) -> None:
    engine = fresh(tmp_path)
    ended, waiting, running, later, gone = (new_run(engine) for _ in range(5))
    with writing(engine) as session:
        for run_id, state in ((ended, "done"), (running, "running"), (later, "failed"), (gone, "done")):
            start(session, run_id)
            store.set_state(session, run_id=run_id, state="running")
            if state != "running":
                store.set_state(session, run_id=run_id, state=state)
        store.soft_delete(session, run_ids=[gone])
    with reading(engine) as session:
        assert store.job_ids(session, limit=9) == [running, waiting, later, ended]
        assert store.job_ids(session, limit=2) == [running, waiting]
        assert store.state_counts(session) == {"done": 1, "failed": 1, "queued": 1, "running": 1}


def test_runs_with_answers_are_of_the_same_data_and_number_of_shots(tmp_path: Path) -> None:
    engine = fresh(tmp_path)
    here, same, fewer, gone = (new_run(engine) for _ in range(4))
    for run_id, shot in ((here, 2), (same, 2), (fewer, 1), (gone, 2)):
        add(engine, run_id, a_question(1), a_subset(10), a_cell(shot))
    with writing(engine) as session:
        store.set_state(session, run_id=gone, state="failed")
        store.soft_delete(session, run_ids=[gone])
    with reading(engine) as session:
        (cell,) = store.cells(session, run_ids=[here])
        found = store.run_ids_with_answers(
            session, shot=2, dataset_sha=cell.dataset_sha, split=cell.split, but=here, limit=9
        )
        assert found == [same]
        other = store.run_ids_with_answers(session, shot=2, dataset_sha="another", split=cell.split, but=here, limit=9)
        assert other == []


def test_the_largest_subset_by_shots(tmp_path: Path) -> None:
    engine = fresh(tmp_path)
    run_id = new_run(engine)
    add(engine, run_id, a_subset(10, "s1"), a_subset(80, "s8", "first 80"))
    add(engine, run_id, a_cell(2, 50.0, 10, "s1"), a_cell(2, 50.0, 80, "s8"), a_cell(0, 50.0, 10, "s1"))
    with reading(engine) as session:
        assert store.largest_subsets(session) == {0: 10, 2: 80}
