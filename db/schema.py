"""Which file is ours, and how new its tables are."""

from __future__ import annotations

APPLICATION_ID = 0x4C455650
"""`LEVP`, written into the file's header, so that another program's database is never touched."""
SCHEMA = 9
"""Number of the newest migration step; equal to `PRAGMA user_version` of a current file."""
