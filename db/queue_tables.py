"""The tables of the queue and of sweeps, and small texts that many runs share. See `db.table`."""

from __future__ import annotations

from sqlalchemy import LargeBinary, Text
from sqlmodel import Field

from db.table import Table


class Ticket(Table, table=True):
    """A run's place in the queue. It stays when the run has ended, so that a retry knows its number."""

    __table_args__ = ({"sqlite_with_rowid": False},)

    run_id: int = Field(foreign_key="run.id", primary_key=True, ondelete="CASCADE")
    priority: int = 0
    place: int
    """Order within a priority: UTC microseconds at which it was queued, or what it was moved to."""
    device: str
    """As the specification asks for it: `auto`, `cpu`, `cuda`, `cuda:1`, `cuda:all`."""
    memory_mb: int = 0
    """Memory that it declared, so that others may share its device; 0 takes the device alone."""
    needs: str = Field(default="[]", sa_type=Text)
    """Runs that must be done before it starts (JSON)."""
    retries: int = 0
    tried: int = 0
    time_limit_s: int | None = None
    paused: bool = False
    not_before: int = 0
    """UTC microseconds before which a retry does not start."""
    runner: str = ""
    """Where it runs: empty on this machine, `ray`, `ray:ADDRESS` or `slurm`."""
    lane: str = ""
    """Devices that it was given, joined by commas."""
    batch: int | None = None
    """Runs of one sweep with the same number train in one process."""
    waiting: str = Field(default="", sa_type=Text)
    """What it waits for, in words."""


class Sweep(Table, table=True):
    """Runs of one kind that differ in a few settings."""

    __table_args__ = ({"sqlite_autoincrement": True},)

    id: int | None = Field(default=None, primary_key=True)
    name: str
    kind: str
    axes: str = Field(sa_type=Text)
    """What is varied: dotted field -> values (JSON)."""
    created_at: int


class SweepMember(Table, table=True):
    """A run of a sweep, and what it was set to."""

    __tablename__ = "sweep_member"
    __table_args__ = ({"sqlite_with_rowid": False},)

    run_id: int = Field(foreign_key="run.id", primary_key=True, ondelete="CASCADE")
    sweep_id: int = Field(foreign_key="sweep.id", ondelete="CASCADE", index=True)
    place: int
    settings: str = Field(sa_type=Text)
    """Dotted field -> value (JSON)."""


class Snapshot(Table, table=True):
    """A text that runs were made with, such as the changes of their folder, under its hash; compressed."""

    __table_args__ = ({"sqlite_with_rowid": False},)

    sha256: str = Field(primary_key=True)
    size: int
    """Bytes of the text before it was cut and compressed."""
    body: bytes = Field(sa_type=LargeBinary)
    created_at: int
