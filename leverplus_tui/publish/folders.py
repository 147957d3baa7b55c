"""Places that are folders of our own making: known by a small file, written whole, replaced only when that is asked for."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from db.specs import UserError
from engine.common.files.atomic import new_folder
from leverplus_tui.publish.content import Outcome, Place, Published

KNOWN = "leverplus.json"


def folder_of(root: Path, run: Published) -> Path:
    """Where a run stands or will stand: under its name, or under the one that it had when it was published."""
    named = root / run.label
    before = [at for at in sorted(root.glob(f"*-{run.uid[:8]}")) if _identity(at).get("leverplus.uid") == run.uid]
    return before[0] if before and not named.exists() else named


def already(folder: Path, run: Published, place: Place) -> Outcome | None:
    """The outcome where the run stands there as it is. Raises UserError where something else does and must not give way."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return None
    known = _identity(folder)
    if known.get("leverplus.uid") != run.uid:
        raise UserError(f"{folder} holds something else: give another place with --out, or empty it")
    if known.get("leverplus.content") == run.sha:
        return Outcome(str(folder), already=True)
    if not place.replace:
        raise UserError(f"{folder} holds {run.ref} as it was published before it changed: --replace publishes it anew")
    return None


@contextmanager
def filled(folder: Path, run: Published) -> Iterator[Path]:
    """A draft with the run's files, which takes the folder's place when it is whole."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    old = folder.with_name(f".{folder.name}-before")
    if folder.exists():
        folder.rename(old)
    try:
        with new_folder(folder) as draft:
            for name, content in run.files.items():
                (draft / name).write_bytes(content)
            (draft / KNOWN).write_text(json.dumps(run.identity, indent=2) + "\n")
            yield draft
    except BaseException:
        if old.exists() and not folder.exists():
            old.rename(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _identity(folder: Path) -> dict[str, str]:
    try:
        known: dict[str, str] = json.loads((folder / KNOWN).read_text())
    except (OSError, ValueError):
        return {}
    return known
