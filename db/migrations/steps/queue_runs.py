"""Runs can wait in a queue and belong to sweeps; texts that many runs share are kept once. Frozen."""

from __future__ import annotations

from alembic import op

revision = "5"
down_revision = "4"

SWEEP = """
CREATE TABLE sweep (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    name VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    axes TEXT NOT NULL,
    created_at INTEGER NOT NULL
)
"""
TICKET = """
CREATE TABLE ticket (
    run_id INTEGER NOT NULL,
    priority INTEGER NOT NULL,
    place INTEGER NOT NULL,
    device VARCHAR NOT NULL,
    memory_mb INTEGER NOT NULL,
    needs TEXT NOT NULL,
    retries INTEGER NOT NULL,
    tried INTEGER NOT NULL,
    time_limit_s INTEGER,
    paused BOOLEAN NOT NULL,
    not_before INTEGER NOT NULL,
    runner VARCHAR NOT NULL,
    lane VARCHAR NOT NULL,
    batch INTEGER,
    waiting TEXT NOT NULL,
    CONSTRAINT ticket_key PRIMARY KEY (run_id),
    CONSTRAINT ticket_refers_run_id FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE
) WITHOUT ROWID
"""
SWEEP_MEMBER = """
CREATE TABLE sweep_member (
    run_id INTEGER NOT NULL,
    sweep_id INTEGER NOT NULL,
    place INTEGER NOT NULL,
    settings TEXT NOT NULL,
    CONSTRAINT sweep_member_key PRIMARY KEY (run_id),
    CONSTRAINT sweep_member_refers_run_id FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE,
    CONSTRAINT sweep_member_refers_sweep_id FOREIGN KEY(sweep_id) REFERENCES sweep (id) ON DELETE CASCADE
) WITHOUT ROWID
"""
SWEEP_MEMBER_INDEX = "CREATE INDEX sweep_member_by_sweep_id ON sweep_member (sweep_id)"
SNAPSHOT = """
CREATE TABLE snapshot (
    sha256 VARCHAR NOT NULL,
    size INTEGER NOT NULL,
    body BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    CONSTRAINT snapshot_key PRIMARY KEY (sha256)
) WITHOUT ROWID
"""


def upgrade() -> None:
    """Nothing of what is stored changes."""
    for statement in (SWEEP, TICKET, SWEEP_MEMBER, SWEEP_MEMBER_INDEX, SNAPSHOT):
        op.execute(statement)
