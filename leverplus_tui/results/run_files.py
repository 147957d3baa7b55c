"""Runs as files: JSON as `leverplus runs --json` prints it, CSV with one line for each figure."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence

from db import store
from db.session import Session
from db.store import RunRow
from leverplus_tui.results.health import listed_findings
from leverplus_tui.results.run_result import run_json
from leverplus_tui.text.times import iso

ABOUT = ("run", "name", "kind", "state", "forced", "dataset", "vlm", "retriever", "variant", "seed", "created", "duration_s",
         "tags", "findings")  # fmt: skip
FIGURE = ("subset", "shot", "n", "n_done", "accuracy", "ci_low", "ci_high")


def json_text(session: Session, run_ids: Sequence[int]) -> str:
    """The document of `leverplus runs --json` for these runs, in this order."""
    rows = store.run_rows(session, run_ids=run_ids)
    found = listed_findings(session, rows)
    document = [run_json(row, found[row.id]) for row in rows]
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def csv_text(session: Session, run_ids: Sequence[int]) -> str:
    """One line for each figure (percent), and one with empty figures for a run that has none."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*ABOUT, *FIGURE])
    for row in store.run_rows(session, run_ids=run_ids):
        for cell in row.cells or (None,):
            figure = [_rounded(getattr(cell, name, "")) for name in FIGURE]
            writer.writerow([*_about(row), *figure])
    return out.getvalue()


def _rounded(value: object) -> object:
    return round(value, 4) if isinstance(value, float) else value


def _about(row: RunRow) -> list[object]:
    return [
        row.ref, row.name, row.kind, row.state, row.forced, row.dataset, row.vlm, row.retriever, row.variant, row.seed,
        iso(row.created), row.duration_s, " ".join(row.tags), " ".join(row.findings.codes),
    ]  # fmt: skip
