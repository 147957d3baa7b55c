"""Fields of a request that another of its fields leaves without effect."""

from __future__ import annotations

from typing import Any

from db.specs.idle import idle
from engine.common.findings import warning
from engine.doctor.preflight.table import Preflight


def fields(spec: Any, result: Preflight) -> None:
    """What was set and changes nothing: whoever set it expects that it does."""
    for names, why in idle(spec):
        several = len(names) > 1
        text = f"Setting {' and '.join(names)} changes nothing: {why}."
        result.note(
            warning("no-effect", names[0], text, f"Leave {'them' if several else 'it'} out, or change the other field.")
        )
