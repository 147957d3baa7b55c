"""`leverplus doctor`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from db import store
from db.home import resolve_home
from db.session import open_database, reading
from db.specs import Report, UserError
from db.specs.base import has_error
from db.store import RunDetail
from engine.demo.shipped import BUILTIN, FILES, builtin_file
from engine.doctor.examine import examine
from engine.doctor.request import EXPECTED, expectations
from leverplus_tui.commands.database import find_run_id, open_home
from leverplus_tui.commands.options import HomeOption, JsonOption
from leverplus_tui.jobs.named_paths import best_checkpoint
from leverplus_tui.jobs.spec_options import flatten
from leverplus_tui.results.health import examine_run
from leverplus_tui.text.output import finding_lines, put, put_json

RUN = re.compile(r"r?\d+")


def doctor(
    subjects: Annotated[
        list[str], typer.Argument(metavar="PATH_OR_RUN", help="Files, folders, runs, registered names, or `builtin`.")
    ],
    expect: Annotated[
        list[str] | None,
        typer.Option("--expect", metavar="FIELD=VALUE", help=f"What a checkpoint should be: {', '.join(EXPECTED)}."),
    ] = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Say what is wrong with files and runs, how much it matters, and what to do. No code in a file is executed.

    Exits with 1 when an error is found.

    Example:
    leverplus doctor epoch5.pt --expect variant=v3 --expect d_model=768
    leverplus doctor rl_data.json accuracy_matrices.json r12
    """
    wanted = expectations(expect or ())
    reports = [report for subject in subjects for report in _reports(subject, wanted, home)]
    if as_json:
        put_json([report.model_dump(mode="json") for report in reports])
    else:
        put("\n\n".join(_text(report) for report in reports))
    if any(has_error(report.findings) for report in reports):
        raise typer.Exit(1)


def _reports(subject: str, wanted: dict[str, str], home: Path | None) -> Iterator[Report]:
    """A path wins over what else has that name: `builtin`, a run, registered data."""
    path = Path(subject).expanduser()
    if path.exists():
        yield examine(path, expect=wanted or None)
    elif subject == BUILTIN:
        for kind in FILES:
            yield examine(builtin_file(kind), expect=wanted if kind == "checkpoint" and wanted else None)
    elif RUN.fullmatch(subject):
        yield from _run_reports(subject, wanted, home)
    else:
        yield examine(_registered(subject, path, home), expect=wanted or None)


def _run_reports(subject: str, wanted: dict[str, str], home: Path | None) -> Iterator[Report]:
    """The run, and the checkpoint behind it where something is expected of one."""
    _, database = open_home(home)
    with reading(database) as session:
        run_id = find_run_id(session, subject, deleted=True)
        detail = store.run_detail(session, run_id=run_id)
        yield examine_run(session, detail)
    if wanted:
        yield examine(_checkpoint_of(detail), expect=wanted)


def _checkpoint_of(detail: RunDetail) -> Path:
    """The best checkpoint that a run wrote, else the one that it was given."""
    path = best_checkpoint(detail) or detail.spec.get("selector") or detail.spec.get("init")
    if path == BUILTIN:
        return builtin_file("checkpoint")
    if not path:
        row = detail.row
        raise UserError(
            f"--expect: {row.ref} ({row.kind}, {row.state}) has no checkpoint: give a file, or a run that trained or used one"
        )
    if not Path(path).exists():
        raise UserError(f"--expect: the checkpoint of {detail.row.ref} is gone from {path}: give another file")
    return Path(path)


def _registered(subject: str, path: Path, home: Path | None) -> Path:
    place = resolve_home(home)
    if place.database.exists():
        with reading(open_database(place.database)) as session:
            found = next((row for row in store.list_data(session) if subject in (row.name, row.ref)), None)
        if found is not None and Path(found.path).exists():
            return Path(found.path)
        if found is not None:
            raise UserError(
                f"{found.ref} {found.name} is gone from {found.path}: `leverplus data add FILE` registers another"
            )
    raise UserError(
        f"there is nothing at {path.absolute()}, and {subject} is no run such as r12, nothing registered and not `builtin`: "
        "`leverplus runs` and `leverplus data list` say what there is"
    )


def _text(report: Report) -> str:
    lines = [f"{report.path}: {report.kind}"]
    # Long lists are for `--json`; that one is empty says something of a file, and nothing of a run.
    facts = [
        (name, "none" if isinstance(value, (list, tuple)) else value)
        for name, value in flatten(report.facts)
        if not isinstance(value, (list, tuple)) or not (value or report.kind == "run")
    ]
    width = max((len(name) for name, _ in facts), default=0)
    lines += [f"  {name.ljust(width)}  {value}".rstrip() for name, value in facts]
    lines += [f"  {line}" for line in finding_lines(report.findings)] or ["  nothing is wrong with it"]
    return "\n".join(lines)
