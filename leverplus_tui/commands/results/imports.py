"""`leverplus import`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from db.specs import Finding, UserError
from db.specs.base import findings_json
from engine.doctor.readings import reading_findings
from engine.figures.readers import read_file
from engine.figures.reading import Reading
from leverplus_tui.commands.database import open_home
from leverplus_tui.commands.options import HomeOption, JsonOption
from leverplus_tui.results.imports.readings import reading_json, reading_lines
from leverplus_tui.results.imports.taking import Told, take
from leverplus_tui.text.output import finding_lines, put, put_json, say, table

SHOWN_FINDINGS = 12


def import_files(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE", help="Reports, accuracy matrices, metrics, predictions, logs, other trackers' runs."
        ),
    ],
    dataset: Annotated[
        str,
        typer.Option(
            "--dataset",
            help="Data set of the figures; its reference answers score predictions, if the file has none.",
        ),
    ] = "",
    vlm: Annotated[str, typer.Option("--vlm", help="Model that made the figures or predictions.")] = "",
    shot: Annotated[
        int | None, typer.Option("--shot", min=0, max=999, help="Demonstrations that predictions were made with.")
    ] = None,
    split: Annotated[str, typer.Option("--split", metavar="val|train", help="Split of the questions.")] = "val",
    name: Annotated[str, typer.Option("--name", help="Name of the imported predictions.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Take readings that were guessed from words as they are.")] = False,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Import what other programs wrote: reports, accuracies (audited on the way in), predictions, trainings.

    What the tables of a report were taken for is shown first, and asked about where nobody said --yes. Predictions are
    scored with the official metric; afterwards `compare` takes them question by question.

    Example:
    leverplus import accuracy_matrices.json
    leverplus import report.md --yes
    leverplus import predictions.json --dataset ./okvqa --shot 2 --vlm Qwen2.5-VL-3B
    """
    found = [read_file(path, dataset=dataset, vlm=vlm) for path in files]  # all, before anything is stored
    if shot is not None and any(reading.matrices for reading in found):
        raise UserError(
            "--shot is for predictions: these figures say themselves with how many demonstrations they were made"
        )
    if not yes:
        _confirm(found, reading_findings(found), as_json)
    place, database = open_home(home)
    told = Told(dataset=dataset, vlm=vlm, shot=shot, split=split, name=name)
    entries, findings = take(place, database, found, told)
    if as_json:
        put_json({"imported": entries, "findings": findings_json(findings)})
        return
    _print(entries, findings)


def asks() -> bool:
    """Whether somebody sits there who can be asked."""
    return sys.stdin.isatty()


def _confirm(readings: Sequence[Reading], findings: Sequence[Finding], as_json: bool) -> None:
    """Show what was guessed and ask about it; where nobody can be asked, say how to go on, and end."""
    guessed = [reading for reading in readings if reading.guessed]
    if not guessed:
        return
    if not as_json:
        for reading in guessed:
            put("\n".join(reading_lines(reading)))
        for line in finding_lines(finding for finding in findings if finding.severity != "info"):
            say(line)
        if asks():
            if typer.confirm("Import this?", err=True):
                return
            say("nothing was stored")
            raise typer.Exit(1)
    names = ", ".join(str(reading.path) for reading in guessed)
    if as_json:
        put_json(
            {
                "imported": [],
                "would_import": [reading_json(one) for one in guessed],
                "findings": findings_json(findings),
            }
        )
    raise UserError(
        f"{names}: what the tables say was guessed from their words, and nothing is stored; add --yes to take it so"
    )


def _print(entries: list[dict[str, Any]], findings: list[Finding]) -> None:
    rows = [
        (e["run"], e["label"][:40], e["dataset"], e["vlm"], e["date"], str(len(e["cells"])), e["source"][-32:])
        for e in entries
    ]
    put(table(("run", "label", "data", "model", "date", "figures", "source"), rows, right=(5,)))
    already = sum("already" in entry for entry in entries)
    if already:
        say(f"{already} of them were imported before and are not stored again")
    lines = finding_lines(findings)
    for line in lines[:SHOWN_FINDINGS]:
        say(line)
    if len(lines) > SHOWN_FINDINGS:
        say(f"first lines of {len(findings)} findings; each run keeps its own: leverplus show RUN, or --json for all")
