"""Names that people give in place of paths: registered data, and what another run wrote. Paths become absolute.

A job runs on its own and a run must be repeatable from its row alone, so nothing relative is stored.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from db.home import Home
from db.run_states import ACTIVE
from db.specs import Spec
from db.specs.evaluate import WITHOUT_MODEL
from engine.demo.shipped import BUILTIN, WORLDS, builtin_file
from leverplus_tui.jobs.spec_options import NAMES, FieldRefused

if TYPE_CHECKING:  # the database costs a third of a second, and a blocked run needs none
    from db.store import RunDetail

FIELDS = (
    "dataset",
    "images",
    "support",
    "vlm",
    "selector",
    "encoder",
    "rl_data",
    "embeddings",
    "query_embeddings",
    "init",
)
HUB_FIELDS = ("vlm", "encoder")
"""Fields that may name a model of the hub, which only the job can look for."""
WORDS = ("", *WORLDS, "vlm", *sorted(WITHOUT_MODEL))
RUN = re.compile(r"r\d+")
ELSE = {
    "dataset": "`builtin`",
    "images": "a folder",
    "support": "`builtin`",
    "vlm": "`builtin`, a hub id or an http address",
    "encoder": "`vlm` or a hub id",
    "selector": "`builtin` or a run that trained one (r12)",
    "init": "a run that trained one (r12)",
    "rl_data": "`builtin` or a run that generated some (r12)",
    "embeddings": "`builtin` or a run that embedded (r12)",
    "query_embeddings": "a run that embedded (r12)",
}
"""What a field takes beside paths and registered names."""

SomeSpec = TypeVar("SomeSpec", bound=Spec)


class NotWrittenYet(FieldRefused):
    """A field names a run that has not ended: whoever waits for it may name it."""


def resolved(spec: SomeSpec, place: Home, waits: set[int] | None = None) -> SomeSpec:
    """The specification with every name that can be looked up replaced by an absolute path.

    `r12`, or a run's name, stands for the best checkpoint (`selector`, `init`), the RL data or the embeddings of that
    run. Raises UserError for a file that is not there, so that no job is started for it. With `waits`, a run that has not
    ended stays as `r12` and is added there: whoever names it waits for what it will write.
    """
    changes = {}
    for field in FIELDS:
        value = getattr(spec, field, "")
        if value not in WORDS and not value.startswith(("http://", "https://")):
            changes[field] = _path(value, field, place, NAMES.get(field, field), waits)
    return spec.model_copy(update=changes)


def files_of(spec: Spec) -> dict[str, str]:
    """The files and folders that a resolved specification names, by field."""
    named = {field: getattr(spec, field, "") for field in FIELDS}
    return {field: value for field, value in named.items() if value not in WORDS and Path(value).exists()}


def rl_data_path(value: str, place: Home) -> Path:
    """The RL data meant by a path, a registered name, a run that generated some, or `builtin`. Raises UserError."""
    return builtin_file("rl-data") if value == BUILTIN else Path(_path(value, "rl_data", place, "data"))


def checkpoint_path(value: str, place: Home) -> Path:
    """The checkpoint meant by a path, a registered name, a run that trained one, or `builtin`. Raises UserError."""
    return builtin_file("checkpoint") if value == BUILTIN else Path(_path(value, "selector", place, "checkpoint"))


def _path(value: str, field: str, place: Home, label: str, waits: set[int] | None = None) -> str:
    path = Path(value).expanduser()
    if path.exists():
        return str(path.absolute())
    registered: list[str] = []
    if place.database.exists() and "/" not in value:
        found, registered = _looked_up(value, field, place, label, waits)
        if found is not None:
            return found
    if field in HUB_FIELDS and not value.startswith((".", "/", "~")):
        return value
    known = f" (registered: {', '.join(registered[:5])})" if registered else ""
    raise FieldRefused(
        f"{label} = {value}: there is no {path.absolute()}, and nothing is registered by that name{known}: give a path, "
        f"{ELSE[field]}, or a name of `leverplus data list`",
        field,
    )


def _looked_up(value: str, field: str, place: Home, label: str, waits: set[int] | None) -> tuple[str | None, list[str]]:
    """What a run wrote or a registered name stands for, and the names that there are."""
    from db import store  # a third of a second, and most calls name paths
    from db.session import open_database, reading

    with reading(open_database(place.database)) as session:
        rows = store.list_data(session)
        registered = next((row.path for row in rows if value in (row.name, row.ref)), None)
        if registered is None and field in WRITTEN:
            named = [] if RUN.fullmatch(value) else store.list_runs(session, where=f'name="{value}"')
            if named or RUN.fullmatch(value):
                run = store.find_run(session, value)
                assert run.id is not None, "a stored run has a key"
                if waits is not None and run.state in store.ACTIVE:
                    waits.add(run.id)
                    return store.ref(run.id), []
                return _written_by(store.run_detail(session, run_id=run.id), field, label), []
    return registered, [row.name for row in rows]


def _written_by(detail: RunDetail, field: str, label: str) -> str:
    written = WRITTEN.get(field)
    found = written(detail) if written else None  # a data set or a model is nothing that a run writes
    if found is None:
        later = ": --queue waits for it" if written and detail.row.state in ACTIVE else ""
        raise (NotWrittenYet if later else FieldRefused)(
            f"{label} = {detail.row.ref}: that run ({detail.row.kind}, {detail.row.state}) wrote nothing of the kind{later}",
            field,
        )
    return found


def best_checkpoint(detail: RunDetail) -> str | None:
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
    "selector": best_checkpoint,
    "init": best_checkpoint,
    "rl_data": _artifact("rl-data"),
    "embeddings": _artifact("embeddings"),
    "query_embeddings": _artifact("embeddings"),
}
