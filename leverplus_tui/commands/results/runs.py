"""`leverplus runs`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from db import store
from db.session import reading
from db.specs import Finding
from db.store import RunRow
from engine.demo.shipped import is_synthetic
from leverplus_tui.commands.database import open_home
from leverplus_tui.commands.options import HomeOption, JsonOption
from leverplus_tui.results.health import listed_findings
from leverplus_tui.results.run_result import run_json
from leverplus_tui.text.figures import figure_text, size_text, unlike_questions
from leverplus_tui.text.output import put, put_json, say, table
from leverplus_tui.text.shots import shots_text
from leverplus_tui.text.states import state_text
from leverplus_tui.text.times import duration, moment

NAME_WIDTH = 32


def runs(
    where: Annotated[
        str | None,
        typer.Option("--where", metavar="EXPR", help='Which runs, such as: kind:eval acc@2>45 -tag:smoke "text".'),
    ] = None,
    sort: Annotated[
        str, typer.Option("--sort", metavar="FIELD", help="Field, then asc or desc, such as: acc@2 desc.")
    ] = "created desc",
    limit: Annotated[
        int | None, typer.Option("--limit", "-n", min=1, max=2**31 - 1, help="Show only this many, the first ones.")
    ] = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """List runs with their accuracies, newest first unless --sort says otherwise.

    Example:
    leverplus runs
    leverplus runs --where 'kind:eval state:done acc@2>45' --sort 'acc@2 desc'
    """
    place, database = open_home(home)
    with reading(database) as session:
        rows = store.list_runs(session, where=where, sort=sort, limit=limit)
        total = store.count_runs(session, where=where)
        found = listed_findings(session, rows)
    if as_json:
        put_json([run_json(row, found[row.id]) for row in rows])
        return
    if not rows:
        say(
            f"no runs match {where!r} in {place.root}"
            if where
            else f"no runs in {place.root}: leverplus run eval --shot 2"
        )
        return
    shots = sorted({cell.shot for row in rows for cell in row.cells})
    headers = (
        "id",
        "name",
        "kind",
        "vlm",
        "dataset",
        *(f"acc@{shots_text(shot)}" for shot in shots),
        *(["n"] if shots else []),
        "created",
        "duration",
        "state",
        "",
    )
    put(
        table(
            headers, [_line(row, shots, found[row.id]) for row in rows], right=range(5, 6 + len(shots) if shots else 5)
        )
    )
    if note := unlike_questions(rows, sort):
        say(note)
    if len(rows) < total:
        say(f"first {len(rows)} of {total}")


def _line(row: RunRow, shots: list[int], findings: Sequence[Finding]) -> tuple[str, ...]:
    figures = [row.headline(shot) for shot in shots]
    return (
        row.ref,
        row.name if len(row.name) <= NAME_WIDTH else f"{row.name[: NAME_WIDTH - 1]}…",
        row.kind,
        _short(row.vlm, 20) or "-",
        (_short(row.dataset, 20) or "-") + (" (synthetic)" if is_synthetic(row.dataset, row.vlm) else ""),
        *(figure_text(cell) for cell in figures),
        *([size_text([cell for cell in figures if cell is not None])] if shots else []),
        moment(row.created),
        duration(row.duration_s),
        state_text(row),
        _flags(row, findings),
    )


def _flags(row: RunRow, findings: Sequence[Finding]) -> str:
    """How many findings count, and the kind of the worst."""
    flags = ["!forced"] if row.forced else []
    serious = [finding for finding in findings if finding.severity != "info"]
    if serious:
        flags.append(f"!{len(serious)} {serious[0].code}")
    return " ".join([*flags, *(f"#{tag}" for tag in row.tags)])


def _short(text: str, width: int) -> str:
    """The end of a long path or hub id says most."""
    return text if len(text) <= width else "…" + text[-(width - 1) :]
