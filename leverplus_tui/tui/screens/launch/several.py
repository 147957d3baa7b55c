"""Lists typed into fields that take one value: `0.1,0.2`, `1e-4 3e-4`, `0-4`. Each makes a sweep of the launch."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_origin

from db.specs import UserError
from leverplus_tui.jobs.named_paths import FIELDS
from leverplus_tui.jobs.spec_options import FieldRefused, members, whole_range
from leverplus_tui.queue.grid import values_of
from leverplus_tui.tui.widgets.spec_fields import SEEDS, Field

NAMED = (*FIELDS, "variant")
"""Fields that hold names or paths: blanks belong to a value, commas stand between two. Other texts are never taken apart."""
LISTS = re.compile(r"\s*\[[^\]]*\](?:[\s,]*\[[^\]]*\])+\s*")
SEPARATORS = re.compile(r"[,\s]+")


def several(field: Field, text: str) -> list[str]:
    """The values that are listed; the text itself where it is one. Raises FieldRefused for a range that is none."""
    kinds = members(field.annotation)
    if any(get_origin(kind) is tuple for kind in kinds):
        return re.findall(r"\[[^\]]*\]", text) if LISTS.fullmatch(text) else [text]
    if field.path in NAMED:
        listed = "," in text and not Path(text).expanduser().exists()
        return _read(field.path, text) if listed else [text]
    if field.choices or field.path == SEEDS or {int, float} & set(kinds):
        parts = [part for part in SEPARATORS.split(text) if part]
        if int in kinds or field.path == SEEDS:
            parts = [one for part in parts for one in whole_range(part)]
        return _read(field.path, ",".join(parts)) if parts else [text]
    return [text]


def _read(path: str, text: str) -> list[str]:
    try:
        return values_of(path, text) or [text]
    except UserError as error:
        raise FieldRefused(str(error).removeprefix("--set "), path) from None
