"""Registered files carry when they were changed last, and since when they are not what was registered. Frozen."""

from __future__ import annotations

from alembic import op

revision = "2"
down_revision = "1"


def upgrade() -> None:
    """What is registered already has no time yet: its content is compared when it is looked at next."""
    op.execute("ALTER TABLE data_file ADD COLUMN modified_ns INTEGER")
    op.execute("ALTER TABLE data_file ADD COLUMN changed_at INTEGER")
