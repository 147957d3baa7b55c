"""`leverplus compare`."""

from __future__ import annotations

from typing import Annotated

import typer

from db.specs import UserError
from leverplus_tui.commands.database import find_run_ids, reading_home
from leverplus_tui.commands.options import HomeOption, JsonOption, RunsArgument
from leverplus_tui.results.comparison import compare as compare_runs
from leverplus_tui.results.comparison_text import csv_text, markdown, plain_text
from leverplus_tui.text.output import put, put_json


def compare(
    runs: RunsArgument,
    as_json: JsonOption = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, one line per pair.")] = False,
    home: HomeOption = None,
) -> None:
    """Compare runs question by question: differences with intervals, verdicts after correction, what was set differently.

    Example:
    leverplus compare r10 r12
    leverplus compare r10 r12 r13 --markdown
    """
    if sum((as_json, as_markdown, as_csv)) > 1:
        raise UserError("--json, --markdown and --csv exclude each other: give one of them")
    with reading_home(home) as session:
        run_ids = find_run_ids(session, runs)
        if len(run_ids) < 2:
            raise UserError("compare needs two different runs: leverplus compare r10 r12")
        found = compare_runs(session, run_ids)
    if as_json:
        put_json(found.as_json())
        return
    put((markdown if as_markdown else csv_text if as_csv else plain_text)(found))
