"""`leverplus report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from db import store
from db.specs import UserError
from engine.common.atomic import write_text
from leverplus_tui.commands.database import find_run_ids, reading_home
from leverplus_tui.commands.options import HomeOption, RunsArgument
from leverplus_tui.results.comparison import compare
from leverplus_tui.results.copying import copying
from leverplus_tui.results.document import to_html, to_markdown
from leverplus_tui.results.health import run_findings
from leverplus_tui.results.report import report as make_report
from leverplus_tui.text.output import put, say


def report(
    runs: RunsArgument,
    lang: Annotated[Literal["en", "zh"], typer.Option("--lang", help="Language of the report.")] = "en",
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE.md|FILE.html", help="Write to this file instead of the terminal."),
    ] = None,
    home: HomeOption = None,
) -> None:
    """Write a report of runs: accuracies with intervals, paired comparisons, findings, how everything was made.

    Example:
    leverplus report r10 r12
    leverplus report r10 r12 --lang zh --out report.html
    """
    if out is not None and out.suffix not in (".md", ".html"):
        raise UserError(f"--out {out}: end the name in .md or .html")
    with reading_home(home) as session:
        run_ids = find_run_ids(session, runs)
        details = [store.run_detail(session, run_id=run_id) for run_id in run_ids]
        comparison = compare(session, run_ids) if len(run_ids) > 1 else None
        copied = [row for detail in details for row in copying(session, detail)]
        findings = comparison.findings if comparison else {d.row.ref: run_findings(session, d) for d in details}
    blocks = make_report(details, comparison, findings, copied, lang)
    text = to_html(blocks, language=lang) if out is not None and out.suffix == ".html" else to_markdown(blocks)
    if out is None:
        put(text.rstrip("\n"))
        return
    try:
        write_text(out, text)
    except OSError as error:
        raise UserError(f"--out {out} cannot be written: {error.strerror or error}") from error
    say(f"written to {out}")
