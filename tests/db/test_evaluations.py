"""Evaluations over the same questions: complete, finished, not deleted."""

from __future__ import annotations

from pathlib import Path

from db import rows, store
from db.session import DatabaseFile, reading, writing
from tests.helpers_db import SUBSET, a_cell, a_subset, add, fresh, new_run


def _evaluated(engine: DatabaseFile, *cells: rows.Cell, state: str = "done", **fields: object) -> int:
    run_id = new_run(engine, "", **fields)
    add(engine, run_id, a_subset(10), *cells)
    with writing(engine) as session:
        store.set_state(session, run_id=run_id, state=state)
    return run_id


def _unfinished(shot: int) -> rows.Cell:
    return rows.Cell(SUBSET, shot, 10, 7, 50.0, 40.0, 60.0, {shot: 7}, 7)


def test_measured_cells_are_complete_and_of_the_retrievers_asked_for(tmp_path: Path) -> None:
    engine = fresh(tmp_path)
    for _ in range(2):
        _evaluated(engine, a_cell(2), retriever="random")
    _evaluated(engine, a_cell(0), a_cell(2), retriever="i2i")
    _evaluated(engine, _unfinished(4), retriever="random")
    _evaluated(engine, a_cell(4), retriever="random", state="failed")
    deleted = _evaluated(engine, a_cell(8), retriever="random")
    with writing(engine) as session:
        store.soft_delete(session, run_ids=[deleted])
    with reading(engine) as session:
        found = store.measured_cells(session, subset_shas=[SUBSET], retrievers=("random",))
        assert store.measured_cells(session, subset_shas=["another"], retrievers=("random",)) == []
    assert sorted((cell.retriever, cell.shot, cell.subset_sha) for cell in found) == [
        ("i2i", 0, SUBSET),
        ("random", 2, SUBSET),
    ]


def test_evaluations_on_the_same_questions_with_the_same_model(tmp_path: Path) -> None:
    engine = fresh(tmp_path)
    first, second = (_evaluated(engine, a_cell(), _unfinished(4), vlm="builtin") for _ in range(2))
    _evaluated(engine, a_cell(), vlm="another")
    _evaluated(engine, a_cell(), vlm="builtin", state="stopped")
    deleted = _evaluated(engine, a_cell(), vlm="builtin")
    with writing(engine) as session:
        store.soft_delete(session, run_ids=[deleted])
    with reading(engine) as session:
        assert store.evaluations_on(session, subset_shas=[SUBSET, "another"], vlm="builtin") == [second, first]
        assert store.evaluations_on(session, subset_shas=["another"], vlm="builtin") == []


def test_a_run_is_found_by_its_specification(tmp_path: Path) -> None:
    engine = fresh(tmp_path)
    first, second = new_run(engine, seed=7), new_run(engine, seed=7)
    with reading(engine) as session:
        spec = store.spec_of(session, run=store.get_run(session, run_id=first))
        assert store.run_of_spec(session, spec=spec) == first
        assert store.twin(session, spec=spec) == second
        assert store.run_of_spec(session, spec=spec.model_copy(update={"seed": 8})) is None
    with writing(engine) as session:
        store.set_state(session, run_id=first, state="stopped")
        store.soft_delete(session, run_ids=[first])
        assert store.run_of_spec(session, spec=spec) == second
        store.set_state(session, run_id=second, state="stopped")
        store.soft_delete(session, run_ids=[second])
        assert store.run_of_spec(session, spec=spec) is None
