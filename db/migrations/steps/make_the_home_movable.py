"""Paths below the home are stored relative to it. Frozen.

A home that was moved before this step is mended too: where it stood is told by the logs of its processes.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from alembic import op
from sqlalchemy import Connection

revision = "3"
down_revision = "2"

MARK = "<home>/"
TEXTS = {
    "process": ("log_path",),
    "checkpoint": ("path",),
    "artifact": ("path",),
    "data_file": ("path",),
    "question": ("image",),
    "run": ("dataset", "vlm", "selector"),
    "finding": ("subject", "message", "fix"),
}
JSON = {"run": "spec", "fact": "value", "artifact": "facts", "data_file": "facts", "subset": "rule"}


def upgrade() -> None:
    """Rewrite what names a place below the home; a specification that changes gets its new hash."""
    connection = op.get_bind()
    folders = _folders(connection)
    if not folders:
        return
    stored = _storing(folders)
    driver: Any = connection.connection.driver_connection
    driver.create_function("stored", 1, stored, deterministic=True)
    driver.create_function("stored_json", 1, lambda text: _json(text, stored), deterministic=True)
    driver.create_function("sha256", 1, lambda text: hashlib.sha256(text.encode()).hexdigest(), deterministic=True)
    for table, columns in TEXTS.items():
        for column in columns:
            op.execute(f"UPDATE OR IGNORE {table} SET {column} = stored({column}) WHERE {column} <> stored({column})")
    for table, column in JSON.items():
        changed = f"{column} <> stored_json({column})"
        more = f", spec_sha = sha256(stored_json({column}))" if column == "spec" else ""
        op.execute(f"UPDATE {table} SET {column} = stored_json({column}){more} WHERE {changed}")


def _folders(connection: Connection) -> list[str]:
    """Where the home stands, and where it stood when its jobs ran; the longest first."""
    files = [row[2] for row in connection.exec_driver_sql("PRAGMA database_list") if row[1] == "main" and row[2]]
    found = {f"{Path(file).parent}/" for file in files}
    for run, log in connection.exec_driver_sql("SELECT DISTINCT run_id, log_path FROM process"):
        if log.startswith("/") and log.endswith(f"/runs/r{run}/log.txt"):
            found.add(log.removesuffix(f"runs/r{run}/log.txt"))
    return sorted(found, key=len, reverse=True)


def _storing(folders: list[str]) -> Callable[[str], str]:
    begins = re.compile(rf"(?<![^\s'\"`(=,:])(?:{'|'.join(map(re.escape, folders))})")
    return lambda text: begins.sub(MARK, text)


def _json(text: str, stored: Callable[[str], str]) -> str:
    """Canonical JSON, as it was; what holds no path of the home stays to the letter."""
    value = json.loads(text)
    changed = _mapped(value, stored)
    if changed == value:
        return text
    return json.dumps(changed, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _mapped(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {_mapped(key, change): _mapped(held, change) for key, held in value.items()}
    return [_mapped(one, change) for one in value] if isinstance(value, list) else value
