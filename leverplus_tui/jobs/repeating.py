"""Which runs can be made again from their specification; of the others, a sentence why not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from db.specs import UNREPEATED, UserError


def must_be_repeatable(ref: str, spec: Mapping[str, Any]) -> None:
    """UserError for a run that measured nothing here: one that was imported, or that is asked about another one."""
    kind = spec.get("kind")
    if kind == "ask":
        about = f"r{spec['run']}"
        raise UserError(
            f"{ref} answers what is asked about {about} and has no result to repeat: `leverplus ask {about}` asks"
        )
    if kind in UNREPEATED:
        raise UserError(f"{ref} was imported: its figures were measured elsewhere and cannot be repeated from here")
