"""The registry of data: RL data, embeddings, sampler caches and data sets, known by path and content, never copied."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from sqlite3 import Row
from typing import Any, Literal

from db.canonical import canonical_json
from db.connection import Session
from db.specs.movable import HomePaths
from db.store.base import execute, home, insert, micros, moment, moment_or_none, now, query, ref
from db.user_error import UserError

WRITTEN_KINDS = ("rl-data", "embeddings")
"""Artifacts of runs that are data for other runs."""


@dataclass(frozen=True)
class DataRow:
    """One registered file or folder, or a file that a run wrote."""

    id: int
    """Below 0 for what a run wrote."""
    name: str
    kind: str
    path: str
    size: int
    sha256: str
    facts: dict[str, Any]
    created: datetime
    missing: datetime | None
    """When it was first found gone from its path."""
    changed: datetime | None
    """When its content was first found to be another than was registered."""
    modified_ns: int | None
    """When the file had been changed last when its content was compared last; None: never compared since."""
    run_id: int | None
    """The run that wrote it; None for a registered file."""

    @property
    def ref(self) -> str:
        """`d3`; of what a run wrote, the run: `r7`."""
        return f"d{self.id}" if self.run_id is None else ref(self.run_id)

    @property
    def state(self) -> Literal["there", "changed", "missing"]:
        """How it was found when it was looked at last (`all_data` looks)."""
        return "missing" if self.missing else "changed" if self.changed else "there"


def add_data(
    session: Session,
    *,
    path: Path,
    kind: str,
    size: int,
    sha256: str,
    name: str = "",
    facts: Mapping[str, Any] | None = None,
    modified_ns: int | None = None,
) -> DataRow:
    """Register a file by its absolute path, size in bytes and content hash.

    `modified_ns` is when it had been changed last (`db.fingerprint`), taken before size and hash; without it the next look
    compares contents. The same path again updates what is known of it, and keeps its name where none is given. Raises
    UserError when another file has the name.
    """
    place = home(session)
    absolute = place.stored(str(path.absolute()))
    known = _rows(session, "path = :path", {"path": absolute})
    name = name or (known[0].name if known else path.stem)
    taken = _rows(session, "name = :name AND path <> :path", {"name": name, "path": absolute})
    if taken:
        raise UserError(f"the name '{name}' belongs to {taken[0].path}: give another one with --name")
    row: dict[str, Any] = {
        "kind": kind,
        "size": size,
        "sha256": sha256,
        "name": name,
        "facts": canonical_json(place.stored_values(facts or {})),
        "modified_ns": modified_ns,
    }
    if not known:
        insert(session, "data_file", row | {"path": absolute, "created_at": now()})
    else:
        columns = ", ".join(f"{column} = :{column}" for column in row)
        execute(
            session,
            f"UPDATE data_file SET {columns}, missing_at = NULL, changed_at = NULL WHERE id = :id",
            row | {"id": known[0].id},
        )
    return _rows(session, "path = :path", {"path": absolute})[0]


def list_data(session: Session, *, kind: str | None = None) -> list[DataRow]:
    """What is registered, newest first."""
    return _rows(session, "(:kind IS NULL OR kind = :kind)", {"kind": kind})


def written_data(session: Session) -> list[DataRow]:
    """RL data and embeddings that runs wrote and nobody registered, newest first; their size is 0 until they are looked at."""
    sql = f"""
        SELECT artifact.*, run.kind AS made_by FROM artifact JOIN run ON run.id = artifact.run_id
        WHERE run.deleted_at IS NULL AND artifact.kind IN {WRITTEN_KINDS}
            AND path NOT IN (SELECT path FROM data_file WHERE deleted_at IS NULL)
        ORDER BY artifact.id DESC
    """
    return [_written(row, home(session)) for row in query(session, sql)]


def find_data(session: Session, text: str) -> DataRow:
    """The file meant by `d3`, a name, a path, or `r7` for what a run wrote. Raises UserError naming those that exist."""
    digits = text.removeprefix("d")
    number = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 19 else -1
    condition = "id = :id OR name = :text OR path = :path"
    found = _rows(
        session,
        condition,
        {"id": number, "text": text, "path": home(session).stored(str(Path(text).expanduser().absolute()))},
    )
    found += [row for row in written_data(session) if row.name == text]
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


def note_state_on_disk(session: Session, *, row: DataRow) -> None:
    """Keep what was seen of a registered file, unless it has been registered anew meanwhile."""
    sql = """
        UPDATE data_file SET missing_at = :missing, changed_at = :changed, modified_ns = :modified
        WHERE id = :id AND sha256 = :sha
    """
    seen = {"missing": micros(row.missing), "changed": micros(row.changed), "modified": row.modified_ns}
    execute(session, sql, seen | {"id": row.id, "sha": row.sha256})


def _rows(session: Session, condition: str, parameters: Mapping[str, Any]) -> list[DataRow]:
    sql = f"SELECT * FROM data_file WHERE deleted_at IS NULL AND ({condition}) ORDER BY id DESC"
    return [_row(row, home(session)) for row in query(session, sql, parameters)]


def _row(row: Row, place: HomePaths) -> DataRow:
    return DataRow(
        id=row["id"], name=row["name"], kind=row["kind"], path=place.located(row["path"]),
        size=row["size"], sha256=row["sha256"], facts=place.located_values(json.loads(row["facts"])),
        created=moment(row["created_at"]), missing=moment_or_none(row["missing_at"]),
        changed=moment_or_none(row["changed_at"]), modified_ns=row["modified_ns"], run_id=None,
    )  # fmt: skip


def _written(row: Row, place: HomePaths) -> DataRow:
    maker = ref(row["run_id"])
    return DataRow(
        id=-row["id"], name=maker, kind=row["kind"], path=place.located(row["path"]), size=0, sha256=row["sha256"],
        facts=place.located_values(json.loads(row["facts"])) | {"lineage": f"written by {maker} ({row['made_by']})"},
        created=moment(row["created_at"]), missing=None, changed=None, modified_ns=None, run_id=row["run_id"],
    )  # fmt: skip
