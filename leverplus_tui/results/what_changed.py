"""What changed between a run and its repetition: code, versions, machine, and the hashes of everything that was read."""

from __future__ import annotations

from typing import Any

from db.store import RunDetail
from leverplus_tui.jobs.spec_options import flatten
from leverplus_tui.results.comparison import LINEAGE

CODE = ("python", "versions", "git_commit", "git_dirty", "cpu", "gpus")


def drift(first: RunDetail, second: RunDetail) -> list[str]:
    """One line for each difference; empty when the second run was made of the same things."""
    before, after = _made_of(first), _made_of(second)
    lines = []
    for name in dict.fromkeys([*before, *after]):
        if before.get(name) != after.get(name):
            lines.append(f"{name} differs: {_shown(before.get(name))} then, {_shown(after.get(name))} now")
    return lines


def _made_of(detail: RunDetail) -> dict[str, Any]:
    code = {name: detail.environment.get(name) for name in CODE}
    return dict(flatten(code)) | {name: value for name, value in flatten(detail.facts) if name.endswith(LINEAGE)}


def _shown(value: Any) -> str:
    text = "unknown" if value is None else str(value)
    return text[:16] + "…" if len(text) > 40 else text
