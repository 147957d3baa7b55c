"""Which data there is now: registered files, looked at again, and what runs wrote; all by reference, with nothing copied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from db.connection import DatabaseFile
from db.errors import DatabaseUnwritable
from db.fingerprint import content_sha, modified_ns, total_size
from db.session import reading, writing
from db.store.data.files import DataRow, list_data, note_state_on_disk, written_data


def all_data(database: DatabaseFile, *, kind: str | None = None) -> list[DataRow]:
    """Registered files and the RL data and embeddings of runs, newest first, each with what has become of it (`state`);
    with `kind` only those of that kind.

    Looking costs a stat for each; content is compared only where size or time differ from what was seen last, which is
    noted of registered files, so that it is compared once.
    """
    with reading(database) as session:
        written = [row for row in written_data(session) if kind in (None, row.kind)]
        rows = [*list_data(session, kind=kind), *written]
    return sorted(_looked(database, rows), key=lambda row: row.created, reverse=True)


def changed_data(database: DatabaseFile, paths: Sequence[str | Path]) -> list[DataRow]:
    """Those of some paths whose content is not what was registered, or what the run wrote that made it."""
    wanted = {str(Path(path).expanduser().absolute()) for path in paths}
    with reading(database) as session:
        rows = [row for row in (*list_data(session), *written_data(session)) if row.path in wanted]
    return [row for row in _looked(database, rows) if row.state == "changed"]


def as_on_disk(row: DataRow) -> DataRow:
    """The same file as it is found now; nothing is noted."""
    path = Path(row.path)
    modified = modified_ns(path)
    if modified is None:
        return replace(row, missing=row.missing or datetime.now(UTC))
    if row.run_id is not None:
        row = replace(row, size=total_size(path))
    if _is_as_seen(row, path, modified):
        return replace(row, missing=None)
    same = total_size(path) == row.size and content_sha(path) == row.sha256
    changed = None if same else row.changed or datetime.now(UTC)
    return replace(row, missing=None, changed=changed, modified_ns=modified)


def _looked(database: DatabaseFile, rows: Sequence[DataRow]) -> list[DataRow]:
    """`rows` as they are found now; what is new of registered files is noted."""
    now = [as_on_disk(row) for row in rows]
    _note(database, [new for old, new in zip(rows, now, strict=True) if new != old and new.run_id is None])
    return now


def _is_as_seen(row: DataRow, path: Path, modified: int) -> bool:
    if row.run_id is not None:  # a run writes its file before it says so
        return modified <= row.created.timestamp() * 1e9
    return modified == row.modified_ns and (row.changed is not None or path.is_dir() or path.stat().st_size == row.size)


def _note(database: DatabaseFile, looks: Sequence[DataRow]) -> None:
    if not looks:
        return
    try:
        with writing(database) as session:
            for row in looks:
                note_state_on_disk(session, row=row)
    except DatabaseUnwritable:
        return  # a home that is only read: the next look compares again
