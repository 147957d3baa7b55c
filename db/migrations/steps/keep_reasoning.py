"""What a model thought before it answered is kept beside the answer. Frozen."""

from __future__ import annotations

from alembic import op

revision = "7"
down_revision = "6"


def upgrade() -> None:
    """Of older answers nothing is known, so theirs is empty."""
    for table in ("answer", "prediction", "candidate"):
        op.execute(f"ALTER TABLE {table} ADD COLUMN reasoning TEXT DEFAULT '' NOT NULL")
