"""Options that many commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from db.user_error import UserError


def _inherit(context: typer.Context, value: Path | None) -> Path | None:
    """`leverplus --home X runs` and `leverplus runs --home X` mean the same."""
    outer: Any = context.find_root().obj
    return value or outer


HomeOption = Annotated[
    Path | None,
    typer.Option(
        "--home", callback=_inherit, help="Folder of the runs; else LEVERPLUS_HOME, else the nearest .leverplus/."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="A run: r12, 12, or a name that only one run has.")]
RunsArgument = Annotated[list[str], typer.Argument(metavar="RUN", help="Runs: r12, 12, or names.")]
DetachOption = Annotated[bool, typer.Option("--detach", help="Return at once; the job goes on by itself.")]
ForceOption = Annotated[
    bool, typer.Option("--force", help="Run although preflight finds errors; the run is marked as forced.")
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]


def confirmed(question: str, otherwise: str, without: str) -> None:
    """Ask on a terminal; elsewhere a UserError says which command needs no asking."""
    if not typer.get_text_stream("stdin").isatty():
        raise UserError(f"{otherwise}, because there is no terminal to ask on: `{without}` does it without asking")
    typer.confirm(question, abort=True, err=True)
