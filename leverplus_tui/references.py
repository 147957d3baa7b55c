"""Names that people give in place of paths: registered data, and what another run wrote. Paths become absolute.

A job runs on its own and a run must be repeatable from its row alone, so nothing relative is stored.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from db.home import Home
from db.specs import Spec, UserError
from db.store import RunDetail

FIELDS = ("dataset", "vlm", "selector", "encoder", "rl_data", "embeddings", "query_embeddings", "init")
WORDS = ("", "builtin", "vlm")
RUN = re.compile(r"r\d+")
DATA = re.compile(r"d\d+")

SomeSpec = TypeVar("SomeSpec", bound=Spec)


def resolved(spec: SomeSpec, place: Home) -> SomeSpec:
    """The specification with every name that can be looked up replaced by an absolute path.

    `r12` stands for the best checkpoint (`selector`, `init`), the RL data or the embeddings of that run.
    """
    changes = {}
    for field in FIELDS:
        value = getattr(spec, field, "")
        if value not in WORDS and not value.startswith(("http://", "https://")):
            changes[field] = _path(value, field, place)
    return spec.model_copy(update=changes)


def _path(value: str, field: str, place: Home) -> str:
    path = Path(value).expanduser()
    if path.exists():
        return str(path.absolute())
    if not place.database.exists() or "/" in value.strip("/"):
        return value
    from db import store  # most calls name paths and need no database
    from db.session import open_database, reading

    with reading(open_database(place.database)) as session:
        if RUN.fullmatch(value):
            run = store.find_run(session, value)
            assert run.id is not None, "a stored run has a key"
            return _written_by(store.run_detail(session, run_id=run.id), field)
        named = [row for row in store.list_data(session) if row.name == value or row.ref == value]
    return named[0].path if named else value


def _written_by(detail: RunDetail, field: str) -> str:
    written = WRITTEN.get(field)
    found = written(detail) if written else None
    if found is None:
        raise UserError(
            f"{field} = {detail.row.ref}: that run ({detail.row.kind}, {detail.row.state}) wrote nothing of the kind"
        )
    return found


def _checkpoint(detail: RunDetail) -> str | None:
    """The newest best checkpoint still on disk, else the newest one."""
    present = [row for row in detail.checkpoints if row.replaced is None]
    best = [row for row in present if row.is_best] or present
    return best[-1].path if best else None


def _artifact(kind: str) -> Callable[[RunDetail], str | None]:
    def newest(detail: RunDetail) -> str | None:
        paths = [artifact.path for artifact in detail.artifacts if artifact.kind == kind]
        return paths[-1] if paths else None

    return newest


WRITTEN: dict[str, Callable[[RunDetail], str | None]] = {
    "selector": _checkpoint,
    "init": _checkpoint,
    "rl_data": _artifact("rl-data"),
    "embeddings": _artifact("embeddings"),
    "query_embeddings": _artifact("embeddings"),
}
