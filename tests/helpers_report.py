"""For tests of what others read: evaluations whose comparison has several verdicts, a training behind one, and things to hide."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

from db import rows, store
from db.session import writing
from db.specs import TrainSpec
from db.specs.selector import PUBLISHED
from engine.selector.checkpoint import save_selector
from tests.helpers_cli import Desk, store_eval
from tests.helpers_db import a_finding
from tests.helpers_selector import build
from tests.helpers_tui import DISTRIBUTIONS, at_rest

SECRETS = {
    "host": "secret-host-7", "platform": "Linux-secret", "folder": "/secret/place", "argv": ["leverplus", "secret-word"],
    "git_diff": "-secret-line", "python": "3.11", "versions": {"numpy": "2"},
}  # fmt: skip
"""What tells of a machine and its user."""
N = 80
RUNS_OF_SHOTS = (0, 2)
HALF = {q: float(q % 2) for q in range(N)}
LIKE = {q: 1.0 if q == 0 else float(q % 2) for q in range(N)}
MOST = {q: 0.0 if q % 10 == 0 else 1.0 for q in range(N)}
HOSTILE = "<script>alert(1)</script> [a](http://b) & `c` _d_ % $ \\e {f} #"


def fill(desk: Desk) -> None:
    """r1 a training; r2, r3 evaluations that cannot be told apart; r4 a better one, with a name full of markup."""
    database = desk.database  # a folder of runs without one is taken for a loss
    path = str(desk.home.run_dir(1) / "best.safetensors")
    Path(path).parent.mkdir(parents=True)
    save_selector(path, build(PUBLISHED["v3"]), lineage={"rl_data": {"path": "/secret/place/rl.json"}})
    spec = TrainSpec(rl_data="/secret/place/rl.json", embeddings="builtin")
    with writing(database) as session:
        run = store.create_run(session, spec=spec, name="the training", environment=SECRETS)
        assert run.id == 1
        points = [
            rows.Metric(p, e, e, n, round(2.0 - 0.1 * e, 1))
            for p in ("rce", "grpo")
            for e in (1, 2, 3)
            for n in ("val_loss", "kl")
        ]
        facts = [rows.Fact("distributions", DISTRIBUTIONS),
                 rows.Fact("signal_rate", 0.655), rows.Fact("rl_data", {"queries": 1000, "candidates": 17955}),
                 rows.Fact("groups", {"train": 800, "val": 200, "shots": 2})]  # fmt: skip
        made = rows.Checkpoint(path, "grpo", 3, "c" * 64, 10, True, {"val_loss": 1.0})
        store.add_rows(session, run_id=1, process_id=None, rows=[*points, *facts, made, a_finding("legacy-keys")])
        store.note(session, run_id=1, text="see /secret/place/notes.txt on secret-host-7")
        store.tag(session, run_id=1, tags=["paper"])
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
