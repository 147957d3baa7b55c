"""Lists and details: a fixed number of queries, pages, everything that a row carries."""

from __future__ import annotations

from pathlib import Path

import pytest

from db import rows, store
from db.session import DatabaseFile, reading, writing
from db.specs import EvalSpec, UserError
from tests.helpers_db import SUBSET, a_cell, a_finding, a_subset, add, every_kind, fresh, new_run, start


def _queries(engine: DatabaseFile, limit: int) -> int:
    said: list[str] = []

    with reading(engine) as session:
        store.count_runs(session)
        session.connection.set_trace_callback(said.append)
        assert len(store.list_runs(session, limit=limit, sort="acc@2", where="kind:eval")) == limit
        session.connection.set_trace_callback(None)
    return len(said)


def test_the_number_of_queries_does_not_grow(tmp_path: Path) -> None:
    engine = fresh(tmp_path)
    for _ in range(12):
        run_id = new_run(engine)
        add(engine, run_id, a_subset(10), a_cell(), a_finding())
    assert _queries(engine, 1) == _queries(engine, 12) == 6


def test_pages_follow_each_other(tmp_path: Path) -> None:
    engine = fresh(tmp_path)
    for _ in range(5):
        new_run(engine)
    with reading(engine) as session:
        pages = [[row.id for row in store.list_runs(session, limit=2, offset=offset)] for offset in (0, 2, 4, 6)]
        assert store.count_runs(session) == 5
    assert pages == [[5, 4], [3, 2], [1], []]


def test_what_a_row_carries(tmp_path: Path) -> None:
    engine = fresh(tmp_path)
    with writing(engine) as session:
        run = store.create_run(session, spec=EvalSpec(retriever="i2i"), name="mine", forced=True, environment={})
        start(session, run.id)
        store.set_state(session, run_id=run.id, state="running")
        store.tag(session, run_id=run.id, tags=["b", "a"])
    add(engine, run.id, a_subset(200, "s2", "first 200"), a_subset(800, "s8", "first 800"))
    add(
        engine, run.id, *(a_cell(shot, 50.0 + shot, n, sha) for n, sha in ((200, "s2"), (800, "s8")) for shot in (4, 2))
    )
    add(
        engine,
        run.id,
        a_finding("forced", "warning"),
        a_finding("no-signal", "error"),
        a_finding("within-noise", "info"),
    )
    add(engine, run.id, rows.Progress(3, 800, "questions", "two shots"))
    with reading(engine) as session:
        (row,) = store.list_runs(session)
    assert (row.ref, row.name, row.state, row.forced, row.tags) == ("r1", "mine", "running", True, ("a", "b"))
    assert [(cell.n, cell.shot, cell.accuracy) for cell in row.cells] == [
        (800, 2, 52),
        (800, 4, 54),
        (200, 2, 52),
        (200, 4, 54),
    ]
    headline = row.headline(2)
    assert headline is not None
    assert (headline.n, headline.subset, headline.ci_low, headline.ci_high) == (800, "first 800", 49.0, 55.0)
    assert row.headline(3) is None
    assert row.findings == store.FindingCounts(1, 1, 1, ("no-signal", "forced", "within-noise"))
    assert row.progress is not None
    assert (row.progress.done, row.progress.total, row.progress.unit, row.progress.note) == (
        3,
        800,
        "questions",
        "two shots",
    )
    assert row.duration_s is not None
    assert row.duration_s >= 0
    assert row.heartbeat is not None
    assert row.promise_s == 60
    assert row.created.tzinfo is not None


def test_a_new_run_has_nothing_yet(tmp_path: Path) -> None:
    engine = fresh(tmp_path)
    new_run(engine)
    with reading(engine) as session:
        (row,) = store.list_runs(session)
    assert (row.progress, row.duration_s, row.heartbeat, row.cells, row.tags) == (None, None, None, (), ())
    assert row.findings == store.FindingCounts()


def test_chosen_rows_come_in_the_order_asked_for(tmp_path: Path) -> None:
    engine = fresh(tmp_path)
    for _ in range(3):
        new_run(engine)
    with reading(engine) as session:
        assert [row.id for row in store.run_rows(session, run_ids=[3, 99, 1])] == [3, 1]


def test_the_detail_of_a_run(tmp_path: Path) -> None:
    engine = fresh(tmp_path)
    run_id = new_run(engine, seed=5)
    add(engine, run_id, *every_kind())
    with writing(engine) as session:
        store.create_run(session, spec=EvalSpec(), environment={}, parent=run_id)
    with reading(engine) as session:
        detail = store.run_detail(session, run_id=run_id)
    assert EvalSpec.model_validate(detail.spec).seed == 5
    assert detail.environment == {"commit": "abc"}
    assert detail.facts == {"model_sha": "m"}
    assert [row.epoch for row in detail.checkpoints] == [1, 2]
    assert [(row.name, row.value) for row in detail.metrics] == [("rce_loss", 1.5)]
    assert [row.code for row in detail.findings] == ["pool-degenerate"]
    assert detail.artifacts == (rows.Artifact("rl-data", "/out.jsonl", "a", {"n": 1}),)
    assert [cell.subset_sha for cell in detail.cells] == [SUBSET]
    assert detail.children == (2,)


def test_no_such_run(tmp_path: Path) -> None:
    with reading(fresh(tmp_path)) as session:
        with pytest.raises(UserError, match="there is no run r7"):
            store.run_detail(session, run_id=7)
        with pytest.raises(UserError, match="there is no run r7"):
            store.get_run(session, run_id=7)
