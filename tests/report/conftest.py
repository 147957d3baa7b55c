"""A home with evaluations whose comparison has every verdict, and a training behind one of them."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from db import rows, store
from db.session import writing
from db.specs import TrainSpec
from tests.helpers_cli import Desk, make_desk, store_eval
from tests.helpers_db import a_finding
from tests.helpers_tui import at_rest

N = 80
RUNS_OF_SHOTS = (0, 2)
HALF = {q: float(q % 2) for q in range(N)}
LIKE = {q: 1.0 if q == 0 else float(q % 2) for q in range(N)}
MOST = {q: 0.0 if q % 10 == 0 else 1.0 for q in range(N)}
HOSTILE = "<script>alert(1)</script> [a](http://b) & `c` _d_ % $ \\e {f} #"


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return make_desk(tmp_path, monkeypatch)


@pytest.fixture
def filled(desk: Desk) -> Desk:
    """r1 a training; r2, r3 evaluations that cannot be told apart; r4 a better one, with a name full of markup."""
    path = str(desk.home.run_dir(1) / "best.safetensors")
    with writing(desk.database) as session:
        run = store.create_run(
            session,
            spec=TrainSpec(rl_data="builtin", embeddings="builtin"),
            name="the training",
            environment={"host": "h1"},
        )
        assert run.id == 1
        points = [
            rows.Metric(p, e, e, n, 2.0 - 0.1 * e)
            for p in ("rce", "grpo")
            for e in (1, 2, 3)
            for n in ("val_loss", "kl")
        ]
        facts = [rows.Fact("signal_rate", 0.655), rows.Fact("rl_data", {"queries": 1000, "candidates": 17955}),
                 rows.Fact("groups", {"train": 800, "val": 200, "shots": 2})]  # fmt: skip
        made = rows.Checkpoint(path, "grpo", 3, "c" * 64, 10, True, {"val_loss": 1.0})
        store.add_rows(session, run_id=1, process_id=None, rows=[*points, *facts, made, a_finding("legacy-keys")])
        store.set_state(session, run_id=1, state="running")
        store.set_state(session, run_id=1, state="done")
    store_eval(desk, HALF, name="random ones", retriever="random", facts={"metric": "vqa"})
    store_eval(desk, LIKE, name="fixed ones", retriever="fixed", facts={"metric": "vqa"})
    store_eval(
        desk, MOST, name=HOSTILE, retriever="selector", selector=path, facts={"retriever": "selector", "selector": path},
        findings=[a_finding("off-the-map")],
    )  # fmt: skip
    at_rest(desk.home, datetime(2026, 6, 12, 14, 2, tzinfo=UTC))
    with sqlite3.connect(desk.home.database) as connection:
        connection.execute("UPDATE subset SET created_at = 0")
    connection.close()
    return desk
