"""What the screens write to files and to the clipboard; files go into the home's `exports`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from db.session import reading
from engine.common.files.atomic import write_text
from leverplus_tui.results import comparison_text as written
from leverplus_tui.results.comparison import compare
from leverplus_tui.results.run_files import csv_text, json_text
from leverplus_tui.tui.library import Library

MOST_NAMED = 20
"""Runs in the name of a file, which may have 255 characters."""


def comparison_text(library: Library, run_ids: Sequence[int], kind: str) -> str:
    """A comparison as `md`, `csv` or `json`: what `leverplus compare` prints."""
    with reading(library.database.engine) as session:
        found = compare(session, run_ids)
    if kind == "json":
        return json.dumps(found.as_json(), indent=2, ensure_ascii=False)
    return written.markdown(found) if kind == "md" else written.csv_text(found)


def export_comparison(library: Library, run_ids: Sequence[int], kind: str) -> Path:
    """Write a comparison; the path."""
    more = f"-and-{len(run_ids) - MOST_NAMED}-more" if len(run_ids) > MOST_NAMED else ""
    name = f"compare-{'-'.join(f'r{run_id}' for run_id in run_ids[:MOST_NAMED])}{more}.{kind}"
    return _written(library, name, comparison_text(library, run_ids, kind) + "\n")


def export_runs(library: Library, run_ids: Sequence[int], kind: str) -> Path:
    """Write runs with their figures as `csv` or `json`; the path."""
    with reading(library.database.engine) as session:
        text = csv_text(session, run_ids) if kind == "csv" else json_text(session, run_ids)
    return _written(library, f"runs.{kind}", text)


def _written(library: Library, name: str, text: str) -> Path:
    path = library.home.root / "exports" / name
    write_text(path, text)
    return path
