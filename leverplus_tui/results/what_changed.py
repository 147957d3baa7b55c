"""What changed between a run and its repetition: code, versions, machine, and the hashes of everything that was read."""

from __future__ import annotations

from typing import Any

from db import store
from db.session import Session
from db.store import RunDetail
from leverplus_tui.jobs.spec_options import flatten
from leverplus_tui.results.comparison import LINEAGE

MOST = 5
CODE = ("python", "versions", "git_commit", "git_dirty", "cpu", "gpus")


def drift(session: Session, first: RunDetail, second: RunDetail) -> list[str]:
    """One line for each difference; empty when the second run was made of the same things."""
    before, after = _made_of(first), _made_of(second)
    lines = made_differently(session, first, second)
    for name in dict.fromkeys([*before, *after]):
        if before.get(name) != after.get(name):
            lines.append(f"{name} differs: {_shown(before.get(name))} then, {_shown(after.get(name))} now")
    return lines


def made_differently(session: Session, first: RunDetail, second: RunDetail) -> list[str]:
    """What differs in the changes of the folder and in the installed packages, as far as both runs kept them."""
    lines = []
    a, b = (detail.environment.get("git_diff") for detail in (first, second))
    if a is not None and b is not None and a != b:
        shown = [d.row.ref for d, sha in ((first, a), (second, b)) if sha]
        lines.append(f"uncommitted changes differ: {' and '.join(f'`leverplus show {ref} --diff`' for ref in shown)}")
    a, b = (detail.environment.get("packages") for detail in (first, second))
    if a and b and a != b:
        before, after = (_versions(store.snapshot(session, sha256=sha)) for sha in (a, b))
        moved = [name for name in sorted(before.keys() | after.keys()) if before.get(name) != after.get(name)]
        some = ", ".join(f"{n} {before.get(n, 'absent')} -> {after.get(n, 'absent')}" for n in moved[:MOST])
        more = f" and {len(moved) - MOST} more" if len(moved) > MOST else ""
        lines.append(f"installed packages differ: {some}{more}")
    return lines


def _versions(text: str) -> dict[str, str]:
    return dict(line.split("==", 1) for line in text.splitlines() if "==" in line)


def _made_of(detail: RunDetail) -> dict[str, Any]:
    code = {name: detail.environment.get(name) for name in CODE}
    return dict(flatten(code)) | {name: value for name, value in flatten(detail.facts) if name.endswith(LINEAGE)}


def _shown(value: Any) -> str:
    text = "unknown" if value is None else str(value)
    return text[:16] + "…" if len(text) > 40 else text
