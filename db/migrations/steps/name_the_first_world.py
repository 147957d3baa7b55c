"""Runs say which built-in world they are about, and what their best checkpoint was best in. Frozen.

Until now `builtin` meant the world that is called `builtin-2` from now on, and a training kept the epoch of best loss.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from alembic import op

revision = "8"
down_revision = "7"

WORLD = ("dataset", "support")
TRAININGS = ("rce", "grpo")


def upgrade() -> None:
    """Rewrite the specifications that mean either, with their hashes; results and hashes of data stay as they are."""
    connection = op.get_bind()
    for run, kind, text in connection.exec_driver_sql("SELECT id, kind, spec FROM run").fetchall():
        changed = _named(kind, json.loads(text))
        if changed is None:
            continue
        text = json.dumps(changed, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        sha = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        connection.exec_driver_sql("UPDATE run SET spec = ?, spec_sha = ? WHERE id = ?", (text, sha, run))
    op.execute("UPDATE run SET dataset = 'builtin-2' WHERE dataset = 'builtin' AND kind NOT IN ('rce', 'grpo')")
    op.execute("UPDATE dataset SET name = 'builtin-2' WHERE name = 'builtin'")
    op.execute("UPDATE fact SET value = '\"builtin-2\"' WHERE name IN ('dataset', 'support') AND value = '\"builtin\"'")
    op.execute("UPDATE run_input SET path = 'builtin-2' WHERE role IN ('dataset', 'support') AND path = 'builtin'")


def _named(kind: str, spec: dict[str, Any]) -> dict[str, Any] | None:
    """The specification with what it meant said; none where it says so already."""
    told: dict[str, Any] = {field: "builtin-2" for field in WORLD if spec.get(field) == "builtin"}
    if kind in TRAININGS:
        told["best_by"] = "loss"
    return spec | told if told else None
