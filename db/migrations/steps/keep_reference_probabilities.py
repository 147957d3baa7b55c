"""Candidates carry the probability of the reference answers behind their prompt. Frozen."""

from __future__ import annotations

from alembic import op

revision = "6"
down_revision = "5"


def upgrade() -> None:
    """Of what is stored nobody computed it."""
    op.execute("ALTER TABLE candidate ADD COLUMN gt_prob FLOAT")
