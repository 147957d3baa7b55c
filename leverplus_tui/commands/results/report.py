"""`leverplus report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from db.specs import UserError
from engine.common.files.atomic import write_text
from leverplus_tui.commands.database import find_run_id, find_run_ids, reading_home
from leverplus_tui.commands.options import HomeOption, RunsArgument
from leverplus_tui.report.gather import gather
from leverplus_tui.report.writing import form_of, written
from leverplus_tui.text.output import put, say


def report(
    runs: RunsArgument,
    lang: Annotated[Literal["en", "zh"], typer.Option("--lang", help="Language of the report.")] = "en",
    form: Annotated[
        Literal["md", "html", "latex", "csv"] | None,
        typer.Option("--format", help="Form of the report; else as the name of --out ends, else Markdown."),
    ] = None,
    against: Annotated[
        str,
        typer.Option(
            "--against", metavar="RUN", help="Compare only this run with each other one; the correction counts those."
        ),
    ] = "",
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Write to this file (.md, .html, .tex, .csv), not to the terminal."),
    ] = None,
    home: HomeOption = None,
) -> None:
    """Write a report of runs: what came out, accuracies, differences with verdicts, trainings, findings, how to repeat it.

    Markdown and HTML hold everything; LaTeX and CSV hold the tables of figures and differences. The same runs give the same text.

    Example:
    leverplus report r10 r12
    leverplus report r10 r12 --lang zh --out report.html
    leverplus report r10 r11 r12 --against r12 --format latex --out tables.tex
    """
    asked = form or (form_of(out) if out is not None else "md")
    if asked is None:
        raise UserError(
            f"--out {out}: end the name in .md or .html, in .tex or .csv for tables alone, or give --format"
        )
    with reading_home(home) as session:
        run_ids = find_run_ids(session, runs)
        planned = find_run_id(session, against) if against else None
        if planned is not None:
            run_ids = list(dict.fromkeys([*run_ids, planned]))
            if len(run_ids) < 2:
                raise UserError(f"--against {against}: name another run that it is compared with")
        found = gather(session, run_ids, against=planned)
    text = written(found, asked, lang)
    if out is None:
        put(text.rstrip("\n"))
        return
    try:
        write_text(out, text)
    except OSError as error:
        raise UserError(f"--out {out} cannot be written: {error.strerror or error}") from error
    say(f"written to {out}")
