"""What all tables are made of. Times are UTC microseconds; JSON is canonical text; ids are never reused; points and answers are
WITHOUT ROWID.

A change of a table needs a step in `db/migrations/steps` and a higher `SCHEMA` in `db.schema`; a test compares both schemas.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import MetaData, Text, text
from sqlmodel import Field, SQLModel

UNREUSED: dict[str, Any] = {"sqlite_autoincrement": True}
CLUSTERED: dict[str, Any] = {"sqlite_with_rowid": False}


def own_key() -> Any:
    """The number of a row."""
    return Field(default=None, primary_key=True)


def reference(table: str, *, key: bool = False) -> Any:
    """A required reference; rows go with what they belong to."""
    return Field(foreign_key=f"{table}.id", primary_key=key, ondelete="CASCADE")


def reference_or_none(table: str, *, index: bool = False) -> Any:
    """An optional reference; forgotten when its target goes."""
    return Field(default=None, foreign_key=f"{table}.id", ondelete="SET NULL", index=index)


def long_text(default: str | None = None) -> Any:
    """Text of any length; required where it has no default."""
    return Field(sa_type=Text) if default is None else Field(default=default, sa_type=Text)


def reasoning() -> Any:
    """What a model said before its answer."""
    return Field(default="", sa_type=Text, sa_column_kwargs={"server_default": text("''")})


class Table(SQLModel):
    """Base of the tables: one metadata, constraints named so that later migrations can refer to them."""

    metadata = MetaData(
        naming_convention={
            "ix": "%(table_name)s_by_%(column_0_N_name)s",
            "uq": "%(table_name)s_unique_%(column_0_N_name)s",
            "fk": "%(table_name)s_refers_%(column_0_N_name)s",
            "pk": "%(table_name)s_key",
        }
    )
