"""`leverplus compare`."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from db import store
from db.specs import UserError
from engine.common.collecting import uncollected
from leverplus_tui.commands.database import find_run_ids, reading_home
from leverplus_tui.commands.options import HomeOption, JsonOption
from leverplus_tui.results.comparison import Asked
from leverplus_tui.results.comparison import compare as compare_runs
from leverplus_tui.results.comparison_text import csv_text, markdown, plain_text
from leverplus_tui.text.numbers import plural
from leverplus_tui.text.output import put, put_json


def compare(
    runs: Annotated[list[str] | None, typer.Argument(metavar="[RUN]...", help="Runs: r12, 12, or names.")] = None,
    where: Annotated[
        str | None,
        typer.Option("--where", metavar="EXPR", help="Also these runs, such as: kind:eval state:done tag:paper."),
    ] = None,
    best_of: Annotated[
        bool,
        typer.Option(
            "--best-of",
            help="Say whether anything is better than the best of the others: of the named runs where --where picks "
            "what is asked about, else of all but the leader.",
        ),
    ] = False,
    group_by: Annotated[
        Literal["seed"] | None,
        typer.Option("--group-by", metavar="seed", help="Combine runs that differ by their seed alone."),
    ] = None,
    bh: Annotated[
        bool,
        typer.Option("--bh", help="Correct by Benjamini and Hochberg, which bounds the share of false discoveries."),
    ] = False,
    as_json: JsonOption = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, one line per pair.")] = False,
    home: HomeOption = None,
) -> None:
    """Compare runs question by question: differences with intervals, verdicts after correction, what was set differently.

    Example:
    leverplus compare r10 r12
    leverplus compare r10 r12 r13 --markdown
    leverplus compare --where 'kind:eval tag:paper' --best-of
    leverplus compare r3 r4 --where 'name:v3' --best-of
    leverplus compare r10 r11 r12 r13 --group-by seed
    """
    if sum((as_json, as_markdown, as_csv)) > 1:
        raise UserError("--json, --markdown and --csv exclude each other: give one of them")
    with reading_home(home) as session, uncollected():
        named = find_run_ids(session, runs or [])
        picked = store.run_ids(session, where=where, sort="created asc") if where is not None else []
        run_ids = list(dict.fromkeys([*named, *picked]))
        if len(run_ids) < 2:
            raise UserError(_too_few(where, len(picked)))
        reference = tuple(named) if best_of and set(picked) - set(named) else ()
        asked = Asked(best_of=best_of, reference=reference, by_seed=group_by == "seed", bh=bh)
        found = compare_runs(session, run_ids, asked=asked)
        if group_by and not found.groups:
            alike = (
                "no two of these runs are evaluations that differ by their seed alone and answered the same questions"
            )
            raise UserError(f"--group-by seed: {next(iter(found.apart), f'{alike}; repeat one with another --seed')}")
    if as_json:
        put_json(found.as_json())
        return
    put((markdown if as_markdown else csv_text if as_csv else plain_text)(found))


def _too_few(where: str | None, picked: int) -> str:
    if where is None:
        return "compare needs two different runs: leverplus compare r10 r12"
    return f"--where {where!r} picks {plural(picked, 'run')}, and compare needs two: see `leverplus runs --where ...`"
