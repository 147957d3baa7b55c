"""The registry of data: RL data, embeddings, sampler caches and data sets, known by path and content, never copied."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import RowMapping
from sqlmodel import Session

from db.models import DataFile
from db.specs import UserError, canonical_json
from db.store.base import execute, moment, moment_or_none, now, query


@dataclass(frozen=True)
class DataRow:
    """One registered file or folder."""

    id: int
    name: str
    kind: str
    path: str
    size: int
    sha256: str
    facts: dict[str, Any]
    created: datetime
    missing: datetime | None
    """When it was first found gone from its path."""

    @property
    def ref(self) -> str:
        """`d3`."""
        return f"d{self.id}"


def add_data(
    session: Session,
    *,
    path: Path,
    kind: str,
    size: int,
    sha256: str,
    name: str = "",
    facts: Mapping[str, Any] | None = None,
) -> DataRow:
    """Register a file by its absolute path, size in bytes and content hash.

    The same path again updates what is known of it. Raises UserError when another file has the name.
    """
    absolute, name = str(path.absolute()), name or path.stem
    taken = _rows(session, "name = :name AND path <> :path", {"name": name, "path": absolute})
    if taken:
        raise UserError(f"the name '{name}' belongs to {taken[0].path}: give another one with --name")
    row: dict[str, Any] = {
        "kind": kind,
        "size": size,
        "sha256": sha256,
        "name": name,
        "facts": canonical_json(dict(facts or {})),
    }
    known = _rows(session, "path = :path", {"path": absolute})
    if not known:
        session.add(DataFile(**row, path=absolute, created_at=now()))
        session.flush()
    else:
        columns = ", ".join(f"{column} = :{column}" for column in row)
        execute(session, f"UPDATE data_file SET {columns}, missing_at = NULL WHERE id = :id", row | {"id": known[0].id})
    return _rows(session, "path = :path", {"path": absolute})[0]


def list_data(session: Session, *, kind: str | None = None) -> list[DataRow]:
    """What is registered, newest first."""
    return _rows(session, "(:kind IS NULL OR kind = :kind)", {"kind": kind})


def find_data(session: Session, text: str) -> DataRow:
    """The registered file meant by `d3`, a name or a path. Raises UserError naming those that exist."""
    digits = text.removeprefix("d")
    number = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 19 else -1
    condition = "id = :id OR name = :text OR path = :path"
    found = _rows(session, condition, {"id": number, "text": text, "path": str(Path(text).expanduser().absolute())})
    if not found:
        names = ", ".join(row.name for row in list_data(session)[:5]) or "none yet"
        raise UserError(
            f"no data is registered as '{text}' (registered: {names}): `leverplus data list` says what is, `leverplus data add "
            "FILE` registers a file"
        )
    return found[0]


def forget_data(session: Session, *, data_id: int) -> None:
    """Take a file out of the registry; the file itself is left alone."""
    execute(session, "UPDATE data_file SET deleted_at = :now WHERE id = :id", {"now": now(), "id": data_id})


def mark_missing(session: Session, *, data_id: int, missing: bool) -> None:
    """Note that a file is gone from its path, or that it is back."""
    sql = "UPDATE data_file SET missing_at = CASE WHEN :missing THEN coalesce(missing_at, :now) END WHERE id = :id"
    execute(session, sql, {"missing": missing, "now": now(), "id": data_id})


def _rows(session: Session, condition: str, parameters: Mapping[str, Any]) -> list[DataRow]:
    sql = f"SELECT * FROM data_file WHERE deleted_at IS NULL AND ({condition}) ORDER BY id DESC"
    return [_row(row) for row in query(session, sql, parameters)]


def _row(row: RowMapping) -> DataRow:
    return DataRow(
        id=row["id"], name=row["name"], kind=row["kind"], path=row["path"], size=row["size"], sha256=row["sha256"],
        facts=json.loads(row["facts"]), created=moment(row["created_at"]), missing=moment_or_none(row["missing_at"]),
    )  # fmt: skip
