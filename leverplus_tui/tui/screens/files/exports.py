"""What the screens write to files and to the clipboard; files go into the home's `exports`."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from db.session import reading
from engine.common.files.atomic import write_text
from leverplus_tui.results import comparison_text as written
from leverplus_tui.results.comparison import compare
from leverplus_tui.results.run_files import csv_text, json_text
from leverplus_tui.tui.library import Library
from leverplus_tui.tui.messages import Outcome, Work
from leverplus_tui.tui.screens.base import PageScreen

MOST_NAMED = 20
"""Runs in the name of a file, which may have 255 characters."""


def comparison_text(library: Library, run_ids: Sequence[int], kind: str) -> str:
    """A comparison as `md`, `csv` or `json`: what `leverplus compare` prints."""
    with reading(library.database.engine) as session:
        found = compare(session, run_ids)
    if kind == "json":
        return json.dumps(found.as_json(), indent=2, ensure_ascii=False)
    return written.markdown(found) if kind == "md" else written.csv_text(found)


def exporting_comparison(page: PageScreen, run_ids: Sequence[int], kind: str) -> Work:
    """Write a comparison."""
    library = page.library
    more = f"-and-{len(run_ids) - MOST_NAMED}-more" if len(run_ids) > MOST_NAMED else ""
    name = f"compare-{'-'.join(f'r{run_id}' for run_id in run_ids[:MOST_NAMED])}{more}.{kind}"
    return _writing(page, name, lambda: comparison_text(library, run_ids, kind) + "\n")


def exporting_runs(page: PageScreen, run_ids: Sequence[int], kind: str) -> Work:
    """Write runs with their figures as `csv` or `json`."""
    return _writing(page, f"runs.{kind}", lambda: _runs_text(page.library, run_ids, kind))


def _runs_text(library: Library, run_ids: Sequence[int], kind: str) -> str:
    with reading(library.database.engine) as session:
        return csv_text(session, run_ids) if kind == "csv" else json_text(session, run_ids)


def _writing(page: PageScreen, name: str, text: Callable[[], str]) -> Work:
    path = page.library.home.root / "exports" / name

    def write() -> Outcome:
        write_text(path, text())
        return Outcome(f"Exported to {path}", brief=True)

    return Work(f"Writing {name}", write, page, name)
