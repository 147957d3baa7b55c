"""Runs carry what they are computed from; answers and candidates carry which run they come from. Frozen."""

from __future__ import annotations

from alembic import op

revision = "4"
down_revision = "3"

RUN_INPUT = """
CREATE TABLE run_input (
    run_id INTEGER NOT NULL,
    role VARCHAR NOT NULL,
    path TEXT NOT NULL,
    sha256 VARCHAR NOT NULL,
    created_at INTEGER NOT NULL,
    CONSTRAINT run_input_key PRIMARY KEY (run_id, role),
    CONSTRAINT run_input_refers_run_id FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE
) WITHOUT ROWID
"""


def upgrade() -> None:
    """Where older rows come from is unknown (null); whether a candidate was cut stood with the shared answer alone."""
    op.execute(RUN_INPUT)
    op.execute("ALTER TABLE answer ADD COLUMN run_id INTEGER")
    op.execute("ALTER TABLE prediction ADD COLUMN source_run INTEGER")
    op.execute("ALTER TABLE candidate ADD COLUMN cut BOOLEAN")
    op.execute("ALTER TABLE candidate ADD COLUMN source_run INTEGER")
    op.execute("UPDATE candidate SET cut = (SELECT cut FROM answer WHERE answer.request_sha = candidate.request_sha)")
