"""`leverplus data derive` and `leverplus data export`: new files from RL data, each made by a process of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from db.home import resolve_home
from db.specs import UserError
from leverplus_tui.commands.database import open_home
from leverplus_tui.commands.options import HomeOption, JsonOption
from leverplus_tui.commands.run_program import run_program
from leverplus_tui.data.registering import register_made
from leverplus_tui.jobs.named_paths import rl_data_path
from leverplus_tui.jobs.programs import Program
from leverplus_tui.text.output import say

SourceArgument = Annotated[
    str,
    typer.Argument(
        metavar="DATA", help="RL data: a path, a registered name, a run that made some (r12), or `builtin`."
    ),
]
OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace the file if it exists.")]


def derive(
    data: SourceArgument,
    out: Annotated[Path, typer.Option("--out", help="File to write.")],
    steps: Annotated[
        list[str] | None,
        typer.Option(
            "--step",
            metavar="NAME",
            help="What to do, in order: balanced, strict, drop-transfers, drop-fallback, deduplicate, drop-self, "
            "drop-repeats, pool-repair, rescore.",
        ),
    ] = None,
    merge: Annotated[
        list[str] | None,
        typer.Option(
            "--merge",
            metavar="DATA",
            help="RL data to put in before the steps: other shards, or more candidates for the same queries.",
        ),
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="STEP.FIELD=VALUE", help="A parameter, such as balanced.min_positive=2."),
    ] = None,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Filter, repair or merge RL data into a new file that records its origin and every step. The original does not change.

    Example:
    leverplus data derive rl_data.json --out balanced.json --step drop-transfers --step balanced
    leverplus data derive part0.json --merge part1.json --merge mined.json --out all.json --step deduplicate
    leverplus data derive r12 --out strict.json --step strict --set strict.max_pos_ratio=0.45 --set strict.min_pos_count=1
    """
    if not (steps or merge):
        raise UserError("there is nothing to do: give --step NAME for what is to be dropped or mended, or --merge DATA")
    place = resolve_home(home)
    words = [word for step in steps or () for word in ("--step", step)]
    words += [word for one in merge or () for word in ("--merge", str(rl_data_path(one, place)))]
    words += [word for assignment in assignments or () for word in ("--set", assignment)]
    run_program(
        Program.DERIVE,
        str(rl_data_path(data, place)),
        "--out",
        str(out),
        *words,
        *_switches(overwrite, as_json),
    )
    _register(out, home)


def export(
    data: SourceArgument,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="File to write.")],
    to: Annotated[
        Literal["r2", "r3", "jsonl", "parquet"],
        typer.Option(
            "--format",
            help="r2: published JSON with train rows; r3: published JSON with pools and positions; jsonl: a query on each "
            "line; parquet: a candidate on each row (needs pyarrow).",
        ),
    ],
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Write RL data in another format, then read the file back to check it.

    Example:
    leverplus data export rl_data.json rows.json --format r2
    leverplus data export r12 candidates.parquet --format parquet
    """
    source = str(rl_data_path(data, resolve_home(home)))
    run_program(Program.EXPORT, source, str(out), "--format", to, *_switches(overwrite, as_json))
    _register(out, home)


def _register(out: Path, home: Path | None) -> None:
    _, database = open_home(home)
    row = register_made(database, out)
    if row is not None:
        say(f"registered as {row.ref} {row.name}")


def _switches(overwrite: bool, as_json: bool) -> list[str]:
    return [word for word, given in (("--overwrite", overwrite), ("--json", as_json)) if given]
