"""`leverplus export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from db import store
from db.specs import UserError
from engine.common.files.atomic import write_text
from leverplus_tui.commands.database import find_run_ids, reading_home
from leverplus_tui.commands.options import HomeOption, RunsArgument
from leverplus_tui.report.gather import gather
from leverplus_tui.report.writing import written
from leverplus_tui.results.official_results import official_results
from leverplus_tui.text.numbers import plural
from leverplus_tui.text.output import say


def export(
    runs: RunsArgument,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="File to write.")],
    results: Annotated[
        bool,
        typer.Option("--results", help="The answers of one run as the official VQA result file (question_id, answer)."),
    ] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Accuracies and differences, one line for each.")] = False,
    as_latex: Annotated[bool, typer.Option("--latex", help="The same as tables for LaTeX (booktabs).")] = False,
    shot: Annotated[
        int | None,
        typer.Option("--shot", min=0, max=8, help="Number of shots of --results, where the run has several."),
    ] = None,
    home: HomeOption = None,
) -> None:
    """Write runs for other programs: answers as the official VQA result file, or figures as CSV or LaTeX.

    Questions without an answer are left out of a result file. With `shot_num=2` in its name, `leverplus import` knows the shots.

    Example:
    leverplus export r12 --results --shot 2 --out okvqa_shot_num=2.json
    leverplus export r10 r12 --latex --out tables.tex
    """
    if sum((results, as_csv, as_latex)) != 1:
        raise UserError("say what to write: one of --results, --csv and --latex")
    if shot is not None and not results:
        raise UserError("--shot is for --results: tables hold every number of shots")
    with reading_home(home) as session:
        ids = find_run_ids(session, runs)
        left_out = 0
        if results:
            if len(ids) > 1:
                raise UserError("--results takes one run: a result file holds one answer for each question")
            text, left_out = official_results(session, store.run_detail(session, run_id=ids[0]), shot)
        else:
            text = written(gather(session, ids), "latex" if as_latex else "csv")
    try:
        write_text(out, text)
    except OSError as error:
        raise UserError(f"--out {out} cannot be written: {error.strerror or error}") from error
    say(f"written to {out}" + (f"; {plural(left_out, 'question')} without an answer left out" if left_out else ""))
