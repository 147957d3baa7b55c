"""Questions of evaluations can be asked again; what was tried is kept apart from all results. Frozen."""

from __future__ import annotations

from alembic import op

revision = "9"
down_revision = "8"

TRIAL = """
CREATE TABLE trial (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    run_id INTEGER NOT NULL,
    question_id INTEGER NOT NULL,
    shot INTEGER NOT NULL,
    state VARCHAR NOT NULL,
    request TEXT NOT NULL,
    asker TEXT NOT NULL,
    process_id INTEGER,
    tries INTEGER NOT NULL,
    raw TEXT NOT NULL,
    answer TEXT NOT NULL,
    score FLOAT,
    cut BOOLEAN NOT NULL,
    log_prob FLOAT,
    seconds FLOAT,
    prompt_sha VARCHAR NOT NULL,
    request_sha VARCHAR NOT NULL,
    error TEXT NOT NULL,
    reasoning TEXT NOT NULL,
    picks TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    answered_at INTEGER,
    CONSTRAINT trial_refers_run_id FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE
)
"""
TRIAL_INDEX = "CREATE INDEX trial_by_run_id_question_id ON trial (run_id, question_id)"


def upgrade() -> None:
    """Nothing of what is stored changes."""
    for statement in (TRIAL, TRIAL_INDEX):
        op.execute(statement)
