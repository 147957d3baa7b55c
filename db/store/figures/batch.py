"""What is stored together of what a job yields, and how values are written into a row."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from db.canonical import canonical_json
from db.connection import Session
from db.specs.movable import HomePaths


class Batch(NamedTuple):
    """Rows of one run, in one transaction."""

    session: Session
    run_id: int
    process_id: int | None
    time: int
    home: HomePaths


def json_list(values: Sequence[Any]) -> str:
    """A list as compact JSON."""
    return json.dumps(list(values), separators=(",", ":"), ensure_ascii=False)


def json_object(values: Mapping[Any, Any]) -> str:
    """An object as canonical JSON, its keys as text."""
    return canonical_json({str(key): value for key, value in values.items()})
