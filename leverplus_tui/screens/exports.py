"""What the screens write to files and to the clipboard; files go into the home's `exports`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from leverplus_tui.comparison import Comparison
    from leverplus_tui.screens.library import Library


def comparison_text(found: Comparison, kind: str) -> str:
    """A comparison as `md`, `csv` or `json`: what `leverplus compare` prints."""
    import json

    from leverplus_tui.comparison_text import csv_text, markdown

    if kind == "json":
        return json.dumps(found.as_json(), indent=2, ensure_ascii=False)
    return markdown(found) if kind == "md" else csv_text(found)


def export_comparison(library: Library, found: Comparison, kind: str) -> Path:
    """Write a comparison; the path."""
    name = f"compare-{'-'.join(run.id for run in found.runs)}.{kind}"
    return _written(library, name, comparison_text(found, kind) + "\n")


def export_runs(library: Library, run_ids: Sequence[int], kind: str) -> Path:
    """Write runs with their figures as `csv` or `json`; the path."""
    from db.session import reading
    from leverplus_tui.runs_text import csv_text, json_text

    with reading(library.engine) as session:
        text = csv_text(session, run_ids) if kind == "csv" else json_text(session, run_ids)
    return _written(library, f"runs.{kind}", text)


def _written(library: Library, name: str, text: str) -> Path:
    folder = library.home.root / "exports"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name
